#!/usr/bin/env python3
"""Uploads against the disk they go to: one real node, values of 64 MiB, in turns with plain files.

Each round starts an atlas-node on an empty directory, writes so many files of 64 MiB, each with one
fsync, and then uploads as many values with KEY BLOB SET, one after the other, the first to a table
that is not there yet. Prints both rates, their ratio and the node's peak memory; last the medians.

Usage: scripts/bench-uploads.py [--rounds 5] [--values 8] [--node PATH/TO/atlas-node] [--dir DIR]
"""
import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MIB = 1 << 20
VALUE = 64 * MIB


def write_files(folder, count, value):
    """MiB per second of files that are written in MiB and synced once each."""
    spent = 0.0
    for number in range(count):
        path = os.path.join(folder, "file%d" % (number % 4))
        if os.path.exists(path):
            os.unlink(path)
        begin = time.monotonic()
        with open(path, "wb", buffering=0) as out:
            for at in range(0, VALUE, MIB):
                out.write(value[at:at + MIB])
            os.fsync(out.fileno())
        spent += time.monotonic() - begin
    for number in range(min(count, 4)):
        os.unlink(os.path.join(folder, "file%d" % number))
    return count * VALUE / MIB / spent


class Node:
    def __init__(self, program, folder):
        self._socket_path = os.path.join(folder, "socket")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        config = os.path.join(folder, "node.yaml")
        with open(config, "w", encoding="ascii") as out:
            out.write("advertise: 127.0.0.1:%d\nlisten: 127.0.0.1:%d\nregion: eu\n"
                      "credentials: only-for-this-run\ndb_path: %s/db\nsocket: %s\n"
                      % (port, port, folder, self._socket_path))
        with open(os.path.join(folder, "log"), "wb") as log:
            self._process = subprocess.Popen([program, "--config", config], stdout=log,
                                             stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 30
        while not os.path.exists(self._socket_path):
            if self._process.poll() is not None or time.monotonic() > deadline:
                with open(os.path.join(folder, "log"), encoding="utf-8") as said:
                    sys.exit("the node did not start:\n" + said.read())
            time.sleep(0.02)

    def upload(self, count, value):
        """MiB per second of values that are acknowledged one after the other."""
        spent = 0.0
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(self._socket_path)
            answers = client.makefile("rb")
            answers.readline()
            client.sendall(b"HELLO 1.0 clientId=bench-uploads\r\n")
            answers.readline()
            for number in range(count):
                head = os.urandom(64)  # every value is another one
                begin = time.monotonic()
                client.sendall(b"KEY BLOB SET uploads.v%d %d\r\n" % (number % 4, VALUE) + head)
                client.sendall(value[len(head):])
                answer = answers.readline()
                spent += time.monotonic() - begin
                if answer != b"OK\r\n":
                    sys.exit("an upload failed: " + answer.decode(errors="replace"))
        return count * VALUE / MIB / spent

    def end(self):
        """Peak memory in MiB."""
        with open("/proc/%d/status" % self._process.pid, encoding="ascii") as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
        self._process.terminate()
        self._process.wait()
        return peak // 1024


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--values", type=int, default=8, help="of each round (default: 8)")
    options.add_argument("--node", default=os.path.join(ROOT, "build/release/bin/atlas-node"))
    options.add_argument("--dir", default="/var/tmp", help="on the disk to be measured")
    given = options.parse_args()
    if given.rounds < 1 or given.values < 1:
        options.error("--rounds and --values are at least 1")
    if not os.access(given.node, os.X_OK):
        options.error("%s is not there: build it with scripts/build.sh release" % given.node)
    value = memoryview(os.urandom(VALUE))
    rows = []
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory(dir=given.dir) as folder:
            node = Node(given.node, folder)
            disk = write_files(folder, given.values, value)
            upload = node.upload(given.values, value)
            rows.append((disk, upload, upload / disk, node.end()))
        print("files %5.0f MiB/s, uploads %5.0f MiB/s, %.0f %%, peak %d MiB"
              % (rows[-1][0], rows[-1][1], 100 * rows[-1][2], rows[-1][3]), flush=True)
    disk, upload, ratio, peak = (statistics.median(column) for column in zip(*rows))
    print("median: files %.0f MiB/s, uploads %.0f MiB/s, %.0f %%, peak %d MiB"
          % (disk, upload, 100 * ratio, peak))


if __name__ == "__main__":
    main()
