"""Reads the texts of all messages out of simulators' ledgers, with parsers that are not ours.

PDUs are read by smpplib, the GSM alphabet by gsm0338, UCS-2 by Python itself. Prints a line of JSON per message:
{"destination", "sender", "text", "segments"}. A message whose segments are not all there, or differ in a copy, is an
error.

    ledger_texts.py LEDGER...
"""

import json
import sys

import gsm0338
from smpplib import consts, smpp

GSM = gsm0338.Codec()


class Numbers:
    """What smpplib's PDUs ask of a client when they are made: a sequence number. The one read replaces it."""

    sequence = 0

    def next_sequence(self):
        return self.sequence


def submits(path):
    """Every submit_sm that a carrier took, in order."""
    refused = set()
    found = []
    with open(path, encoding="utf-8") as ledger:
        for line in map(json.loads, ledger):
            if line["dir"] == "in" and line["command"] == "submit_sm":
                pdu = smpp.parse_pdu(bytes.fromhex(line["hex"]), client=Numbers(), allow_unknown_opt_params=True)
                found.append(((line["conn"], line["sequence"]), pdu))
            elif line["dir"] == "out" and line["command"] == "submit_sm_resp" and line["status"] != 0:
                refused.add((line["conn"], line["sequence"]))
    return [pdu for key, pdu in found if key not in refused]


def cut(pdu):
    """(reference, total, number, octets) of a segment; the header as 3GPP TS 23.040 9.2.3.24 has it."""
    octets = pdu.short_message or getattr(pdu, "message_payload", None) or b""
    if not pdu.esm_class & consts.SMPP_GSMFEAT_UDHI:
        return None, 1, 1, octets
    length = octets[0]
    header, body = octets[1 : 1 + length], octets[1 + length :]
    while header:
        kind, size = header[0], header[1]
        value, header = header[2 : 2 + size], header[2 + size :]
        if kind == 0x00:
            return value[0], value[1], value[2], body
        if kind == 0x08:
            return int.from_bytes(value[:2], "big"), value[2], value[3], body
    return None, 1, 1, body


def decode(data_coding, octets):
    if data_coding == consts.SMPP_ENCODING_ISO10646:
        return octets.decode("utf-16-be")
    if data_coding == consts.SMPP_ENCODING_DEFAULT:
        return GSM.decode(octets)[0]
    raise SystemExit(f"data_coding {data_coding} was not expected")


def main(paths):
    messages = {}
    for path in paths:
        for pdu in submits(path):
            reference, total, number, octets = cut(pdu)
            key = (pdu.destination_addr.decode(), pdu.source_addr.decode("latin-1"), reference, total, pdu.data_coding)
            segments = messages.setdefault(key, {})
            if segments.setdefault(number, octets) != octets:
                raise SystemExit(f"{key}: two texts for segment {number}")
    for (destination, sender, _, total, data_coding), segments in messages.items():
        if sorted(segments) != list(range(1, total + 1)):
            raise SystemExit(f"{destination}: segments {sorted(segments)} of {total}")
        # Each segment is text of its own: nothing may be torn at the seams.
        text = "".join(decode(data_coding, segments[number]) for number in sorted(segments))
        print(json.dumps({"destination": destination, "sender": sender, "text": text, "segments": total}))


if __name__ == "__main__":
    main(sys.argv[1:])
