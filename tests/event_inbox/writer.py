"""A back end that books transfers: in one transaction a row of its own and a row of event_inbox. It goes on until it is
killed, and takes every other transaction back, more or less.

    writer.py DATABASE FIRST_TOKEN SEED NOTES
"""

import json
import os
import random
import sqlite3
import sys

file, first, seed, notes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
chance = random.Random(seed)
# Each octet is written at once and survives the kill: b begun, c about to commit, r rolled back.
noted = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
database = sqlite3.connect(file, timeout=30, isolation_level=None)
print("ready", flush=True)
token = first
while True:
    database.execute(chance.choice(["BEGIN", "BEGIN IMMEDIATE"]))
    os.write(noted, b"b")
    database.execute("INSERT INTO transfer (token) VALUES (?)", (token,))
    data = json.dumps({"msisdn": "+39333%07d" % token, "token": token})
    database.execute(
        "INSERT INTO event_inbox (client, source, event_id, type, data) "
        "VALUES ('core', '/transfers', ?, 'com.bank.transfer.v1', ?)",
        (str(token), data),
    )
    if chance.random() < 0.5:
        database.execute("ROLLBACK")
        os.write(noted, b"r")
    else:
        os.write(noted, b"c")
        database.execute("COMMIT")
    token += 1
