//! Texts of a configuration file that are wrong, each in its way.

use crate::bench::{Bench, CARRIER, CLIENT, ROUTE};

#[test]
fn every_bad_text_is_exit_78_with_place_and_cure() {
    for (what, parts, fragments) in BAD_TEXTS {
        let bench = Bench::new();
        bench.config(parts);
        bench.refuses(what, 78, fragments);
    }
}

/// RELIABILITY §5.3, the rows that the text of a file can show: name, file, fragments of the answer.
const BAD_TEXTS: &[(&str, &[&str], &[&str])] = &[
    (
        "syntax error",
        &[CLIENT, "[carrier.tim]\nhost smsc\n"],
        &["araldo.toml:6:6: ", "6 | host smsc", "     ^"],
    ),
    (
        "unknown section",
        &["[carier.tim]\nhost = \"x\"\n"],
        &["araldo.toml:3:2: carier: unknown key", "did you mean `carrier`?"],
    ),
    (
        "misspelled key",
        &[CARRIER, "windw = 5\n"],
        &[
            "araldo.toml:7:1: carrier.tim.windw: unknown key",
            "did you mean `window`?",
        ],
    ),
    (
        "unknown key",
        &["[log]\nzzz = 5\n"],
        &["log.zzz: unknown key", "the keys here are format, filter"],
    ),
    (
        "misspelled key of a step",
        &[CLIENT, CARRIER, "[route.r]\nsteps = [{ carrier = [\"tim\"] }]\n"],
        &["route.r.steps[0].carrier: unknown key", "did you mean `carriers`?"],
    ),
    (
        "unit missing",
        &[CARRIER, "response_timeout = 30\n"],
        &["carrier.tim.response_timeout: ", "integer `30`", "\"30s\""],
    ),
    (
        "unit missing in text",
        &[CARRIER, "response_timeout = \"30\"\n"],
        &["carrier.tim.response_timeout: ", "\"2m\""],
    ),
    (
        "wrong type",
        &[CARRIER, "window = \"many\"\n"],
        &[
            "araldo.toml:7:1: carrier.tim.window: invalid type: string \"many\"",
            "write it as in window = 100",
        ],
    ),
    (
        "wrong word",
        &[CARRIER, "bind_mode = \"transciever\"\n"],
        &["`transciever` is not one of", "did you mean \"transceiver\"?"],
    ),
    (
        "number out of its type",
        &[CARRIER, "window = 99999999999999999999\n"],
        &["carrier.tim.window: "],
    ),
    (
        "protocol that does not exist",
        &["[carrier.x]\nprotocol = \"ucp\"\n"],
        &["`ucp` is not one of smpp"],
    ),
    (
        "duplicate carrier id",
        &[CARRIER, CARRIER],
        &["duplicate key", "araldo.toml:7:", "see also ", "araldo.toml:3:1"],
    ),
    (
        "route to an unknown carrier",
        &[CLIENT, CARRIER, "[route.r]\nsteps = [{ carriers = [\"tin\"] }]\n"],
        &[
            "route.r.steps[0].carriers[0]: there is no carrier `tin`",
            "araldo.toml:10:",
            "see also ",
            "araldo.toml:5:10",
            "did you mean \"tim\"?",
        ],
    ),
    (
        "route to a carrier of RCS that is written wrong",
        &[
            CLIENT,
            "[carrier.rbm-bank]\nprotocol = \"rbm\"\n[route.r]\nsteps = [{ carriers = [\"rbm-banc\"] }]\n",
        ],
        &[
            "route.r.steps[0].carriers[0]: there is no carrier `rbm-banc`",
            "did you mean \"rbm-bank\"?",
        ],
    ),
    (
        "agent of RCS without what signs in",
        &["[carrier.rbm-bank]\nprotocol = \"rbm\"\n"],
        &[
            "araldo.toml:3:10: carrier.rbm-bank.agent_id: is missing",
            "as the console shows it",
            "araldo.toml:3:10: carrier.rbm-bank.service_account: is missing",
            "write service_account_file",
        ],
    ),
    (
        "step without carrier",
        &["[route.r]\nsteps = [{ carriers = [] }]\n"],
        &["route.r.steps[0].carriers: has no carrier"],
    ),
    (
        "route without step",
        &["[route.r]\n"],
        &["araldo.toml:3:8: route.r.steps: has no step"],
    ),
    (
        "carrier twice in a step",
        &[CARRIER, "[route.r]\nsteps = [{ carriers = [\"tim\", \"tim\"] }]\n"],
        &["carrier `tim` is there twice"],
    ),
    (
        "two routes for the same",
        &[
            CARRIER,
            ROUTE,
            "[route.r]\nprefixes = [\"39\"]\nsteps = [{ carriers = [\"tim\"] }]\n",
        ],
        &["serves prefix 39 for the same messages as route `italy`", "see also"],
    ),
    (
        "prefix that is none",
        &[
            CARRIER,
            "[route.r]\nprefixes = [\"+39\"]\nsteps = [{ carriers = [\"tim\"] }]\n",
        ],
        &["`+39` is not the beginning of a number", "prefixes = [\"39\"]"],
    ),
    (
        "receiver that should send",
        &[CARRIER, "bind_mode = \"receiver\"\n", ROUTE],
        &["cannot send"],
    ),
    (
        "plaintext without its word",
        &[CARRIER, "tls = false\n"],
        &["carrier.tim.tls: ", "insecure_plaintext = true"],
    ),
    (
        "plaintext API beyond loopback",
        &["[http.api]\nlisten = \"0.0.0.0:8480\"\n"],
        &[
            "http.api.listen: 0.0.0.0:8480 is beyond loopback",
            "insecure_plaintext = true",
        ],
    ),
    (
        "both listeners on one port",
        &["[http.admin]\nlisten = \"127.0.0.1:8480\"\n"],
        &["which http.api.listen has already"],
    ),
    (
        "window 0",
        &[CARRIER, "window = 0\n"],
        &["carrier.tim.window: is 0, and must be 1 to 5000", "1 <= window <= 5000"],
    ),
    (
        "window 10000",
        &[CARRIER, "window = 10000\n"],
        &["is 10000, and must be 1 to 5000"],
    ),
    (
        "rate beyond reason",
        &[CARRIER, "throughput = 4000000000\n"],
        &["0 <= throughput <= 1000000"],
    ),
    (
        "idle for ever",
        &["[http]\nidle_timeout = \"2h\"\n"],
        &["http.idle_timeout: is 2h, and must be 1s to 1h"],
    ),
    ("binds 65", &[CARRIER, "binds = 65\n"], &["1 <= binds <= 64"]),
    (
        "rescue after the doubt",
        &["[outbox]\nrescue_interval = \"50s\"\n"],
        &["keep outbox.rescue_interval <= outbox.doubt_hold"],
    ),
    (
        "rescue after the answer",
        &[
            "[outbox]\nrescue_interval = \"20s\"\n",
            CARRIER,
            "response_timeout = \"10s\"\n",
        ],
        &[
            "keep outbox.rescue_interval <= carrier.tim.response_timeout",
            "see also",
        ],
    ),
    (
        "reconnect upside down",
        &[CARRIER, "reconnect_min = \"2m\"\n"],
        &["keep carrier.tim.reconnect_min <= carrier.tim.reconnect_max"],
    ),
    (
        "doubt_hold 0",
        &["[outbox]\ndoubt_hold = \"0s\"\n"],
        &["\"1s\" <= doubt_hold"],
    ),
    ("keys kept longer than messages", &["[store]\n"], &["duplicate key"]),
    (
        "status of another standard",
        &[CARRIER, "status = { 413 = \"final\" }\n"],
        &["neither the name nor the code of a status"],
    ),
    (
        "TLS files that are not there",
        &["[http.api]\ntls_cert_file = \"no.crt\"\ntls_key_file = \"no.key\"\n"],
        &["http.api.tls_cert_file: ", "no.crt cannot be read"],
    ),
    (
        "certificate without key",
        &["[http.api]\ntls_cert_file = \"no.crt\"\n"],
        &["one is missing"],
    ),
    (
        "authority that is not there",
        &[CARRIER, "tls_ca_file = \"no.pem\"\n"],
        &["carrier.tim.tls_ca_file: ", "no.pem cannot be read"],
    ),
    (
        "host with a scheme",
        &["[carrier.x]\nhost = \"smpp://h\"\nsystem_id = \"a\"\n"],
        &["neither a host name nor an address"],
    ),
    (
        "required keys missing",
        &["[carrier.x]\n[client.y]\n"],
        &[
            "carrier.x.host: is missing",
            "carrier.x.system_id: is missing",
            "client.y: has no key",
        ],
    ),
    (
        "id with a capital",
        &["[carrier.Tim]\nhost = \"h\"\n"],
        &["`Tim` is not a name"],
    ),
    (
        "two forms of a secret",
        &[CARRIER, "password = \"hush\"\n"],
        &["is given in more than one form", "see also"],
    ),
    (
        "secret file that is not there",
        &["[client.x]\nkey_file = \"none\"\n"],
        &["client.x.key_file: ", "none cannot be read", "mode 0600"],
    ),
    (
        "credential without systemd",
        &["[client.x]\nkey_credential = \"x\"\n"],
        &["CREDENTIALS_DIRECTORY is not set"],
    ),
    (
        "scope that does not exist",
        &[CLIENT, "scopes = [\"sent\"]\n"],
        &["client.bank.scopes[0]: `sent` is not one of", "did you mean \"send\"?"],
    ),
    (
        "address of nobody",
        &["[address.\"12345\"]\nclient = \"bank\"\n"],
        &["address.12345.client: there is no client `bank`"],
    ),
    (
        "webhook without secret",
        &[CLIENT, "webhook = { url = \"https://bank.example/\" }\n"],
        &["client.bank.webhook.secret: is missing", "whsec_"],
    ),
    (
        "webhook to an address inside",
        &[
            CLIENT,
            "webhook = { url = \"https://169.254.169.254/\", secret = \"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\" }\n",
        ],
        &[
            "client.bank.webhook.url: names a private address",
            "webhook.allow_networks",
        ],
    ),
    (
        "webhook to a host with two readings",
        &[CLIENT, "webhook = { url = \"https://0x7f.1/\" }\n"],
        &[
            "client.bank.webhook.url: must name its host plainly",
            "https://bank.example",
        ],
    ),
    (
        "authority of webhooks that is not there",
        &["[webhook]\nca_file = \"no.pem\"\n"],
        &["webhook.ca_file: ", "no.pem cannot be read"],
    ),
    (
        "webhook by http",
        &[
            CLIENT,
            "webhook = { url = \"http://bank.example/\", secret = \"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\" }\n",
        ],
        &["plain http goes only to", "allow_networks"],
    ),
    (
        "webhook to an event that does not exist",
        &[
            CLIENT,
            "webhook = { url = \"https://b.example/\", events = [\"message.delivred\"] }\n",
        ],
        &["did you mean \"message.delivered\"?"],
    ),
    (
        "network that is none",
        &["[webhook]\nallow_networks = [\"10.0.0.1/8\"]\n"],
        &["`10.0.0.1/8` is not a network"],
    ),
    (
        "filter that cannot be read",
        &["[log]\nfilter = \"araldo=loud\"\n"],
        &["log.filter: cannot be read"],
    ),
];
