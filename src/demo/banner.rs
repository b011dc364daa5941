//! What the terminal is told.

use std::fmt::Write;

use super::setting::PHONES;
use super::{Demo, Summary};

/// The banner. `colours` only where a person reads it.
pub fn banner(demo: &Demo, colours: bool) -> String {
    let paint = Paint(colours);
    let mut text = String::new();
    let took = demo.started_in.as_millis();
    let _ = writeln!(
        text,
        "\n  {}  {}\n",
        paint.strong("Araldo demo"),
        paint.faint(&format!("started in {took} ms"))
    );
    for (wanted, got) in &demo.taken {
        let note = format!("port {wanted} is taken: using {got}");
        let _ = writeln!(text, "  {}", paint.notice(&note));
    }
    let mut row = |name: &str, value: &str, note: &str| {
        let _ = writeln!(text, "  {name:<9} {value}  {}", paint.faint(note));
    };
    row("page", &paint.address(&format!("http://{}", demo.page)), "open it");
    row(
        "API",
        &paint.address(&format!("http://{}", demo.api)),
        "POST /v1/messages, POST /v1/events, GET /openapi.json",
    );
    row("key", &demo.key, "for this run only");
    let carriers: Vec<String> = demo
        .carriers
        .iter()
        .map(|(name, addr)| format!("{name} {addr}"))
        .collect();
    row("carriers", &carriers.join(", "), "simulated, over real SMPP");
    row(
        "RCS",
        &format!("zefiro {}", demo.platform),
        "simulated, reaches Giulia’s phone",
    );
    match &demo.kept {
        Some(path) => row("database", &path.join("araldo.db").display().to_string(), "kept"),
        None => row("database", "temporary", "gone when this ends"),
    }
    row(
        "bank",
        &paint.address(&demo.bank_url),
        "simulated, verifies each webhook",
    );
    for (what, line) in [
        ("Send a message to the phone:", curl(demo)),
        ("Publish an event, which makes one:", curl_event(demo)),
    ] {
        let _ = writeln!(text, "\n  {}\n\n{line}", paint.strong(what));
    }
    text.push('\n');
    let _ = writeln!(text, "  Ctrl-C ends it.");
    text
}

/// A line that works as it stands.
fn curl(demo: &Demo) -> String {
    let body = format!(
        r#"{{"to":"+{}","from":"BancaAurea","class":"otp","text":"Ciao dal terminale: 482913"}}"#,
        PHONES[0].number
    );
    format!(
        "  curl -sS http://{}/v1/messages -H 'Authorization: Bearer {}' -H 'Content-Type: application/json' -d '{body}'",
        demo.api, demo.key
    )
}

/// A line that publishes another event each time.
fn curl_event(demo: &Demo) -> String {
    let data = format!(
        r#"{{"msisdn":"+{}","locale":"it","card":"*1234","arrives":"{}"}}"#,
        PHONES[0].number, demo.soon
    );
    format!(
        "  curl -sS http://{}/v1/events -H 'Authorization: Bearer {}' -H 'Content-Type: application/json' \
         -H 'ce-specversion: 1.0' -H \"ce-id: $(date +%s)\" -H 'ce-source: /cards' \
         -H 'ce-type: com.bank.card.shipped.v1' -d '{data}'",
        demo.api, demo.key
    )
}

/// The last words.
pub fn summary(summary: &Summary, kept: Option<&std::path::Path>, colours: bool) -> String {
    let paint = Paint(colours);
    let median = summary.median.as_deref().unwrap_or("none");
    let mut text = format!(
        "\n  {}  sent {}, delivered {}, median from accept to receipt {median}; events {}, webhooks verified {}\n",
        paint.strong("Araldo demo ended."),
        summary.sent,
        summary.delivered,
        summary.events,
        summary.webhooks,
    );
    if let Some(path) = kept {
        let _ = writeln!(text, "  The database is in {}.", path.display());
    }
    text
}

struct Paint(bool);

impl Paint {
    fn strong(&self, text: &str) -> String {
        self.with("1", text)
    }

    fn faint(&self, text: &str) -> String {
        self.with("2", text)
    }

    fn address(&self, text: &str) -> String {
        self.with("36", text)
    }

    fn notice(&self, text: &str) -> String {
        self.with("33", text)
    }

    fn with(&self, code: &str, text: &str) -> String {
        if self.0 {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_gets_no_colours() {
        let ended = Summary {
            sent: 12,
            delivered: 11,
            events: 3,
            webhooks: 9,
            median: Some("1.24 s".into()),
        };
        let plain = summary(&ended, None, false);
        assert!(
            !plain.contains('\x1b')
                && plain.contains("sent 12, delivered 11")
                && plain.contains("1.24 s")
                && plain.contains("events 3, webhooks verified 9"),
            "{plain}"
        );
        assert!(summary(&ended, None, true).contains('\x1b'));
    }
}
