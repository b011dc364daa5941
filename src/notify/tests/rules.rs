//! What rules make of events.

use serde_json::json;

use super::*;
use crate::accept::Code;
use crate::domain::{Class, Reason, State};
use crate::store::EventKind;

const HELLO: (&str, &str) = ("hello.en.txt", "Hello {{ data.name }}");

/// A rule for `card.shipped` with these keys beside.
fn rule(keys: &str) -> String {
    format!("[event.shipped]\ntype = \"card.*\"\nto = \"{{{{ data.to }}}}\"\ntemplate = \"hello\"\n{keys}")
}

fn anna() -> Json {
    json!({ "to": "+393331234567", "name": "Anna" })
}

/// The place in the configuration that a fault names.
fn origin(fault: &Fault) -> (Option<&str>, Option<&str>, Option<&str>, Option<usize>) {
    let origin = fault.origin.as_deref().unwrap();
    (
        origin.rule.as_deref(),
        origin.expression.as_deref(),
        origin.template.as_deref(),
        origin.line,
    )
}

#[tokio::test]
async fn a_rule_says_all_that_a_message_needs() {
    let keys = r#"
when = "data.name == 'Anna' and subject is defined"
class = "{{ 'alert' if data.urgent else 'transaction' }}"
from = "{{ data.brand }}"
validity = "2h"
not_before = "30m"
reference = "R-{{ id }}"
personal = true
"#;
    let house = House::new(&rule(keys), &[HELLO]).await;
    let mut published = event(json!({ "to": "+393331234567", "name": "Anna", "urgent": true, "brand": "Shop" }));
    published["subject"] = json!("card");
    let made = house.messages(published).await.remove(0);
    let row = &made.row;
    assert_eq!(
        (&*row.from, row.class, made.reference.as_deref()),
        ("Shop", Class::Alert, Some("R-7"))
    );
    assert_eq!(made.not_before, Some(NOW.after(Duration::from_mins(30))));
    assert_eq!(row.progress.expires_at, NOW.after(Duration::from_mins(150)));
    assert_eq!(row.progress.flags.words(), ["personal"]);
    assert_eq!(&*made.text, "Hello Anna");
    let first = &made.events[0];
    assert_eq!(first.kind, EventKind::ByEvent);
    assert_eq!(first.note.as_deref(), Some("by event 7 of /cards, rule shipped"));
}

#[tokio::test]
async fn what_a_rule_leaves_open_has_its_default() {
    let house = House::new(
        &rule("locale = \"{{ data.locale | default(none) }}\"\nfrom = \"\""),
        &[HELLO],
    )
    .await;
    let made = house.messages(event(anna())).await.remove(0);
    assert_eq!(
        (&*made.row.from, made.row.class, made.reference.as_deref()),
        ("MyBank", Class::Service, Some("7"))
    );
}

#[tokio::test]
async fn an_expression_may_say_what_is_personal() {
    let house = House::new(&rule("personal = \"{{ data.secret }}\""), &[HELLO]).await;
    for (secret, words) in [
        (json!(true), vec!["personal"]),
        (json!(false), vec![]),
        (json!(null), vec![]),
    ] {
        let mut published = event(anna());
        (published["id"], published["data"]["secret"]) = (json!(secret.to_string()), secret);
        assert_eq!(house.messages(published).await[0].row.progress.flags.words(), words);
    }
    let mut published = event(anna());
    published["data"]["secret"] = json!("false");
    assert_eq!(origin(&house.faults(published).await[0]).1, Some("personal"));
}

#[tokio::test]
async fn null_or_nothing_is_as_if_the_key_were_not_there() {
    for nothing in ["{{ none }}", "{{ data.ref | default(none) }}", "{{ '' }}"] {
        let keys = [
            "locale",
            "class",
            "from",
            "channels",
            "validity",
            "not_before",
            "reference",
        ];
        let keys: String = keys.iter().map(|key| format!("{key} = \"{nothing}\"\n")).collect();
        let house = House::new(&rule(&keys), &[HELLO]).await;
        let mut data = anna();
        data["to"] = json!([{ "to": "+393331234567", "locale": "" }]);
        let made = house.messages(event(data)).await.remove(0);
        assert_eq!(
            (
                &*made.row.from,
                made.row.class,
                made.reference.as_deref(),
                made.not_before
            ),
            ("MyBank", Class::Service, Some("7"), None),
            "{nothing}"
        );
    }
}

#[tokio::test]
async fn one_event_makes_a_message_for_each_recipient_in_the_order_given() {
    let rules =
        "[event.shipped]\ntype = \"card.shipped\"\nto = [\"{{ data.all }}\", \"{{ data.co }}\"]\ntemplate = \"hi\"\n";
    let files = [
        ("hi.en.txt", "Hi {{ recipient.name | default('you') }}"),
        ("hi.it.txt", "Ciao {{ recipient.name }}"),
    ];
    let house = House::new(rules, &files).await;
    let all = json!([
        { "to": "+393331234567", "locale": "it-CH", "name": "Anna" },
        { "to": "+393331234568", "name": "Bob" },
        null,
    ]);
    let made = house
        .messages(event(json!({ "all": all, "co": "+393331234569" })))
        .await;
    let texts: Vec<_> = made.iter().map(|message| &*message.text).collect();
    assert_eq!(texts, ["Ciao Anna", "Hi Bob", "Hi you"]);
}

#[tokio::test]
async fn every_rule_that_fits_applies_and_its_limits_hold() {
    let rules = format!(
        "{}\n[event.second]\ntype = [\"x\", \"*.shipped\"]\nsource = \"/ca*\"\nclient = [\"bank\"]\nto = \"{{{{ data.to }}}}\"\n\
         template = \"hello\"\n[event.third]\ntype = \"*\"\nclient = [\"shop\"]\nto = \"+393331234567\"\ntemplate = \"hello\"\n\
         [event.fourth]\ntype = \"*\"\nsource = \"/loans\"\nto = \"+393331234567\"\ntemplate = \"hello\"\n",
        rule("")
    );
    let house = House::new(&rules, &[HELLO]).await;
    let made = house.messages(event(anna())).await;
    let rules: Vec<_> = made
        .iter()
        .map(|message| message.events[0].note.clone().unwrap())
        .collect();
    assert_eq!(&*rules[0], "by event 7 of /cards, rule second");
    assert_eq!(&*rules[1], "by event 7 of /cards, rule shipped");
    assert_eq!(rules.len(), 2);
}

#[tokio::test]
async fn a_condition_that_does_not_hold_makes_no_message() {
    let house = House::new(&rule("when = \"{{ data.amount > 100 }}\""), &[HELLO]).await;
    let answer = match house.publish(event(json!({ "amount": 5 }))).await {
        Published::Stored(answer) => answer,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        &*answer,
        r#"{"event":{"source":"/cards","id":"7"},"matched":1,"messages":[]}"#
    );
}

#[tokio::test]
async fn a_comparison_of_a_text_or_a_list_with_a_number_refuses_the_event() {
    let house = House::new(&rule("when = \"data.n is not defined or data.n > 3\""), &[HELLO]).await;
    for bad in [json!("1"), json!("12"), json!([]), json!({}), json!(true), json!(null)] {
        let mut data = anna();
        data["n"] = bad.clone();
        let fault = house.faults(event(data)).await.remove(0);
        assert_eq!(origin(&fault).1, Some("when"), "{bad}");
        assert!(
            fault.detail.contains("an order is of two numbers or two texts"),
            "{}",
            fault.detail
        );
    }
    let house = House::new(&rule("when = \"data.n > 3 and data.day >= '2026-11-01'\""), &[HELLO]).await;
    let fault = house.faults(event(json!({ "day": "2026-11-21" }))).await.remove(0);
    assert_eq!(
        fault.detail,
        "rule shipped: when uses a variable that is not there: data.n"
    );
    for (n, messages) in [(json!(3), 0), (json!(3.5), 1)] {
        let mut fits = event(anna());
        (fits["id"], fits["data"]["n"], fits["data"]["day"]) = (n.to_string().into(), n, json!("2026-11-21"));
        assert_eq!(house.messages(fits).await.len(), messages);
    }
}

#[tokio::test]
async fn an_unknown_type_is_accepted_or_refused_as_configured() {
    let mut unknown = event(anna());
    unknown["type"] = json!("loan.granted");
    let house = House::new(&rule(""), &[HELLO]).await;
    let Published::Stored(answer) = house.publish(unknown.clone()).await else {
        panic!()
    };
    assert!(answer.contains("\"matched\":0"), "{answer}");
    let house = House::new(&format!("{}[events]\nunknown = \"refuse\"\n", rule("")), &[HELLO]).await;
    assert_eq!(house.faults(unknown).await[0].code, Code::UnknownEvent);
    let refusing = format!("{}source = \"/loans\"\n[events]\nunknown = \"refuse\"\n", rule(""));
    let house = House::new(&refusing, &[HELLO]).await;
    let fault = house.faults(event(anna())).await.remove(0);
    assert_eq!((&*fault.pointer, fault.code), ("/source", Code::UnknownEvent));
}

#[tokio::test]
async fn bad_data_names_rule_expression_template_and_line() {
    let text = "{# a comment #}\nDear {{ data.name }},\nyou pay {{ data.amount | money(data.currency) }}";
    let house = House::new(&rule("class = \"{{ data.class }}\""), &[("hello.en.txt", text)]).await;
    let data = |class: &str, amount: Json| {
        let mut data = anna();
        data["class"] = json!(class);
        data["amount"] = amount;
        data["currency"] = json!("EUR");
        event(data)
    };
    let faults = house.faults(event(anna())).await;
    assert_eq!(origin(&faults[0]), (Some("shipped"), Some("class"), None, None));
    assert_eq!(faults[0].code, Code::ExpressionFailed);
    assert_eq!(
        faults[0].detail,
        "rule shipped: class uses a variable that is not there: data.class"
    );
    let faults = house.faults(data("urgent", json!(1))).await;
    assert_eq!(origin(&faults[0]), (Some("shipped"), Some("class"), None, None));
    let faults = house.faults(data("alert", json!("ten"))).await;
    assert_eq!(
        origin(&faults[0]),
        (Some("shipped"), Some("template"), Some("hello.en"), Some(3))
    );
    assert_eq!(faults[0].code, Code::TemplateFailed);
    let mut wrong_number = data("alert", json!(1));
    wrong_number["data"]["to"] = json!("12");
    let faults = house.faults(wrong_number).await;
    assert_eq!(
        (origin(&faults[0]).1, faults[0].code),
        (Some("to"), Code::InvalidNumber)
    );
}

#[tokio::test]
async fn a_fault_says_which_recipient_which_class_and_which_template() {
    let house = House::new(&rule("class = \"{{ data.class }}\""), &[HELLO]).await;
    let faults = house
        .faults(event(
            json!({ "to": ["+393331234567", "12", true], "name": "A", "class": "alert" }),
        ))
        .await;
    let details: Vec<_> = faults.iter().map(|fault| &*fault.detail).collect();
    assert!(
        details[0].starts_with("rule shipped: recipient 3: to gives something else"),
        "{details:?}"
    );
    let faults = house
        .faults(event(
            json!({ "to": ["+393331234567", "12"], "name": "A", "class": "alert" }),
        ))
        .await;
    assert!(
        faults[0].detail.starts_with("rule shipped: recipient 2: to "),
        "{faults:?}"
    );
    let mut urgent = anna();
    urgent["class"] = json!("alerts");
    let fault = house.faults(event(urgent)).await.remove(0);
    assert!(fault.detail.contains("one of otp, alert,"), "{fault:?}");
    assert_eq!(fault.hint.as_deref(), Some("did you mean `alert`?"));
    let fault = house
        .faults(event(
            json!({ "to": "+393331234567", "name": "http://[::1]/", "class": "alert" }),
        ))
        .await
        .remove(0);
    assert_eq!(
        fault.detail,
        "rule shipped: template has a link to `[::1]`, which its link_hosts do not allow"
    );
    assert!(fault.hint.unwrap().contains("[template.hello]"));
}

#[tokio::test]
async fn an_event_of_which_one_message_is_wrong_stores_none() {
    let house = House::new(&rule(""), &[HELLO]).await;
    let faults = house
        .faults(event(json!({ "to": ["+393331234567", "12", 7.5, true], "name": "A" })))
        .await;
    assert_eq!(faults.len(), 1, "{faults:?}");
    let faults = house
        .faults(event(json!({ "to": ["+393331234567", "12", "13"], "name": "A" })))
        .await;
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(house.store.backlog().await.unwrap().is_empty());
    assert_eq!(house.messages(event(anna())).await.len(), 1, "its key is free");
}

#[tokio::test]
async fn a_message_without_route_is_recorded_as_failed() {
    let house = House::new(&rule(""), &[HELLO]).await;
    let made = house
        .messages(event(json!({ "to": "+447911123456", "name": "A" })))
        .await
        .remove(0);
    assert_eq!(
        (made.row.progress.state, made.row.progress.reason),
        (State::Failed, Some(Reason::NoRoute))
    );
    assert_eq!(made.row.progress.final_at, Some(NOW));
}

#[tokio::test]
async fn what_a_personal_template_says_to_a_number_that_is_not_certified_is_recorded_as_failed() {
    for (class, ended) in [
        ("service", (State::Failed, Some(Reason::NotCertified))),
        // A code is how a number becomes certified.
        ("otp", (State::Queued, None)),
    ] {
        let keys = format!("class = \"{class}\"\n[template.hello]\npersonal = true\n");
        let house = House::new(&rule(&keys), &[HELLO]).await;
        let made = house.messages(event(anna())).await.remove(0);
        assert_eq!((made.row.progress.state, made.row.progress.reason), ended, "{class}");
    }
}

#[tokio::test]
async fn the_same_event_is_one_event_even_where_it_would_be_refused_by_now() {
    let house = House::new(&rule("validity = \"{{ data.until }}\""), &[HELLO]).await;
    let mut data = anna();
    data["until"] = json!("2026-11-21T11:00:00Z");
    let Published::Stored(first) = house.publish(event(data.clone())).await else {
        panic!()
    };
    let Published::Replayed(again) = house.publish(event(data.clone())).await else {
        panic!()
    };
    assert_eq!(first, again);
    house.clock.set(NOW.after(Duration::from_hours(2)));
    let Published::Replayed(again) = house.publish(event(data.clone())).await else {
        panic!()
    };
    assert_eq!(first, again);
    data["name"] = json!("Bob");
    assert!(matches!(house.publish(event(data)).await, Published::KeyReused));
    let mut other = event(anna());
    other["data"]["until"] = json!("2026-11-21T13:00:00Z");
    other["source"] = json!("/other");
    assert!(matches!(house.publish(other).await, Published::Stored(_)));
}

#[tokio::test]
async fn the_length_of_a_template_is_bounded_by_its_own_limit() {
    let rules = format!("{}[template.hello]\nmax_segments = 1\n", rule(""));
    let house = House::new(&rules, &[HELLO]).await;
    let faults = house
        .faults(event(json!({ "to": "+393331234567", "name": "x".repeat(200) })))
        .await;
    assert_eq!(
        (faults[0].code, origin(&faults[0]).1),
        (Code::TextTooLong, Some("template"))
    );
}

#[tokio::test]
async fn more_recipients_than_allowed_are_refused() {
    let house = House::new(&format!("{}[events]\nmax_messages = 2\n", rule("")), &[HELLO]).await;
    let to = vec!["+393331234567"; 3];
    assert_eq!(
        house.faults(event(json!({ "to": to, "name": "A" }))).await[0].code,
        Code::ExpressionFailed
    );
}

#[tokio::test]
async fn no_fault_shows_what_the_data_says() {
    let text = "{{ data.secret % 0 }}{{ data.name }}";
    let house = House::new(&rule(""), &[("hello.en.txt", text)]).await;
    let faults = house
        .faults(event(json!({ "to": "+393331234567", "secret": 48_291_077 })))
        .await;
    assert!(!format!("{faults:?}").contains("48291077"), "{faults:?}");
}

#[test]
fn what_is_wrong_with_a_rule_is_told_at_start() {
    for (keys, told) in [
        ("when = \"data.x ==\"", "event.shipped.when"),
        ("class = \"{{ data.x | nofilter }}\"", "event.shipped.class"),
        ("locale = \"{{ data.x }\"", "event.shipped.locale"),
        ("personal = \"yes\"", "event.shipped.personal"),
        ("validity = \"soon\"", "event.shipped.validity"),
        ("validity = \"90d\"", "event.shipped.validity"),
        ("validity = \"0s\"", "event.shipped.validity"),
        ("not_before = \"x\"", "event.shipped.not_before"),
        ("locale = \"xx_yy_zz\"", "event.shipped.locale"),
        ("from = \"ThisSenderIsTooLong\"", "event.shipped.from"),
        ("channels = [\"fax\"]", "event.shipped.channels"),
        ("when = \"recipient.x\"", "event.shipped.when"),
        ("when = \"data.x >\"", "data.amount > 100"),
        ("locale = \"fr\"\n[templates]\nlocale = \"it\"", "add hello.fr.txt"),
    ] {
        let hello = if told.contains("hello.fr") {
            ("hello.de.txt", "Hallo")
        } else {
            HELLO
        };
        let error = notifier(&rule(keys), &[hello]).err().unwrap_or_default();
        assert!(error.contains(told), "{keys}: {error}");
    }
    for to in ["nonumber", "+39333", "{{ recipient.to }}"] {
        let error = notifier(&rule("").replace("{{ data.to }}", to), &[HELLO])
            .err()
            .unwrap();
        assert!(error.contains("event.shipped.to"), "{error}");
    }
    let keys = "validity = \"2h\"\nnot_before = \"2020-01-01T00:00:00Z\"\nfrom = \"\"\nlocale = \"\"\nreference = \"\"\nchannels = \"sms\"";
    assert_eq!(notifier(&rule(keys), &[HELLO]).err(), None);
    let error = notifier(&rule("").replace("\"hello\"", "\"helo\""), &[HELLO])
        .err()
        .unwrap();
    assert!(
        error.contains("event.shipped.template") && error.contains("did you mean `hello`?"),
        "{error}"
    );
}
