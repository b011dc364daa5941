use std::fs;
use std::path::Path;

use super::*;

fn words() -> Words {
    let promo = Name::parse("promo").unwrap();
    let of_promo: Vec<String> = ["promo", "offerte", "offers", "pubblicità", "marketing"]
        .map(str::to_owned)
        .into();
    let catalogue = crate::command::catalogue::shipped();
    let keywords: Vec<String> = catalogue
        .values()
        .filter(|command| command.consent.is_none())
        .flat_map(|command| command.keywords.values().flatten().cloned())
        .collect();
    Words::new([(&promo, of_promo.as_slice())], keywords.iter().map(String::as_str))
}

fn taken(words: &Words, text: &str) -> String {
    let Some(spoken) = words.hear(text) else {
        return "-".to_owned();
    };
    let word = format!("{:?}", spoken.word).to_lowercase();
    match spoken.topic {
        Some(topic) => format!("{word} {topic}"),
        None => word,
    }
}

/// Ways of writing each word, a line each: the word, then the spellings with `|` between.
const SPELLINGS: &str = include_str!("spellings.txt");

#[test]
fn two_hundred_spellings_of_the_words_are_heard() {
    let words = words();
    let mut heard = 0;
    let mut missed = Vec::new();
    for line in SPELLINGS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (wanted, spellings) = line.split_once(": ").unwrap();
        for spelling in spellings.split('|') {
            let taken = taken(&words, spelling);
            if taken == wanted {
                heard += 1;
            } else {
                missed.push(format!("{spelling:?} is {wanted}, was taken for {taken}"));
            }
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
    assert!(heard >= 260, "{heard}");
}

#[test]
fn a_text_that_says_more_is_no_consent_word() {
    let words = words();
    for text in [
        "",
        " ",
        "...",
        "🛑",
        "sto",
        "shop",
        "STEP",
        "top",
        "post",
        "pasta",
        "quiet",
        "salta",
        "alla",
        "auto",
        "hello",
        "into",
        "side",
        "smart",
        "debit",
        "cancer",
        "said",
        "sir",
        "basta così, arrivo subito da te",
        "stop wasting time",
        "don't stop",
        "can you stop by the office?",
        "stop it",
        "la festa deve finire stop ai fuochi",
        "non stop",
        "stop 5",
        "bus stop",
        "help yourself",
        "help with my card",
        "info carta",
        "info costi",
        "cancel my card",
        "cancella il bonifico",
        "end of the month",
        "quit my job",
        "attiva roaming",
        "start date",
        "I can't start the app",
        "inizio",
        "alta velocità",
        "fin qui tutto bene",
        "sair de casa",
        "Stop, you had me at hello",
        "When does the offer end",
        "si",
        "no",
        "yes",
        "ok",
        "grazie",
        "annulla",
        "STOP the card",
        "blocca carta",
        "saldo",
        "ricarica 10",
        "help me buy",
        "the end",
        "parar el coche",
    ] {
        assert_eq!(taken(&words, text), "-", "{text:?}");
    }
}

#[test]
fn the_language_is_that_of_the_word_where_it_is_of_one_alone() {
    let words = words();
    let locale = |text| words.hear(text).unwrap().locale;
    assert_eq!(locale("BASTA"), Some(Locale::It));
    assert_eq!(locale("Arrêt"), Some(Locale::Fr));
    assert_eq!(locale("STOP"), None);
    assert_eq!(locale("UNSUBSCRIBE"), Some(Locale::En));
}

#[test]
fn a_word_that_means_another_thing_beside_a_question_says_so() {
    let words = words();
    let soft = |text| words.hear(text).unwrap().soft;
    assert!(soft("cancel") && soft("CANCELLA!") && soft("end") && soft("info"));
    assert!(!soft("STOP") && !soft("basta") && !soft("unsubscribe"));
}

#[test]
fn no_ordinary_text_is_taken_for_a_stop() {
    let words = words();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = ["../shared/corpora", "../../shared/corpora"].map(|path| root.join(path));
    let mut looked_at = 0;
    let mut wrong = Vec::new();
    for (file, place) in [
        ("sms_chatter.tsv", 1),
        ("banking77_train.csv", 0),
        ("clinc150_train_val.tsv", 1),
    ] {
        let Some(text) = shared.iter().find_map(|dir| fs::read_to_string(dir.join(file)).ok()) else {
            continue;
        };
        for line in text.lines() {
            let said = match file.ends_with("csv") {
                true => line.rsplit_once(',').map_or(line, |(said, _)| said),
                false => line.splitn(place + 1, '\t').last().unwrap_or_default(),
            };
            looked_at += 1;
            if let Some(spoken) = words.hear(said) {
                wrong.push((spoken.word, said.to_owned()));
            }
        }
    }
    // `help me` is asked of any assistant, and so are these few, which say just that to us too.
    let just_that = ["stop", "please stop", "stop please", "ai stop", "quit", "cancel"];
    wrong.retain(|(word, said)| *word != Word::Help && !just_that.contains(&fold(said).as_str()));
    assert!(wrong.is_empty(), "of {looked_at}: {wrong:#?}");
}

#[test]
fn the_labelled_texts_are_heard_as_they_are_labelled() {
    #[derive(serde::Deserialize)]
    struct Line {
        text: String,
        intent: String,
        class: String,
        #[serde(default)]
        context: Option<String>,
        #[serde(default)]
        slots: serde_json::Map<String, serde_json::Value>,
    }
    let words = words();
    let mut wrong = Vec::new();
    for file in ["commands.jsonl", "commands_noise.jsonl"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora").join(file);
        for line in fs::read_to_string(path).unwrap().lines() {
            let line: Line = serde_json::from_str(line).unwrap();
            let spoken = words
                .hear(&line.text)
                .filter(|spoken| line.context.is_none() || !spoken.soft);
            let taken = spoken
                .as_ref()
                .map(|spoken| format!("{:?}", spoken.word).to_lowercase());
            let consent = ["stop", "start", "help"].contains(&line.intent.as_str());
            let keyword = ["keyword", "typo", "context_escape"].contains(&line.class.as_str());
            match taken {
                Some(taken) if taken != line.intent => wrong.push(format!("{:?} taken for {taken}", line.text)),
                None if consent && keyword && line.text.split_whitespace().count() < 3 => {
                    wrong.push(format!("{:?} not taken for {}", line.text, line.intent));
                }
                _ => {}
            }
            let topic = spoken.and_then(|spoken| spoken.topic).map(|topic| topic.to_string());
            let labelled = line.slots.get("topic").and_then(|topic| topic.as_str());
            if consent && topic.as_deref() != labelled {
                wrong.push(format!("{:?}: topic {topic:?}", line.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
