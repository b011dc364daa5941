//! The steps together: what follows from a text, without store, clock or carrier.

use std::sync::LazyLock;

use jiff::civil::date;
use serde::Deserialize;

use super::decide::{Decision, Next, Plea, decide};
use super::limits::Verdicts;
use super::matter::{Care, Matter};
use super::say::Say;
use super::{Book, Limits};
use crate::command::Catalogue;
use crate::command::catalogue::Consent;
use crate::config::{ClientConfig, Config};
use crate::dialogue::{Asked, Pending};
use crate::domain::{Name, UnixMillis};
use crate::store::two_way::{Between, Person};
use crate::store::{CaseReason, Certified};

const CATALOGUE: &str = r#"
[command.balance]
title = { it = "Saldo", en = "Balance" }
keywords = { it = ["saldo"], en = ["balance"] }
[command.balance.action]
url = "https://bank.example/balance"
[command.topup]
title = { it = "Ricarica", en = "Top-up" }
money = true
confirmation = "code"
limits = { value_per_day = "50.00" }
keywords = { it = ["ricarica"], en = ["topup"] }
[command.topup.slots.amount]
type = "money"
required = true
min = "5.00"
max = "100.00"
prompt = { it = "Di quanto?", en = "How much?" }
[command.topup.slots.msisdn]
type = "msisdn"
[command.topup.action]
url = "https://bank.example/topup"
[command.block]
title = { it = "Blocco", en = "Block" }
sensitive = true
confirmation = "yes"
keywords = { it = ["blocca carta"], en = ["block card"] }
[command.block.action]
url = "https://bank.example/block"
[command.vip]
title = { it = "Sala", en = "Lounge" }
authorisation = "certified"
keywords = { it = ["sala vip"], en = ["lounge"] }
[command.card]
title = { it = "Carta", en = "Card" }
personal = true
keywords = { it = ["mia carta"], en = ["my card"] }
[command.card.replies.not_certified]
it = "Chiama la banca."
en = "Call the bank."
[command.gold]
title = { it = "Oro", en = "Gold" }
authorisation = "profile"
profile = "gold"
keywords = { it = ["linea oro"], en = ["gold line"] }
[command.set_language]
title = { it = "Lingua", en = "Language" }
keywords = { it = ["lingua"], en = ["language"] }
[command.set_language.slots.lang]
type = "lang"
required = true
prompt = { it = "Quale lingua?", en = "Which language?" }
[command.set_language.replies.ok]
it = "Da ora in italiano."
en = "English from now on."
[command.leave]
title = { it = "Basta", en = "Leave" }
consent = "stop"
keywords = { it = ["basta"], en = ["stop"] }
[command.leave.slots.topic]
type = "choice"
values = { promo = ["offerte", "promo"] }
[command.come]
title = { it = "Riattiva", en = "Come back" }
consent = "start"
keywords = { it = ["riattiva"], en = ["start"] }
[command.human]
title = { it = "Una persona", en = "A person" }
case = true
keywords = { it = ["operatore"], en = ["agent"] }
[command.yes]
title = { it = "Si", en = "Yes" }
answers = "yes"
keywords = { it = ["si", "ok"], en = ["yes"] }
[command.no]
title = { it = "No", en = "No" }
answers = "no"
keywords = { it = ["no", "annulla"], en = ["cancel"] }
"#;

static BOOK: LazyLock<Book> = LazyLock::new(|| Book::new(&config()).unwrap());

fn config() -> Config {
    #[derive(Deserialize)]
    struct File {
        command: Catalogue,
    }
    let file: File = toml::from_str(CATALOGUE).unwrap();
    let mut config = Config {
        command: file.command,
        ..Config::default()
    };
    config.client.insert(name("bank"), ClientConfig::default());
    config
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// A customer who writes, and what is remembered between texts.
struct Talk {
    person: Person,
    question: Option<(Pending, bool)>,
    limits: Limits,
    care: Care,
    has_room: bool,
    now: UnixMillis,
    draw: u8,
    certified: Vec<Certified>,
}

impl Talk {
    fn new() -> Self {
        Self {
            person: Person::default(),
            question: None,
            limits: Limits::new(&config().command, 0, 100),
            care: Care::Nobody,
            has_room: true,
            now: UnixMillis(1_773_100_800_000),
            draw: 0,
            certified: Vec::new(),
        }
    }

    fn text(&mut self, text: &str) -> Decision {
        self.hear(text, None)
    }

    fn hear(&mut self, text: &str, code: Option<&str>) -> Decision {
        self.draw = self.draw.wrapping_add(1);
        let between = Between {
            number: "393331234567".into(),
            address: "12345".into(),
        };
        let matter = Matter {
            book: &BOOK,
            limits: &self.limits,
            verdicts: &Verdicts::default(),
            has_room: self.has_room,
            text,
            code,
            between: &between,
            leaves: ["cancella", "cancel"].contains(&text),
            certified: &self.certified,
            care: self.care,
            now: self.now,
            today: date(2026, 3, 10),
            bits: [self.draw; 32],
        };
        let decision = decide(&matter, self.person.clone(), self.question.take());
        self.person = decision.person.clone();
        self.question = match &decision.question {
            Next::Ask(pending) => Some(((**pending).clone(), false)),
            Next::Keep | Next::Drop => None,
        };
        decision
    }

    /// Some minutes go by, for what counts texts a minute.
    fn rest(&mut self) {
        self.limits = Limits::new(&config().command, 0, 100);
    }

    fn code(decision: &Decision) -> String {
        let Some(Say::Secret("code", vars)) = &decision.say else {
            panic!("{decision:?}")
        };
        vars["code"].as_str().unwrap().to_owned()
    }
}

fn words(decision: &Decision) -> &'static str {
    match &decision.say {
        Some(Say::Words(key, _) | Say::Secret(key, _)) => key,
        Some(Say::Reply { .. }) => "reply",
        Some(Say::Plain(_)) => "plain",
        None => "",
    }
}

#[test]
fn a_harmless_command_is_done_at_once() {
    let mut talk = Talk::new();
    let decision = talk.text("Saldo!");
    assert_eq!((decision.outcome.as_str(), words(&decision)), ("command.balance", ""));
    assert!(decision.wish.is_some());
}

#[test]
fn money_moves_by_its_code_and_with_the_values_that_were_shown() {
    let mut talk = Talk::new();
    let asked = talk.text("ricarica 10 euro");
    let Some(Say::Secret("code", vars)) = &asked.say else {
        panic!("{asked:?}")
    };
    assert_eq!(vars["called"], "Ricarica");
    assert_eq!(vars["details"], " 10,00 EUR");
    let code = Talk::code(&asked);
    let done = talk.text(&code);
    let wish = done.wish.unwrap();
    assert_eq!(wish.values["amount"], "10.00");
    assert_eq!(wish.text, "ricarica 10 euro");
    let spend = wish.spend.unwrap();
    assert_eq!((spend.hundredths, spend.limit, spend.day), (1_000, 5_000, 20_522));
    assert!(talk.text(&code).wish.is_none(), "a code is used up");
}

#[test]
fn neither_yes_nor_another_code_nor_that_of_another_amount_is_the_code() {
    let mut talk = Talk::new();
    let first = talk.text("ricarica 10 euro");
    assert_eq!(words(&talk.text("si")), "code_unclear");
    let second = talk.text("ricarica 20 euro");
    assert_eq!(words(&talk.text(&Talk::code(&first))), "code_wrong");
    let done = talk.text(&Talk::code(&second));
    assert_eq!(done.wish.unwrap().values["amount"], "20.00");
}

#[test]
fn three_wrong_codes_end_the_wish_and_six_lock_the_number_for_a_day() {
    let mut talk = Talk::new();
    for last in ["code_spent", "locked"] {
        let code = Talk::code(&talk.text("ricarica 10 euro"));
        let wrong = if code == "000000" { "000001" } else { "000000" };
        let said: Vec<&str> = (0..3).map(|_| words(&talk.text(wrong))).collect();
        assert_eq!(said, ["code_wrong", "code_wrong", last]);
        talk.rest();
        assert!(talk.text(&code).wish.is_none());
    }
    assert_eq!(talk.text("ricarica 10 euro").outcome, "locked");
    assert!(talk.text("saldo").wish.is_some(), "what moves no money goes on");
    talk.now = UnixMillis(talk.now.0 + 24 * 3_600_000 + 1);
    assert_eq!(words(&talk.text("ricarica 10 euro")), "code");
}

#[test]
fn six_wrong_codes_within_any_24_hours_lock_the_number_for_24_hours_from_the_sixth() {
    const HOUR: i64 = 3_600_000;
    let begin = Talk::new().now;
    // When each came, in hours, and whether the last one locks.
    for (hours, locks) in [
        ([0, 20, 21, 22, 23, 30], false),
        ([0, 1, 2, 3, 4, 24], false),
        ([0, 1, 2, 3, 4, 23], true),
        ([10, 20, 25, 30, 31, 32], true),
    ] {
        let mut talk = Talk::new();
        for hour in hours {
            talk.now = UnixMillis(begin.0 + hour * HOUR);
            talk.rest();
            let code = Talk::code(&talk.text("ricarica 10 euro"));
            talk.text(if code == "000000" { "000001" } else { "000000" });
        }
        for (after, locked) in [(0, locks), (24 * HOUR - 1, locks), (24 * HOUR, false)] {
            talk.now = UnixMillis(begin.0 + hours[5] * HOUR + after);
            talk.rest();
            assert_eq!(
                talk.text("ricarica 10 euro").outcome == "locked",
                locked,
                "{hours:?} {after}"
            );
        }
    }
}

#[test]
fn a_code_that_is_called_a_pin_and_so_not_kept_is_the_code_all_the_same() {
    let mut talk = Talk::new();
    let code = Talk::code(&talk.text("ricarica 10 euro"));
    assert_eq!(
        words(&talk.text("pin ******")),
        "code_unclear",
        "after a crash nobody knows it"
    );
    assert!(talk.hear("pin ******", Some(&code)).wish.is_some());
}

#[test]
fn a_missing_value_is_asked_for_and_one_out_of_range_is_said_so() {
    let mut talk = Talk::new();
    assert_eq!(talk.text("ricarica").say, Some(Say::Plain("Di quanto?".into())));
    assert_eq!(words(&talk.text("2")), "range");
    let asked = talk.text("sette euro");
    assert_eq!(words(&asked), "code");
    let Some((pending, _)) = &talk.question else { panic!() };
    let Asked::Code { values, .. } = &pending.asked else {
        panic!()
    };
    assert_eq!(values["amount"], "7.00");
}

#[test]
fn two_values_where_one_is_wanted_are_both_named_and_one_of_them_is_the_answer() {
    let mut talk = Talk::new();
    let found = |decision: &Decision| match &decision.say {
        Some(Say::Words("either", vars)) => vars["found"].to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(found(&talk.text("ricarica 10 o 20")), r#"["10","20"]"#);
    assert_eq!(found(&talk.text("10,50 o 20")), r#"["10,50","20"]"#);
    assert_eq!(
        found(&talk.text("mah")),
        r#"["10,50","20"]"#,
        "asked again in the same words"
    );
    assert_eq!(words(&talk.text("20")), "code");
    let asked = talk.text("ricarica 10 euro 333 1234567 333 7654321");
    assert_eq!(found(&asked), r#"["+393331234567","+393337654321"]"#);
    let vars = serde_json::from_str(r#"{"called":"Ricarica","found":["10","20"]}"#).unwrap();
    let said = BOOK.words("either", crate::command::Locale::It, &vars).unwrap();
    assert_eq!(said.text, "Ricarica: 10 o 20? Scrivi quale.");
}

#[test]
fn a_question_is_asked_again_twice_and_then_given_up() {
    let mut talk = Talk::new();
    talk.text("ricarica");
    assert_eq!(words(&talk.text("boh")), "plain");
    assert_eq!(words(&talk.text("mah")), "plain");
    assert_eq!(words(&talk.text("chissà")), "given_up");
    assert_eq!(talk.question, None);
}

#[test]
fn an_exact_command_leaves_the_question_and_no_cancels_it() {
    let mut talk = Talk::new();
    talk.text("blocca carta");
    let left = talk.text("saldo");
    assert_eq!(left.outcome, "command.balance");
    assert_eq!(talk.question, None);
    assert_eq!(words(&talk.text("blocca carta")), "confirm");
    assert_eq!(words(&talk.text("annulla")), "cancelled");
    assert!(talk.text("si").wish.is_none());
    talk.text("blocca carta");
    assert!(talk.text("sì grazie").wish.is_some());
}

#[test]
fn an_answer_that_comes_too_late_is_told_so_and_does_nothing() {
    let mut talk = Talk::new();
    let code = Talk::code(&talk.text("ricarica 10 euro"));
    talk.question.as_mut().unwrap().1 = true;
    let late = talk.text(&code);
    assert_eq!((words(&late), late.wish.is_none()), ("expired", true));
    talk.text("blocca carta");
    talk.question.as_mut().unwrap().1 = true;
    assert_eq!(talk.text("saldo").outcome, "command.balance");
}

#[test]
fn who_is_not_certified_or_a_machine_gets_nothing_done() {
    let mut talk = Talk::new();
    assert_eq!(talk.text("sala vip").outcome, "not_certified");
    assert_eq!(talk.text("Risposta automatica: saldo").outcome, "automatic");
    let stop = talk.text("STOP");
    assert_eq!((stop.outcome.as_str(), words(&stop)), ("stop", ""));
}

#[test]
fn what_is_personal_or_for_a_profile_is_for_numbers_certified_for_its_own_client_and_so() {
    let mut talk = Talk::new();
    let certified = |client: &str, profile: Option<&str>| {
        let (client, profile) = (name(client), profile.map(name));
        vec![Certified { client, profile }]
    };
    for (held, card, gold) in [
        (Vec::new(), false, false),
        (certified("shop", Some("gold")), false, false),
        (certified("bank", None), true, false),
        (certified("bank", Some("silver")), true, false),
        (certified("bank", Some("gold")), true, true),
    ] {
        talk.certified = held.clone();
        talk.rest();
        for (text, may) in [("mia carta", card), ("linea oro", gold)] {
            let decision = talk.text(text);
            assert_eq!(decision.outcome != "not_certified", may, "{text} {held:?}");
        }
    }
    // What is said is the same whatever is missing, and the operator's own where there is one.
    talk.certified.clear();
    let decision = talk.text("mia carta");
    let Some(Say::Reply { outcomes, or, vars, .. }) = decision.say else {
        panic!()
    };
    assert_eq!(
        (outcomes, or, vars.len()),
        (vec!["not_certified".to_owned()], "not_certified", 1)
    );
}

#[test]
fn two_machines_that_answer_one_another_stop_within_five_texts() {
    let mut talk = Talk::new();
    let answered = (0..20).filter(|n| talk.text(&format!("parole che nessuno capisce {n}x")).say.is_some());
    assert!(answered.count() <= 5);
    talk.rest();
    assert!(talk.text("saldo").wish.is_some());
}

#[test]
fn who_is_robbed_while_driving_is_no_machine() {
    let mut talk = Talk::new();
    talk.care = Care::Ready;
    for text in [
        "Sto guidando, mi hanno rubato la carta, bloccatela!",
        "Sto guidando, blocca carta",
    ] {
        let heard = talk.text(text);
        assert!(heard.case.is_some() || heard.say.is_some(), "{heard:?}");
    }
    talk.care = Care::Nobody;
    for notice in ["Sto guidando, ti richiamo dopo", "Risposta automatica: saldo"] {
        let heard = talk.text(notice);
        assert_eq!(
            (heard.outcome.as_str(), words(&heard), heard.case),
            ("automatic", "", None),
            "{notice}"
        );
    }
}

#[test]
fn what_no_machine_answers_goes_into_the_conversation_of_a_person() {
    let notice = "Sto guidando, ti richiamo dopo";
    for (care, has_room, text, outcome) in [
        (Care::Owned, true, notice, "owned"),
        (Care::Waiting, true, notice, "automatic"),
        (Care::Waiting, false, "saldo", "fenced"),
    ] {
        let mut talk = Talk::new();
        (talk.care, talk.has_room) = (care, has_room);
        let heard = talk.text(text);
        assert_eq!((heard.outcome.as_str(), words(&heard)), (outcome, ""));
        assert!(
            heard.wish.is_none() && heard.case.is_some_and(|case| !case.tells),
            "{outcome}"
        );
    }
}

#[test]
fn a_question_whose_command_is_gone_is_cancelled_and_says_so() {
    for text in ["si", "boh", "123456"] {
        let mut talk = Talk::new();
        let pending = Pending {
            asked: Asked::Confirm {
                command: name("wire"),
                values: crate::dialogue::Frozen::new(),
            },
            language: crate::command::Locale::It,
            text: "manda soldi".into(),
            again: 0,
        };
        talk.question = Some((pending, false));
        let said = talk.text(text);
        assert_eq!((words(&said), &said.question), ("cancelled", &Next::Drop), "{text}");
    }
}

#[test]
fn after_so_many_answers_a_code_still_counts_and_a_stolen_card_goes_to_a_person() {
    let mut talk = Talk::new();
    let asked = talk.text("ricarica 10 euro");
    talk.has_room = false;
    assert!(talk.text(&Talk::code(&asked)).wish.is_some());
    let mut talk = Talk::new();
    (talk.care, talk.has_room) = (Care::Ready, false);
    let stolen = talk.text("blocca carta");
    assert_eq!((stolen.outcome.as_str(), words(&stolen)), ("fenced", ""));
    assert!(stolen.wish.is_none() && stolen.case.is_some_and(|case| !case.tells));
    assert_eq!(talk.text("saldo").case, None);
}

#[test]
fn a_wish_for_no_more_messages_is_heard_through_every_limit() {
    let stop = |decision: Decision| decision.plea.map(|plea| (plea.word, plea.topic));
    let mut talk = Talk::new();
    talk.has_room = false;
    assert_eq!(
        stop(talk.text("basta offerte")),
        Some((Consent::Stop, Some("promo".into())))
    );
    assert_eq!(stop(talk.text("riattiva")), Some((Consent::Start, None)));
    assert_eq!(talk.text("saldo").outcome, "fenced");
    let mut talk = Talk::new();
    talk.limits = Limits::new(&config().command, 1, 100);
    talk.text("saldo");
    let limited = talk.text("saldo");
    assert_eq!((limited.outcome.as_str(), words(&limited)), ("address_limited", "busy"));
    assert_eq!(stop(talk.text("basta")), Some((Consent::Stop, None)));
    assert_eq!(words(&talk.text("saldo")), "", "it was said");
}

#[test]
fn a_chosen_language_is_kept_and_answered_in() {
    let mut talk = Talk::new();
    let decision = talk.text("lingua inglese");
    assert_eq!(decision.person.language.as_deref(), Some("en"));
    assert_eq!(decision.locale, crate::command::Locale::En);
}

#[test]
fn a_word_that_ends_messages_elsewhere_leaves_the_question_alone() {
    let mut talk = Talk::new();
    talk.text("blocca carta");
    let left = talk.text("cancella");
    assert_eq!((words(&left), left.plea), ("cancelled", None));
    assert_eq!(talk.question, None);
    assert!(talk.text("si").wish.is_none());
}

#[test]
fn stop_in_other_words_is_a_plea_and_leaves_the_question() {
    let mut talk = Talk::new();
    talk.text("ricarica 10 euro");
    let stop = talk.text("basta");
    let plea = |word, topic: Option<&str>| {
        let topic = topic.map(str::to_owned);
        Some(Plea { word, topic })
    };
    assert_eq!(words(&stop), "");
    assert_eq!((stop.outcome.as_str(), stop.plea), ("stop", plea(Consent::Stop, None)));
    assert_eq!(talk.question, None);
    assert_eq!(talk.text("basta offerte").plea, plea(Consent::Stop, Some("promo")));
    assert_eq!(talk.text("riattiva").plea, plea(Consent::Start, None));
}

const CHATTER: &str = "la vicina ha dipinto la staccionata di verde";

#[test]
fn what_is_not_understood_is_left_to_a_person_where_there_is_one() {
    let mut talk = Talk::new();
    let told = talk.text(CHATTER);
    assert_eq!((words(&told), told.case), ("not_understood", None), "nobody is there");
    talk = Talk::new();
    talk.care = Care::Ready;
    let left = talk.text(CHATTER);
    assert_eq!((left.outcome.as_str(), words(&left)), ("case", ""));
    assert!(left.case.is_some_and(|case| case.tells));
    talk.care = Care::Waiting;
    let joined = talk.text("e il cane abbaia tutta la notte");
    assert!(joined.case.is_some_and(|case| !case.tells), "it was acknowledged");
    assert!(talk.text("saldo").wish.is_some(), "nobody owns the conversation yet");
    assert_eq!(
        talk.text("grazie mille").case,
        None,
        "nobody waits for an answer to that"
    );
}

#[test]
fn who_asks_for_a_person_is_left_to_one() {
    let mut talk = Talk::new();
    assert_eq!(words(&talk.text("operatore")), "reply", "nobody is there");
    talk.care = Care::Ready;
    let case = talk.text("operatore").case.unwrap();
    assert_eq!((case.reason, case.understood.as_str()), (CaseReason::Asked, "human"));
}

#[test]
fn while_a_person_owns_the_conversation_only_a_wish_for_no_more_messages_is_heard() {
    let mut talk = Talk::new();
    let asked = talk.text("ricarica 10 euro");
    talk.care = Care::Owned;
    for text in ["saldo", &Talk::code(&asked), CHATTER, "si", "operatore"] {
        let heard = talk.text(text);
        assert_eq!((heard.outcome.as_str(), words(&heard)), ("owned", ""), "{text}");
        assert!(
            heard.wish.is_none() && heard.case.is_some_and(|case| !case.tells),
            "{text}"
        );
    }
    let plea = talk.text("basta offerte").plea.unwrap();
    assert_eq!((plea.word, plea.topic.as_deref()), (Consent::Stop, Some("promo")));
    talk.care = Care::Ready;
    assert!(talk.text("saldo").wish.is_some(), "it was solved");
}
