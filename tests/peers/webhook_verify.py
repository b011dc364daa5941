"""PyPI standardwebhooks verifies requests that our sender made, and refuses each of them once a part is changed.

Usage: webhook_verify.py LEDGER    a JSON object a line: secrets, headers, body in base64
"""

import base64
import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError

FOREIGN = "whsec_" + base64.b64encode(bytes(32)).decode()
SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")


def verifies(secret, headers, body):
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def changed(text):
    """The same with its middle letter another."""
    at = len(text) // 2
    return text[:at] + ("a" if text[at] != "a" else "b") + text[at + 1 :]


genuine = refused = 0
for line in open(sys.argv[1], encoding="utf-8"):
    request = json.loads(line)
    headers, body = request["headers"], base64.b64decode(request["body"])
    for secret in request["secrets"]:
        assert verifies(secret, headers, body), f"refused: {headers}"
        genuine += 1
        for name in SIGNED:
            # Each of several signatures, or one would stand.
            value = " ".join(map(changed, headers[name].split(" ")))
            assert not verifies(secret, headers | {name: value}, body), f"taken with another {name}"
            refused += 1
        assert not verifies(secret, headers, body + b" "), "taken with another body"
        refused += 1
    assert not verifies(FOREIGN, headers, body), "taken under a foreign secret"
    refused += 1
assert genuine >= 20, "too few requests to tell"
print(f"{genuine} genuine taken, {refused} changed refused")
