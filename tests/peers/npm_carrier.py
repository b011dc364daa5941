#!/usr/bin/env python3
"""The daemon with the SMPP server of the npm package `smpp` as its carrier.

Usage: npm_carrier.py --araldo BIN --work DIR [--ids decimal|hex] [--receipt-ids decimal|hex]

DIR holds node_smpp_server.js and node_modules. Starts that server, a recorder before it, and `araldo run` with a fresh
state; sends texts over HTTP and compares what arrived, receipts, an inbound text, a probe and the planned stop. The
octets of both directions are kept as DIR/npm-IDS-RECEIPT_IDS.jsonl. Exits 1 at the first thing that is not as it should be.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

LIMIT = 20.0  # seconds for any one thing
KEY = "0123456789abcdef0123456789abcdef"
LONG = "Il saldo del conto \u00e8 di 1.234,56 \u20ac alle 18:00 {[~]}. " * 9
TEXTS = {
    "short": "Il codice \u00e8 123456",
    "gsm": "\u00c8 costato 5 \u20ac, perch\u00e9? ^{}\\[~]|",
    "long": LONG,
    "ucs2": "\u041f\u0440\u0438\u0432\u0435\u0442, \u4f60\u597d \U0001f600",
    "long ucs2": "\u4f60\u597d\U0001f600 " * 40,
}
MO = "SALDO per favore, perche' no"

# GSM 03.38, written down here so that nothing of the daemon's own is asked.
GSM = (
    "@\u00a3$\u00a5\u00e8\u00e9\u00f9\u00ec\u00f2\u00c7\n\u00d8\u00f8\r\u00c5\u00e5\u0394_\u03a6\u0393\u039b\u03a9\u03a0\u03a8\u03a3\u0398\u039e\x1b\u00c6\u00e6\u00df\u00c9"
    " !\"#\u00a4%&'()*+,-./0123456789:;<=>?\u00a1ABCDEFGHIJKLMNOPQRSTUVWXYZ\u00c4\u00d6\u00d1\u00dc\u00a7\u00bfabcdefghijklmnopqrstuvwxyz"
    "\u00e4\u00f6\u00f1\u00fc\u00e0"
)
EXTENSION = {0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "\u20ac"}


class Failed(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failed(what)
    print(f"ok  {what}", flush=True)


def until(what, ask):
    end = time.monotonic() + LIMIT
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {LIMIT:.0f} s")
        time.sleep(0.05)


class Recorder:
    """Stands between the daemon and the carrier and keeps every PDU of both directions."""

    def __init__(self, to, file):
        self.to, self.lock, self.pdus = to, threading.Lock(), []
        self.file = open(file, "w", encoding="ascii")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            far = socket.create_connection(("127.0.0.1", self.to))
            for source, sink, way in ((near, far, "in"), (far, near, "out")):
                threading.Thread(target=self.pump, args=(source, sink, way), daemon=True).start()

    def pump(self, source, sink, way):
        pending = b""
        while True:
            try:
                octets = source.recv(65536)
            except OSError:
                octets = b""
            if not octets:
                try:
                    sink.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
                return
            pending += octets
            while len(pending) >= 4 and len(pending) >= int.from_bytes(pending[:4], "big"):
                length = int.from_bytes(pending[:4], "big")
                self.keep(way, pending[:length])
                pending = pending[length:]
            sink.sendall(octets)

    def keep(self, way, pdu):
        with self.lock:
            self.pdus.append((way, int.from_bytes(pdu[4:8], "big"), pdu))
            self.file.write(json.dumps({"dir": way, "hex": pdu.hex()}) + "\n")
            self.file.flush()

    def count(self, way, command):
        with self.lock:
            return sum(1 for pdu in self.pdus if pdu[:2] == (way, command))


def http(method, url, body=None, bearer=KEY):
    headers = {"authorization": f"Bearer {bearer}", "content-type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=LIMIT) as answer:
        return json.load(answer)


def events(file, kind):
    lines = file.read_text().splitlines() if file.exists() else []
    found = [json.loads(line) for line in lines if line.startswith("{")]
    return [event for event in found if event["event"] == kind]


def text_of(pdu):
    """The header and the text of a submit_sm, from its octets."""
    at = 16
    at = pdu.index(b"\0", at) + 1  # service_type
    at = pdu.index(b"\0", at + 2) + 1  # source
    to = at + 2
    at = pdu.index(b"\0", to) + 1
    destination = pdu[to : at - 1].decode()
    esm_class = pdu[at]
    at += 3
    at = pdu.index(b"\0", at) + 1  # schedule_delivery_time
    at = pdu.index(b"\0", at) + 1  # validity_period
    data_coding, length = pdu[at + 2], pdu[at + 4]
    octets = pdu[at + 5 : at + 5 + length]
    header = b""
    if esm_class & 0x40:
        header, octets = octets[: octets[0] + 1], octets[octets[0] + 1 :]
    if data_coding == 8:
        return destination, header, octets.decode("utf-16-be")
    text, escaped = "", False
    for octet in octets:
        if escaped:
            text, escaped = text + EXTENSION[octet], False
        elif octet == 0x1B:
            escaped = True
        else:
            text += GSM[octet]
    return destination, header, text


def run(args):
    work = pathlib.Path(args.work)
    name = f"{args.ids}-{args.receipt_ids}"
    carrier_file = work / f"carrier-{name}.events"
    carrier_file.unlink(missing_ok=True)
    node = subprocess.Popen(
        ["node", "node_smpp_server.js", "--system-id", "araldo", "--password", "secret01", "--ids", args.ids, "--receipt-ids", args.receipt_ids, "--out", str(carrier_file)],
        cwd=work,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    daemon = None
    try:
        carrier = until("the carrier", lambda: events(carrier_file, "listening"))[0]
        recorder = Recorder(carrier["port"], work / f"npm-{name}.jsonl")
        home = pathlib.Path(tempfile.mkdtemp(prefix="araldo-peer-"))
        (home / "araldo.toml").write_text(CONFIG.format(home=home, port=recorder.port, key=KEY))
        os.chmod(home / "araldo.toml", 0o600)
        log = open(home / "log", "w", encoding="utf-8")
        daemon = subprocess.Popen([args.araldo, "run", "--config", str(home / "araldo.toml")], stderr=log)
        ready = until("the daemon", lambda: events(home / "log", "ready") if ready_line(home) else None)[0]
        api, admin = f"http://{ready['api']}", ready["admin"]
        journey(args, api, admin, home, carrier, carrier_file, recorder)
        daemon.send_signal(signal.SIGTERM)
        expect(daemon.wait(LIMIT) == 0, "SIGTERM ends the daemon with exit 0")
        daemon = None
        expect(recorder.count("in", 0x06) == 1 and recorder.count("out", 0x80000006) == 1, "it unbound, and was answered")
        expect(len(events(carrier_file, "unbound")) == 1, "the carrier saw the unbind")
        wrong = events(carrier_file, "error")
        expect(not wrong, f"the carrier has nothing to complain of {wrong or ''}")
        shutil.rmtree(home)
    except Failed:
        if daemon is not None:
            print((home / "log").read_text()[-4000:])
        raise
    finally:
        for process in (daemon, node):
            if process is not None:
                process.kill()
                process.wait()


def ready_line(home):
    return any('"event":"ready"' in line for line in (home / "log").read_text().splitlines())


def journey(args, api, admin, home, carrier, carrier_file, recorder):
    until("the bind", lambda: events(carrier_file, "bound"))
    expect(events(carrier_file, "bound")[0]["mode"] == "transceiver", "bind_transceiver with name and password")

    sent = {}
    for number, (kind, text) in enumerate(TEXTS.items()):
        to = f"+3934711223{number:02}"
        sent[kind] = (to, http("POST", f"{api}/v1/messages", {"to": to, "text": text})["id"])
    states = {}
    for kind, (to, message) in sent.items():
        def final():
            states[kind] = http("GET", f"{api}/v1/messages/{message}")
            return states[kind]["state"] == "delivered"
        until(f"{kind} to be delivered, not {states.get(kind, {}).get('state')}", final)
        expect(True, f"{kind} is delivered, {states[kind]['segments']} segments; ids in {args.ids}, in receipts {args.receipt_ids}")

    submits = events(carrier_file, "submit_sm")
    expect(len(submits) == sum(state["segments"] for state in states.values()), f"{len(submits)} submit_sm: none lost, none doubled")
    arrived = {}
    with recorder.lock:
        octets = [pdu for way, command, pdu in recorder.pdus if (way, command) == ("in", 0x04)]
    for pdu in octets:
        destination, header, text = text_of(pdu)
        number = header[5] if header else 1
        arrived.setdefault("+" + destination, {})[number] = text
    for kind, (to, _) in sent.items():
        whole = "".join(text for _, text in sorted(arrived[to].items()))
        expect(whole == TEXTS[kind], f"{kind} arrived to the letter")
    # What the package itself makes of them. (It joins nothing, and so the long ones come in parts; its table of the
    # default alphabet lies behind `text`.)
    for kind, (to, _) in sent.items():
        theirs = sorted((s for s in submits if "+" + s["destination"] == to), key=lambda s: s.get("udh", ""))
        expect("".join(s.get("text", "") for s in theirs) == TEXTS[kind], f"{kind}: the package reads the same")

    http("POST", f"http://127.0.0.1:{carrier['control']}/mo", {"from": "393331234567", "to": "12345", "text": MO})
    expect(events(carrier_file, "mo")[0]["status"] == 0, "the inbound text was answered ESME_ROK")
    listed = http("GET", f"{api}/v1/inbound")["data"]
    expect([(mo["from"], mo["to"], mo["text"]) for mo in listed] == [("393331234567", "12345", MO)], "GET /v1/inbound lists it")
    shown = subprocess.run(
        [args.araldo, "inbound", "list", "--admin", admin, "--token-file", str(home / "state/admin.token")],
        capture_output=True, text=True, timeout=LIMIT,
    )
    expect(shown.returncode == 0 and "39333***4567" in shown.stdout and "393331234567" not in shown.stdout,
           "araldo inbound list shows it, the number masked")
    until("an enquire_link of the daemon's", lambda: recorder.count("in", 0x15) and recorder.count("out", 0x80000015))
    expect(True, "our enquire_link was answered")
    statuses = [event["status"] for event in events(carrier_file, "receipt")]
    expect(len(statuses) == len(submits) and not any(statuses), "every receipt was answered ESME_ROK")


CONFIG = """
[store]
url = "sqlite://{home}/state/araldo.db"
min_free_bytes = "1MiB"
reserve_bytes = 0
[http.api]
listen = "127.0.0.1:0"
[http.admin]
listen = "127.0.0.1:0"
[log]
format = "json"
[client.bank]
key = "{key}"
scopes = ["send", "read", "inbound"]
default_sender = "Bank"
[address."12345"]
client = "bank"
[carrier.npm]
host = "127.0.0.1"
port = {port}
system_id = "araldo"
password = "secret01"
tls = false
insecure_plaintext = true
enquire_link_interval = "1s"
[route.all]
steps = [{{ carriers = ["npm"] }}]
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--araldo", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--ids", choices=["decimal", "hex"], default="decimal")
    parser.add_argument("--receipt-ids", choices=["decimal", "hex"], default="decimal")
    try:
        run(parser.parse_args())
    except (Failed, urllib.error.URLError, OSError, subprocess.TimeoutExpired) as failure:
        print(f"FAILED  {failure}", flush=True)
        sys.exit(1)
    print("all checked")


if __name__ == "__main__":
    main()
