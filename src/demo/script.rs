//! What the back end sends: texts as a bank, a courier and a network write them, in Italian and English.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::setting::{PHONES, UNKNOWN_NUMBER};
use crate::domain::Class;

/// Decides what is sent, and when: every demo tells the same story.
const SEED: u64 = 0x00A7_A1D0;
/// One message in so many goes to a number that the carriers do not know.
const UNKNOWN_EVERY: u32 = 41;

/// A text of the script; `{…}` is filled in.
struct Line {
    class: Class,
    from: &'static str,
    text: &'static str,
    /// How often it comes beside the others.
    weight: u32,
}

/// A message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Drawn {
    pub(super) class: Class,
    pub(super) from: &'static str,
    pub(super) to: &'static str,
    pub(super) text: String,
}

const fn line(class: Class, from: &'static str, weight: u32, text: &'static str) -> Line {
    Line {
        class,
        from,
        text,
        weight,
    }
}

const LINES: &[Line] = &[
    line(
        Class::Otp,
        "BancaAurea",
        4,
        "{code} è il tuo codice per accedere. Scade tra 5 minuti. Non comunicarlo a nessuno, nemmeno a noi.",
    ),
    line(
        Class::Otp,
        "NorthBank",
        4,
        "Your code is {code}. It expires in 5 minutes. We will never ask you for it.",
    ),
    line(
        Class::Otp,
        "BancaAurea",
        2,
        "Codice {code} per autorizzare il bonifico di {amount} EUR a {name}. Se non sei tu, chiama subito 800 000 100.",
    ),
    line(
        Class::Alert,
        "BancaAurea",
        2,
        "ATTENZIONE: rifiutato un pagamento di {amount} EUR presso {shop}. Se non sei stato tu, blocca la carta che finisce per {four}.",
    ),
    line(
        Class::Alert,
        "NorthBank",
        2,
        "Did you just try to pay £{amount} at {shop}? If not, freeze your card ending {four} in the app now.",
    ),
    line(
        Class::Transaction,
        "BancaAurea",
        5,
        "Carta *{four}: pagamento di {amount} EUR presso {shop} il {date}. Disponibile {balance} EUR.",
    ),
    line(
        Class::Transaction,
        "NorthBank",
        4,
        "You paid £{amount} to {shop}. Balance £{balance}.",
    ),
    line(
        Class::Transaction,
        "BancaAurea",
        3,
        "Bonifico di {balance} EUR da {name} accreditato oggi sul tuo conto.",
    ),
    line(
        Class::Transaction,
        "NorthBank",
        2,
        "{name} sent you £{amount}. It’s in your account now — reference “{word}”.",
    ),
    line(
        Class::Transaction,
        "BancaAurea",
        2,
        "Gentile cliente, la rata di {amount} EUR del mutuo n. {order} è stata addebitata con valuta {date}. Trova la ricevuta, il piano di ammortamento aggiornato e le condizioni in vigore nella sezione Documenti dell'area riservata. Per informazioni: 800 000 100, dal lunedì al venerdì dalle 8 alle 20.",
    ),
    line(
        Class::Service,
        "CorriereVia",
        4,
        "La tua spedizione {order} è in consegna oggi tra le {hour}:00 e le {later}:00.",
    ),
    line(
        Class::Service,
        "CorriereVia",
        3,
        "Parcel {order}: out for delivery, {hour}:00–{later}:00. Your driver is {name} 🚚",
    ),
    line(
        Class::Service,
        "CorriereVia",
        2,
        "Consegnato! Il pacco {order} è stato lasciato al portiere 📦",
    ),
    line(
        Class::Service,
        "LumenTel",
        3,
        "Hai usato l'80% dei tuoi 50 GB. Si rinnovano il {date}.",
    ),
    line(
        Class::Service,
        "LumenTel",
        2,
        "Planned work in your area on {date} from 01:00 to 05:00: calls and data may drop for a few minutes. We are replacing the antennas on two sites, so that coverage indoors gets better. No action is needed; if your router shows a red light after 06:00, switch it off and on again, or call 150 free of charge.",
    ),
    line(
        Class::Service,
        "NorthBank",
        1,
        "Your statement for last month is ready. Sign in to read it.",
    ),
    line(
        Class::Marketing,
        "LumenTel",
        2,
        "Solo per te: 100 GB a 7,99 € al mese per sempre 🎁 Rispondi SÌ al {short} entro il {date}.",
    ),
    line(
        Class::Marketing,
        "NorthBank",
        1,
        "Thinking of moving? Our mortgage advisers are free this Saturday, 9 to 1. No appointment needed.",
    ),
    line(
        Class::Marketing,
        "CorriereVia",
        1,
        "Spedisci a Natale con lo sconto del 20%: codice STELLA. Valido fino al {date}.",
    ),
];

const SHOPS: [&str; 8] = [
    "Esselunga",
    "Trenitalia",
    "Libreria Rizzoli",
    "Tesco",
    "Waterstones",
    "Bar Centrale",
    "IKEA",
    "Decathlon",
];
const NAMES: [&str; 8] = [
    "Marco Bianchi",
    "Anna Greco",
    "J. Whitfield",
    "Sofia Marchetti",
    "Priya Nair",
    "Luca Ferri",
    "Zoë O’Neill",
    "M. Kowalski",
];
const WORDS: [&str; 4] = ["dinner", "rent", "tickets", "happy birthday 🎂"];

/// Draws messages, the same ones in every demo.
pub(super) struct Script(StdRng);

impl Script {
    pub(super) fn new() -> Self {
        Self(StdRng::seed_from_u64(SEED))
    }

    /// The next message.
    pub(super) fn draw(&mut self) -> Drawn {
        let Self(rng) = self;
        let all: u32 = LINES.iter().map(|line| line.weight).sum();
        let mut left = rng.random_range(0..all);
        let line = LINES.iter().find(|line| {
            let is_it = left < line.weight;
            left = left.saturating_sub(line.weight);
            is_it
        });
        let line = line.unwrap_or(&LINES[0]);
        let to = match rng.random_range(0..UNKNOWN_EVERY) {
            0 => UNKNOWN_NUMBER,
            n => PHONES[n as usize % PHONES.len()].number,
        };
        Drawn {
            class: line.class,
            from: line.from,
            to,
            text: fill(line.text, rng),
        }
    }

    /// How long until the next one, in milliseconds.
    pub(super) fn pause_ms(&mut self) -> u64 {
        self.0.random_range(900..=2_000)
    }
}

fn fill(text: &str, rng: &mut StdRng) -> String {
    let mut filled = String::with_capacity(text.len() + 16);
    let hour = rng.random_range(8..17);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((word, after)) = after.split_once('}') else {
            break;
        };
        rest = after;
        filled.push_str(&match word {
            "code" => format!("{:06}", rng.random_range(0..1_000_000)),
            "four" => format!("{:04}", rng.random_range(0..10_000)),
            "amount" => format!("{},{:02}", rng.random_range(3..180), rng.random_range(0..100)),
            "balance" => format!(
                "{}.{:03},{:02}",
                rng.random_range(1..9),
                rng.random_range(0..1_000),
                rng.random_range(0..100)
            ),
            "order" => format!("{}{}", rng.random_range(10..99), rng.random_range(100_000..999_999)),
            "date" => format!("{:02}/12", rng.random_range(1..=24)),
            "hour" => hour.to_string(),
            "later" => (hour + 2).to_string(),
            "short" => super::setting::SHORT_CODE.to_owned(),
            "shop" => pick(&SHOPS, rng),
            "name" => pick(&NAMES, rng),
            "word" => pick(&WORDS, rng),
            other => other.to_owned(),
        });
    }
    filled.push_str(rest);
    filled
}

fn pick(words: &[&str], rng: &mut StdRng) -> String {
    words.choose(rng).copied().unwrap_or_default().to_owned()
}

/// Words that a phone may text.
pub(super) const WORDS_TO_TEXT: [&str; 4] = ["SALDO", "RICARICA 10", "BLOCK CARD", "HELP"];

/// Texts to try: a name and the text.
pub(super) const SAMPLES: [(&str, &str); 4] = [
    ("short", "Il tuo codice è 482913. Scade tra 5 minuti."),
    (
        "accents",
        "Perché no? Così è più bello: caffè, città, virtù. Costo: 3 €",
    ),
    ("emoji", "Consegnato! 📦 Il pacco ti aspetta dal portiere 🙂"),
    (
        "long",
        "Gentile cliente, dal 1° gennaio cambiano gli orari delle filiali: saremo aperti dal lunedì al venerdì dalle 8:30 alle 13:30 e, su appuntamento, fino alle 18:00. Il sabato mattina resta dedicato alla consulenza. Tutti i dettagli sono nell'area riservata; per domande scrivi INFO al 48400.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_script_is_the_same_every_time_and_shows_every_kind_of_message() {
        let draw = || {
            let mut script = Script::new();
            (0..400).map(|_| script.draw()).collect::<Vec<_>>()
        };
        let drawn = draw();
        assert_eq!(drawn, draw());
        let classes: BTreeSet<Class> = drawn.iter().map(|message| message.class).collect();
        assert_eq!(
            classes.len(),
            Class::ALL.len() - 1,
            "a reply answers a text from a phone"
        );
        let measured = drawn
            .iter()
            .map(|message| araldo_sms::measure(&message.text, &araldo_sms::SplitOptions::default()).unwrap());
        let measured: Vec<_> = measured.collect();
        assert!(
            measured.iter().any(|m| m.segments > 1)
                && measured.iter().any(|m| m.encoding == araldo_sms::Encoding::Ucs2)
        );
        assert!(drawn.iter().all(|message| !message.text.contains(['{', '}'])));
        assert!(drawn.iter().any(|message| message.to == UNKNOWN_NUMBER));
    }
}
