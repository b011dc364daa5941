//! Sums of money and how many: as people write them.

use super::{Found, Page, Slot, Value, distinct, spoken};
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

/// The currency of a country, by ISO 3166-1 alpha-2, among those that are understood; EUR for all others.
pub(crate) fn currency_in(country: &str) -> &'static str {
    match country {
        "GB" | "IM" | "JE" | "GG" => "GBP",
        "US" => "USD",
        "CH" | "LI" => "CHF",
        "BR" => "BRL",
        _ => "EUR",
    }
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

/// What joins two sums of which one is meant: an offer, a span, a slip set right. And what may stand around it.
const EITHER: [&str; 44] = [
    "o", "od", "oppure", "or", "ou", "oder", "u", "e", "and", "et", "und", "y", "a", "to", "fino", "bis", "hasta",
    "ate", "anzi", "no", "non", "not", "ma", "but", "scusa", "scusate", "sorry", "meglio", "rather", "actually",
    "wait", "aspetta", "facciamo", "make", "it", "fai", "forse", "maybe", "magari", "plutot", "lieber", "nein",
    "mejor", "mas",
];
/// Words between two sums beyond which they have nothing to do with one another.
const APART: usize = 5;
/// What stands between a million and its currency.
const OF: [&str; 3] = ["di", "de", "of"];

/// A number that may be a sum.
struct Sum {
    reading: Reading,
    currency: Option<&'static str>,
    weak: bool,
    from: usize,
    to: usize,
}

/// What a number says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Reading {
    /// This sum.
    Sure(Amount),
    /// One of these.
    Either(Vec<Amount>),
    /// A sum, though nobody can tell which: it is asked for.
    Unsure,
}

impl Page<'_> {
    /// Sums. One that names its currency goes before a bare number that is not beside it, and that before a word that is
    /// mostly none.
    pub(super) fn money(&mut self) -> Found {
        let mut sums: Vec<Sum> = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let floor = sums.last().map_or(0, |sum| sum.to);
            match self.sum_at(at, floor) {
                Some(sum) => {
                    at = sum.to;
                    sums.push(sum);
                }
                None => at += 1,
            }
        }
        self.share_currencies(&mut sums);
        let named = sums.iter().any(|sum| sum.currency.is_some());
        let strong = sums.iter().any(|sum| !sum.weak);
        sums.retain(|sum| {
            if named {
                sum.currency.is_some()
            } else {
                !strong || !sum.weak
            }
        });
        for sum in &sums {
            self.take(sum.from, sum.to);
        }
        let unsure = sums.iter().any(|sum| sum.reading == Reading::Unsure);
        let values = sums.iter().flat_map(|sum| {
            let amounts = match &sum.reading {
                Reading::Sure(amount) => vec![*amount],
                Reading::Either(amounts) => amounts.clone(),
                Reading::Unsure => Vec::new(),
            };
            let currency = sum.currency;
            amounts.into_iter().map(move |amount| Value::Money(amount, currency))
        });
        Found {
            values: distinct(values.collect()),
            unsure,
        }
    }

    /// `10 o 20 euro`, `10 euro, anzi 20`: the number beside a sum is of the same currency.
    fn share_currencies(&self, sums: &mut [Sum]) {
        for index in 1..sums.len() {
            let (before, here) = (&sums[index - 1], &sums[index]);
            let joined = self.are_joined(before.to, here.from);
            match (before.currency, here.currency) {
                (None, Some(_)) if joined => sums[index - 1].currency = sums[index].currency,
                (Some(_), None) if joined => sums[index].currency = sums[index - 1].currency,
                _ => {}
            }
        }
    }

    /// Whether only what joins two sums stands between them.
    fn are_joined(&self, from: usize, to: usize) -> bool {
        let between = self.tokens.get(from..to).unwrap_or_default();
        between.len() <= APART && between.iter().all(|token| EITHER.contains(&token.folded.as_str()))
    }

    /// How many: a whole number within the slot's range.
    pub(super) fn count(&mut self, slot: &Slot) -> Vec<Value> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let Some((Reading::Sure(amount), weak, to)) = self.number_at(at) else {
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

    /// The sum at that place; its currency may stand in front of it, where no other sum ends.
    fn sum_at(&self, at: usize, floor: usize) -> Option<Sum> {
        let before = at.checked_sub(1).filter(|before| *before >= floor);
        let before = before.and_then(|before| currency_of(self.free(before)?));
        let (mut reading, weak, mut to) = match self.number_at(at) {
            Some(number) => number,
            // `10,,5 €` is a sum, whatever it is.
            None if self.is_broken(at, before) => (Reading::Unsure, false, at + 1),
            None => return None,
        };
        let linked = usize::from(self.free(to).is_some_and(|word| OF.contains(&word)) && self.is_million(to));
        let behind = self.free(to + linked).and_then(currency_of);
        // An article is no sum.
        if weak && behind.is_none() {
            return None;
        }
        if behind.is_some() {
            to += linked + 1;
            if let Reading::Sure(amount) = reading {
                let (amount, end) = self.with_cents(amount, to);
                (reading, to) = (Reading::Sure(amount), end);
            }
        } else if self.free(to).is_some_and(|word| CENTS.contains(&word)) {
            let Reading::Sure(amount) = reading else { return None };
            return Some(Sum {
                reading: Reading::Sure(Amount::hundredths(amount.as_hundredths() / 100)),
                currency: Some("EUR").filter(|_| self.word(to).starts_with("centesim")),
                weak: false,
                from: at,
                to: to + 1,
            });
        }
        let currency = behind.or(before);
        if currency.is_none() && (UNITS.contains(&self.word(to)) || self.is_hour(at)) {
            return None;
        }
        let one = reading == Reading::Sure(Amount::units(1));
        Some(Sum {
            reading,
            currency,
            weak: weak || one,
            from: if before.is_some() { at - 1 } else { at },
            to,
        })
    }

    /// Whether a number that cannot be read stands beside a currency.
    fn is_broken(&self, at: usize, before: Option<&str>) -> bool {
        let is_number = self.free(at).is_some() && self.tokens[at].kind == Kind::Number;
        let behind = || self.free(at + 1).and_then(currency_of);
        is_number && (before.is_some() || behind().is_some())
    }

    /// `10 euro e 50`, `10€50`, `10 euro 50 centesimi`.
    fn with_cents(&self, amount: Amount, to: usize) -> (Amount, usize) {
        let joined = usize::from(self.free(to).is_some_and(|word| AND.contains(&word)));
        let Some((Reading::Sure(cents), weak, end)) = self.number_at(to + joined) else {
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

    /// A number in digits or words at that place, times what multiplies it: what it says, whether it is weak, where the
    /// next token is.
    fn number_at(&self, at: usize) -> Option<(Reading, bool, usize)> {
        self.free(at)?;
        let (reading, weak, to) = match self.tokens[at].kind {
            Kind::Number => self.digits_at(at)?,
            Kind::Word => {
                let words = self.tokens[at..].iter().map(|token| token.folded.as_str());
                let spoken = spoken(words, self.setting.locale)?;
                // Beside other languages, `a` is Italian for `to`.
                let foreign = self.word(at) == "a" && self.setting.locale != Locale::En;
                let end = at + spoken.words;
                // "grazie mille" counts nothing, and a unit makes an article a number.
                let thanks = matches!(self.before(at), "grazie" | "merci" | "mil");
                let unit = currency_of(self.word(end)).is_some();
                if thanks || foreign && spoken.weak {
                    return None;
                }
                let amount = Amount::units(spoken.value.into());
                (Reading::Sure(amount), spoken.weak && !unit, end)
            }
            Kind::Sign => return None,
        };
        Some(match self.multiplied(&reading, at, to) {
            Some(reading) => (reading, false, to + 1),
            None => (reading, weak, to),
        })
    }

    /// A number in digits, and the groups of three that spaces part: `1 000 000`.
    fn digits_at(&self, at: usize) -> Option<(Reading, bool, usize)> {
        let token = &self.tokens[at];
        // Part of something else: TK-1029, B2.
        let glued = at > 0 && {
            let before = &self.tokens[at - 1];
            let between = &self.text[before.end()..token.start];
            before.kind == Kind::Word && between == "-"
        };
        if glued {
            return None;
        }
        let groups = self.groups(at);
        if groups == 0 {
            let named = at
                .checked_sub(1)
                .is_some_and(|before| currency_of(self.word(before)).is_some())
                || currency_of(self.word(at + 1)).is_some();
            let read = if named {
                span(token.raw, self.setting.locale)
            } else {
                None
            };
            let reading = read.or_else(|| written(token.raw, self.setting.locale))?;
            return Some((reading, false, at + 1));
        }
        let to = at + groups + 1;
        let parts = &self.tokens[at..to];
        let joined: String = parts.iter().map(|token| token.raw).collect();
        // Two numbers may stand side by side, but for a language that parts groups so, and for noughts.
        let noughts = parts[1..].iter().all(|token| token.raw.starts_with("000"));
        let sure = self.setting.locale == Locale::Fr || noughts;
        match written(&joined, self.setting.locale) {
            Some(reading) if sure => Some((reading, false, to)),
            _ => Some((Reading::Unsure, false, to)),
        }
    }

    /// Groups of three digits behind the number at that place, each after one space, where a sum is meant: a currency
    /// stands there, or they are noughts.
    fn groups(&self, at: usize) -> usize {
        let first = self.tokens[at].raw;
        let plain = |raw: &str| raw.bytes().all(|byte| byte.is_ascii_digit());
        if first.len() > 3 || !plain(first) || first.starts_with('0') {
            return 0;
        }
        let mut groups = 0;
        while let Some(token) = self.tokens.get(at + groups + 1) {
            let before = &self.tokens[at + groups];
            let mut between = self.text[before.end()..token.start].chars();
            let spaced = between.next().is_some_and(char::is_whitespace) && between.next().is_none();
            let three = token.raw.get(..3).is_some_and(plain);
            let rest = token.raw.get(3..).unwrap_or_default();
            let ends = rest.is_empty() || rest.starts_with([',', '.']) && plain(&rest[1..]);
            if !spaced || token.kind != Kind::Number || self.taken[at + groups + 1] || !three || !ends {
                break;
            }
            groups += 1;
            if !rest.is_empty() {
                break;
            }
        }
        let named = self.free(at + groups + 1).and_then(currency_of).is_some()
            || at
                .checked_sub(1)
                .and_then(|before| currency_of(self.free(before)?))
                .is_some();
        let noughts = self.tokens[at + 1..=at + groups]
            .iter()
            .all(|token| token.raw.starts_with("000"));
        if named || noughts { groups } else { 0 }
    }

    /// What the word behind a number makes of it: `10 mila`, `2,5k`, `1e3`. `None` where it is of no account.
    fn multiplied(&self, reading: &Reading, at: usize, to: usize) -> Option<Reading> {
        let word = self.free(to)?;
        let touches = self.tokens[to - 1].end() == self.tokens[to].start;
        let in_digits = self.tokens[at].kind == Kind::Number;
        let times = match word {
            "k" if touches || !in_digits || currency_of(self.word(to + 1)).is_some() => 1_000,
            "mila" | "mille" | "mil" | "thousand" | "tausend" | "tsd" | "migliaia" => 1_000,
            "hundred" if in_digits => 100,
            _ if self.is_million(to + 1) => 1_000_000,
            // `1e3`, `10m`: more than the digits say, whatever it is.
            _ if touches && in_digits => {
                let more =
                    word.bytes().any(|byte| byte.is_ascii_digit()) || matches!(word, "m" | "kk" | "mm" | "b" | "bn");
                return more.then_some(Reading::Unsure);
            }
            _ => return None,
        };
        let Reading::Sure(amount) = reading else {
            return Some(Reading::Unsure);
        };
        // 1.000 mila is one or the other.
        if in_digits && *amount >= Amount::units(1_000) {
            return Some(Reading::Unsure);
        }
        let product = amount.as_hundredths().checked_mul(times);
        Some(product.map_or(Reading::Unsure, |product| Reading::Sure(Amount::hundredths(product))))
    }

    /// Whether the word before that place says millions.
    fn is_million(&self, to: usize) -> bool {
        matches!(
            self.before(to),
            "milione"
                | "milioni"
                | "mln"
                | "million"
                | "millions"
                | "millionen"
                | "millon"
                | "millones"
                | "milhao"
                | "milhoes"
        )
    }

    fn is_hour(&self, at: usize) -> bool {
        BEFORE_OTHERS.contains(&self.before(at))
    }
}

/// A sum in digits. The last of two different separators is the decimal sign; a single one with one or two digits
/// behind it is, too. With three it parts thousands where the language does so; where the language has it for the
/// decimal sign, it may be either, and is asked about. `None` is no sum.
fn written(raw: &str, locale: Locale) -> Option<Reading> {
    let digits = raw.strip_prefix('+').unwrap_or(raw);
    if digits
        .bytes()
        .any(|byte| !byte.is_ascii_digit() && byte != b'.' && byte != b',')
    {
        return None;
    }
    let groups = match locale {
        Locale::En => ",",
        Locale::It | Locale::Fr | Locale::De | Locale::Es | Locale::Pt => ".",
    };
    let decimal = match (digits.rfind('.'), digits.rfind(',')) {
        (Some(dot), Some(comma)) => Some(dot.max(comma)),
        (None, None) => None,
        (Some(at), None) | (None, Some(at)) => {
            let sign = &digits[at..=at];
            let several = digits.matches(sign).count() > 1;
            match digits.len() - at - 1 {
                _ if several => None,
                1 | 2 => Some(at),
                3 if sign == groups && at <= 3 && !digits.starts_with('0') => None,
                3 => return Some(thousands_or_thousandths(digits, at)),
                // Digits without a sum: a version, an account.
                _ => return None,
            }
        }
    };
    let (whole, fraction) = decimal.map_or((digits, ""), |at| (&digits[..at], &digits[at + 1..]));
    let mut parts = whole.split(['.', ',']);
    let first = parts.next()?;
    let mut plain = first.to_owned();
    for part in parts {
        if part.len() != 3 || first.len() > 3 {
            return None;
        }
        plain.push_str(part);
    }
    // Longer ones are numbers of something: phones, cards.
    if plain.len() > 7 || plain.len() > 1 && plain.starts_with('0') && fraction.is_empty() {
        return None;
    }
    let amount = if fraction.is_empty() {
        Amount::parse(&plain)
    } else {
        Amount::parse(&format!("{plain}.{fraction}"))
    };
    amount.map(Reading::Sure)
}

/// `1,250` in Italian: 1.25 to who means the comma, 1250 to who writes as the English do.
fn thousands_or_thousandths(digits: &str, at: usize) -> Reading {
    let (whole, fraction) = (&digits[..at], &digits[at + 1..]);
    let small = fraction.strip_suffix('0');
    let small = small.and_then(|fraction| Amount::parse(&format!("{whole}.{fraction}")));
    let large = Amount::parse(&format!("{whole}{fraction}")).filter(|_| whole.len() <= 3 && !whole.starts_with('0'));
    match (small, large) {
        (Some(small), Some(large)) => Reading::Either(vec![small, large]),
        (Some(small), None) => Reading::Sure(small),
        (None, _) => Reading::Unsure,
    }
}

/// `10-20` beside a currency: from the one to the other.
fn span(raw: &str, locale: Locale) -> Option<Reading> {
    let (low, high) = raw.split_once(['-', '/'])?;
    match (written(low, locale)?, written(high, locale)?) {
        (Reading::Sure(low), Reading::Sure(high)) => Some(Reading::Either(vec![low, high])),
        _ => Some(Reading::Unsure),
    }
}
