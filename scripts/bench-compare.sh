#!/usr/bin/env bash
# Puts per second and latency of Atlas beside etcd (3 members each, one zone) and of one Atlas node
# beside redis with an fsync per write, all on this machine, in one run, with the same keys and
# values. Needs what scripts/build.sh made, and installs etcd-server, redis-server and golang-go.
# Usage: scripts/bench-compare.sh [seconds per measurement]   (ATLAS_BIN: other binaries)
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-5}
bin=${ATLAS_BIN:-$PWD/build/release/bin}
dir=$(mktemp -d "${TMPDIR:-/var/tmp}/atlas-compare.XXXXXX")
pids=()

stop_all() {
  for p in "${pids[@]}"; do kill -9 "$p" 2>/dev/null || true; done
  for p in "${pids[@]}"; do wait "$p" 2>/dev/null || true; done
  pids=()
}
trap 'stop_all; rm -rf "$dir"' EXIT

missing=()
command -v etcd >/dev/null || missing+=(etcd-server)
command -v redis-server >/dev/null || missing+=(redis-server)
command -v go >/dev/null || missing+=(golang-go)
[ ${#missing[@]} -eq 0 ] || { apt-get update -qq && apt-get install -y -qq "${missing[@]}" >/dev/null; }
(cd scripts/etcd-load && GOFLAGS=-mod=mod go build -o "$dir/etcd-load" . )

wait_for() { # what, command...
  local what=$1
  shift
  for _ in $(seq 300); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  echo "$what did not come up; logs in $dir" >&2
  exit 1
}

start_atlas() { # nodes
  local i extra
  for i in $(seq "$1"); do
    extra=()
    [ "$i" -gt 1 ] && extra=(--set "connect=[localhost:4481]")
    printf 'advertise: localhost:448%s\nregion: local\ncredentials: bench\ndb_path: %s/a%s\nsocket: %s/s%s\n' \
      "$i" "$dir" "$i" "$dir" "$i" >"$dir/a$i.yaml"
    "$bin/atlas-node" --config "$dir/a$i.yaml" "${extra[@]}" 2>"$dir/a$i.log" &
    pids+=($!)
    wait_for "atlas node $i" test -S "$dir/s$i"
  done
  wait_for "table" "$bin/atlas-console" "$dir/s1" -c "KEY PUT bench0.warm up"
  wait_for "three acceptors" bash -c \
    "'$bin/atlas-console' '$dir/s1' -c 'TABLE INFO bench0' | grep -q 'acceptors=$(seq -s, "$1")$'"
}

start_etcd() {
  local i all="m1=http://127.0.0.1:4581,m2=http://127.0.0.1:4582,m3=http://127.0.0.1:4583"
  for i in 1 2 3; do
    etcd --name "m$i" --data-dir "$dir/e$i" --listen-peer-urls "http://127.0.0.1:458$i" \
      --initial-advertise-peer-urls "http://127.0.0.1:458$i" \
      --listen-client-urls "http://127.0.0.1:459$i" \
      --advertise-client-urls "http://127.0.0.1:459$i" --initial-cluster "$all" \
      --initial-cluster-state new >"$dir/e$i.log" 2>&1 &
    pids+=($!)
  done
  wait_for etcd "$dir/etcd-load" -endpoints 127.0.0.1:4591 -clients 1 -warmup 0 -duration 0.1
}

atlas_load() { # clients, sockets...
  local clients=$1 s sockets=()
  shift
  for s in "$@"; do sockets+=(--socket "$s"); done
  "$bin/atlas-bench" "${sockets[@]}" --workload put --clients "$clients" --value-size 100 \
    --keys 10000 --warmup 1 --duration "$seconds" | grep "^all"
}

echo "== three members, 100-byte puts, fsync on a quorum; per second, then p50 p95 p99 p99.9 max us"
for clients in 1 64 256; do
  start_etcd
  echo "etcd   $clients clients: $("$dir/etcd-load" -clients "$clients" -duration "$seconds" \
    -endpoints 127.0.0.1:4591,127.0.0.1:4592,127.0.0.1:4593)"
  stop_all
  rm -rf "$dir"/e?
  start_atlas 3
  echo "atlas  $clients clients, at the owner:    $(atlas_load "$clients" "$dir/s1")"
  echo "atlas  $clients clients, over all nodes:  $(atlas_load "$clients" "$dir/s1" "$dir/s2" "$dir/s3")"
  stop_all
  rm -rf "$dir"/a? "$dir"/s?
done

echo "== one node, 100-byte writes, fsync before the answer"
for clients in 1 64 256; do
  redis-server --port 0 --unixsocket "$dir/redis" --appendonly yes --appendfsync always \
    --save "" --dir "$dir" >"$dir/redis.log" 2>&1 &
  pids+=($!)
  wait_for redis test -S "$dir/redis"
  echo "redis  $clients clients: $("$bin/atlas-bench" --engine redis --socket "$dir/redis" \
    --workload put --clients "$clients" --value-size 100 --keys 10000 --warmup 1 \
    --duration "$seconds" | tail -1)"
  stop_all
  rm -rf "$dir/redis" "$dir"/appendonly*
  start_atlas 1
  echo "atlas  $clients clients: $(atlas_load "$clients" "$dir/s1")"
  stop_all
  rm -rf "$dir"/a? "$dir"/s?
done
