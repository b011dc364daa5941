#!/usr/bin/env python3
"""PyPI smpplib as an ESME against the simulator.

Usage: smpplib_client.py [--host H] [--port P] [--control URL] [--system-id ID] [--password PW]

Binds as transceiver, submits a short and a long message, waits for their receipts, takes a text that it has the
simulator's control send, probes the link, unbinds. Prints a line for each thing checked; exits 1 at the first that fails.
"""

import argparse
import json
import sys
import threading
import time
import urllib.request

import smpplib.client
import smpplib.consts as consts
import smpplib.gsm
import smpplib.smpp

LIMIT = 15.0  # seconds for any one thing
LONG_TEXT = "Il saldo del conto e' di 1.234,56 euro. " * 9  # 360 characters: 3 segments
MO_TEXT = "SALDO per favore, perch\u00e9 no"
PHONE = "393471234567"
SHORT_CODE = "12345"
RECEIPT = 0x04  # message type in esm_class (SMPP 3.4 section 5.2.12)


class Failed(Exception):
    pass


class Esme:
    def __init__(self, host, port):
        self.client = smpplib.client.Client(host, port, timeout=1, allow_unknown_opt_params=True)
        self.ids = {}  # sequence -> message_id of submit_sm_resp
        self.receipts = {}  # message_id -> text
        self.texts = []
        self.client.set_message_sent_handler(self.on_submit_sm_resp)
        self.client.set_message_received_handler(self.on_deliver_sm)

    def on_submit_sm_resp(self, pdu, **_):
        self.ids[pdu.sequence] = pdu.message_id.decode()

    def on_deliver_sm(self, pdu, **_):
        if pdu.esm_class & 0x3C == RECEIPT:
            text = pdu.short_message.decode("ascii")
            receipted = pdu.receipted_message_id
            receipted = receipted.rstrip(b"\0").decode() if receipted else None
            in_text = text.split("id:", 1)[1].split(" ", 1)[0] if "id:" in text else None
            if receipted and in_text and receipted != in_text:
                raise Failed(f"TLV says {receipted}, text says {in_text}")
            self.receipts[receipted or in_text] = text
        else:
            self.texts.append(pdu)
        return consts.SMPP_ESME_ROK

    def until(self, what, reached):
        """Reads PDUs until `reached()`."""
        end = time.monotonic() + LIMIT
        while not reached():
            if time.monotonic() > end:
                raise Failed(f"{what}: not within {LIMIT:.0f} s")
            try:
                self.client.read_once(auto_send_enquire_link=False)
            except TimeoutError:
                pass

    def submit(self, parts, coding, esm_class):
        sequences = []
        for part in parts:
            pdu = self.client.send_message(
                source_addr_ton=consts.SMPP_TON_ALNUM,
                source_addr_npi=consts.SMPP_NPI_UNK,
                source_addr="BANK",
                dest_addr_ton=consts.SMPP_TON_INTL,
                dest_addr_npi=consts.SMPP_NPI_ISDN,
                destination_addr=PHONE,
                short_message=part,
                data_coding=coding,
                esm_class=esm_class,
                registered_delivery=True,
            )
            sequences.append(pdu.sequence)
        return sequences


def checked(what):
    print(f"ok  {what}", flush=True)


def expect(condition, what):
    if not condition:
        raise Failed(what)
    checked(what)


def call(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=LIMIT) as answer:
        return json.load(answer)


def run(args):
    esme = Esme(args.host, args.port)
    client = esme.client
    client.connect()
    answer = client.bind_transceiver(system_id=args.system_id, password=args.password)
    expect(answer.command == "bind_transceiver_resp" and answer.status == 0, "bind_transceiver")

    parts, coding, esm_class = smpplib.gsm.make_parts("Ciao dal peer")
    sent = esme.submit(parts, coding, esm_class)
    esme.until("submit_sm_resp", lambda: all(sequence in esme.ids for sequence in sent))
    expect(bool(esme.ids[sent[0]]), f"submit_sm answered with id {esme.ids[sent[0]]}")

    parts, coding, esm_class = smpplib.gsm.make_parts(LONG_TEXT)
    long = esme.submit(parts, coding, esm_class)
    esme.until("submit_sm_resp of every segment", lambda: all(sequence in esme.ids for sequence in long))
    ids = [esme.ids[sequence] for sequence in sent + long]
    expect(len(long) == 3 and len(set(ids)) == 4, "long message of 3 segments, each with an id of its own")

    esme.until("receipts", lambda: all(message_id in esme.receipts for message_id in ids))
    delivered = all("stat:DELIVRD" in esme.receipts[message_id] for message_id in ids)
    expect(delivered, "a receipt with stat:DELIVRD for every segment")

    phone = call(f"{args.control}/messages?to={PHONE}")
    texts = [message["text"] for message in phone]
    expect("Ciao dal peer" in texts and LONG_TEXT in texts, "the phone shows both texts, the long one whole")

    said = {}

    def text_the_esme():
        try:
            said.update(call(f"{args.control}/mo", {"from": PHONE, "to": SHORT_CODE, "text": MO_TEXT}))
        except Exception as error:  # shown below, by the missing answer
            said["error"] = str(error)

    texting = threading.Thread(target=text_the_esme)
    texting.start()
    esme.until("the text from the phone", lambda: esme.texts)
    texting.join(LIMIT)
    mo = esme.texts[0]
    text = mo.short_message.decode("utf-16-be") if mo.data_coding == 8 else mo.short_message.decode("latin-1")
    text = text.replace("\x05", "\u00e9") if mo.data_coding == 0 else text  # e with acute in GSM 03.38
    expect(text == MO_TEXT and mo.source_addr == PHONE.encode(), "deliver_sm with the text of the phone")
    expect(mo.destination_addr == SHORT_CODE.encode(), "deliver_sm to the short code")
    expect(said.get("status") == "ESME_ROK", f"the control was told of our deliver_sm_resp: {said}")

    probe = smpplib.smpp.make_pdu("enquire_link", client=client)
    client.send_pdu(probe)
    answer = client.read_pdu()
    expect(answer.command == "enquire_link_resp" and answer.sequence == probe.sequence, "enquire_link answered")

    answer = client.unbind()
    expect(answer.command == "unbind_resp", "unbind answered")
    client.disconnect()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=2775)
    parser.add_argument("--control", default="http://127.0.0.1:2776")
    parser.add_argument("--system-id", default="peer")
    parser.add_argument("--password", default="secret")
    try:
        run(parser.parse_args())
    except Failed as failure:
        print(f"FAILED  {failure}", flush=True)
        sys.exit(1)
    except Exception as error:
        print(f"FAILED  {type(error).__name__}: {error}", flush=True)
        sys.exit(1)
    print("all checked")


if __name__ == "__main__":
    main()
