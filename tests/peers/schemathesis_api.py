#!/usr/bin/env python3
"""PyPI schemathesis asks the running daemon all that openapi.json allows, and much that it does not.

Usage: schemathesis_api.py --araldo BIN --work DIR [--seconds N]

Starts `araldo run` with a fresh state, the rules and templates that come with it and a carrier that is down, runs
`schemathesis` (beside this interpreter) over every operation but the stream, which has no end, with one seed, and exits 1 at a status
that is not described, an answer that is not as described, or any 5xx. What schemathesis says is kept as
DIR/schemathesis.out.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

LIMIT = 20.0  # seconds for the daemon to start, or to stop
SEED = "20261121"
KEY = "0123456789abcdef0123456789abcdef"
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
    "every_line_is_described",
]

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
scopes = ["send", "read", "inbound", "events", "consent", "cases", "admin"]
default_sender = "Bank"
[address."12345"]
client = "bank"
[carrier.down]
host = "127.0.0.1"
port = 9
system_id = "araldo"
password = "secret01"
tls = false
insecure_plaintext = true
[route.all]
steps = [{{ carriers = ["down"] }}]
"""


class Failed(Exception):
    pass


def ready(daemon, log):
    """The address of the API."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end and daemon.poll() is None:
        for line in log.read_text().splitlines():
            event = json.loads(line) if line.startswith("{") else {}
            fields = event.get("fields", event)
            if fields.get("event") == "ready":
                return fields["api"]
        time.sleep(0.05)
    raise Failed(f"the daemon is not ready: {log.read_text()[-2000:]}")


def run(args):
    work = pathlib.Path(args.work)
    home = pathlib.Path(tempfile.mkdtemp(prefix="schemathesis-", dir=work))
    shipped = pathlib.Path(__file__).resolve().parents[2] / "config"
    (home / "state").mkdir(mode=0o700)
    for folder in ("conf.d", "templates"):
        shutil.copytree(shipped / folder, home / folder)
    (home / "araldo.toml").write_text(CONFIG.format(home=home, key=KEY))
    (home / "araldo.toml").chmod(0o600)
    log = home / "log"
    with log.open("w") as out:
        daemon = subprocess.Popen([args.araldo, "run", "--config", str(home / "araldo.toml")], stdout=out, stderr=out)
    try:
        api = f"http://{ready(daemon, log)}"
        with urllib.request.urlopen(f"{api}/openapi.json", timeout=LIMIT) as answer:
            operations = sum(len(methods) for methods in json.load(answer)["paths"].values())
        command = [
            str(pathlib.Path(sys.executable).parent / "schemathesis"), "run", f"{api}/openapi.json",
            "--exclude-path", "/v1/stream", "--checks", ",".join(CHECKS), "--header", f"Authorization:Bearer {KEY}",
            "--seed", SEED, "--max-time", str(args.seconds), "--generation-database", "none", "--continue-on-failure",
            "--request-timeout", "10", "--no-color",
        ]
        kept = work / "schemathesis.out"
        with kept.open("w") as out:
            hooks = {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(pathlib.Path(__file__).resolve().parent)}
            # Past its own bound it only shrinks and reports.
            found = subprocess.run(
                command, cwd=home, stdout=out, stderr=out, env=os.environ | hooks, timeout=args.seconds + 120, check=False,
            )
        said = kept.read_text()
        if found.returncode != 0:
            raise Failed(f"schemathesis found something, see {kept}:\n{said[-8000:]}")
        if daemon.poll() is not None:
            raise Failed(f"the daemon has ended: {log.read_text()[-2000:]}")
        print("\n".join(line for line in said.splitlines() if "generated" in line or "Tested" in line or "passed" in line))
        print(f"ok  {operations - 1} of {operations} operations: no 5xx, nothing that openapi.json does not say")
    finally:
        daemon.terminate()
        try:
            daemon.wait(LIMIT)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
    if daemon.returncode != 0:
        raise Failed(f"the daemon stopped with {daemon.returncode}: {log.read_text()[-2000:]}")
    shutil.rmtree(home)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--araldo", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--seconds", type=int, default=60)
    try:
        run(parser.parse_args())
    except (Failed, OSError, subprocess.TimeoutExpired) as failure:
        print(f"FAILED  {failure}", flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
