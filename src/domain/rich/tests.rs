use serde_json::{Value, json};

use super::*;

fn rich(json: Value) -> Rich {
    read(&json).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn faults(json: Value) -> Vec<(String, Option<usize>)> {
    let faults = read(&json).expect_err("has a fault");
    faults.into_iter().map(|fault| (fault.pointer, fault.limit)).collect()
}

fn everything() -> Value {
    json!({
        "carousel": {"width": "small", "cards": [
            {"title": "Cabin 1", "text": "From 50 a night",
             "media": {"url": "https://media.example.com/1.jpg", "height": "medium"},
             "suggestions": [{"type": "reply", "label": "Choose 1", "says": "CABIN 1"}]},
            {"title": "Cabin 2", "suggestions": [
                {"type": "link", "label": "See it", "url": "https://www.example.com/2", "view": "tall", "about": "Cabin 2"},
                {"type": "dial", "label": "Call us", "number": "+390212345"}]}
        ]},
        "suggestions": [
            {"type": "location", "label": "Where it is", "at": {"latitude": 45.46, "longitude": 9.19}, "name": "Lake"},
            {"type": "share_location", "label": "Send my place"},
            {"type": "calendar", "label": "Note it", "title": "Check in", "text": "From 15:00",
             "starts_at": "2026-11-24T15:00:00+01:00", "ends_at": "2026-11-24T16:00:00+01:00"},
            {"type": "reply", "label": "None"}
        ]
    })
}

#[test]
fn what_is_kept_is_what_was_sent_and_is_read_back() {
    let all = rich(everything());
    assert_eq!(serde_json::from_str::<Value>(&all.to_json()).unwrap(), everything());
    assert_eq!(Rich::from_json(&all.to_json()).unwrap(), all);
    let labels: Vec<_> = all.suggestions().map(Suggestion::label).collect();
    assert_eq!(
        labels,
        [
            "Choose 1",
            "See it",
            "Call us",
            "Where it is",
            "Send my place",
            "Note it",
            "None"
        ]
    );
    let says: Vec<_> = all.suggestions().filter_map(Suggestion::says).collect();
    assert_eq!(says, ["CABIN 1", "None"]);
}

#[test]
fn in_text_it_says_titles_texts_and_where_its_actions_lead() {
    assert_eq!(
        rich(everything()).plain(),
        "Cabin 1\nFrom 50 a night\nChoose 1: CABIN 1\n\nCabin 2\nSee it: https://www.example.com/2\nCall us: +390212345\n\n\
         Where it is: Lake\nNote it: Check in, 2026-11-24 15:00\nNone"
    );
    let card = json!({"card": {"title": "Card shipped", "text": "It is on its way: https://bank.example/t",
        "media": {"url": "https://media.example.com/c.jpg"}, "media_place": "left",
        "suggestions": [{"type": "link", "label": "Track", "url": "https://bank.example/t"},
                        {"type": "reply", "label": "Fine"}, {"type": "reply", "label": "Block it"}]}});
    assert_eq!(
        rich(card).plain(),
        "Card shipped\nIt is on its way: https://bank.example/t\nFine / Block it",
        "what stands there already is not said twice"
    );
    let said = json!({"text": "Was it you?", "suggestions": [
        {"type": "reply", "label": "Please freeze", "says": "BLOCCA CARTA"},
        {"type": "reply", "label": "Saldo", "says": "SALDO"}]});
    assert_eq!(
        rich(said).plain(),
        "Was it you?\nPlease freeze: BLOCCA CARTA / Saldo",
        "what is texted is what is understood"
    );
    let file = json!({"media": {"url": "https://media.example.com/bill.pdf"}});
    assert_eq!(rich(file).plain(), "https://media.example.com/bill.pdf");
}

#[test]
fn every_limit_is_named_with_its_place() {
    let reply = |label: &str| json!({"type": "reply", "label": label});
    let replies = |count: u32| (0..count).map(|n| reply(&n.to_string())).collect::<Vec<_>>();
    for (json, pointer, limit) in [
        (json!({}), "", None),
        (json!({"text": "a", "media": {"url": "https://a.example/b"}}), "", None),
        (json!({"text": ""}), "/text", None),
        (json!({"text": "a\u{0}"}), "/text", None),
        (json!({"text": "x".repeat(3_073)}), "/text", Some(3_072)),
        (json!({"text": "\u{1f4b3}".repeat(1_537)}), "/text", Some(3_072)),
        (
            json!({"text": "a", "suggestions": [reply("Ok"), reply("No"), reply(" ok")]}),
            "/suggestions/2/label",
            None,
        ),
        (
            json!({"text": "a", "suggestions": [{"type": "link", "label": "a", "url": "javascript:alert(1)"}]}),
            "/suggestions/0/url",
            None,
        ),
        (json!({"card": {}}), "/card", None),
        (json!({"card": {"title": "x".repeat(201)}}), "/card/title", Some(200)),
        (json!({"card": {"text": "x".repeat(2_001)}}), "/card/text", Some(2_000)),
        (
            json!({"card": {"media": {"url": "ftp://a.example"}}}),
            "/card/media/url",
            None,
        ),
        (
            json!({"card": {"media": {"url": "https://a.example/b"}, "media_place": "right"}}),
            "/card",
            None,
        ),
        (
            json!({"carousel": {"cards": [{"title": "a"}]}}),
            "/carousel/cards",
            Some(10),
        ),
        (
            json!({"carousel": {"cards": [{"title": "a"},
                {"media": {"url": "https://a.example/b", "height": "tall"}}]}}),
            "/carousel/cards/1/media/height",
            None,
        ),
        (
            json!({"text": "a", "suggestions": replies(12)}),
            "/suggestions",
            Some(11),
        ),
        (
            json!({"card": {"title": "a", "suggestions": replies(5)}}),
            "/card/suggestions",
            Some(4),
        ),
        (
            json!({"text": "a", "suggestions": [reply("Yes, I will be at home then")]}),
            "/suggestions/0/label",
            Some(25),
        ),
        (
            json!({"text": "a", "suggestions": [{"type": "link", "label": "b", "url": "javascript:alert(1)"}]}),
            "/suggestions/0/url",
            None,
        ),
        (
            json!({"text": "a", "suggestions": [{"type": "dial", "label": "b", "number": "call me"}]}),
            "/suggestions/0/number",
            None,
        ),
        (
            json!({"text": "a", "suggestions": [{"type": "location", "label": "b",
                "at": {"latitude": 91.0, "longitude": 0.0}}]}),
            "/suggestions/0/at/latitude",
            None,
        ),
        (
            json!({"text": "a", "suggestions": [{"type": "calendar", "label": "b", "title": "c",
                "starts_at": "2026-11-24T15:00:00Z", "ends_at": "2026-11-24T14:00:00Z"}]}),
            "/suggestions/0/ends_at",
            None,
        ),
        (
            json!({"text": "a", "suggestions": [{"type": "calendar", "label": "b", "title": "c",
                "starts_at": "tomorrow", "ends_at": "2026-11-24T14:00:00Z"}]}),
            "/suggestions/0/starts_at",
            None,
        ),
    ] {
        assert_eq!(faults(json), [(pointer.to_owned(), limit)]);
    }
}

#[test]
fn every_fault_is_found_at_once() {
    let json = json!({"card": {"title": "", "text": "x".repeat(2_001), "suggestions": [
        {"type": "reply", "label": "x".repeat(26)}]}});
    let places: Vec<_> = faults(json).into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(places, ["/card/title", "/card/text", "/card/suggestions/0/label"]);
}

#[test]
fn what_cannot_be_read_names_its_place_and_never_what_was_sent() {
    for (json, pointer, detail) in [
        (json!({"text": 393_331_234_567_u64}), "/text", "expected a string"),
        (json!({"card": {"titel": "a"}}), "/card/titel", "has `titel`, expected"),
        (json!({"card": {"393331234567": "a"}}), "/card", "has `…`, expected"),
        (
            json!({"text": "a", "suggestions": [{"label": "b"}]}),
            "/suggestions/0",
            "lacks `type`",
        ),
        (
            json!({"text": "a", "suggestions": [{"type": "link", "label": "b"}]}),
            "/suggestions/0",
            "lacks `url`",
        ),
        (
            json!({"text": "a", "suggestions": [{"type": "pay", "label": "b"}]}),
            "/suggestions/0/type",
            "has `pay`, expected one of `reply`, `link`",
        ),
        (
            json!({"carousel": {"cards": [{"title": "a"}, {"media": {"url": "https://a", "height": "huge"}}]}}),
            "/carousel/cards/1/media/height",
            "has `huge`, expected one of `short`",
        ),
        (json!("a card"), "", "expected an object"),
    ] {
        let faults = read(&json).expect_err("cannot be read");
        let [fault] = faults.as_slice() else {
            panic!("{faults:?}")
        };
        assert_eq!(fault.pointer, pointer, "{}", fault.detail);
        assert!(fault.detail.starts_with(detail), "{}", fault.detail);
        assert!(!fault.detail.contains("3933"), "{}", fault.detail);
    }
}

#[test]
fn the_words_are_all_that_a_recipient_may_read_or_be_led_to() {
    let all = rich(everything());
    let words = all.words();
    for word in [
        "Cabin 1",
        "https://www.example.com/2",
        "https://media.example.com/1.jpg",
        "Check in",
        "Lake",
    ] {
        assert!(words.contains(&word), "{word}");
    }
    assert!(!words.contains(&"+390212345"));
}
