//! Sums of money and how many: as people write them.

use super::{Page, Slot, Value, distinct, spoken};
use crate::command::Locale;
use crate::command::amount::Amount;
use crate::command::normalise::Kind;

/// The currency that a word or sign means, by ISO 4217.
pub(crate) fn currency_of(word: &str) -> Option<&'static str> {
    Some(match word {
        "€" | "euro" | "euros" | "eur" | "euri" | "eu" | "eurini" => "EUR",
        "£" | "pound" | "pounds" | "quid" | "gbp" | "sterline" | "sterlina" | "livres" | "pfund" | "libras" => "GBP",
        "$" | "dollar" | "dollars" | "usd" | "bucks" | "dollari" | "dollaro" | "dolares" => "USD",
        "chf" | "franchi" | "franken" | "francs" => "CHF",
        "brl" | "reais" | "real" => "BRL",
        _ => return None,
    })
}

const CENTS: [&str; 8] = [
    "cent",
    "cents",
    "centesimi",
    "centesimo",
    "centimes",
    "centimos",
    "pence",
    "centavos",
];
const AND: [&str; 5] = ["e", "and", "et", "und", "y"];

/// What a number is a number of, where that is no money.
const UNITS: [&str; 60] = [
    "giorno",
    "giorni",
    "settimana",
    "settimane",
    "mese",
    "mesi",
    "anno",
    "anni",
    "ora",
    "ore",
    "minuti",
    "minuto",
    "volta",
    "volte",
    "giga",
    "gb",
    "mb",
    "mega",
    "sms",
    "messaggi",
    "persone",
    "ricarica",
    "ricariche",
    "ric",
    "day",
    "days",
    "week",
    "weeks",
    "month",
    "months",
    "year",
    "years",
    "hour",
    "hours",
    "minutes",
    "mins",
    "times",
    "time",
    "gigs",
    "texts",
    "messages",
    "people",
    "topup",
    "recharge",
    "recharges",
    "jours",
    "semaines",
    "mois",
    "tage",
    "wochen",
    "monate",
    "dias",
    "semanas",
    "meses",
    "numeri",
    "numbers",
    "carte",
    "cards",
    "bonifici",
    "transfers",
];

/// What says that a number is an hour of the day or the end of something else.
const BEFORE_OTHERS: [&str; 12] = [
    "alle", "ore", "at", "numero", "number", "n", "nr", "num", "pin", "puk", "via", "um",
];

/// A number that may be a sum.
struct Sum {
    amount: Amount,
    currency: Option<&'static str>,
    weak: bool,
    from: usize,
    to: usize,
}

impl Page<'_> {
    /// Sums. One that names its currency goes before a bare number, and that before a word that is mostly none.
    pub(super) fn money(&mut self) -> Vec<Value> {
        let mut sums = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            match self.sum_at(at) {
                Some(sum) => {
                    at = sum.to;
                    sums.push(sum);
                }
                None => at += 1,
            }
        }
        let named = sums.iter().any(|sum| sum.currency.is_some());
        let strong = sums.iter().any(|sum| !sum.weak);
        sums.retain(|sum| {
            if named {
                sum.currency.is_some()
            } else {
                !strong || !sum.weak
            }
        });
        if !named && !strong && sums.iter().all(|sum| self.tokens[sum.from].kind == Kind::Word) {
            // An article is no sum.
            return Vec::new();
        }
        for sum in &sums {
            self.take(sum.from, sum.to);
        }
        distinct(sums.iter().map(|sum| Value::Money(sum.amount, sum.currency)).collect())
    }

    /// How many: a whole number within the slot's range.
    pub(super) fn count(&mut self, slot: &Slot) -> Vec<Value> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let Some((amount, weak, to)) = self.number_at(at) else {
                at += 1;
                continue;
            };
            let whole = amount.as_hundredths() % 100 == 0;
            let count = u32::try_from(amount.as_hundredths() / 100)
                .ok()
                .filter(|_| whole && !weak);
            if let Some(value) = count.map(Value::Count).filter(|value| slot.allows(value))
                && !self.is_hour(at)
            {
                found.push((value, at, to));
            }
            at = to;
        }
        for (_, from, to) in &found {
            self.take(*from, *to);
        }
        distinct(found.into_iter().map(|(value, ..)| value).collect())
    }

    fn sum_at(&self, at: usize) -> Option<Sum> {
        let before = at.checked_sub(1).and_then(|before| currency_of(self.free(before)?));
        let (mut amount, weak, mut to) = self.number_at(at)?;
        let behind = self.free(to).and_then(currency_of);
        if behind.is_some() {
            to += 1;
            (amount, to) = self.with_cents(amount, to);
        } else if self.free(to).is_some_and(|word| CENTS.contains(&word)) {
            return Some(Sum {
                amount: Amount::hundredths(amount.as_hundredths() / 100),
                currency: behind.or(Some("EUR")).filter(|_| self.word(to).starts_with("centesim")),
                weak: false,
                from: at,
                to: to + 1,
            });
        }
        let currency = behind.or(before);
        if currency.is_none() && (UNITS.contains(&self.word(to)) || self.is_hour(at)) {
            return None;
        }
        let one = amount == Amount::units(1);
        Some(Sum {
            amount,
            currency,
            weak: weak || one,
            from: if before.is_some() { at - 1 } else { at },
            to,
        })
    }

    /// `10 euro e 50`, `10€50`, `10 euro 50 centesimi`.
    fn with_cents(&self, amount: Amount, to: usize) -> (Amount, usize) {
        let joined = usize::from(self.free(to).is_some_and(|word| AND.contains(&word)));
        let Some((cents, weak, end)) = self.number_at(to + joined) else {
            return (amount, to);
        };
        let named = self.free(end).is_some_and(|word| CENTS.contains(&word));
        let touches = joined == 0 && self.tokens[to - 1].end() == self.tokens[to].start;
        let fits = cents.as_hundredths() % 100 == 0 && cents < Amount::units(100);
        let whole = amount.as_hundredths() % 100 == 0;
        if !weak && fits && whole && (named || touches || joined == 1 && self.free(end).is_none()) {
            let cents = cents.as_hundredths() / 100;
            return (
                Amount::hundredths(amount.as_hundredths() + cents),
                end + usize::from(named),
            );
        }
        (amount, to)
    }

    /// A number in digits or words at that place: its value, whether it is weak, where the next token is.
    fn number_at(&self, at: usize) -> Option<(Amount, bool, usize)> {
        self.free(at)?;
        let token = &self.tokens[at];
        match token.kind {
            Kind::Number => {
                // Part of something else: TK-1029, B2.
                let glued = at > 0 && {
                    let before = &self.tokens[at - 1];
                    let between = &self.text[before.end()..token.start];
                    before.kind == Kind::Word && between == "-"
                };
                let amount = written(token.raw, self.setting.locale).filter(|_| !glued)?;
                Some((amount, false, at + 1))
            }
            Kind::Word => {
                let words = self.tokens[at..].iter().map(|token| token.folded.as_str());
                let spoken = spoken(words, self.setting.locale)?;
                let end = at + spoken.words;
                // "grazie mille" counts nothing, and a unit makes an article a number.
                let thanks = matches!(self.before(at), "grazie" | "merci" | "mil");
                let unit = currency_of(self.word(end)).is_some();
                (!thanks).then(|| (Amount::units(spoken.value.into()), spoken.weak && !unit, end))
            }
            Kind::Sign => None,
        }
    }

    fn is_hour(&self, at: usize) -> bool {
        BEFORE_OTHERS.contains(&self.before(at))
    }
}

/// A sum in digits. The last of two different separators is the decimal sign; a single one with one or two digits
/// behind it is, too; with three, the language decides.
pub(super) fn written(raw: &str, locale: Locale) -> Option<Amount> {
    let digits = raw.strip_prefix('+').unwrap_or(raw);
    if digits
        .bytes()
        .any(|byte| !byte.is_ascii_digit() && byte != b'.' && byte != b',')
    {
        return None;
    }
    let decimal = match (digits.rfind('.'), digits.rfind(',')) {
        (Some(dot), Some(comma)) => Some(dot.max(comma)),
        (None, None) => None,
        (Some(at), None) | (None, Some(at)) => {
            let sign = &digits[at..=at];
            let several = digits.matches(sign).count() > 1;
            let behind = digits.len() - at - 1;
            let groups = match locale {
                Locale::En => ",",
                Locale::It | Locale::Fr | Locale::De | Locale::Es | Locale::Pt => ".",
            };
            match behind {
                _ if several => None,
                1 | 2 => Some(at),
                3 if sign == groups => None,
                3 if digits.ends_with('0') => Some(at),
                _ => None,
            }
        }
    };
    let (whole, fraction) = decimal.map_or((digits, ""), |at| (&digits[..at], &digits[at + 1..]));
    let mut groups = whole.split(['.', ',']);
    let first = groups.next()?;
    let mut plain = first.to_owned();
    for group in groups {
        if group.len() != 3 || first.len() > 3 {
            return None;
        }
        plain.push_str(group);
    }
    // Longer ones are numbers of something: phones, cards.
    if plain.len() > 7 || plain.len() > 1 && plain.starts_with('0') && fraction.is_empty() {
        return None;
    }
    let fraction = if fraction.len() == 3 {
        fraction.trim_end_matches('0')
    } else {
        fraction
    };
    if fraction.is_empty() {
        Amount::parse(&plain)
    } else {
        Amount::parse(&format!("{plain}.{fraction}"))
    }
}
