"""PyPI cloudevents makes events and writes them for HTTP: a third structured, a third binary, a third in one batch.

Usage: cloudevents_publish.py URL EVENTS    a JSON array of events; ARALDO_KEY is the API key

Prints an object: the message that each event made, by the event's id.
"""

import json
import os
import sys
import urllib.request
from datetime import datetime

from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

url, path = sys.argv[1:]


def made(event):
    """The library's own event: it checks the attributes, and makes times of them."""
    attributes = {name: value for name, value in event.items() if name != "data"}
    attributes["time"] = datetime.fromisoformat(attributes["time"])
    return CloudEvent(attributes, event["data"])


def post(headers, body):
    request = urllib.request.Request(url, data=body, method="POST")
    for name, value in (headers | {"Authorization": "Bearer " + os.environ["ARALDO_KEY"]}).items():
        request.add_header(name, value)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.status, answer.read()


def message(answer):
    assert answer["matched"] == 1 and len(answer["messages"]) == 1, answer
    return answer["messages"][0]["id"]


with open(path, encoding="utf-8") as file:
    events = [made(event) for event in json.load(file)]
third = len(events) // 3
messages = {}
for at, event in enumerate(events[: 2 * third]):
    write = to_structured_event if at < third else to_binary_event
    wire = write(event)
    status, body = post(wire.headers, wire.body)
    assert status == 202, (status, body)
    messages[event.get_id()] = message(json.loads(body))
# The library knows no batches: a batch is an array of what it writes for one (JSON format, §4).
rest = events[2 * third :]
array = b"[" + b",".join(to_structured_event(event).body for event in rest) + b"]"
status, body = post({"Content-Type": "application/cloudevents-batch+json"}, array)
lines = [json.loads(line) for line in body.splitlines()]
assert status == 200 and len(lines) == len(rest), (status, body)
for event, line in zip(rest, lines):
    assert line["status"] == 202, line
    messages[event.get_id()] = message(line)
json.dump(messages, sys.stdout)
