#!/usr/bin/env python3
"""Has tshark read the PDUs of ledgers, and requires that it finds each of them, with the same header, and none malformed.

Usage: tshark_reads.py --work DIR [--way in|out] LEDGER...

A ledger has a line of JSON for each PDU, with `dir` (in, out) and `hex`; other lines are passed over. With --way only
the PDUs of that direction are read: `in` came from the daemon, where the ledger is a carrier's.
"""

import argparse
import json
import pathlib
import struct
import subprocess
import sys

PORT = 2775
FIELDS = ["frame.number", "smpp.command_id", "smpp.command_length", "smpp.sequence_number", "_ws.malformed", "_ws.expert.message"]


def packet(way, payload, counters):
    """An IPv4 packet with a TCP segment: tshark asks for no checksums by default."""
    there, back = (49152, PORT) if way == "in" else (PORT, 49152)
    ours, theirs = counters[way], counters["out" if way == "in" else "in"]
    tcp = struct.pack(">HHIIBBHHH", there, back, ours, theirs, 0x50, 0x18, 65535, 0, 0) + payload
    counters[way] += len(payload)
    addresses = (b"\x7f\0\0\1", b"\x7f\0\0\2") if way == "in" else (b"\x7f\0\0\2", b"\x7f\0\0\1")
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + b"".join(addresses)
    return ip + tcp


def capture(pdus, file):
    counters = {"in": 1, "out": 1}
    with open(file, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))  # linktype raw IP
        for number, (way, octets) in enumerate(pdus):
            octets = packet(way, octets, counters)
            out.write(struct.pack("<IIII", number, 0, len(octets), len(octets)) + octets)


def read(ledger, work, ways):
    with open(ledger) as file:
        lines = (json.loads(line) for line in file)
        pdus = [(line["dir"], bytes.fromhex(line["hex"])) for line in lines if line["dir"] in ways]
    file = work / (ledger.stem + ".pcap")
    capture(pdus, file)
    command = ["tshark", "-n", "-r", str(file), "-d", f"tcp.port=={PORT},smpp", "-T", "fields", "-E", "separator=|"]
    for field in FIELDS:
        command += ["-e", field]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True).stdout.splitlines()
    wrong = []
    if len(answer) != len(pdus):
        wrong.append(f"{len(answer)} packets of {len(pdus)}")
    for line, (way, octets) in zip(answer, pdus):
        _, command_id, length, sequence, malformed, expert = line.split("|", 5)
        header = [int.from_bytes(octets[at : at + 4], "big") for at in (0, 4, 12)]
        found = [int(word, 0) if word else None for word in (length, command_id, sequence)]
        if found != header or malformed or "alformed" in expert:
            wrong.append(f"{way} {octets.hex()}: {line}")
    for what in wrong:
        print(f"FAILED  {ledger.name}: {what}")
    if not wrong:
        print(f"ok  {ledger.name}: {len(pdus)} PDUs, none malformed")
    return len(pdus), not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--way", choices=["in", "out"])
    parser.add_argument("ledgers", nargs="+", type=pathlib.Path)
    args = parser.parse_args()
    ways = [args.way] if args.way else ["in", "out"]
    read_all = [read(ledger, args.work, ways) for ledger in args.ledgers]
    pdus = sum(count for count, _ in read_all)
    print(f"tshark: {pdus} PDUs of {len(args.ledgers)} ledgers")
    # A carrier that was never reached has an empty ledger; that all are is a mistake.
    sys.exit(0 if pdus and all(well for _, well in read_all) else 1)


if __name__ == "__main__":
    main()
