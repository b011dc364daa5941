#!/usr/bin/env node
// The SMPP server of the npm package `smpp` as a carrier.
//
// Usage: node node_smpp_server.js [--port P] [--host H] [--control P] [--system-id ID] [--password PW]
//                                 [--receipt-delay MS] [--ids decimal|hex] [--receipt-ids decimal|hex] [--out FILE]
//
// Answers binds, submit_sm with ids, enquire_link and unbind; sends a receipt in text form for each message that asks for
// one; sends an MO for each line `{"from", "to", "text"}` on standard input and for each such body of POST /mo on the
// control port. Every event is a line of JSON on standard output, and in FILE if given:
//   {"event":"listening","port","control"}   {"event":"bound","mode","system_id"}   {"event":"unbound"}   {"event":"closed"}
//   {"event":"submit_sm","id","source","destination","esm_class","data_coding","registered_delivery","text","hex",...}
//   {"event":"receipt","id","status"}   {"event":"mo","status"}
// SIGTERM or end of standard input with --until-eof: unbinds every session and exits 0.
'use strict';

const fs = require('fs');
const http = require('http');
const readline = require('readline');
const smpp = require('smpp');

const { values: options } = require('util').parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '0' },
    control: { type: 'string', default: '0' },
    'system-id': { type: 'string' },
    password: { type: 'string' },
    'receipt-delay': { type: 'string', default: '100' },
    ids: { type: 'string', default: 'decimal' },
    'receipt-ids': { type: 'string' },
    out: { type: 'string' },
    'until-eof': { type: 'boolean', default: false },
  },
});

const out = options.out ? fs.openSync(options.out, 'a') : null;
const sessions = new Set();
let nextId = 1000000000 + (Date.now() % 1000000000);

function tell(event) {
  const line = JSON.stringify(event) + '\n';
  if (out !== null) fs.writeSync(out, line);
  process.stdout.write(line);
}

function idOf(number, form) {
  return form === 'hex' ? number.toString(16) : String(number);
}

// YYMMDDhhmm in UTC.
function date(at) {
  return at.toISOString().replace(/[-T:]/g, '').slice(2, 12);
}

function textOf(pdu) {
  const message = pdu.short_message && pdu.short_message.message;
  const payload = pdu.message_payload && pdu.message_payload.message;
  const body = message !== undefined && message !== '' && message !== null ? message : payload;
  return Buffer.isBuffer(body) ? { hex: body.toString('hex') } : { text: body || '' };
}

function headerOf(pdu) {
  const udh = pdu.short_message && pdu.short_message.udh;
  if (!udh) return {};
  const octets = Array.isArray(udh) ? Buffer.concat(udh) : udh;
  return { udh: octets.toString('hex') };
}

function sendReceipt(session, pdu, id, submitted) {
  // To a session of the same system_id that takes deliver_sm: the one it came on if that does.
  const takes = (other) => other.bound && other.bound !== 'transmitter' && !other.closed;
  const target = takes(session) ? session : [...sessions].find((other) => takes(other) && other.systemId === session.systemId);
  if (!target) {
    setTimeout(() => sendReceipt(session, pdu, id, submitted), 200).unref();
    return;
  }
  const text =
    `id:${id} sub:001 dlvrd:001 submit date:${date(submitted)} done date:${date(new Date())} ` +
    `stat:DELIVRD err:000 text:${String(textOf(pdu).text || '').replace(/[^ -~]/g, '?').slice(0, 20)}`;
  target.deliver_sm(
    {
      source_addr_ton: pdu.dest_addr_ton,
      source_addr_npi: pdu.dest_addr_npi,
      source_addr: pdu.destination_addr,
      dest_addr_ton: pdu.source_addr_ton,
      dest_addr_npi: pdu.source_addr_npi,
      destination_addr: pdu.source_addr,
      esm_class: smpp.ESM_CLASS.MC_DELIVERY_RECEIPT,
      short_message: text,
    },
    (answer) => tell({ event: 'receipt', id, status: answer.command_status }),
  );
}

function sendMo(mo, done) {
  const target = [...sessions].find((session) => session.bound && session.bound !== 'transmitter' && !session.closed);
  if (!target) return done({ error: 'nobody is bound that takes deliver_sm' });
  target.deliver_sm(
    {
      source_addr_ton: 1,
      source_addr_npi: 1,
      source_addr: String(mo.from).replace(/^\+/, ''),
      destination_addr: String(mo.to),
      short_message: String(mo.text),
    },
    (answer) => {
      tell({ event: 'mo', from: mo.from, status: answer.command_status });
      done({ status: answer.command_status });
    },
  );
}

function onBind(session, mode, pdu) {
  const wrongId = options['system-id'] !== undefined && pdu.system_id !== options['system-id'];
  const wrongPassword = options.password !== undefined && pdu.password !== options.password;
  if (wrongId || wrongPassword) {
    const command_status = wrongId ? smpp.ESME_RINVSYSID : smpp.ESME_RINVPASWD;
    tell({ event: 'bind_refused', mode, system_id: pdu.system_id, status: command_status });
    session.send(pdu.response({ command_status }), undefined, undefined, () => session.close());
    return;
  }
  session.bound = mode;
  session.systemId = pdu.system_id;
  session.send(pdu.response({ system_id: 'node-smpp' }));
  tell({ event: 'bound', mode, system_id: pdu.system_id });
}

function onSubmit(session, pdu) {
  const number = nextId++;
  const id = idOf(number, options.ids);
  const receiptId = idOf(number, options['receipt-ids'] || options.ids);
  const submitted = new Date();
  tell({
    event: 'submit_sm',
    id,
    system_id: session.systemId,
    source: pdu.source_addr,
    source_ton: pdu.source_addr_ton,
    destination: pdu.destination_addr,
    destination_ton: pdu.dest_addr_ton,
    esm_class: pdu.esm_class,
    data_coding: pdu.data_coding,
    registered_delivery: pdu.registered_delivery,
    validity_period: pdu.validity_period || '',
    user_message_reference: pdu.user_message_reference,
    ...textOf(pdu),
    ...headerOf(pdu),
  });
  session.send(pdu.response({ message_id: id }));
  if (pdu.registered_delivery & 1) {
    setTimeout(() => sendReceipt(session, pdu, receiptId, submitted), Number(options['receipt-delay']));
  }
}

const server = smpp.createServer((session) => {
  sessions.add(session);
  session.on('bind_transceiver', (pdu) => onBind(session, 'transceiver', pdu));
  session.on('bind_transmitter', (pdu) => onBind(session, 'transmitter', pdu));
  session.on('bind_receiver', (pdu) => onBind(session, 'receiver', pdu));
  session.on('submit_sm', (pdu) => onSubmit(session, pdu));
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => {
    session.bound = null;
    tell({ event: 'unbound', system_id: session.systemId });
    session.send(pdu.response(), undefined, undefined, () => session.close());
  });
  session.on('close', () => {
    sessions.delete(session);
    tell({ event: 'closed', system_id: session.systemId });
  });
  session.on('error', (error) => tell({ event: 'error', error: String(error.message || error) }));
});

const control = http.createServer((request, response) => {
  const answer = (status, body) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body) + '\n');
  };
  if (request.method !== 'POST' || request.url !== '/mo') return answer(404, { error: 'POST /mo' });
  let body = '';
  request.on('data', (chunk) => (body += chunk));
  request.on('end', () => {
    try {
      sendMo(JSON.parse(body), (said) => answer(said.error ? 503 : 200, said));
    } catch (error) {
      answer(400, { error: error.message });
    }
  });
});

function stop() {
  for (const session of sessions) session.unbind(() => session.close());
  setTimeout(() => process.exit(0), sessions.size ? 500 : 0);
}

const lines = readline.createInterface({ input: process.stdin });
lines.on('line', (line) => {
  try {
    sendMo(JSON.parse(line), (said) => said.error && tell({ event: 'error', error: said.error }));
  } catch (error) {
    tell({ event: 'error', error: error.message });
  }
});
lines.on('close', () => options['until-eof'] && stop());
process.on('SIGTERM', stop);
process.on('SIGINT', stop);

server.listen(Number(options.port), options.host, () => {
  control.listen(Number(options.control), options.host, () => {
    tell({ event: 'listening', port: server.address().port, control: control.address().port });
  });
});
