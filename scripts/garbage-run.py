#!/usr/bin/env python3
"""Garbage against one real node: it must stay alive, quick, right and lean.

Starts an atlas-node in a temporary directory. For the given time clients send it random bytes,
lines of command words with odd arguments, and broken forms of the sessions in docs/commands.md and
of the operator's commands, while two well-behaved clients write, read and verify each answer.
Then the garbage ends, and the node must be back at a stated size, hold what the well-behaved
wrote, end on SIGTERM with exit code 0, and hold it still when it is started again.

Session N of a seed is always the same bytes, whatever the others do: a failure prints the numbers
of the last ones, and --session N plays a single one.
Exit code 0: all held. 1: something broke; the directory with the node's log and data is kept.

Usage: scripts/garbage-run.py [--minutes 10] [--seed N] [--node PATH/TO/atlas-node] [--quiet 60]
                              [--session N] [--heavy] [--slack MIB]
"""
import argparse
import collections
import hashlib
import os
import queue
import random
import re
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MIB = 1 << 20
ANSWER_S = 10  # the longest a well-behaved client waits for any answer
CACHE_MIB = 16
TABLE_KIB = 64  # for each table that garbage left behind
TABLES_KEPT = 100  # the janitor drops tables beyond this number
WORKERS = 6

BLOB = "\r\nx\r\nOK\r\n[ID:9] KEY GET a.b\r\n"
OPERATOR = [  # what docs/commands.md leaves to docs/protocol.md, and what its examples do not show
    ["NODE LIST", "NODE INFO 1", "NODE PING 1", "NODE REMOVE 1", "NODE REMOVE 7"],
    ["TABLE CREATE made fn=0 fz=auto", "TABLE INFO made", "TABLE ALTER made fn=auto fz=0",
     "TABLE MOVE made TO 1", "TABLE MOVE made TO local", "TABLE DROP made", "TABLE LIST"],
    ["GROUP CREATE shop", "KEY PUT orders.1 one", "GROUP ADD shop orders", "GROUP INFO shop",
     "TXN BEGIN", "PUT orders.2 two", "INCR goods.n", "TXN COMMIT", "GROUP REMOVE shop orders",
     "GROUP LIST", "TABLE DROP shop"],
    ["QUORUM INFO users", "QUORUM INFO nothing.at.all", "INFO", "HELP", "HELP KEY BLOB"],
    [f"KEY BLOB SET files.a {len(BLOB)}\r\n{BLOB}", "KEY BLOB GET files.a",
     "KEY BLOB GET files.a RANGE 1 5", "KEY BLOB STAT files.a", "KEY BLOB SET files.b 0\r\n"],
    ["KEY SET a.b PRINCIPAL bob WORM EXPIRES 2030-01-02T03:04:05Z x", "KEY DEL a.b",
     "KEY WORM a.c EXPIRES 2030-01-02T03:04:05.123456789+05:30", "KEY PUT plain without a dot"],
    ["TXN BEGIN", "IF a.b ABSENT", "IF a.c VALUE x y", "DEL a.b", "INCR a.n -4", "TXN COMMIT"],
    ["TXN BEGIN", "PUT a.b left open"],
    ["SCAN a. LIMIT 1 AFTER a.a VALUES", "SCAN u VALUES", "COUNT a", "SAMPLE a. N 3"],
    ["KEY PUT a.b watched", "[ID:w] WATCH a FROM 0 VALUES", "KEY PUT a.b again", "[ID:v] WATCH a.b",
     "WATCH a", "[ID:w] WATCH a", "KEY DEL a.b", "UNWATCH w", "UNWATCH u", "[ID:x] UNWATCH v"],
    ["[ID:w] WATCH users FROM 0", "[ID:v] WATCH files VALUES FROM 7", "KEY INCR users.n"],
    ["KEY GET a.b STALE", "KEY GET a.b STALE 0s", "KEY EXPIRE a.b 1ns", "KEY EXPIRE a.c 200ms"],
]
ODD = ["", "0", "-0", "+1", "-1", "1e9", "0x10", "9223372036854775807", "9223372036854775808",
       "-9223372036854775808", "18446744073709551615", "18446744073709551616", "9" * 400, "NaN",
       "ABSENT", "*", "=", "fn=-1", "fn=99999999999999", "fz=auto fz=auto", "fn=", "[ID:", "[ID:]",
       "[ID:1]", "[ID:" + "i" * 5000 + "] ", "\0", "\u00a0", "\u2028", "\ud7ff", "\x1b[2J", ".",
       "..", ".a", "a.", "a", "a.b", "users.alice", "atlas.nodes", "atlas", "ATLAS.x", "t1.x",
       "t2.y.z", "t3.", "1h", "-1h", "1ns", "99999999h", "1h1h", ".5s", "1d", "0s",
       "2030-01-02T03:04:05Z", "0000-00-00T00:00:00Z", "9999-12-31T23:59:60Z", "k" * 4096,
       "t1." + "k" * 4093, "t1." + "k" * 4094, "k" * 100_000, "v" * 70_000]


def examples():
    """The sessions of docs/commands.md, and all command words that it knows."""
    with open(os.path.join(ROOT, "docs", "commands.md"), encoding="utf-8") as page:
        text = page.read()
    blocks = re.findall(r"```atlas\n(.*?)```", text, re.S)
    sessions = [re.findall(r"^> (.*)$", block, re.M) for block in blocks] + OPERATOR
    said = [re.split(r"\s+", line) for session in sessions for line in session]
    for form in re.findall(r"^\| `([A-Z][^`]*)`", text, re.M):
        words = re.match(r"(?:[A-Z]+ ?)+", form).group().split()
        if words[0] in ("EVENT", "GAP"):  # what a watch is told
            continue
        if not any(line[:len(words)] == words for line in said):
            sys.exit(f"no session here says {' '.join(words)}: add one to OPERATOR")
    words = {word for line in said for word in line if re.fullmatch("[A-Z]{2,}", word)}
    return sessions, sorted(words | {"WATCH", "UNWATCH"})


SESSIONS, WORDS = examples()
HEAVY = False  # --heavy


class Session:
    """What one bad client sends and how it ends; a function of seed and number alone."""

    def __init__(self, seed, number):
        self.number = number
        self.rng = r = random.Random(f"{seed}/{number}")
        kinds = {self.noise: 15, self.words: 20, self.mutated: 54, self.unfinished: 5,
                 self.deaf: 2, self.large: 2, self.port: 2}
        make = r.choices(list(kinds), kinds.values())[0]
        self.kind = make.__name__
        self.ending = r.choice(["close", "close", "half", "half", "drop reads"])
        self.hold_s = 0  # how long it stays without reading
        self.data = make()
        if b"WATCH" in self.data.upper() and self.ending == "half":
            self.ending = "close"  # a watch goes on for who only listens, and has no end

    def hello(self):
        odd = self.rng.choice(["HELLO 2.0 a\r\n", "HELLO\r\n", "hello 1.0 a\n", "\r\n"])
        return (odd if self.rng.random() < 0.03 else "HELLO 1.0 garbage\r\n").encode()

    def number_of_bytes(self, most):
        return int(most ** self.rng.random())

    def noise(self):
        noise = self.rng.randbytes(self.number_of_bytes(65536))
        return self.hello() + noise if self.rng.random() < 0.6 else noise

    def line(self):
        r = self.rng
        tag = f"[ID:{r.randrange(20)}] " if r.random() < 0.3 else ""
        words = [r.choice(WORDS) for _ in range(r.randrange(4))]
        words += [r.choice(ODD if r.random() < 0.8 else WORDS) for _ in range(r.randrange(5))]
        if r.random() < 0.4:  # a command that exists, with odd operands
            words = r.choice(r.choice(SESSIONS)).split()
            for _ in range(r.randrange(1, 3)):
                words[r.randrange(len(words))] = r.choice(ODD)
        return tag + r.choice([" ", " ", " ", "  ", "\t"]).join(words)

    def words(self):
        lines = [self.line() for _ in range(1 + self.number_of_bytes(60))]
        return self.hello() + "".join(x + self.rng.choice(["\r\n", "\n"]) for x in lines).encode()

    def valid(self):
        r = self.rng
        lines = []
        for _ in range(r.randrange(1, 4)):
            tagged = r.random() < 0.3
            for line in r.choice(SESSIONS):
                tag = f"[ID:{r.randrange(9)}] " if tagged and not line.startswith("TXN") else ""
                lines.append((tag + line + r.choice(["\r\n", "\r\n", "\n"])).encode())
        return lines

    def mutated(self):
        r = self.rng
        lines = self.valid()
        for _ in range(r.randrange(4)):  # whole lines first
            at, other = r.randrange(len(lines)), r.randrange(len(lines))
            turn = r.randrange(5)
            if turn == 0:
                lines[at], lines[other] = lines[other], lines[at]
            elif turn == 1:
                lines.insert(at, lines[other])
            elif turn == 2 and len(lines) > 1:
                del lines[at]
            elif turn == 3:  # a blob that is shorter or longer than announced
                announced = r.choice([0, 1, 5, 37, 1000, MIB, MIB + 1, 1 << 27, (1 << 27) + 1, -1])
                lines.insert(at, b"KEY BLOB SET files.c %d\r\n" % announced
                             + r.randbytes(self.number_of_bytes(2000)))
            else:
                lines.insert(at, self.line().encode() + b"\r\n")
        data = bytearray(b"".join(lines))
        for _ in range(r.choice([0, 0, 1, 1, 2, 5])):  # then bytes
            at = r.randrange(len(data) + 1)
            turn = r.randrange(6)
            if turn == 0 and at < len(data):
                data[at] ^= 1 << r.randrange(8)
            elif turn == 1:
                del data[at:at + r.randrange(1, 9)]
            elif turn == 2:
                data[at:at] = data[at:at + r.randrange(60)]
            elif turn == 3:
                data[at:at] = r.choice(ODD).encode(errors="replace")
            elif turn == 4:
                data[at:at] = r.choice([b"\r", b"\n", b"\r\n", b" ", b"\0", b"\xff", b"\xe2\x80"])
            elif r.random() < 0.3:
                del data[at:]
        return self.hello() + bytes(data)

    def unfinished(self):
        r = self.rng
        step = r.choice(["PUT t4.%d x", "INCR t4.n%d", "IF t4.%d ABSENT", "DEL t4.%d", "TXN BEGIN"])
        steps = [step % i if "%" in step else step for i in range(r.choice([0, 1, 20, 999, 1100]))]
        if r.random() < 0.2:
            steps += [f"PUT t4.big{i} " + "v" * 300_000 for i in range(5)]
        steps += r.choice([[], ["TXN COMMIT"], ["TXN ABORT"], ["KEY BLOB SET t4.b 100\r\nshort"]])
        return self.hello() + "\r\n".join(["TXN BEGIN", *steps]).encode()

    def deaf(self):
        """Asks for far more than a socket holds and reads nothing."""
        r = self.rng
        self.hold_s = r.uniform(0.5, 4)
        self.ending = "close"
        asks = ["[ID:1] KEY BLOB GET files.deaf", "KEY BLOB GET files.deaf", "HELP",
                "SCAN files VALUES", "[ID:2] TABLE LIST", "KEY MGET files.deaf files.deaf"]
        if HEAVY:
            asks += ["[ID:3] KEY MGET" + " files.deaf" * 200] * 3
        blob = b"KEY BLOB SET files.deaf 500000\r\n" + b"d" * 500_000
        return self.hello() + blob + f"{r.choice(asks)}\r\n".encode() * r.choice([50, 3000])

    def large(self):
        r = self.rng
        n = r.choice([MIB - 1, MIB, MIB + 1, 5 * MIB, 20 * MIB])
        if r.random() < 0.05:
            n = 128 * MIB + r.randrange(-1, 2)
        return self.hello() + r.choice([
            b"KEY PUT t5.large " + b"v" * n + b"\r\n",
            b"KEY BLOB SET t5.large %d\r\n" % n + b"v" * n,
            b"KEY BLOB SET t5.large %d\r\n" % n + b"v" * (n // 2),
            b"x" * n,
            b"[ID:" + b"i" * n + b"] KEY GET a.b\r\n",
            b"\r\n" * (n // 8),
            b"KEY MGET" + b" t5.large" * (n // 64) + b"\r\n",
            b"KEY GET " + b"k" * n + b"\r\n",
            b"TXN BEGIN\r\nPUT t5.x " + b"v" * n + b"\r\nTXN COMMIT\r\n"]) + b"INFO\r\n"

    def port(self):
        """For the port where other nodes knock."""
        begin = b"\xa7ATLAS\0\xd0" if self.rng.random() < 0.7 else b""
        version = self.rng.choice([b"\1", b"\2", b""])
        return begin + version + self.rng.randbytes(self.number_of_bytes(3000))

    def __str__(self):
        head = self.data[:150]
        return f"session {self.number}: {self.kind}, {len(self.data)} bytes, {self.ending}: {head!r}"


class Node:
    def __init__(self, program):
        self.dir = tempfile.mkdtemp(prefix="atlas-garbage.")
        self.socket = self.dir + "/s"
        # Bound, never listening: keeps the port for the node, through its restart as well.
        self.reserved = socket.socket()
        self.reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.reserved.bind(("127.0.0.1", 0))
        self.port = self.reserved.getsockname()[1]
        settings = {"db_path": self.dir + "/data", "socket": self.socket, "region": "local",
                    "advertise": f"127.0.0.1:{self.port}", "listen": f"127.0.0.1:{self.port}",
                    "credentials": "garbage", "max_cache_size": f"{CACHE_MIB}MB"}
        with open(self.dir + "/node.yaml", "w") as config:
            config.writelines(f"{key}: {value}\n" for key, value in settings.items())
        self.program = program
        self.process = None

    def start(self):
        with open(self.dir + "/log", "a") as log:
            self.process = subprocess.Popen([self.program, "--config", self.dir + "/node.yaml"],
                                            stdout=log, stderr=log)
        end = time.monotonic() + 60
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > end:
                raise Broken("the node does not start")
            time.sleep(0.05)

    def ready(self):
        try:
            Connection(self).close()
            return True
        except OSError:
            return False

    def memory(self, what="VmRSS"):
        """In bytes; VmHWM is the highest VmRSS so far."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(what + r":\s+(\d+)", status.read()).group(1)) * 1024

    def log(self):
        with open(self.dir + "/log", errors="replace") as log:
            return log.read()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            raise Broken("the node does not end on SIGTERM within 60 s") from None
        if code != 0:
            raise Broken(f"the node ended on SIGTERM with code {code}")
        if os.path.exists(self.socket):
            raise Broken("the node ended and left its socket behind")

    def remove(self, keep):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.reserved.close()
        if not keep:
            shutil.rmtree(self.dir)


class Broken(Exception):
    """Something that must hold does not."""


class Connection:
    """A client that keeps to the protocol and gives each answer ANSWER_S seconds."""

    def __init__(self, node):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(ANSWER_S)
        self.socket.connect(node.socket)
        self.input = self.socket.makefile("rb")
        if not self.input.readline().startswith(b"WELCOME 1.0 "):
            raise ConnectionError("no welcome")
        self.socket.sendall(b"HELLO 1.0 good\r\n")
        if self.input.readline() != b"READY\r\n":
            raise ConnectionError("not ready")

    def close(self):
        self.input.close()
        self.socket.close()

    def frames(self):
        """Frames up to OK or ERROR; what belongs to a frame is part of it."""
        frames = []
        while True:
            line = self.input.readline()
            if not line.endswith(b"\r\n"):
                raise ConnectionError("the node hung up")
            line = line[:-2]
            frames.append(line)
            if line in (b"OK", b"QUEUED") or line.startswith(b"ERROR "):
                return frames
            if match := re.fullmatch(rb"BLOB (\d+)", line):
                frames.append(self.input.read(int(match.group(1))))

    def ask(self, line, payload=b""):
        self.socket.sendall(line + b"\r\n" + payload)
        return self.frames()


class Witness:
    """Writes, reads, and compares each answer with a model of its own table."""

    def __init__(self, run, name):
        self.run, self.table = run, f"witness{name}"
        self.rng = random.Random(f"{run.seed}/{self.table}")
        self.model = {}  # key: (value, version)
        self.answers, self.slowest = 0, 0.0

    def key(self):
        return f"{self.table}.{self.rng.randrange(150):03}".encode()

    def expect(self, line, expected, payload=b""):
        began = time.monotonic()
        try:
            got = self.connection.ask(line, payload)
        except OSError as error:
            if self.run.stop.is_set():
                return
            waited = time.monotonic() - began
            raise Broken(f"{self.table}: {line[:100]!r}: {error!r} after {waited:.1f} s") from error
        took = time.monotonic() - began
        self.slowest = max(self.slowest, took)
        self.answers += 1
        if took > ANSWER_S:
            raise Broken(f"{self.table}: {line[:100]!r} was answered after {took:.1f} s")
        if got != expected:
            raise Broken(f"{self.table}: {line[:100]!r}: {str(got)[:300]} instead of "
                         f"{str(expected)[:300]}")

    def write(self, key, value):
        self.model[key] = (value, self.model[key][1] + 1 if key in self.model else 1)

    def step(self):
        r, key = self.rng, self.key()
        value, version = self.model.get(key, (None, 0))
        turn = r.randrange(9)
        if turn == 0:
            text = b"text %d" % r.getrandbits(60)
            self.expect(b"KEY PUT " + key + b" " + text, [b"OK"])
            self.write(key, text)
        elif turn == 1:
            blob = r.randbytes(int(5000 * r.random() ** 4))
            self.expect(b"KEY BLOB SET %s %d" % (key, len(blob)), [b"OK"], blob)
            self.write(key, blob)
        elif turn == 2:
            self.expect(b"KEY DEL " + key, [b"OK"])
            self.model.pop(key, None)
        elif turn == 3:
            word = b"%d" % version if version else b"ABSENT"
            self.expect(b"KEY CAS %s %s swapped" % (key, word), [b"VERSION:%d" % (version + 1), b"OK"])
            self.write(key, b"swapped")
            self.expect(b"KEY CAS %s 999999 x" % key,
                        [b"CONFLICT VERSION:%d" % (version + 1), b"OK"])
        elif turn == 4:
            counter = self.table.encode() + b".n"
            before = int(self.model.get(counter, (b"0", 0))[0])
            self.write(counter, b"%d" % (before + 3))
            for line in (b"TXN BEGIN", b"INCR " + counter + b" 3", b"PUT " + key + b" by txn"):
                self.expect(line, [b"OK" if line.startswith(b"TXN") else b"QUEUED"])
            got = self.connection.ask(b"TXN COMMIT")
            if not re.fullmatch(rb"COMMITTED SLOT:\d+ VALUE:%d OK" % (before + 3), b" ".join(got)):
                raise Broken(f"{self.table}: TXN COMMIT: {got}")
            self.write(key, b"by txn")
        elif turn == 5:
            keys = sorted(self.model)
            self.expect(b"SCAN " + self.table.encode() + b".",
                        [b"KEYS:%d" % len(keys), *keys, b"OK"])
        elif turn == 6:
            stat = b"EMPTY"
            if value is not None:
                digest = hashlib.sha256(value).hexdigest().encode()
                stat = b"BLOB size=%d sha256=%s" % (len(value), digest)
            self.expect(b"KEY BLOB STAT " + key, [stat, b"OK"])
        else:
            self.read(key)
        if r.random() < 0.02:
            self.connection.close()
            self.connection = Connection(self.run.node)

    def read(self, key):
        value = self.model.get(key, (None,))[0]
        answer = [b"EMPTY"] if value is None else [b"BLOB %d" % len(value), value]
        self.expect(b"KEY BLOB GET " + key, [*answer, b"OK"])

    def play(self):
        self.connection = Connection(self.run.node)
        while not self.run.stop.is_set():
            self.step()
        self.connection.close()

    def verify(self):
        self.connection = Connection(self.run.node)
        for number in range(150):
            self.read(f"{self.table}.{number:03}".encode())
        self.connection.close()


class Run:
    def __init__(self, node, seed):
        self.node, self.seed = node, seed
        self.stop = threading.Event()
        self.failures = []
        self.lock = threading.Lock()
        self.number = 0
        self.bytes = 0
        self.kinds = collections.Counter()
        self.recent = collections.deque(maxlen=3 * WORKERS)
        self.half_closed = queue.SimpleQueue()  # on their way to `listen_to_the_end`
        self.finished, self.longest = 0, (0.0, 0)  # the longest: seconds, number
        self.witnesses = [Witness(self, n) for n in range(2)]
        self.threads = []

    def spawn(self, call):
        def guarded():
            try:
                call()
            except Exception as error:  # whatever it is, the run has failed
                self.failures.append(error if isinstance(error, Broken) else
                                     Broken(f"{type(error).__name__}: {error}"))
                self.stop.set()
        self.threads.append(threading.Thread(target=guarded))
        self.threads[-1].start()

    def bad_client(self):
        while not self.stop.is_set():
            with self.lock:
                self.number += 1
                number = self.number
                self.recent.append(number)
            session = Session(self.seed, number)
            self.play(session)
            with self.lock:
                self.kinds[session.kind] += 1
                self.bytes += len(session.data)

    def play(self, session):
        """Sends the session in pieces, reading meanwhile unless it is deaf, and ends as it says."""
        to_port = session.kind == "port"
        peer = socket.socket(socket.AF_INET if to_port else socket.AF_UNIX)
        peer.settimeout(ANSWER_S)
        try:
            peer.connect(("127.0.0.1", self.node.port) if to_port else self.node.socket)
            peer.setblocking(False)
            heard = bytearray()
            complete = self.send(peer, session, heard)
            if session.ending == "half" and complete and not to_port:
                peer.shutdown(socket.SHUT_WR)
                lines = session.data.count(b"\n") + 1
                now = time.monotonic()  # each request has 10 s, and they may follow one another
                known = (session.number, heard, now, now + 30 + 11 * min(lines, 30))
                self.half_closed.put((peer, known))
                return
            if session.ending == "drop reads":
                peer.shutdown(socket.SHUT_RD)
        except OSError as error:
            if self.node.process.poll() is None and isinstance(error, (ConnectionRefusedError,
                                                                       TimeoutError)):
                raise Broken(f"session {session.number} can not connect: {error}") from error
        peer.close()

    def send(self, peer, session, heard):
        """Whether all was sent. A node may stop reading or hang up: then the rest stays unsent."""
        r, data, at = session.rng, session.data, 0
        deaf = session.hold_s > 0
        with selectors.DefaultSelector() as ready:
            ready.register(peer, selectors.EVENT_WRITE | (0 if deaf else selectors.EVENT_READ))
            piece = r.choice([1 << 20, 1 << 20, 400, 40]) if len(data) < 20_000 else 1 << 20
            end = time.monotonic() + (session.hold_s if deaf else 3)
            while at < len(data) and time.monotonic() < end and not self.stop.is_set():
                for _, events in ready.select(0.2):
                    if events & selectors.EVENT_READ:
                        part = peer.recv(65536)
                        heard += part
                        if not part:
                            return False
                    if events & selectors.EVENT_WRITE:
                        at += peer.send(data[at:at + r.randrange(1, piece + 1)])
        if deaf:
            self.stop.wait(max(0.0, end - time.monotonic()))
        return at == len(data)

    def listen_to_the_end(self):
        """Half-closed sessions: whatever was sent, the node answers it all and closes."""
        finishing = selectors.DefaultSelector()  # this thread's alone: its map is no one's to share
        while not self.stop.is_set() or finishing.get_map() or not self.half_closed.empty():
            while not self.half_closed.empty():
                peer, known = self.half_closed.get()
                finishing.register(peer, selectors.EVENT_READ, known)
            if not finishing.get_map():
                self.stop.wait(0.05)
                continue
            for key, _ in finishing.select(0.05):
                number, heard, began, _ = key.data
                try:
                    part = key.fileobj.recv(1 << 20)
                except ConnectionResetError:
                    part = b""
                heard += part
                if not part:
                    finishing.unregister(key.fileobj)
                    key.fileobj.close()
                    self.finished += 1
                    self.longest = max(self.longest, (time.monotonic() - began, number))
                    if heard and not (heard.startswith(b"WELCOME 1.0 ") and heard.endswith(b"\r\n")):
                        raise Broken(f"session {number}: heard {bytes(heard[:60])!r} ... "
                                     f"{bytes(heard[-60:])!r}")
            for key in list(finishing.get_map().values()):
                if time.monotonic() > key.data[3]:
                    raise Broken(f"session {key.data[0]} ended its sending side and was never "
                                 f"answered to the end; last heard: {bytes(key.data[1][-200:])!r}")

    def janitor(self):
        """Drops tables that garbage made, so that their number does not explain memory."""
        connection = Connection(self.node)
        connection.socket.settimeout(3 * ANSWER_S)
        while not self.stop.is_set():
            self.tidy(connection, TABLES_KEPT)
            self.stop.wait(2)
        connection.close()

    @staticmethod
    def tidy(connection, kept):
        lines = connection.ask(b"TABLE LIST")
        names = [m.group(1) for line in lines if (m := re.match(rb"TABLE name=(\S+) owner", line))]
        made = [name for name in names if not re.match(rb"witness|atlas\.", name)]
        for name in made[kept:]:
            connection.ask(b"TABLE DROP " + name)
        return len(names)

    def data_bytes(self):
        return sum(len(k) + len(v[0]) for w in self.witnesses for k, v in w.model.items())

    def progress(self, began):
        answers = sum(w.answers for w in self.witnesses)
        slowest = max(w.slowest for w in self.witnesses) * 1000
        print(f"{time.monotonic() - began:5.0f} s  sessions {self.number}  sent "
              f"{self.bytes / MIB:.0f} MiB  heard to the end {self.finished}  verified {answers}  "
              f"slowest {slowest:.0f} ms  RSS {self.node.memory() / MIB:.0f} MiB", flush=True)

    def check(self):
        if self.failures:
            raise self.failures[0]
        if self.node.process.poll() is not None:
            raise Broken(f"the node ended with code {self.node.process.returncode}")

    def storm(self, seconds):
        began = time.monotonic()
        for call in (*[w.play for w in self.witnesses], self.janitor, self.listen_to_the_end,
                     *[self.bad_client] * WORKERS):
            self.spawn(call)
        try:
            told = began
            while time.monotonic() < began + seconds and not self.stop.wait(0.2):
                self.check()
                if time.monotonic() > told + 30:
                    told += 30
                    self.progress(began)
        finally:
            self.stop.set()
            for thread in self.threads:
                thread.join()
        self.check()
        self.progress(began)

    def finale(self, start, quiet, slack):
        """After the storm: size, data, end and return."""
        node = self.node
        connection = Connection(node)
        connection.socket.settimeout(3 * ANSWER_S)
        tables = self.tidy(connection, 0)
        connection.close()
        bound = start + CACHE_MIB * MIB + slack * MIB + 2 * self.data_bytes() + \
            tables * TABLE_KIB * 1024
        time.sleep(quiet)  # this is measured: the size after so much quiet
        end = time.monotonic() + 60
        while node.memory() > bound and time.monotonic() < end:
            self.check()
            time.sleep(1)
        self.check()
        size = node.memory()
        print(f"RSS: start {start / MIB:.0f} MiB, peak {node.memory('VmHWM') / MIB:.0f} MiB, end "
              f"{size / MIB:.0f} MiB, bound {bound / MIB:.0f} MiB (start, {CACHE_MIB} cache, "
              f"{slack} slack, twice {self.data_bytes() / MIB:.1f} of data, {TABLE_KIB} KiB for "
              f"each of {tables} tables)")
        fat = size > bound  # told at the end: what follows is worth knowing all the same
        for witness in self.witnesses:
            witness.verify()
        # It must end although somebody is in the middle of everything.
        left = [Connection(node) for _ in range(3)]
        left[0].socket.sendall(b"TXN BEGIN\r\nPUT t1.x y\r\n")
        left[1].socket.sendall(b"KEY BLOB SET t1.x 100\r\nshort")
        left[2].socket.sendall(b"KEY PUT t1.x no line end")
        node.stop()
        for connection in left:
            connection.close()
        node.start()
        for witness in self.witnesses:
            witness.verify()
        node.stop()
        log = node.log()
        if match := re.search(r"(?m)^.*(terminate called|Segmentation|Assertion|ATLAS_CHECK|invariant"
                              r"|Sanitizer| fatal | critical |core dumped).*$", log):
            raise Broken("in the log: " + match.group()[:500])
        lines = re.findall(r"(?m)^\S+ \S+ (warn(?:ing)?|error) (.*)$", log)
        alike = collections.Counter((level, re.sub(r"[0-9]+", "#", text)[:90])
                                    for level, text in lines)
        for (level, text), count in alike.most_common(15):
            print(f"log, {count} times: {level} {text}")
        if fat:
            raise Broken("the node keeps more memory than the bound")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--node", default=ROOT + "/build/release/bin/atlas-node")
    parser.add_argument("--quiet", type=float, default=60, help="seconds before the last measure")
    parser.add_argument("--slack", type=int, default=32,
                        help="MiB above start-up, cache and data that may be left at the end")
    parser.add_argument("--session", type=int, help="play only this session of the seed")
    parser.add_argument("--heavy", action="store_true",
                        help="also requests whose answers are each of 100 MB, read by nobody")
    options = parser.parse_args()
    global HEAVY
    HEAVY = options.heavy
    print(f"seed {options.seed}", flush=True)
    node = Node(options.node)
    run = Run(node, options.seed)
    failed = True
    try:
        node.start()
        start = node.memory()
        if options.session is not None:
            session = Session(options.seed, options.session)
            print(session)
            run.play(session)
            run.stop.set()
            run.listen_to_the_end()
        else:
            run.storm(options.minutes * 60)
        run.finale(start, options.quiet, options.slack)
        print("heard to the end after %.1f s at most, session %d" % run.longest)
        print("kinds: " + ", ".join(f"{kind} {n}" for kind, n in sorted(run.kinds.items())))
        print("all held")
        failed = False
    except (Broken, OSError) as error:
        print(f"FAILED: {error}")
        if node.process.poll() is not None:
            print(f"the node ended with code {node.process.returncode}")
        last_words = [line[:200] for line in node.log().splitlines()[-20:]]
        print("the node's last words:", *last_words, sep="\n")
        print("sent last (the latest at the bottom):")
        for number in run.recent:
            print(Session(options.seed, number))
        print(f"kept: {node.dir}")
        print(f"one of them alone: {sys.argv[0]} --seed {options.seed} --session N")
    finally:
        node.remove(keep=failed)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
