//! Templates alone.

use minijinja::value::{Serde, Value};
use serde_json::json;

use super::*;
use crate::accept::Code;
use crate::notify::{Context, Locale, Rendered, Templates};

fn templates(tables: &str, files: &[(&str, &str)]) -> Arc<Templates> {
    notifier(tables, files)
        .unwrap_or_else(|error| panic!("{error}"))
        .templates
}

fn data(json: Json) -> Context {
    vec![("data".into(), Value::from(Serde(json)))]
}

fn text(source: &str, vars: Json) -> Result<String, Fault> {
    let templates = templates("[templates]\ntime_zone = \"Europe/Rome\"\n", &[("t.it.txt", source)]);
    templates
        .render("t", Some(&"it".parse().unwrap()), &data(vars))
        .map(|rendered| rendered.text)
        .map_err(|mut faults| faults.remove(0))
}

#[test]
fn filters_write_as_the_language_does() {
    let at = json!({ "at": "2026-11-21T23:30:00Z", "day": "2026-11-21", "n": "+393331234567", "pan": "4111 1111 1111 1234" });
    for (source, written) in [
        ("{{ data.at | date }} {{ data.at | time }}", "22/11/2026 00:30"),
        ("{{ data.at | datetime }}", "22/11/2026 00:30"),
        ("{{ data.at | datetime('America/New_York') }}", "21/11/2026 18:30"),
        ("{{ data.day | date }}", "21/11/2026"),
        (
            "{{ data.pan | masked_card }} {{ '*1234' | masked_card }} {{ 1234 | masked_card }} {{ 'XXXX-1234' | masked_card }}",
            "*1234 *1234 *1234 *1234",
        ),
        ("{{ data.n | masked_number }}", "+39333***4567"),
        (
            "{{ 10.5 | money('EUR') }} {{ '1250' | money('CHF') }} {{ 1e3 | money('EUR') }}",
            "10,50 € 1.250,00 CHF 1.000,00 €",
        ),
        ("{{ 'evil.com/x' | plain }}", "evil com/x"),
    ] {
        assert_eq!(text(source, at.clone()).unwrap(), written, "{source}");
    }
}

#[test]
fn a_filter_refuses_what_it_cannot_write() {
    for source in [
        "{{ data.x | money('EUR') }}",
        "{{ 'soon' | date }}",
        "{{ '2026-11-21T10:00:00' | time }}",
        "{{ '2026-11-21T10:00:00Z' | time('Mars/Olympus') }}",
        "{{ '12' | masked_card }}",
        "{{ 'PAN 4111-1111-1111-1234 exp 12/28' | masked_card }}",
        "{{ '41111111111112341228' | masked_card }}",
        "{{ '+39333' | masked_number }}",
        "{{ '+393331' | masked_number }}",
        "{{ '12345' | masked_number }}",
        "{{ 'MyBank' | masked_number }}",
        "{{ '' | masked_number }}",
        "{{ 'Anna 3331234567' | masked_number }}",
        "{{ 10 | money('euro') }}",
        "{{ none | money('EUR') }}",
        "{{ 1e30 | money('EUR') }}",
    ] {
        assert_eq!(
            text(source, json!({})).unwrap_err().code,
            Code::TemplateFailed,
            "{source}"
        );
    }
}

#[test]
fn what_is_missing_null_or_a_list_is_no_text() {
    for (source, vars) in [
        ("{{ data.name }}", json!({})),
        ("{{ data.a.b }}", json!({ "a": {} })),
        ("{{ name }}", json!({})),
        ("{{ data.name }}", json!({ "name": null })),
        ("{{ data.name }}", json!({ "name": ["a"] })),
        ("{{ data }}", json!({ "name": "a" })),
        ("{{ data.name | plain }}", json!({})),
        ("{{ data.name | plain }}", json!({ "name": null })),
        ("{{ data.name | masked_number }}", json!({})),
        ("{{ data.name | upper }}", json!({})),
        ("{{ data.at | date }}", json!({})),
        ("{{ 1 | money(data.currency) }}", json!({})),
    ] {
        assert_eq!(text(source, vars).unwrap_err().code, Code::TemplateFailed, "{source}");
    }
}

#[test]
fn our_own_words_are_whole_and_name_their_filter() {
    for (source, told) in [
        (
            "{{ 'soon' | date }}",
            "fails: date needs a time in RFC 3339 with its zone, such as 2026-11-21T10:00:00Z",
        ),
        (
            "{{ '2026-11-21T10:00:00Z' | time('Mars') }}",
            "fails: time needs a time zone such as Europe/Rome",
        ),
        (
            "{{ 1 | money('euro') }}",
            "fails: money: the currency is not a code of ISO 4217, such as EUR",
        ),
    ] {
        assert_eq!(text(source, json!({})).unwrap_err().detail, told);
    }
}

#[test]
fn a_comparison_in_a_text_is_checked_too() {
    let source = "{% if data.n > 3 %}many{% else %}few{% endif %}";
    assert_eq!(text(source, json!({ "n": 4 })).unwrap(), "many");
    assert_eq!(text(source, json!({ "n": 3 })).unwrap(), "few");
    let fault = text(source, json!({ "n": "4" })).unwrap_err();
    assert!(
        fault.detail.contains("> compares a text with a number"),
        "{}",
        fault.detail
    );
}

#[test]
fn a_filter_that_is_given_nothing_says_what_is_missing() {
    let fault = text(
        "{{ data.a }} {{ data.amount | money(data.currency) }}",
        json!({ "a": 1, "amount": 2 }),
    )
    .unwrap_err();
    assert_eq!(fault.detail, "uses a variable that is not there: data.currency");
}

#[test]
fn a_text_is_not_escaped_and_has_no_lines_that_only_hold_blocks() {
    let source = "{# sample: {} #}\n{% if data.a %}\nA <b> & \"c\"\n{% endif %}\nend\n\n";
    assert_eq!(text(source, json!({ "a": 1 })).unwrap(), "A <b> & \"c\"\nend");
}

#[test]
fn a_template_that_does_not_end_runs_out_of_fuel() {
    let fault = text(
        "{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}",
        json!({}),
    );
    assert!(fault.unwrap_err().detail.contains("fuel"));
    assert!(
        text("{{ 'x' * 10000000 }}", json!({}))
            .unwrap_err()
            .detail
            .contains("too long")
    );
    for source in ["{{ range(100000)|list|length }}", "{{ range(0, -10001, -1)|length }}"] {
        let fault = text(source, json!({})).unwrap_err();
        assert!(fault.detail.contains("more than 10000 items"), "{}", fault.detail);
    }
    assert_eq!(text("{{ range(10000)|list|length }}", json!({})).unwrap(), "10000");
    assert!(text("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", json!({})).is_err());
}

#[test]
fn the_nearest_language_is_taken() {
    let files = [
        ("t.it.txt", "it"),
        ("t.en.txt", "en"),
        ("t.de-CH.txt", "de-CH"),
        ("only.fr.txt", "fr"),
    ];
    let templates = templates("[templates]\nlocale = \"it\"\n", &files);
    let rendered = |name: &str, locale: Option<&str>| {
        let locale: Option<Locale> = locale.map(|locale| locale.parse().unwrap());
        templates
            .render(name, locale.as_ref(), &data(json!({})))
            .map(|rendered| rendered.text)
    };
    for (locale, found) in [
        (Some("it-CH"), "it"),
        (Some("en-GB"), "en"),
        (Some("de-CH"), "de-CH"),
        (Some("de"), "it"),
        (Some("ja"), "it"),
        (None, "it"),
    ] {
        assert_eq!(rendered("t", locale).unwrap(), found, "{locale:?}");
    }
    assert_eq!(rendered("only", Some("de")).unwrap_err()[0].code, Code::TemplateFailed);
    assert_eq!(rendered("none", None).unwrap_err()[0].code, Code::UnknownTemplate);
}

#[test]
fn amounts_follow_the_region_that_was_asked_for() {
    let templates = templates("", &[("t.it.txt", "{{ 1250 | money('CHF') }}")]);
    let swiss = templates
        .render("t", Some(&"it-CH".parse().unwrap()), &data(json!({})))
        .unwrap();
    assert_eq!(swiss.text, "1'250.00 CHF");
}

#[test]
fn a_link_to_a_host_that_is_not_allowed_is_refused() {
    let files = [("t.en.txt", "See {{ data.link }}")];
    let tables = "[template.t]\nlink_hosts = [\"bank.example\"]\n";
    let render = |tables: &str, link: &str| {
        templates(tables, &files)
            .render("t", None, &data(json!({ "link": link })))
            .map_err(|faults| faults[0].code)
    };
    assert!(render(tables, "https://bank.example/a").is_ok());
    for link in [
        "https://evil.example/bank.example",
        "https://evil.com",
        "evil.com",
        "bit.ly/x",
        "bank.example.evil.it",
    ] {
        assert_eq!(render(tables, link).unwrap_err(), Code::LinkNotAllowed, "{link}");
    }
    assert_eq!(
        render("", "https://bank.example").unwrap_err(),
        Code::LinkNotAllowed,
        "none is allowed where none is named"
    );
}

#[test]
fn a_bad_template_is_told_with_file_line_and_cure() {
    for (file, text, told) in [
        ("t.en.txt", "fine\n{{ data.x", "t.en.txt:2:"),
        ("t.en.txt", "a\nb\n{% if x %}", "t.en.txt:3:"),
        ("t.english.txt", "x", "is not a language"),
        ("t.txt", "x", "the file's name has no language"),
        ("T.en.txt", "x", "is not a name"),
        ("t.en.txt", "", "has no text"),
        ("t.en.txt", "{# sample: {} #}\n", "has no text"),
    ] {
        let error = notifier("", &[(file, text)]).err().unwrap_or_default();
        assert!(error.contains(told) && error.contains("cure:"), "{file}: {error}");
    }
    let error = notifier("[template.card]\nmax_segments = 1\n", &[("cards.en.txt", "x")])
        .err()
        .unwrap();
    assert!(error.contains("did you mean [template.cards]?"), "{error}");
    let error = notifier("[template.t]\nlink_hosts = [\"bit.ly\"]\n", &[("t.en.txt", "x")])
        .err()
        .unwrap();
    assert!(error.contains("shortens links"), "{error}");
}

const CARD: &str = r#"{
  "card": {
    "title": "{{ data.shop }}: {{ data.amount | money('EUR') }}",
    "text": "{% if data.note %}{{ data.note }}{% endif %}",
    "suggestions": [
      {"type": "reply", "label": "Sono stato io", "says": "SI"},
      {"type": "link", "label": "{% if data.link %}Dettagli{% endif %}", "url": "{{ data.link }}"}
    ]
  },
  "suggestions": [
    {"type": "location", "label": "Dove", "at": {"latitude": "{{ data.at[0] }}", "longitude": "{{ data.at[1] }}"}}
  ]
}"#;

fn rich(files: &[(&str, &str)], vars: Json) -> Result<Rendered, Vec<Fault>> {
    let tables = "[template.t]\nlink_hosts = [\"bank.example\"]\n";
    templates(tables, files).render("t", Some(&"it".parse().unwrap()), &data(vars))
}

#[test]
fn a_rich_form_has_the_variables_and_filters_of_a_text() {
    let files = [("t.it.rcs.json", CARD)];
    let vars = json!({"shop": "Rossi \"da Gino\"", "amount": 90, "note": "", "link": null, "at": [45.46, 9.19]});
    let rendered = rich(&files, vars).unwrap();
    let wanted = json!({
        "card": {"title": "Rossi \"da Gino\": 90,00 EUR",
                 "suggestions": [{"type": "reply", "label": "Sono stato io", "says": "SI"}]},
        "suggestions": [{"type": "location", "label": "Dove", "at": {"latitude": 45.46, "longitude": 9.19}}]
    });
    let shown = rendered.rich.unwrap();
    let card = shown.card.as_ref().unwrap();
    assert!(
        card.title.as_ref().unwrap().starts_with("Rossi \"da Gino\": "),
        "{card:?}"
    );
    assert_eq!(
        (card.text.as_ref(), card.suggestions.len()),
        (None, 1),
        "what comes out empty is left out"
    );
    let shown: Json = serde_json::from_str(&shown.to_json()).unwrap();
    assert_eq!(shown["suggestions"], wanted["suggestions"]);
    assert_eq!(
        rendered.text,
        format!(
            "{}\nSono stato io: SI\nDove: 45.46000,9.19000",
            card.title.as_ref().unwrap()
        )
    );
}

#[test]
fn the_text_beside_a_rich_form_is_what_sms_says() {
    let files = [
        ("t.it.rcs.json", CARD),
        ("t.it.txt", "{{ data.shop }}: rispondi SI"),
        ("t.en.txt", "{{ data.shop }}"),
    ];
    let vars = json!({"shop": "Rossi", "amount": 90, "note": "Oggi", "link": "https://bank.example/1", "at": [1, 2]});
    let rendered = rich(&files, vars).unwrap();
    assert_eq!(rendered.text, "Rossi: rispondi SI");
    let card = rendered.rich.unwrap().card.unwrap();
    assert_eq!((card.text.as_deref(), card.suggestions.len()), (Some("Oggi"), 2));
}

#[test]
fn what_a_rich_form_comes_to_is_held_against_the_limits_and_the_hosts() {
    let files = [("t.it.rcs.json", CARD)];
    let vars = |shop: &str, link: Json| json!({"shop": shop, "amount": 1, "note": "", "link": link, "at": [1, 2]});
    let faults = rich(&files, vars("Rossi", json!("https://evil.example/1"))).unwrap_err();
    assert_eq!(faults[0].code, Code::LinkNotAllowed);
    let faults = rich(&files, vars(&"x".repeat(200), json!(null))).unwrap_err();
    assert_eq!(faults[0].code, Code::RichInvalid);
    assert!(
        faults[0].detail.starts_with("/card/title: has "),
        "{}",
        faults[0].detail
    );
    let faults = rich(&files, json!({"amount": 1, "note": "", "link": null, "at": [1, 2]})).unwrap_err();
    assert_eq!(faults[0].code, Code::TemplateFailed);
    assert!(faults[0].detail.contains("data.shop"), "{}", faults[0].detail);
}

#[test]
fn a_rich_form_that_cannot_be_is_told_at_start() {
    for (source, told) in [
        ("{", "is not JSON"),
        ("{\"card\": {\n\"titel\": \"a\"}}", "/card/titel: has `titel`"),
        (
            "{\"text\": \"{{ data.x | nofilter }}\"}",
            "/text: uses a filter that is not known: nofilter",
        ),
        (
            "{\"suggestions\": [{\"label\": \"a\"}]}",
            "/suggestions/0: lacks `type`",
        ),
    ] {
        let error = notifier("", &[("t.it.rcs.json", source)]).err().unwrap_or_default();
        assert!(
            error.contains(told) && error.contains("t.it.rcs.json"),
            "{source}: {error}"
        );
    }
}
