"""Plays the reference client of docs/clients against a node: client_example.py CLIENT SOCKET."""
import faulthandler
import importlib.util
import sys

# A watch waits without a limit: where nothing comes, say from where it should have come.
faulthandler.dump_traceback_later(120, exit=True)

spec = importlib.util.spec_from_file_location("atlas_client", sys.argv[1])
atlas = importlib.util.module_from_spec(spec)
spec.loader.exec_module(atlas)


def check(what, got, expected):
    if got != expected:
        sys.exit(f"{what}: {got!r} instead of {expected!r}")


def refused(kind, call):
    try:
        call()
    except kind as error:
        return str(error)
    return sys.exit(f"nothing was raised, {kind.__name__} expected")


with atlas.Atlas(sys.argv[2]) as db:
    every_byte = bytes(range(256)) * 10
    check("absent", db.get("py.none"), None)
    for key, value in (("py.bytes", every_byte), ("py.empty", b""), ("py.lines", b"a\r\nOK\r\n")):
        db.put(key, value)
        check(key, db.get(key), value)
    check("scan", list(db.scan("py.", page=2)),
          [("py.bytes", every_byte), ("py.empty", b""), ("py.lines", b"a\r\nOK\r\n")])
    check("cas", db.cas("py.v", None, "one"), 1)
    check("cas", db.cas("py.v", 1, "two"), 2)
    check("conflict", refused(atlas.Conflict, lambda: db.cas("py.v", 1, "three")),
          "CONFLICT VERSION:2")
    check("sum", [db.increase("py.n"), db.increase("py.n", -5)], [1, -4])
    check("transaction", db.transaction([("IF", "py.v", "VERSION", 2), ("INCR", "py.n", 4),
                                         ("PUT", "py.v", "two words")]), [0])
    check("value", db.get("py.v"), b"two words")
    check("bad step", refused(atlas.AtlasError, lambda: db.transaction([("INCR", "py.n", "x")])),
          "invalid number x: a whole number of 64 bits expected")
    refused(atlas.Conflict, lambda: db.transaction([("IF", "py.v", "ABSENT"), ("DEL", "py.v")]))
    check("refusal", refused(atlas.AtlasError, lambda: db.command("KEY WHAT")),
          "command not implemented:")
    db.command("KEY DEL py.v")
    check("deleted", db.get("py.v"), None)
    large = every_byte * 1000
    db.put("py.large", large)
    check("large", db.get("py.large"), large)
    check("large in a scan", dict(db.scan("py.", page=2))["py.large"], large)
with atlas.Atlas(sys.argv[2]) as db:
    changes = db.watch("py.", 0)
    seen = [next(changes) for _ in range(3)]
    check("watch", [change[1:] for change in seen],
          [("PUT", "py.bytes", every_byte), ("PUT", "py.empty", b""),
           ("PUT", "py.lines", b"a\r\nOK\r\n")])
    check("positions", [change[0] - seen[0][0] for change in seen], [0, 1, 2])
    while seen[-1][2] != "py.large":
        seen.append(next(changes))
    check("watch of a large value", seen[-1][1:], ("PUT", "py.large", None))
    check("watch of what is removed", seen[-2][1:], ("DEL", "py.v", b""))
print("all checks passed")
