//! Numbers in words, in six languages.

use crate::command::Locale;

/// Words that are numbers of their own; compounds are put together from them.
#[rustfmt::skip]
const IT: [(&str, u32); 30] = [
    ("zero", 0), ("uno", 1), ("un", 1), ("una", 1), ("due", 2), ("tre", 3), ("quattro", 4), ("cinque", 5), ("sei", 6),
    ("sette", 7), ("otto", 8), ("nove", 9), ("dieci", 10), ("undici", 11), ("dodici", 12), ("tredici", 13),
    ("quattordici", 14), ("quindici", 15), ("sedici", 16), ("diciassette", 17), ("diciotto", 18), ("diciannove", 19),
    ("venti", 20), ("trenta", 30), ("quaranta", 40), ("cinquanta", 50), ("sessanta", 60), ("settanta", 70),
    ("ottanta", 80), ("novanta", 90),
];
#[rustfmt::skip]
const EN: [(&str, u32); 32] = [
    ("zero", 0), ("one", 1), ("a", 1), ("two", 2), ("three", 3), ("four", 4), ("five", 5), ("six", 6), ("seven", 7),
    ("eight", 8), ("nine", 9), ("ten", 10), ("eleven", 11), ("twelve", 12), ("thirteen", 13), ("fourteen", 14),
    ("fifteen", 15), ("sixteen", 16), ("seventeen", 17), ("eighteen", 18), ("nineteen", 19), ("twenty", 20),
    ("thirty", 30), ("forty", 40), ("fourty", 40), ("fifty", 50), ("sixty", 60), ("seventy", 70), ("eighty", 80),
    ("ninety", 90), ("hundred", 100), ("thousand", 1000),
];
#[rustfmt::skip]
const FR: [(&str, u32); 30] = [
    ("zero", 0), ("un", 1), ("une", 1), ("deux", 2), ("trois", 3), ("quatre", 4), ("cinq", 5), ("six", 6),
    ("sept", 7), ("huit", 8), ("neuf", 9), ("dix", 10), ("onze", 11), ("douze", 12), ("treize", 13), ("quatorze", 14),
    ("quinze", 15), ("seize", 16), ("vingt", 20), ("vingts", 20), ("trente", 30), ("quarante", 40), ("cinquante", 50),
    ("soixante", 60), ("septante", 70), ("huitante", 80), ("nonante", 90), ("cent", 100), ("cents", 100),
    ("mille", 1000),
];
#[rustfmt::skip]
const DE: [(&str, u32); 31] = [
    ("null", 0), ("ein", 1), ("eins", 1), ("eine", 1), ("zwei", 2), ("drei", 3), ("vier", 4), ("funf", 5),
    ("sechs", 6), ("sieben", 7), ("acht", 8), ("neun", 9), ("zehn", 10), ("elf", 11), ("zwolf", 12), ("dreizehn", 13),
    ("vierzehn", 14), ("funfzehn", 15), ("sechzehn", 16), ("siebzehn", 17), ("achtzehn", 18), ("neunzehn", 19),
    ("zwanzig", 20), ("dreissig", 30), ("vierzig", 40), ("funfzig", 50), ("sechzig", 60), ("siebzig", 70),
    ("achtzig", 80), ("neunzig", 90), ("hundert", 100),
];
#[rustfmt::skip]
const ES: [(&str, u32); 42] = [
    ("cero", 0), ("uno", 1), ("un", 1), ("una", 1), ("dos", 2), ("tres", 3), ("cuatro", 4), ("cinco", 5), ("seis", 6),
    ("siete", 7), ("ocho", 8), ("nueve", 9), ("diez", 10), ("once", 11), ("doce", 12), ("trece", 13), ("catorce", 14),
    ("quince", 15), ("dieciseis", 16), ("diecisiete", 17), ("dieciocho", 18), ("diecinueve", 19), ("veinte", 20),
    ("veintiuno", 21), ("veintidos", 22), ("veintitres", 23), ("veinticuatro", 24), ("veinticinco", 25),
    ("veintiseis", 26), ("veintisiete", 27), ("veintiocho", 28), ("veintinueve", 29), ("treinta", 30),
    ("cuarenta", 40), ("cincuenta", 50), ("sesenta", 60), ("setenta", 70), ("ochenta", 80), ("noventa", 90),
    ("cien", 100), ("ciento", 100), ("mil", 1000),
];
#[rustfmt::skip]
const PT: [(&str, u32); 34] = [
    ("zero", 0), ("um", 1), ("uma", 1), ("dois", 2), ("duas", 2), ("tres", 3), ("quatro", 4), ("cinco", 5),
    ("seis", 6), ("sete", 7), ("oito", 8), ("nove", 9), ("dez", 10), ("onze", 11), ("doze", 12), ("treze", 13),
    ("quatorze", 14), ("catorze", 14), ("quinze", 15), ("dezesseis", 16), ("dezessete", 17), ("dezoito", 18),
    ("dezenove", 19), ("vinte", 20), ("trinta", 30), ("quarenta", 40), ("cinquenta", 50), ("sessenta", 60),
    ("setenta", 70), ("oitenta", 80), ("noventa", 90), ("cem", 100), ("cento", 100), ("mil", 1000),
];

/// Words that are numbers, but more often something else: articles, `sei` that is also "you are". They count only
/// where a unit stands behind them.
const WEAK: [&str; 16] = [
    "un", "una", "uno", "a", "one", "une", "ein", "eine", "um", "uma", "sei", "mille", "eins", "once", "mil", "null",
];

/// A number in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spoken {
    /// The number.
    pub(crate) value: u32,
    /// Words that it is made of.
    pub(crate) words: usize,
    /// More often something else than a number.
    pub(crate) weak: bool,
}

/// Whether the word is a number in any of the languages.
pub(crate) fn is_number_word(word: &str) -> bool {
    Locale::ALL.iter().any(|locale| one(word, *locale).is_some())
}

/// The number that the words begin with; the text's own language goes before the others.
pub(crate) fn spoken<'a>(words: impl Iterator<Item = &'a str> + Clone, locale: Locale) -> Option<Spoken> {
    let others = [Locale::It, Locale::En].into_iter().chain(Locale::ALL);
    std::iter::once(locale)
        .chain(others)
        .find_map(|locale| several(words.clone(), locale))
}

fn several<'a>(words: impl Iterator<Item = &'a str>, locale: Locale) -> Option<Spoken> {
    let mut found: Option<Spoken> = None;
    let (mut thousands, mut below, mut joined) = (0, 0, false);
    for (index, word) in words.take(8).enumerate() {
        let Some(next) = one(word, locale) else {
            if found.is_some() && !joined && is_and(word, locale) {
                joined = true;
                continue;
            }
            break;
        };
        (thousands, below) = match &found {
            None => (0, next),
            Some(_) if next == 1000 && thousands == 0 => (below * 1000, 0),
            Some(_) if below == 0 && thousands > 0 && next < 1000 => (thousands, next),
            Some(_) => match add(below, next, locale) {
                Some(sum) => (thousands, sum),
                None => break,
            },
        };
        let weak = index == 0 && WEAK.contains(&word);
        found = Some(Spoken {
            value: thousands + below,
            words: index + 1,
            weak,
        });
        joined = false;
    }
    found
}

/// What two numbers in a row are together: twenty five, two hundred, hundred and ten.
fn add(so_far: u32, next: u32, locale: Locale) -> Option<u32> {
    let french = locale == Locale::Fr;
    match (so_far, next) {
        (4, 20) if french => Some(80),
        (1..=9, 100) => Some(so_far * 100),
        (_, 1..=9) if so_far % 100 >= 20 && so_far.is_multiple_of(10) => Some(so_far + next),
        (_, 10..=19) if french && matches!(so_far % 100, 60 | 80) => Some(so_far + next),
        (_, 1..=99) if so_far >= 100 && so_far.is_multiple_of(100) => Some(so_far + next),
        _ => None,
    }
}

fn is_and(word: &str, locale: Locale) -> bool {
    match locale {
        Locale::En => word == "and",
        Locale::Fr => word == "et",
        Locale::Es => word == "y",
        Locale::Pt => word == "e",
        Locale::It | Locale::De => false,
    }
}

/// A number in one word.
fn one(word: &str, locale: Locale) -> Option<u32> {
    match locale {
        Locale::It => italian(word),
        Locale::De => german(word),
        Locale::En => simple(word, &EN),
        Locale::Fr => simple(word, &FR),
        Locale::Es => simple(word, &ES),
        Locale::Pt => simple(word, &PT),
    }
}

fn simple(word: &str, table: &[(&str, u32)]) -> Option<u32> {
    table.iter().find(|(name, _)| *name == word).map(|(_, value)| *value)
}

/// `venticinque`, `ventuno`, `duecentocinquanta`, `milleduecento`, `tremila`.
fn italian(word: &str) -> Option<u32> {
    if let Some(value) = simple(word, &IT) {
        return Some(value);
    }
    if let Some((before, after)) = word.split_once("mila") {
        return Some(italian(before)? * 1000 + rest(after, italian, 999)?);
    }
    if let Some(after) = word.strip_prefix("mille") {
        return Some(1000 + rest(after, italian, 999)?);
    }
    if let Some((before, after)) = word.split_once("cento") {
        let hundreds = if before.is_empty() {
            1
        } else {
            italian(before).filter(|n| (2..=9).contains(n))?
        };
        return Some(hundreds * 100 + rest(after, italian, 99)?);
    }
    IT.iter().filter(|(_, tens)| *tens >= 20).find_map(|(name, tens)| {
        let after = word.strip_prefix(&name[..name.len() - 1])?;
        let unit = after.strip_prefix(&name[name.len() - 1..]).unwrap_or(after);
        simple(unit, &IT)
            .filter(|unit| (1..=9).contains(unit))
            .map(|unit| tens + unit)
    })
}

/// `funfundzwanzig`, `zweihundertfunfzig`.
fn german(word: &str) -> Option<u32> {
    if let Some(value) = simple(word, &DE) {
        return Some(value);
    }
    if let Some((before, after)) = word.split_once("hundert") {
        let hundreds = if before.is_empty() {
            1
        } else {
            simple(before, &DE).filter(|n| (1..=9).contains(n))?
        };
        return Some(hundreds * 100 + rest(after, german, 99)?);
    }
    let (unit, tens) = word.split_once("und")?;
    let unit = simple(unit, &DE).filter(|unit| (1..=9).contains(unit))?;
    simple(tens, &DE)
        .filter(|tens| (20..=90).contains(tens))
        .map(|tens| tens + unit)
}

/// What stands behind the larger part of a word: nothing is 0.
fn rest(word: &str, read: fn(&str) -> Option<u32>, most: u32) -> Option<u32> {
    if word.is_empty() {
        return Some(0);
    }
    read(word).filter(|value| (1..=most).contains(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_words_are_read_in_six_languages() {
        for (locale, text, value) in [
            (Locale::It, "dieci", 10),
            (Locale::It, "venticinque", 25),
            (Locale::It, "ventuno", 21),
            (Locale::It, "ventitre", 23),
            (Locale::It, "quarantotto", 48),
            (Locale::It, "cento", 100),
            (Locale::It, "centocinquanta", 150),
            (Locale::It, "duecento", 200),
            (Locale::It, "milleduecento", 1200),
            (Locale::It, "tremila", 3000),
            (Locale::En, "twenty five", 25),
            (Locale::En, "one hundred and fifty", 150),
            (Locale::En, "two thousand five hundred", 2500),
            (Locale::En, "a hundred", 100),
            (Locale::Fr, "vingt et un", 21),
            (Locale::Fr, "quatre vingt dix", 90),
            (Locale::Fr, "soixante quinze", 75),
            (Locale::De, "funfundzwanzig", 25),
            (Locale::De, "zweihundertfunfzig", 250),
            (Locale::Es, "treinta y cinco", 35),
            (Locale::Pt, "vinte e cinco", 25),
        ] {
            let read = spoken(text.split(' '), locale).unwrap();
            assert_eq!((read.value, read.words), (value, text.split(' ').count()), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_none_and_what_is_more_often_an_article_is_weak() {
        assert_eq!(spoken("saldo".split(' '), Locale::It), None);
        assert_eq!(spoken("centro".split(' '), Locale::It), None);
        assert!(spoken("un euro".split(' '), Locale::It).unwrap().weak);
        assert!(!spoken("tre euro".split(' '), Locale::It).unwrap().weak);
        assert_eq!(spoken("ten to two".split(' '), Locale::En).unwrap().words, 1);
    }
}
