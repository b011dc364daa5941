// npm standardwebhooks verifies requests that our sender made, and refuses each of them once a part is changed.
//
// Usage: node webhook_verify.js LEDGER    a JSON object a line: secrets, headers, body in base64
"use strict";

const assert = require("node:assert");
const fs = require("node:fs");
const { Webhook } = require("standardwebhooks");

const FOREIGN = "whsec_" + Buffer.alloc(32).toString("base64");
const SIGNED = ["webhook-id", "webhook-timestamp", "webhook-signature"];

function verifies(secret, headers, body) {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch (error) {
    if (error.name === "WebhookVerificationError" || error.constructor.name === "WebhookVerificationError") {
      return false;
    }
    throw error;
  }
}

// The same with its middle letter another.
function changed(text) {
  const at = text.length >> 1;
  return text.slice(0, at) + (text[at] === "a" ? "b" : "a") + text.slice(at + 1);
}

let genuine = 0;
let refused = 0;
for (const line of fs.readFileSync(process.argv[2], "utf8").trim().split("\n")) {
  const { secrets, headers, body: base64 } = JSON.parse(line);
  const body = Buffer.from(base64, "base64").toString("utf8");
  for (const secret of secrets) {
    assert(verifies(secret, headers, body), `refused: ${JSON.stringify(headers)}`);
    genuine += 1;
    for (const name of SIGNED) {
      const value = headers[name].split(" ").map(changed).join(" ");
      assert(!verifies(secret, { ...headers, [name]: value }, body), `taken with another ${name}`);
      refused += 1;
    }
    assert(!verifies(secret, headers, body + " "), "taken with another body");
    refused += 1;
  }
  assert(!verifies(FOREIGN, headers, body), "taken under a foreign secret");
  refused += 1;
}
assert(genuine >= 20, "too few requests to tell");
console.log(`${genuine} genuine taken, ${refused} changed refused`);
