#!/usr/bin/env python3
"""The pause of writes while a loaded table moves between two zones, on an emulated WAN.

Starts configs/three-zones on this machine in a directory of its own, puts load on a table, moves it
to and fro with TABLE MOVE, and prints per move the longest time without an acknowledged write
beside the bound: one round trip between the two zones plus 20 ms. Then once more with the third
zone killed. Exit code 1 if a request failed.

Usage: scripts/bench-hand-off.py [--bin DIR] [--moves N] [--clients N] [--port FIRST]
"""
import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROUND_TRIP_MS = 85  # us-east-1 to eu-west-1 in the preset `global`
HOST = {"us": "us-east-1", "eu": "eu-west-1", "ap": "ap-south-1"}


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile("rwb", buffering=0)
        self.file.readline()
        self.file.write(b"HELLO 1.0 bench\r\n")
        self.file.readline()

    def ask(self, command):
        """All lines of the reply; the last one is OK or an error."""
        self.file.write(command.encode() + b"\r\n")
        lines = []
        while True:
            line = self.file.readline().decode().strip()
            if not line:
                raise SystemExit(f"the node closed the connection after: {command}")
            lines.append(line)
            if line == "OK" or line.startswith("ERROR"):
                return lines


class Cluster:
    def __init__(self, bin_dir, port):
        self.bin = bin_dir
        self.ports = {zone: port + i for i, zone in enumerate(HOST)}
        self.dir = tempfile.mkdtemp(prefix="atlas-hand-off.")
        self.nodes = {}

    def start(self, zone):
        settings = {
            "db_path": f"{self.dir}/{zone}",
            "socket": f"{self.dir}/{zone}.socket",
            "advertise": f"localhost:{self.ports[zone]}",
            "listen": f"127.0.0.1:{self.ports[zone]}",
        }
        if zone != "us":
            settings["connect"] = f"[localhost:{self.ports['us']}]"
        command = [f"{self.bin}/atlas-node", "--config", f"configs/three-zones/{zone}.yaml"]
        for name, value in settings.items():
            command += ["--set", f"{name}={value}"]
        with open(f"{self.dir}/{zone}.log", "w") as log:
            self.nodes[zone] = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(lambda: os.path.exists(self.socket(zone)), f"node {zone}")

    def socket(self, zone):
        return f"{self.dir}/{zone}.socket"

    def client(self, zone):
        return Client(self.socket(zone))

    def stop(self):
        for node in self.nodes.values():
            node.kill()
            node.wait()
        shutil.rmtree(self.dir)


def wait_until(holds, what, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise SystemExit(f"{what} did not come about within {seconds} s")
        time.sleep(0.1)


class Load:
    """Closed-loop writers in some zones; remembers when each write was acknowledged."""

    def __init__(self, cluster, zones, clients):
        self.stopped = False
        self.done = []
        self.errors = []
        self.threads = [
            threading.Thread(target=self.run, args=(cluster.client(zone), f"{zone}{i}", i / clients))
            for zone in zones
            for i in range(clients)
        ]
        for t in self.threads:
            t.start()

    def run(self, client, name, phase):
        time.sleep(phase * ROUND_TRIP_MS / 1e3)  # spread over a round trip, not in step
        count = 0
        while not self.stopped:
            reply = client.ask(f"KEY PUT pause.{name} {count}")[-1]
            self.done.append(time.monotonic())
            if reply != "OK":
                self.errors.append(reply)
            count += 1

    def stop(self):
        self.stopped = True
        for t in self.threads:
            t.join()


def longest(times, begin, end):
    """Longest gap, in ms, between neighbours that overlap [begin, end]."""
    return max((b - a) * 1e3 for a, b in zip(times, times[1:]) if b > begin and a < end)


def measure(cluster, zones, clients, moves):
    admin = cluster.client("us")
    load = Load(cluster, zones, clients)
    time.sleep(2)
    pauses = []
    for i in range(moves):
        target = ("us", "eu")[i % 2]
        begin = time.monotonic()
        reply = admin.ask(f"TABLE MOVE pause TO {HOST[target]}")[-1]
        end = time.monotonic()
        if reply != "OK":
            load.errors.append(reply)
        time.sleep(1.5)
        pauses.append((target, longest(sorted(load.done), begin - 0.05, end + 0.3)))
    quiet_from = time.monotonic()
    time.sleep(1.5)
    load.stop()
    quiet = longest(sorted(load.done), quiet_from, quiet_from + 1.3)
    bound = ROUND_TRIP_MS + 20
    over = sum(ms > bound for _, ms in pauses)
    shown = "  ".join(f"{target} {ms:.0f}" for target, ms in pauses)
    print(f"  writers in {'+'.join(zones)}: {shown} ms; bound {bound} ms, {over} above; "
          f"without a move {quiet:.0f} ms; {len(load.done)} writes, {len(load.errors)} failed",
          flush=True)
    for error in load.errors[:3]:
        print("   ", error)
    return not load.errors


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/release/bin", help="where the programs are")
    parser.add_argument("--moves", type=int, default=8)
    parser.add_argument("--clients", type=int, default=16, help="per zone")
    parser.add_argument("--port", type=int, default=4471, help="first of three free ports")
    options = parser.parse_args()
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    cluster = Cluster(os.path.abspath(options.bin), options.port)
    fine = True
    try:
        for zone in HOST:
            cluster.start(zone)
        eu = cluster.client("eu")
        wait_until(lambda: eu.ask("KEY PUT pause.x 1")[-1] == "OK", "a first write")
        wait_until(lambda: "acceptors=3,2,1" in eu.ask("TABLE INFO pause")[0],
                   "a table with three acceptors")
        for title in ("all three zones are up", "the third zone is down"):
            print(title)
            for zones in (["us", "eu"], ["eu"], ["us"]):
                fine &= measure(cluster, zones, options.clients, options.moves)
            cluster.nodes["ap"].kill()
            time.sleep(3)
    finally:
        cluster.stop()
    sys.exit(0 if fine else 1)


main()
