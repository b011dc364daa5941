//! What the lints let pass, and how a catalogue is read. What they say stands in `config/lint_tests.txt`.

use super::*;

const GOOD: &str = include_str!("faultless.toml");

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
fn two_commands_of_different_addresses_may_share_a_keyword() {
    let text = GOOD.replace("[\"ricarica\"]", "[\"saldo\"]");
    let text = text.replace("money = true", "money = true\naddresses = [\"12345\"]");
    let text = text.replacen("keywords", "addresses = [\"+393399999999\"]\nkeywords", 1);
    assert_eq!(lint(&read(&text)), []);
    // A third one is near the second of them alone.
    let third = "[command.credit]\ntitle = { it = \"Credito\", en = \"Credit\" }\naddresses = [\"12345\"]\n\
                 keywords = { it = [\"saldo\"] }\n";
    let faults = lint(&read(&format!("{text}{third}")));
    let keys: Vec<&str> = faults.iter().map(|fault| &*fault.key).collect();
    assert_eq!(keys, ["command.topup.keywords.it[0]"]);
}

#[test]
fn a_template_that_never_ends_is_stopped() {
    let endless = told(
        "Fatto: {{ slots.amount }}.",
        "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
    );
    assert!(endless[0].contains("fuel"), "{endless:?}");
}

#[test]
fn a_profile_may_go_with_either_authorisation() {
    for good in ["profile", "certified"] {
        let text = format!("money = true\nprofile = \"gold\"\nauthorisation = \"{good}\"");
        assert_eq!(told("money = true", &text), Vec::<String>::new());
    }
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
fn what_a_reply_lacks_is_named_by_its_path() {
    let values = serde_json::json!({ "slots": { "amount": "10.00" }, "vars": {} });
    let lacks = missing(
        "{{ slots.amount }} {{ vars.balance }} {{ code }}",
        values.as_object().unwrap(),
    );
    assert_eq!(lacks, ["code", "vars.balance"]);
    assert_eq!(missing("{{ slots.amount", values.as_object().unwrap()), [""; 0]);
}

#[test]
fn the_sums_of_what_moves_money_are_of_the_currency_of_the_country() {
    let mut catalogue = read(GOOD);
    settle_currencies(&mut catalogue, "GB");
    assert_eq!(catalogue["topup"].currency(), "GBP");
    settle_currencies(&mut catalogue, "IT");
    assert_eq!(catalogue["topup"].currency(), "GBP", "what is named stays");
}
