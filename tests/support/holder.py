"""Keeps one SQLite database open the way a service does, and answers one line for each line that it is told."""

import sqlite3
import sys

db = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
db.execute("SELECT count(*) FROM sqlite_master").fetchone()
print("ready", flush=True)
cursor = None
for line in sys.stdin:
    word, _, rest = line.strip().partition(" ")
    try:
        if word == "ask":
            answer = db.execute(rest).fetchall()
        elif word == "hold":
            cursor = db.execute(rest)
            answer = cursor.fetchone()
        elif word == "release":
            cursor.close()
            cursor = None
            answer = "released"
        else:
            answer = "unknown"
    except sqlite3.Error as error:
        answer = f"error {error}"
    print(answer, flush=True)
