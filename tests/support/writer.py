"""A process of its own that uses SQLite databases as a service would. First argument: what it does; then key=value; then the files.

Prints `ready` once it has begun, works until its standard input ends, and prints one line of JSON: what it committed, which errors it
saw, and its longest wait for one commit in milliseconds.
"""

import json
import os
import random
import signal
import sqlite3
import sys
import threading
import time

WHAT = sys.argv[1]
OPTIONS = dict(a.split("=", 1) for a in sys.argv[2:] if a.startswith(("timeout=", "pause=")))
FILES = [os.fsencode(a) for a in sys.argv[2:] if not a.startswith(("timeout=", "pause="))]
TIMEOUT = float(OPTIONS.get("timeout", "5"))
PAUSE = float(OPTIONS.get("pause", "0"))

stop = threading.Event()
report = {"commits": 0, "errors": [], "longest_ms": 0.0}


def wait_for_end():
    sys.stdin.buffer.read()
    stop.set()


def ready():
    print("ready", flush=True)


def connect(path):
    return sqlite3.connect(path, timeout=TIMEOUT, isolation_level=None, check_same_thread=False)


def timed(work):
    began = time.monotonic()
    try:
        work()
        report["commits"] += 1
        return True
    except sqlite3.Error as error:
        report["errors"].append(str(error))
        return False
    finally:
        report["longest_ms"] = max(report["longest_ms"], (time.monotonic() - began) * 1000)


def busy():
    """One counter, one random row and one new row a commit, as fast as it goes."""
    db = connect(FILES[0])
    last = db.execute("SELECT max(id) FROM t").fetchone()[0]
    payload = os.urandom(1500)

    def commit():
        db.execute("BEGIN IMMEDIATE")
        try:
            db.execute("UPDATE counter SET n = n + 1")
            db.execute("UPDATE t SET v = ? WHERE id = ?", (payload, random.randint(1, last)))
            db.execute("INSERT INTO t(v) VALUES (?)", (payload[:100],))
            db.execute("COMMIT")
        except sqlite3.Error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    timed(commit)
    ready()
    while not stop.is_set():
        timed(commit)
        time.sleep(PAUSE)


def mark():
    """Adds a row of its own in each commit, and at the end says what its one handle sees."""
    db = connect(FILES[0])

    def commit():
        db.execute("INSERT INTO t(label) VALUES ('mine')")

    timed(commit)
    ready()
    while not stop.is_set():
        timed(commit)
        time.sleep(PAUSE)
    report["seen"] = [label for (label,) in db.execute("SELECT DISTINCT label FROM t ORDER BY label")]


def pairs():
    """Counts up in each file, one commit a file, always in the same order: no moment has a later file ahead of an earlier one."""
    dbs = [connect(path) for path in FILES]
    for db in dbs:
        # The disk would slow it down so much that nothing is ever torn.
        db.execute("PRAGMA synchronous=OFF")
    ready()
    while not stop.is_set():
        for db in dbs:
            while not timed(lambda: db.execute("UPDATE counter SET n = n + 1")) and not stop.is_set():
                pass
        time.sleep(PAUSE)


def together():
    """Counts up in all files in one transaction."""
    db = connect(FILES[0])
    names = ["main"]
    for at, path in enumerate(FILES[1:]):
        db.execute("ATTACH ? AS x%d" % at, (os.fsdecode(path),))
        names.append("x%d" % at)
    for name in names:
        db.execute("PRAGMA %s.synchronous=OFF" % name)

    def commit():
        db.execute("BEGIN IMMEDIATE")
        try:
            for name in names:
                db.execute("UPDATE %s.counter SET n = n + 1" % name)
            db.execute("COMMIT")
        except sqlite3.Error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    ready()
    while not stop.is_set():
        timed(commit)
        time.sleep(PAUSE)


def idle():
    """Has it open, has read and written once, and does nothing."""
    dbs = [connect(path) for path in FILES]
    for db in dbs:
        db.execute("PRAGMA wal_autocheckpoint=0")
        db.execute("INSERT INTO t(v) SELECT 'late' FROM t LIMIT 50")
    ready()
    stop.wait()


def poll():
    """Reads again and again. Each time that it is shut out is one error, however long it lasts; the longest wait is the longest of them."""
    db = connect(FILES[0])
    db.execute("SELECT count(*) FROM t").fetchone()
    shut_out = None
    ready()
    while not stop.is_set():
        try:
            db.execute("SELECT count(*) FROM t").fetchone()
            report["commits"] += 1
            if shut_out is not None:
                report["longest_ms"] = max(report["longest_ms"], (time.monotonic() - shut_out) * 1000)
                shut_out = None
        except sqlite3.Error as error:
            if shut_out is None:
                shut_out = time.monotonic()
                report["errors"].append(str(error))
        time.sleep(0.002)


def hold(begin):
    dbs = [connect(path) for path in FILES]
    for db in dbs:
        db.execute(begin)
    ready()
    stop.wait()
    for db in dbs:
        db.execute("ROLLBACK")


def exclusive():
    dbs = [connect(path) for path in FILES]
    for db in dbs:
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        db.execute("UPDATE counter SET n = n + 1")
    ready()
    stop.wait()


def die_with_wal():
    """Fifty more rows, in the -wal alone, then death."""
    for path in FILES:
        db = connect(path)
        db.execute("PRAGMA wal_autocheckpoint=0")
        db.execute("INSERT INTO t(v) SELECT 'late' FROM t LIMIT 50")
    os.kill(os.getpid(), signal.SIGKILL)


def die_in_commit():
    """Death with half of a transaction in the database and the way back in its journal."""
    for path in FILES:
        db = connect(path)
        db.execute("PRAGMA cache_size=5")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE t SET v = zeroblob(length(v))")
        db.execute("UPDATE counter SET n = -1")
    os.kill(os.getpid(), signal.SIGKILL)


ACTS = {
    "busy": busy,
    "mark": mark,
    "pairs": pairs,
    "together": together,
    "idle": idle,
    "poll": poll,
    "hold-write": lambda: hold("BEGIN IMMEDIATE"),
    "hold-exclusive": lambda: hold("BEGIN EXCLUSIVE"),
    "exclusive": exclusive,
    "die-with-wal": die_with_wal,
    "die-in-commit": die_in_commit,
}

if not WHAT.startswith("die-"):
    threading.Thread(target=wait_for_end, daemon=True).start()
ACTS[WHAT]()
print(json.dumps(report), flush=True)
