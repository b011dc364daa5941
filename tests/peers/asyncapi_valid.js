// Holds an AsyncAPI document against the specification's own schema, from the npm package @asyncapi/specs, and every
// example in it against the payload and headers that it is an example of.
//
// Usage: node asyncapi_valid.js FILE
"use strict";
const fs = require("node:fs");
const specs = require("@asyncapi/specs");
const Ajv = require("ajv");
const addFormats = require("ajv-formats");

const document = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));

function ajv(options) {
  const reader = new Ajv({ allErrors: true, strict: false, ...options });
  addFormats(reader);
  return reader;
}

const faults = [];
const check = (what, validate, value) => {
  if (!validate(value)) {
    for (const error of validate.errors) faults.push(`${what}${error.instancePath}: ${error.message}`);
  }
};

const schema = specs.schemas[document.asyncapi];
if (!schema) throw new Error(`no schema for AsyncAPI ${document.asyncapi}`);
// It brings draft 07 along, under the id of ajv's own.
check("document", ajv({ meta: false, validateSchema: false }).compile(schema), document);

// Every reference leads somewhere.
const resolve = (pointer) =>
  pointer
    .slice(2)
    .split("/")
    .reduce((at, key) => at && at[key.replaceAll("~1", "/").replaceAll("~0", "~")], document);
const walk = (at, path) => {
  if (at === null || typeof at !== "object") return;
  if (typeof at.$ref === "string" && resolve(at.$ref) === undefined) faults.push(`${path}: ${at.$ref} leads nowhere`);
  for (const [key, value] of Object.entries(at)) walk(value, `${path}/${key}`);
};
walk(document, "");

const reader = ajv();
const compile = (part) => reader.compile({ allOf: [part], components: document.components });
let examples = 0;
for (const [name, message] of Object.entries(document.components.messages)) {
  const payload = compile(message.payload);
  const headers = message.headers && compile(message.headers);
  if (!message.examples?.length) faults.push(`${name}: no example`);
  for (const example of message.examples ?? []) {
    check(`${name}, ${example.name}, payload`, payload, example.payload);
    if (headers) check(`${name}, ${example.name}, headers`, headers, example.headers);
    examples += 1;
  }
}
if (faults.length > 0) {
  console.error(faults.join("\n"));
  process.exit(1);
}
console.log(`AsyncAPI ${document.asyncapi}: valid, with ${examples} examples of ${Object.keys(document.components.messages).length} messages`);
