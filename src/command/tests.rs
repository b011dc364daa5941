//! The matcher with the shipped catalogue.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jiff::civil::{Date, date};

use super::catalogue::{Catalogue, lint, shipped};
use super::normalise::fold;
use super::slot::Value;
use super::*;
use crate::domain::Name;

pub(crate) const TODAY: Date = date(2026, 3, 10);

static MATCHER: LazyLock<Matcher> = LazyLock::new(|| Matcher::new(&shipped()));

fn heard<'a>(text: &'a str, pending: Option<Pending<'a>>) -> Understanding {
    MATCHER.understand(&Heard {
        text,
        address: None,
        pending,
        locale: None,
        today: TODAY,
    })
}

/// The command's name, `ask` with the names, or `oos`.
fn taken(text: &str, pending: Option<Pending<'_>>) -> String {
    match heard(text, pending).outcome {
        Outcome::Accept(name) => name.to_string(),
        Outcome::Ask(names) => {
            let names: Vec<&str> = names.iter().map(Name::as_str).collect();
            format!("ask {}", names.join(" "))
        }
        Outcome::None => "oos".to_owned(),
    }
}

#[test]
fn the_shipped_catalogue_has_no_fault() {
    assert_eq!(lint(&shipped()), []);
}

#[test]
fn every_keyword_is_understood_as_its_command_in_any_dress() {
    for (name, command) in shipped().iter().filter(|(_, command)| command.answers.is_none()) {
        for keyword in command.keywords.values().flatten().filter(|keyword| *keyword != "?") {
            for text in [
                keyword.clone(),
                keyword.to_uppercase(),
                format!("  \"{keyword}\" !!"),
                format!("{keyword} grazie"),
            ] {
                assert_eq!(taken(&text, None), name.as_str(), "{text}");
            }
        }
    }
}

#[test]
fn a_question_mark_alone_asks_for_help() {
    assert_eq!(taken("?", None), "help");
    assert_eq!(taken("??", None), "oos");
}

#[test]
fn a_keyword_is_no_command_in_the_middle_of_another_matter() {
    for text in [
        "domani ti porto la carta geografica che cercavi",
        "the bus did not stop at the school this morning",
        "non attivare l'allarme quando esci di casa",
        "mia sorella ha perso il treno per Bologna",
        "we had a good start to the season, two wins",
    ] {
        assert_eq!(taken(text, None), "oos", "{text}");
    }
}

#[test]
fn what_is_denied_or_taken_back_does_not_begin() {
    for text in [
        "non bloccate la carta",
        "non voglio che blocchiate la carta",
        "non bloccare la mia carta!",
        "don't block my card",
        "please do not block the card",
        "karte nicht sperren",
        "ne bloquez pas ma carte",
        "non ricaricare 10 euro",
        "non voglio ricaricare 10 euro",
        "annulla la ricarica di 10 euro",
        "annullate la ricarica da 20 euro",
        "cancel my top up of 10 euros",
        "i don't want to top up 10 euros",
        "no recargar 10 euros",
    ] {
        let taken = taken(text, None);
        assert!(taken == "oos" || taken.starts_with("ask"), "{text}: {taken}");
    }
    for (text, name) in [
        ("non trovo più la carta, bloccatela", "block_card"),
        ("non trovo la carta bloccatela", "block_card"),
        ("la carta non funziona, bloccate la carta", "block_card"),
        ("no, blocca la carta", "block_card"),
        ("non sono io", "fraud_report"),
        ("non riconosco questo pagamento", "fraud_report"),
        ("non scrivetemi più", "stop"),
    ] {
        assert_eq!(taken(text, None), name, "{text}");
    }
}

#[test]
fn a_known_word_is_never_taken_for_a_misspelt_keyword() {
    for text in [
        "salto",
        "shop",
        "stoop",
        "cosmo",
        "blocco note",
        "smart",
        "bank",
        "pino",
        "date",
    ] {
        let taken = taken(text, None);
        assert!(taken == "oos" || taken.starts_with("ask"), "{text}: {taken}");
    }
}

#[test]
fn two_commands_in_one_text_are_asked_about() {
    assert_eq!(taken("giga e saldo", None), "ask data_usage balance");
    assert_eq!(taken("statement and balance", None), "ask last_transactions balance");
}

#[test]
fn nothing_said_is_nothing_understood() {
    for text in [
        "",
        "   ",
        "...",
        "12",
        "10 euro?",
        "🙂",
        "\u{0}\u{ffff}",
        &"x".repeat(5_000),
        &"saldo ".repeat(2_000),
    ] {
        assert!(
            !matches!(heard(text, None).outcome, Outcome::Accept(ref name) if name.as_str() != "balance"),
            "{text:.20}"
        );
    }
}

#[test]
fn texts_of_any_size_and_shape_are_read_in_bounded_time() {
    for unit in [
        "a", "saldo", "mila", "cento", "9", "+39 333 ", "10/", "'", "e\u{301}", "ab1 ", "🙂", "venti e ",
    ] {
        for count in [1, 33, 1_000, 40_000] {
            for pending in [None, Some(Pending::Confirm), Some(Pending::Score(0, 10))] {
                heard(&unit.repeat(count), pending);
            }
        }
    }
}

#[test]
fn the_same_text_is_always_understood_the_same() {
    let again = Matcher::new(&shipped());
    for text in [
        "quanto mi resta",
        "ho finito tutto",
        "mi dite se è partito il pagamento",
        "help with my card",
    ] {
        let heard = Heard {
            text,
            address: None,
            pending: None,
            locale: None,
            today: TODAY,
        };
        assert_eq!(MATCHER.understand(&heard), again.understand(&heard), "{text}");
    }
}

#[test]
fn a_yes_is_nothing_but_a_yes() {
    for yes in [
        "si",
        "Sì!",
        "SIII",
        "ok va bene",
        "si confermo grazie",
        "yes please",
        "okay do it",
        "👍🏻",
        "ja",
        "oui merci",
    ] {
        assert_eq!(taken(yes, Some(Pending::Confirm)), "confirm_yes", "{yes}");
    }
    for other in [
        "si ma 20 euro",
        "si?",
        "no",
        "forse si",
        "ok aspetta",
        "non sono sicuro",
        "not sure",
        "yes but not today",
        "va bene domani",
        "ok 50",
        "sissignore che importo era",
        "quando arriva",
        "se confermo cosa succede",
        "si è rotto il telefono",
        "yesterday",
        "surely you are joking",
        "👍👎",
        "",
    ] {
        assert_ne!(taken(other, Some(Pending::Confirm)), "confirm_yes", "{other}");
    }
}

#[test]
fn a_no_cancels_and_a_doubt_does_neither() {
    for no in [
        "NO",
        "no grazie",
        "annulla tutto",
        "non confermo",
        "no ho cambiato idea",
        "nope",
        "cancel",
        "don't do it",
        "❌",
        "nein danke",
    ] {
        assert_eq!(taken(no, Some(Pending::Confirm)), "confirm_no", "{no}");
    }
    for open in ["non so", "boh", "not sure what this is", "perché?", "no problem"] {
        assert_eq!(taken(open, Some(Pending::Confirm)), "oos", "{open}");
    }
}

#[test]
fn a_score_is_within_its_scale() {
    let score = |text: &str, from, to| match heard(text, Some(Pending::Score(from, to))) {
        Understanding {
            outcome: Outcome::Accept(name),
            slots,
            ..
        } if name.as_str() == "survey_score" => slots.values.get("score").cloned(),
        _ => None,
    };
    for (text, value) in [
        ("7", 7),
        ("dieci!", 10),
        ("0", 0),
        ("9/10", 9),
        ("darei un otto", 8),
        ("6, troppa attesa", 6),
    ] {
        assert_eq!(score(text, 0, 10), Some(Value::Count(value)), "{text}");
    }
    for text in ["11", "-1", "12/10", "4/5", "boh", "tutto bene", ""] {
        assert_eq!(score(text, 0, 10), None, "{text}");
    }
    assert_eq!(score("★★★", 1, 5), Some(Value::Count(3)));
    assert_eq!(score("0", 1, 5), None);
}

#[test]
fn an_exact_command_and_a_stop_leave_the_question() {
    for pending in [Pending::Confirm, Pending::Score(0, 10)] {
        assert_eq!(taken("SALDO", Some(pending)), "balance");
        assert_eq!(taken("STOP", Some(pending)), "stop");
        assert_eq!(taken("smettetela di mandarmi messaggi", Some(pending)), "stop");
        assert_eq!(
            taken("quanti soldi mi restano sul conto", Some(pending)),
            "oos",
            "not exact"
        );
    }
}

#[test]
fn a_choice_is_answered_by_its_number_or_by_its_keyword() {
    let offered = ["balance", "last_transactions"].map(|name| Name::parse(name).unwrap());
    let pending = Some(Pending::Choose(&offered));
    for (text, name) in [
        ("1", "balance"),
        ("la seconda", "last_transactions"),
        ("two", "last_transactions"),
        ("movimenti", "last_transactions"),
        ("3", "oos"),
    ] {
        assert_eq!(taken(text, pending), name, "{text}");
    }
}

#[test]
fn a_command_listens_on_its_addresses_only() {
    let mut catalogue = shipped();
    catalogue.get_mut("balance").unwrap().addresses = vec!["12345".to_owned()];
    let matcher = Matcher::new(&catalogue);
    let heard = |address| {
        matcher.understand(&Heard {
            text: "saldo",
            address: Some(address),
            pending: None,
            locale: None,
            today: TODAY,
        })
    };
    assert!(matches!(heard("12345").outcome, Outcome::Accept(_)));
    assert!(!matches!(heard("54321").outcome, Outcome::Accept(name) if name.as_str() == "balance"));
}

#[test]
fn a_keyword_of_two_commands_is_that_of_the_one_that_listens() {
    let mut catalogue = shipped();
    let [balance, topup] = ["balance", "topup"].map(|name| Name::parse(name).unwrap());
    for (name, address) in [(&balance, "+393399999991"), (&topup, "393399999992")] {
        let command = catalogue.get_mut(name).unwrap();
        command.addresses = vec![address.to_owned()];
        let keywords = command.keywords.values_mut().next().unwrap();
        keywords.push("zolfo".to_owned());
    }
    let matcher = Matcher::new(&catalogue);
    for (address, name) in [("393399999991", &balance), ("+393399999992", &topup)] {
        let heard = Heard {
            text: "Zolfo",
            address: Some(address),
            pending: None,
            locale: None,
            today: TODAY,
        };
        assert_eq!(
            matcher.understand(&heard).outcome,
            Outcome::Accept(name.clone()),
            "{address}"
        );
    }
}

#[test]
fn the_matcher_fits_its_memory() {
    assert!(MATCHER.size() < 20 << 20, "{}", MATCHER.size());
}

/// Files beside the repository, where they are; those of the repository always.
fn corpora() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = ["../shared/corpora", "../../shared/corpora"].map(|path| root.join(path));
    let folders = shared
        .into_iter()
        .chain([root.join("tests/corpora")])
        .filter(|folder| folder.is_dir());
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    files.collect()
}

/// Every text of the corpora, folded.
fn corpus_lines() -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for file in corpora() {
        let text = fs::read_to_string(&file).unwrap();
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("jsonl") => lines.extend(text.lines().map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                fold(line["text"].as_str().unwrap())
            })),
            Some("tsv") => lines.extend(text.lines().filter_map(|line| Some(fold(line.split_once('\t')?.1)))),
            Some("csv") => lines.extend(text.lines().filter_map(|line| Some(fold(line.rsplit_once(',')?.0)))),
            _ => {}
        }
    }
    lines
}

/// The definitions of the labels, by name.
fn intents() -> toml::Table {
    let definitions =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora/catalogue.toml")).unwrap();
    let definitions: toml::Table = definitions.parse().unwrap();
    definitions["intents"].as_table().unwrap().clone()
}

/// The words of a definition, in every language.
fn canonical_words(intent: &toml::Value) -> Vec<String> {
    let lists = intent.as_table().unwrap().iter().filter(|(key, _)| key.len() == 2);
    let words = lists.filter_map(|(_, words)| words.as_array()).flatten();
    words.map(|word| word.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_shipped_commands_are_those_of_the_corpora_under_the_same_names() {
    let mut intents = intents();
    intents.remove("oos").expect("what is none of them");
    let catalogue = shipped();
    let ours: BTreeSet<&str> = catalogue.keys().map(Name::as_str).collect();
    let theirs: BTreeSet<&str> = intents.keys().map(String::as_str).collect();
    assert_eq!(ours, theirs);
    for (name, intent) in &intents {
        let command = &catalogue[&Name::parse(name).unwrap()];
        let is_marked = |mark| intent.get(mark).and_then(toml::Value::as_bool) == Some(true);
        assert_eq!(command.money, is_marked("money"), "{name}");
    }
}

#[test]
fn no_example_and_no_chatter_of_ours_is_a_line_of_the_corpora() {
    let corpus = corpus_lines();
    assert!(corpus.len() > 500, "{}", corpus.len());
    let canonical: BTreeSet<String> = intents()
        .values()
        .flat_map(canonical_words)
        .map(|word| fold(&word))
        .collect();
    let catalogue: Catalogue = shipped();
    let ours = catalogue.values().flat_map(|command| {
        command
            .keywords
            .values()
            .chain(command.examples.values())
            .flatten()
            .cloned()
    });
    let texts = ours.flat_map(|line| expand::some(&line, usize::MAX));
    let texts = texts.chain(language::chatter(usize::MAX).into_iter().flatten());
    let overlaps: BTreeSet<String> = texts
        .map(|text| fold(&text))
        .filter(|text| corpus.contains(text) && !canonical.contains(text))
        .collect();
    assert_eq!(overlaps, BTreeSet::new());
}
