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

/// What a text says of itself that a machine wrote, folded.
const DECLARED: [&str; 23] = [
    "messaggio automatico",
    "risposta automatica",
    "risponditore automatico",
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
/// What an away notice begins with, and a person may say too.
const AWAY: [&str; 17] = [
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
    "on annual leave",
    "i am driving",
    "im driving",
    "i m driving",
    "this number is not monitored",
    "this mailbox is not monitored",
    "this number does not accept",
];
/// What a machine's text ends with.
const CLOSING: [&str; 4] = [
    "non rispondere a questo messaggio",
    "non rispondere a questo sms",
    "please do not reply",
    "do not reply to this",
];
/// What may stand before the phrase that a notice begins with.
const OPENING: [&str; 52] = [
    "ciao",
    "salve",
    "buongiorno",
    "buonasera",
    "gentile",
    "cliente",
    "mittente",
    "questo",
    "questa",
    "e",
    "un",
    "una",
    "mi",
    "dispiace",
    "purtroppo",
    "al",
    "momento",
    "sono",
    "hi",
    "hello",
    "dear",
    "sender",
    "sorry",
    "please",
    "this",
    "is",
    "an",
    "a",
    "i",
    "am",
    "im",
    "m",
    "currently",
    "bonjour",
    "ceci",
    "est",
    "je",
    "suis",
    "actuellement",
    "dies",
    "ist",
    "eine",
    "hallo",
    "hola",
    "este",
    "es",
    "ola",
    "esta",
    "uma",
    "um",
    "eu",
    "estou",
];
/// Beginnings of the words of who was robbed or has had an accident: no machine sends them by itself.
const TROUBLE: [&str; 16] = [
    "rubat",
    "furto",
    "clonat",
    "frod",
    "truff",
    "aggredit",
    "incident",
    "stolen",
    "theft",
    "cloned",
    "fraud",
    "scam",
    "accident",
    "gestohlen",
    "robad",
    "roubad",
];
/// Beginnings of the words of who needs something: not in an away notice that does not say what it is.
const NEED: [&str; 14] = [
    "aiut", "help", "blocc", "bloque", "block", "sperr", "smarrit", "perso", "persa", "lost", "perdu", "perdid",
    "verloren", "urgent",
];
/// Words that an away notice has beside its phrase, at the most, and a machine's text behind the phrase that it ends with.
const MOST_BESIDE: usize = 20;
const MOST_BEHIND: usize = 3;

/// What a text looks like as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// It says of itself that a machine wrote it.
    Declared,
    /// An away notice, as phones send them and people may write them.
    Away,
}

/// The person behind a sender's address; `None` for names, short codes and our own addresses, which no machine answers.
pub(super) fn person(from: &str, is_ours: impl Fn(&str) -> bool) -> Option<Msisdn> {
    if is_ours(from) || !matches!(SenderId::parse(from), Ok(SenderId::Msisdn(_))) {
        return None;
    }
    Msisdn::written(from).ok()
}

/// The notice that a text looks like as a whole: one that begins with its phrase, or ends with it, and does not tell of
/// trouble. Whether a command is in it, the matcher knows.
pub(super) fn notice(text: &str) -> Option<Notice> {
    let folded = fold(text);
    let words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    let any = |beginnings: &[&str]| {
        words
            .iter()
            .any(|word| beginnings.iter().any(|it| word.starts_with(it)))
    };
    if any(&TROUBLE) {
        return None;
    }
    let opens = |at: &usize| words[..*at].iter().all(|word| OPENING.contains(word));
    let begins = |phrase: &&str| place(&words, phrase).is_some_and(|at| opens(&at));
    let ends = |phrase: &&str| {
        let behind = |at: usize| words.len() - at - phrase.split(' ').count();
        place(&words, phrase).is_some_and(|at| opens(&at) || behind(at) <= MOST_BEHIND)
    };
    if DECLARED.iter().any(begins) || CLOSING.iter().any(ends) {
        return Some(Notice::Declared);
    }
    let phrase = AWAY.iter().find(|phrase| begins(phrase))?;
    let beside = words.len() - phrase.split(' ').count();
    (beside <= MOST_BESIDE && !words.contains(&"?") && !any(&NEED)).then_some(Notice::Away)
}

/// Where a phrase first stands among words.
fn place(words: &[&str], phrase: &str) -> Option<usize> {
    (0..words.len()).find(|at| {
        let mut said = words[*at..].iter();
        phrase.split(' ').all(|word| said.next() == Some(&word))
    })
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

/// What is the same of a text that is said again, however it is written.
pub(super) fn digest(text: &str) -> i64 {
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
            "AUTO-REPLY: out of the office",
            "Réponse automatique : je suis absente",
            "Ciao, questo è un messaggio automatico. Ti risponderò presto",
            "La richiesta è stata ricevuta. Si prega di non rispondere a questo SMS. Grazie",
        ] {
            assert_eq!(notice(text), Some(Notice::Declared), "{text}");
        }
        for text in [
            "Sto guidando, ti richiamo appena arrivo",
            "I'm driving - will call you later",
            "I’m driving with Do Not Disturb While Driving turned on. I’ll see your message when I get where I’m going.",
            "Mi dispiace, sono in ferie fino al 20 agosto!",
        ] {
            assert_eq!(notice(text), Some(Notice::Away), "{text}");
        }
        assert_eq!(notice("saldo"), None);
    }

    #[test]
    fn who_says_in_passing_what_a_notice_says_is_no_machine() {
        for text in [
            "Sto guidando, mi hanno rubato la carta, bloccatela!",
            "ho ricevuto un messaggio automatico e non capisco",
            "mi hanno detto che siete out of office ma non ci credo",
            "sono in ferie, quanto ho sul conto?",
            "sono in ferie a Roma e ho perso la carta",
            "I am driving and my card was stolen",
            "questo numero non riceve i codici, aiutatemi",
            "vorrei non rispondere a questo messaggio ogni volta che me lo mandate voi",
            "im driving to the branch now because nobody there picks up the phone and I need somebody to tell me what to do",
        ] {
            assert_eq!(notice(text), None, "{text}");
        }
    }
}
