// etcd-load: closed-loop puts against etcd, with the same meaning of clients, keys, value size and
// latency as atlas-bench, so that both can be quoted in one run (scripts/bench-compare.sh). Every
// client has a connection of its own and talks to endpoint c mod n.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

func main() {
	endpoints := flag.String("endpoints", "localhost:2379", "comma separated; client c uses c mod n")
	clients := flag.Int("clients", 64, "concurrent closed-loop clients")
	keys := flag.Int("keys", 10000, "distinct keys")
	valueSize := flag.Int("value-size", 100, "bytes")
	warmup := flag.Float64("warmup", 1, "seconds before measuring")
	duration := flag.Float64("duration", 5, "seconds measured")
	flag.Parse()

	list := strings.Split(*endpoints, ",")
	value := strings.Repeat("v", *valueSize)
	begin := time.Now().Add(time.Duration(*warmup * float64(time.Second)))
	end := begin.Add(time.Duration(*duration * float64(time.Second)))
	latencies := make([][]int64, *clients)
	var failed int64
	var group sync.WaitGroup
	for c := 0; c < *clients; c++ {
		group.Add(1)
		go func(c int) {
			defer group.Done()
			client, err := clientv3.New(clientv3.Config{
				Endpoints: []string{list[c%len(list)]}, DialTimeout: 5 * time.Second})
			if err != nil {
				atomic.AddInt64(&failed, 1)
				return
			}
			defer client.Close()
			random := rand.New(rand.NewSource(int64(c + 1)))
			for {
				before := time.Now()
				if before.After(end) {
					return
				}
				key := fmt.Sprintf("bench0.k%d", random.Intn(*keys))
				ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				_, err := client.Put(ctx, key, value)
				cancel()
				if err != nil {
					atomic.AddInt64(&failed, 1)
				} else if before.After(begin) {
					latencies[c] = append(latencies[c], time.Since(before).Microseconds())
				}
			}
		}(c)
	}
	group.Wait()
	var all []int64
	for _, l := range latencies {
		all = append(all, l...)
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	at := func(q float64) int64 {
		if len(all) == 0 {
			return 0
		}
		return all[int(q*float64(len(all)-1))]
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"clients": *clients, "operations_per_second": float64(len(all)) / *duration,
		"p50_us": at(0.5), "p95_us": at(0.95), "p99_us": at(0.99), "errors": failed})
	if failed > 0 {
		os.Exit(1)
	}
}
