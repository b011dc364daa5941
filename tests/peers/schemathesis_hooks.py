"""What schemathesis does not know of NDJSON: how it is written, and that the schema of an answer is that of each line."""

import json

import jsonschema_rs
import schemathesis

NDJSON = "application/x-ndjson"


@schemathesis.serializer(NDJSON)
def write_lines(_context, value):
    if isinstance(value, bytes):
        return value
    # Examples of the document are lines already.
    lines = value if isinstance(value, str) and value.endswith("\n") else json.dumps(value) + "\n"
    return lines.encode()


@schemathesis.check
def every_line_is_described(_context, response, case):
    if NDJSON not in response.headers.get("content-type", [""])[0]:
        return
    document = case.operation.schema.raw_schema
    described = document["paths"][case.operation.path][case.operation.method.lower()]["responses"]
    schema = described[str(response.status_code)]["content"][NDJSON]["schema"]
    validator = jsonschema_rs.Draft202012Validator({"allOf": [schema], "components": document["components"]})
    for line in response.content.splitlines():
        fault = next(validator.iter_errors(json.loads(line)), None)
        assert fault is None, f"{line!r}: {fault.message}"
