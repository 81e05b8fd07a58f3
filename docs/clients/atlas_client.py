#!/usr/bin/env python3
"""A client for Atlas: Unix socket, line protocol, standard library only (docs/protocol.md).

    with Atlas("/tmp/atlas-single/socket") as db:
        db.put("users.alice", b"hello")
        db.get("users.alice")                                  # b"hello", or None
        db.cas("users.alice", 1, b"again")                     # 2, or raises Conflict
        db.transaction([("IF", "t.a", "ABSENT"), ("PUT", "t.a", "1"), ("INCR", "t.n")])

A WARN reply raises AtlasError. One request at a time per connection, which is not thread-safe.
"""
import socket
import sys


class AtlasError(Exception):
    """ERROR WARN or ERROR FATAL, with the server's text."""


class OutcomeUnknown(AtlasError):
    """The deadline passed, and the write may be done, or yet be done."""


class Conflict(AtlasError):
    """Another version was there; nothing was changed."""


class Atlas:
    def __init__(self, path, client="python", timeout=30.0):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)  # above the server's request_timeout
        self._socket.connect(path)
        self._in = self._socket.makefile("rb")
        if not self._line().startswith("WELCOME 1.0 "):
            raise AtlasError("no Atlas node answers at " + path)
        self._send("HELLO 1.0 clientId=" + client)
        if self._line() != "READY":
            raise AtlasError("the node refused the handshake")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._in.close()
        self._socket.close()

    def _send(self, line, payload=b""):
        self._socket.sendall(line.encode() + b"\r\n" + payload)

    def _bytes_line(self):
        line = self._in.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("the node closed the connection")
        return line.rstrip(b"\n").removesuffix(b"\r")

    def _line(self):
        line = self._bytes_line().decode(errors="surrogateescape").removeprefix("[ID:w] ")
        if line.startswith("ERROR "):
            text = line.split(" ", 2)[2]
            raise (OutcomeUnknown if text.startswith("outcome unknown") else AtlasError)(text)
        return line

    def command(self, line):
        """Sends one line and returns the reply's lines in front of OK. Not where values are bytes
        between lines, as in SCAN and BLOB GET: see get() and scan()."""
        self._send(line)
        return self._rest()

    def _rest(self):
        lines = []
        while (line := self._line()) != "OK":
            lines.append(line)
        return lines

    def put(self, key, value):
        """Any bytes, also empty ones: KEY BLOB SET."""
        self._send(f"KEY BLOB SET {key} {len(value)}", value)
        self._rest()

    def get(self, key):
        self._send("KEY BLOB GET " + key)
        head = self._line()
        value = None if head == "EMPTY" else self._in.read(int(head.split()[1]))
        self._rest()
        return value

    def cas(self, key, version, value):
        """Writes text if the key has this version (None: is absent); returns the new version."""
        word = "ABSENT" if version is None else version
        answer = self.command(f"KEY CAS {key} {word} {value}")[0]
        if answer.startswith("CONFLICT"):
            raise Conflict(answer)
        return int(answer.split(":")[1])

    def increase(self, key, by=1):
        return int(self.command(f"KEY INCR {key} {by}")[0].split(":")[1])

    def scan(self, prefix, page=1000):
        """Yields (key, value) of all keys with that prefix; large values are read in their turn."""
        after = ""
        while True:
            self._send(f"SCAN {prefix} LIMIT {page} VALUES" + (f" AFTER {after}" if after else ""))
            found = []
            for _ in range(int(self._line().split(":")[1])):
                key, *large, length = self._bytes_line().decode().split(" ")
                found.append((key, None if large else self._in.read(int(length))))
                if not large:
                    self._bytes_line()
            more = self._rest()
            for key, value in found:
                yield key, self.get(key) if value is None else value
            if not more:
                return
            after = more[0].removeprefix("MORE ")

    def watch(self, prefix, after=None):
        """Yields (position, PUT or DEL or EXPIRE, key, value) of every change, or (position, GAP, last
        position, None); None: a value over 1 MiB. It needs a connection of its own, and goes on
        anywhere with the last position as `after`."""
        self._send(f"[ID:w] WATCH {prefix} VALUES" + ("" if after is None else f" FROM {after}"))
        self._line()  # WATCHING
        self._socket.settimeout(None)
        while True:
            kind, position, *rest = self._line().split(" ")
            if size := rest[-1].partition("length=")[2]:
                value = self._in.read(int(size))
                self._bytes_line()
            told = ("GAP", rest[0]) if kind == "GAP" else rest[:2]
            yield int(position), *told, value if size else None

    def transaction(self, steps):
        """Conditions, then changes; returns the sums of its INCRs. All of it happens, or nothing."""
        self.command("TXN BEGIN")
        try:
            for step in steps:
                self._send(" ".join(str(word) for word in step))
                self._line()  # QUEUED
        except AtlasError:
            self.command("TXN ABORT")
            raise
        lines = self.command("TXN COMMIT")
        if lines[0].startswith("CONFLICT"):
            raise Conflict(lines[0])
        return [int(line.split(":")[1]) for line in lines[1:]]


if __name__ == "__main__":  # atlas_client.py SOCKET COMMAND...: each argument is one line
    with Atlas(sys.argv[1]) as atlas:
        for request in sys.argv[2:]:
            print("\n".join(atlas.command(request) + ["OK"]))
