//! Who is never answered by a machine, and what a machine wrote: two machines that answer one another never end.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::command::normalise::fold;
use crate::domain::{Msisdn, SenderId, UnixMillis};
use crate::store::two_way::Person;

/// How long a text counts as said again.
const AGAIN_WITHIN: Duration = Duration::from_hours(1);
/// A text that is no command is not answered the third time.
const MOST_SAID: u16 = 3;
/// Answers that nobody need have asked for, until a valid command.
const MOST_PASSIVE: u16 = 5;

/// Phrases of away notices and other automatic answers, folded.
const AUTOMATIC: [&str; 44] = [
    "messaggio automatico",
    "risposta automatica",
    "risponditore automatico",
    "non rispondere a questo messaggio",
    "non rispondere a questo sms",
    "questo numero non riceve",
    "questo numero non e abilitato",
    "non sono disponibile al momento",
    "al momento non sono disponibile",
    "sono fuori ufficio",
    "sono in ferie",
    "sto guidando",
    "sono alla guida",
    "ti richiamero appena possibile",
    "ti ricontattero appena possibile",
    "automatic reply",
    "automatic response",
    "automatic message",
    "automated message",
    "automated response",
    "automated reply",
    "auto reply",
    "autoreply",
    "auto response",
    "out of office",
    "out of the office",
    "on annual leave",
    "i am driving",
    "im driving",
    "i m driving",
    "do not reply to this",
    "please do not reply",
    "this number is not monitored",
    "this mailbox is not monitored",
    "this number does not accept",
    "reponse automatique",
    "message automatique",
    "absent du bureau",
    "automatische antwort",
    "abwesenheitsnotiz",
    "respuesta automatica",
    "mensaje automatico",
    "resposta automatica",
    "mensagem automatica",
];

/// The person behind a sender's address; `None` for names, short codes and our own addresses, which no machine answers.
pub(super) fn person(from: &str, is_ours: impl Fn(&str) -> bool) -> Option<Msisdn> {
    if is_ours(from) || !matches!(SenderId::parse(from), Ok(SenderId::Msisdn(_))) {
        return None;
    }
    Msisdn::written(from).ok()
}

/// Whether the text says of itself that a machine wrote it.
pub(super) fn is_automatic(text: &str) -> bool {
    let folded = fold(text);
    AUTOMATIC.iter().any(|phrase| folded.contains(phrase))
}

/// Notes a text that is no command; whether it may be answered still.
pub(super) fn may_answer(person: &mut Person, text: &str, now: UnixMillis) -> bool {
    let said = digest(text);
    let again = person.said == Some(said) && person.said_since.is_some_and(|since| now.since(since) < AGAIN_WITHIN);
    if again {
        person.said_times = person.said_times.saturating_add(1);
    } else {
        (person.said, person.said_times, person.said_since) = (Some(said), 1, Some(now));
    }
    if person.said_times >= MOST_SAID || person.passive >= MOST_PASSIVE {
        return false;
    }
    person.passive += 1;
    true
}

/// A valid command: a person is there.
pub(super) fn is_there(person: &mut Person) {
    person.passive = 0;
    (person.said, person.said_times, person.said_since) = (None, 0, None);
}

fn digest(text: &str) -> i64 {
    let hash = Sha256::digest(fold(text));
    hash.iter().take(8).fold(0, |all, octet| all << 8 | i64::from(*octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_short_codes_and_our_own_addresses_are_no_persons() {
        let ours = |address: &str| address == "393339999999";
        for from in ["MyBank", "48400", "393339999999", "", "+39abc"] {
            assert!(person(from, ours).is_none(), "{from}");
        }
        assert_eq!(person("393331234567", ours).unwrap().digits(), "393331234567");
        assert_eq!(person("+393331234567", ours).unwrap().digits(), "393331234567");
    }

    #[test]
    fn a_text_that_is_no_command_is_answered_twice_an_hour_and_five_in_all() {
        let mut someone = Person::default();
        let at = |minutes: i64| UnixMillis(minutes * 60_000);
        assert!(may_answer(&mut someone, "boh", at(0)));
        assert!(may_answer(&mut someone, "Boh!", at(1)));
        assert!(!may_answer(&mut someone, "boh", at(2)));
        assert!(may_answer(&mut someone, "boh", at(61)), "an hour later it is another");
        assert!(may_answer(&mut someone, "mah", at(62)));
        assert!(may_answer(&mut someone, "chi sei", at(63)));
        assert!(!may_answer(&mut someone, "ciao", at(64)), "five are enough");
        is_there(&mut someone);
        assert!(may_answer(&mut someone, "ciao", at(65)));
    }

    #[test]
    fn away_notices_are_known_in_each_language() {
        for text in [
            "Risposta automatica: sono in ferie fino al 20",
            "I'm driving - will call you later",
            "AUTO-REPLY: out of the office",
            "Réponse automatique : je suis absente",
        ] {
            assert!(is_automatic(text), "{text}");
        }
        assert!(!is_automatic("saldo"));
    }
}
