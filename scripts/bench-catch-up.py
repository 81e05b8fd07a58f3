#!/usr/bin/env python3
"""How much a running load suffers while a node that was away catches up.

Three nodes on this machine; one is killed, misses the given number of writes and is started again
while the load goes on. Prints throughput and latencies of each phase. All nodes share the cores
and the disk, so the node that catches up takes both from the others: on machines of their own the
effect is smaller. Needs nothing but the programs (build/release/bin, or ATLAS_BIN).

usage: scripts/bench-catch-up.py [clients] [writes missed]        (default: 16 100000)
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BIN = os.environ.get("ATLAS_BIN", os.path.join(HERE, "..", "build", "release", "bin"))
CLIENTS = sys.argv[1] if len(sys.argv) > 1 else "16"
MISSED = int(sys.argv[2]) if len(sys.argv) > 2 else 100000
SECONDS = 8


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def configure(home, ports, node):
    text = f"advertise: localhost:{ports[node]}\nlisten: 127.0.0.1:{ports[node]}\nregion: local\n"
    text += f"credentials: bench\ndb_path: {home}/{node}/\nsocket: {home}/{node}.sock\n"
    text += "max_cache_size: 64MB\n"
    if node > 0:
        text += f"connect: [localhost:{ports[0]}]\n"
    with open(f"{home}/{node}.yaml", "w") as out:
        out.write(text)


def start(home, node):
    log = open(f"{home}/{node}.log", "a")
    command = [f"{BIN}/atlas-node", "--config", f"{home}/{node}.yaml"]
    return subprocess.Popen(command, stderr=log)


def ask(home, node, line, limit=30):
    """First line of the answer; waits until the node serves."""
    until = time.time() + limit
    while time.time() < until:
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(limit)
                s.connect(f"{home}/{node}.sock")
                f = s.makefile("rwb", buffering=0)
                f.readline()
                f.write(b"HELLO 1.0 bench\r\n")
                f.readline()
                f.write(line.encode() + b"\r\n")
                return f.readline().decode().strip()
        except OSError:
            time.sleep(0.1)
    sys.exit(f"node {node} does not serve; see its log in {home}")


def load(home, name, seconds=SECONDS, warmup=0):
    command = [f"{BIN}/atlas-bench", "--socket", f"{home}/0.sock", "--clients", CLIENTS]
    command += ["--duration", str(seconds), "--warmup", str(warmup), "--keys", "100000", "--json"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    got = json.loads(run.stdout)
    us = got["latency_us"]
    print(f"{name:28} {got['throughput_per_s']:9.0f} puts/s   p50 {us['p50']:6.0f} us"
          f"   p99 {us['p99']:6.0f} us", flush=True)
    return got["throughput_per_s"] * seconds


def slot(home, node):
    words = ask(home, node, "TABLE INFO bench0").split()
    return next((w for w in words if w.startswith("slot=")), "slot=?")


def main():
    home = tempfile.mkdtemp(prefix="atlas-catch-up-", dir=os.environ.get("TMPDIR", "/var/tmp"))
    ports = free_ports(3)
    nodes = {}
    try:
        for node in range(3):
            configure(home, ports, node)
            nodes[node] = start(home, node)
            ask(home, node, "NODE LIST")
        time.sleep(2)
        ask(home, 0, "KEY PUT bench0.first 1")
        load(home, "three nodes", warmup=2)
        nodes[2].send_signal(signal.SIGKILL)
        nodes[2].wait()
        missed = 0
        while missed < MISSED:
            missed += load(home, "two nodes")
        print(f"the third one missed {missed:.0f} writes")
        load(home, "two nodes, before the start", warmup=2)
        nodes[2] = start(home, 2)
        load(home, "while it catches up")
        print(f"owner {slot(home, 0)}, the node that was away {slot(home, 2)}")
        load(home, "after")
    finally:
        for process in nodes.values():
            process.terminate()
        for process in nodes.values():
            process.wait()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
