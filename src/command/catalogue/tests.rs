//! The lints, each with its exact words.

use super::*;

const GOOD: &str = r#"
[command.balance]
title = { it = "Saldo", en = "Balance" }
keywords = { it = ["saldo"], en = ["balance"] }
[command.topup]
title = { it = "Ricarica", en = "Top-up" }
money = true
confirmation = "code"
keywords = { it = ["ricarica"], en = ["topup"] }
[command.topup.slots.amount]
type = "money"
required = true
min = 5
max = "100.00"
prompt = { it = "Di quanto?", en = "How much?" }
[command.topup.replies.ok]
it = "Fatto: {{ slots.amount }}."
en = "Done: {{ slots.amount }}."
[command.leave]
title = { it = "Basta", en = "Leave" }
consent = "stop"
keywords = { it = ["basta"], en = ["unsubscribe"] }
"#;

fn read(text: &str) -> Catalogue {
    #[derive(Deserialize)]
    struct File {
        command: Catalogue,
    }
    let file: File = toml::from_str(text).unwrap();
    file.command
}

/// The faults of the good catalogue with `good` replaced by `bad`: key, cause and cure.
fn told(good: &str, bad: &str) -> Vec<String> {
    assert!(GOOD.contains(good), "{good}");
    let faults = lint(&read(&GOOD.replace(good, bad)));
    faults
        .into_iter()
        .map(|fault| format!("{}: {} / {}", fault.key, fault.cause, fault.cure))
        .collect()
}

#[test]
fn a_good_catalogue_has_no_fault() {
    assert_eq!(told("saldo", "saldo"), Vec::<String>::new());
}

#[test]
fn the_same_keyword_twice_is_told() {
    assert_eq!(
        told("\"ricarica\"", "\"Saldo!\""),
        [
            "command.topup.keywords.it[0]: `saldo` is a keyword of `balance`, too / choose another keyword for one of the two"
        ]
    );
}

#[test]
fn keywords_too_near_are_told() {
    assert_eq!(
        told("\"ricarica\"", "\"salto\""),
        [
            "command.topup.keywords.it[0]: `salto` is one typo away from `saldo`, a keyword of `balance` / choose another \
          keyword for one of the two"
        ]
    );
}

#[test]
fn two_commands_of_different_addresses_may_share_a_keyword() {
    let text = GOOD.replace("[\"ricarica\"]", "[\"saldo\"]");
    let text = text.replace("money = true", "money = true\naddresses = [\"1\"]");
    let text = text.replacen("keywords", "addresses = [\"2\"]\nkeywords", 1);
    assert_eq!(lint(&read(&text)), []);
}

#[test]
fn a_keyword_shadowed_by_a_consent_word_is_told() {
    assert_eq!(
        told("\"ricarica\"", "\"STOP\""),
        [
            "command.topup.keywords.it[0]: `stop` is a consent word (STOP), which is obeyed before any command / choose \
          another keyword"
        ]
    );
    assert_eq!(
        told("\"ricarica\"", "\"pasta\""),
        [
            "command.topup.keywords.it[0]: `pasta` is so near the consent word `basta` (STOP) that it would be taken for it / \
          choose another keyword"
        ]
    );
}

#[test]
fn money_without_confirmation_is_told() {
    assert_eq!(
        told("confirmation = \"code\"\n", ""),
        [
            "command.topup.confirmation: moves money, and nothing is asked before it does / write confirmation = \"code\", or \
          \"yes\" where the sender cannot be forged"
        ]
    );
}

#[test]
fn a_reply_over_its_segments_is_told_with_ten_characters_for_each_value() {
    let long = format!("Fatto: {{{{ slots.amount }}}} {}", "a".repeat(300));
    assert_eq!(
        told("Fatto: {{ slots.amount }}.", &long),
        [
            "command.topup.replies.ok.it: makes 3 segments with ten characters for each value, and 2 are the most / shorten \
          it, or raise max_segments"
        ]
    );
}

#[test]
fn a_reply_that_is_no_template_is_told() {
    assert_eq!(
        told("Fatto: {{ slots.amount }}.", "Fatto: {{ slots.amount"),
        [
            "command.topup.replies.ok.it: is no template: syntax error: unexpected end of input, expected end of variable \
          block / write values as {{ slots.amount }} or {{ vars.balance }}"
        ]
    );
    let endless = told(
        "Fatto: {{ slots.amount }}.",
        "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
    );
    assert!(endless[0].contains("fuel"), "{endless:?}");
}

#[test]
fn a_missing_locale_is_told() {
    assert_eq!(
        told(
            "title = { it = \"Saldo\", en = \"Balance\" }",
            "title = { it = \"Saldo\" }"
        ),
        [
            "command.balance.title: is not there in en, which other commands have a title in / add command.balance.title.en"
        ]
    );
    assert_eq!(
        told("en = \"Done: {{ slots.amount }}.\"\n", ""),
        [
            "command.topup.replies.ok: is not there in en, which other commands have a title in / add \
          command.topup.replies.ok.en"
        ]
    );
    assert_eq!(
        told(", en = \"How much?\"", ""),
        [
            "command.topup.slots.amount.prompt: is not there in en, which other commands have a title in / add \
          command.topup.slots.amount.prompt.en"
        ]
    );
    assert_eq!(
        told(
            "title = { it = \"Saldo\", en = \"Balance\" }\nkeywords = { it = [\"saldo\"], en = [\"balance\"] }",
            "examples = { it = [\"quanto ho\"] }"
        ),
        [
            "command.balance.title: there is no title, nor a keyword to stand for it / write e.g. title = { it = \"Saldo\", en = \"Balance\" }"
        ]
    );
}

#[test]
fn a_command_that_nobody_can_ask_for_is_told() {
    assert_eq!(
        told("keywords = { it = [\"saldo\"], en = [\"balance\"] }\n", ""),
        [
            "command.balance: has neither a keyword nor an example, so that nobody can ask for it / write e.g. keywords = { it \
          = [\"saldo\"], en = [\"balance\"] }"
        ]
    );
    assert_eq!(
        told("[\"saldo\"]", "[\"saldo\", \"!!\"]"),
        ["command.balance.keywords.it[1]: has neither letter nor digit / leave it out"]
    );
}

#[test]
fn an_example_with_a_lost_bracket_or_too_many_alternatives_is_told() {
    assert_eq!(
        told(
            "keywords = { it = [\"saldo\"]",
            "examples = { it = [\"(quanto ho\"] }\nkeywords = { it = [\"saldo\"]"
        ),
        [
            "command.balance.examples.it[0]: has a round bracket without its partner, or one in another / write e.g. \
          \"(vorrei|voglio) il saldo\""
        ]
    );
    let many = format!(
        "examples = {{ it = [\"{}\"] }}\nkeywords = {{ it = [\"saldo\"]",
        "(a|b|c|d|e|f|g|h) ".repeat(5)
    );
    assert_eq!(
        told("keywords = { it = [\"saldo\"]", &many),
        [
            "command.balance.examples.it[0]: stands for 32768 texts, and 4096 are the most / write two examples with fewer \
          alternatives"
        ]
    );
}

#[test]
fn a_slot_that_cannot_be_is_told() {
    let amount = "command.topup.slots.amount";
    for (good, bad, fault) in [
        (
            "min = 5",
            "min = 500",
            format!("{amount}.min: is 500, more than max, which is 100.00 / keep min <= max"),
        ),
        (
            "min = 5",
            "min = \"5,0\"",
            format!("{amount}.min: `5,0` is no such value / write e.g. \"10.50\", or 10"),
        ),
        (
            "min = 5",
            "default = 3\nmin = 5",
            format!(
                "{amount}.default: `3` is not a value that the slot allows / write one that it does, or leave it out"
            ),
        ),
        (
            "min = 5",
            "values = { a = [\"a\"] }\nmin = 5",
            format!(
                "{amount}.values: only a choice has values / write type = \"choice\" and e.g. values = {{ promo = [\"promo\", \"offerte\"] }}"
            ),
        ),
        (
            "prompt = { it = \"Di quanto?\", en = \"How much?\" }\n",
            "",
            format!(
                "{amount}.prompt: is required, and there is no question for it / write prompt = {{ it = \"…\", en = \"…\" }}"
            ),
        ),
        (
            "slots.amount]",
            "slots.currency]",
            "command.topup.slots.currency: `currency` is what a sum brings with it / choose another name".to_owned(),
        ),
    ] {
        assert_eq!(told(good, bad), [fault], "{bad}");
    }
}

#[test]
fn a_limit_or_an_action_that_cannot_be_is_told() {
    for (bad, fault) in [
        (
            "max_segments = 0",
            "command.balance.max_segments: is 0, and must be 1 to 10 / write a number of 1 to 10",
        ),
        (
            "limits = { number_per_hour = 0 }",
            "command.balance.limits.number_per_hour: is 0, and must be 1 to 1000 / write a number of 1 to 1000",
        ),
        (
            "limits = { value_per_day = \"500\" }",
            "command.balance.limits.value_per_day: the command carries no sum / add a slot with type = \"money\", or leave the limit out",
        ),
        (
            "limits = { value_per_day = \"lots\" }",
            "command.balance.limits.value_per_day: `lots` is no sum / write e.g. \"500.00\"",
        ),
        (
            "action = { url = \"https://b.example/{{ text }}\" }",
            "command.balance.action.url: is not a fixed http or https URL / write e.g. \"https://bank.example/actions/topup\"; values travel in the body",
        ),
        (
            "action = { url = \"https://b.example/\", timeout = \"5m\" }",
            "command.balance.action.timeout: is 300s, and must be 100ms to 60s / write e.g. \"10s\"",
        ),
        (
            "action = { url = \"https://b.example/\", late_after = \"0s\" }",
            "command.balance.action.late_after: is 0ns, and must be 100ms to 60s / write e.g. \"10s\"",
        ),
        (
            "action = { url = \"https://b.example/\", status_url = \"/status\" }",
            "command.balance.action.status_url: is not a fixed http or https URL / write e.g. \"https://bank.example/actions/topup\"; values travel in the body",
        ),
        (
            "action = { url = \"https://b.example/\", retries = 11 }",
            "command.balance.action.retries: is 11, and must be 0 to 10 / write a number of 0 to 10",
        ),
    ] {
        assert_eq!(told("[command.balance]", &format!("[command.balance]\n{bad}")), [fault]);
    }
}

#[test]
fn one_answer_of_a_kind_is_enough() {
    let yes = "[command.ok]\ntitle = { it = \"Ok\", en = \"Ok\" }\nanswers = \"yes\"\nkeywords = { it = [\"ok\"] }\n";
    let text = format!("{GOOD}{yes}{}", yes.replace("ok", "oui"));
    let faults: Vec<String> = lint(&read(&text))
        .into_iter()
        .map(|fault| format!("{}: {}", fault.key, fault.cause))
        .collect();
    assert_eq!(faults, ["command.oui.answers: `ok` is that answer already"]);
}

#[test]
fn one_reply_may_stand_for_all_languages_and_a_keyword_for_the_title() {
    let text = "[command.ping]\nkeywords.en = [\"PING\"]\n[command.ping.action]\nkind = \"http\"\nmethod = \"POST\"\n\
                url = \"http://127.0.0.1:9080/mo\"\n[command.ping.reply]\nok = \"{{ text }}\"\n";
    let catalogue = read(text);
    assert_eq!(lint(&catalogue), []);
    let ping = &catalogue["ping"];
    assert_eq!(ping.replies["ok"][&Locale::De], "{{ text }}");
    assert_eq!(ping.called(Locale::It), Some("PING"));
}

#[test]
fn a_sum_is_never_a_binary_fraction() {
    let text = GOOD.replace("min = 5", "min = 5.5");
    let error = toml::from_str::<toml::Table>(&text).unwrap()["command"]
        .clone()
        .try_into::<Catalogue>()
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("a text such as \"10.50\", or a whole number"),
        "{error}"
    );
}

#[test]
fn a_profile_goes_with_the_authorisation_that_asks_for_it() {
    let money = "money = true";
    assert_eq!(
        told(money, "money = true\nauthorisation = \"profile\""),
        [
            "command.topup.profile: is missing, and authorisation is \"profile\" / write e.g. profile = \"gold\", or \
          authorisation = \"certified\""
        ]
    );
    assert_eq!(
        told(money, "money = true\nprofile = \"gold\""),
        ["command.topup.profile: is `gold`, and authorisation lets anyone ask / write authorisation = \"profile\""]
    );
    for good in ["profile", "certified"] {
        let text = format!("money = true\nprofile = \"gold\"\nauthorisation = \"{good}\"");
        assert_eq!(told(money, &text), Vec::<String>::new());
    }
}
