//! Days, in digits and in words.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::{Page, Value, distinct, spoken};
use crate::command::Locale;
use crate::command::normalise::Kind;

/// Days by their distance from today.
const RELATIVE: [(i32, &str); 4] = [
    (0, "oggi today aujourd heute hoy hoje odierno ogg 2day"),
    (-1, "ieri yesterday hier gestern ayer ontem yest ystrday"),
    (1, "domani tomorrow demain amanha dmn tmrw"),
    (-2, "altroieri avantieri anteayer anteontem vorgestern"),
];
const MONTHS: [&str; 12] = [
    "gennaio gen january jan janvier januar enero janeiro",
    "febbraio feb february fevrier februar febrero fevereiro",
    "marzo mar march mars marz marco",
    "aprile apr april avril abril",
    "maggio mag may mai mayo maio",
    "giugno giu june jun juin juni junio junho",
    "luglio lug july jul juillet juli julio julho",
    "agosto ago august aug aout",
    "settembre set sett september sep sept septembre septiembre setembro",
    "ottobre ott october oct octobre oktober octubre outubro",
    "novembre nov november noviembre novembro",
    "dicembre dic december dec decembre dezember diciembre dezembro",
];
const WEEKDAYS: [&str; 7] = [
    "lunedi monday lundi montag lunes segunda",
    "martedi tuesday mardi dienstag martes terca",
    "mercoledi wednesday mercredi mittwoch miercoles quarta",
    "giovedi thursday jeudi donnerstag jueves quinta",
    "venerdi friday vendredi freitag viernes sexta",
    "sabato saturday samedi samstag sabado",
    "domenica sunday dimanche sonntag domingo",
];
/// What stands around a day in words.
const AROUND: [&str; 14] = [
    "al", "del", "on", "of", "the", "last", "scorso", "scorsa", "prossimo", "sera", "mattina", "data", "st", "th",
];

/// Whether a word belongs to a day.
pub(crate) fn is_date_word(word: &str) -> bool {
    relative(word).is_some()
        || place(&MONTHS, word).is_some()
        || place(&WEEKDAYS, word).is_some()
        || AROUND.contains(&word)
}

impl Page<'_> {
    /// Days. A day of the week is the last one before today; a day without year is the one nearest to today.
    pub(super) fn date(&mut self) -> Vec<Value> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            match self.free(at).and_then(|_| self.date_at(at)) {
                Some((date, to)) => {
                    self.take(at, to);
                    found.push(Value::Date(date));
                    at = to;
                }
                None => at += 1,
            }
        }
        distinct(found)
    }

    fn date_at(&self, at: usize) -> Option<(Date, usize)> {
        let today = self.setting.today;
        let token = &self.tokens[at];
        if token.kind == Kind::Number
            && let Some(date) = self.written(token.raw)
        {
            return Some((date, at + 1));
        }
        let ago = |days: i32, words: usize| Some((today.checked_add(days.days()).ok()?, at + words));
        match (self.word(at), self.word(at + 1), self.word(at + 2)) {
            ("l" | "altro", "altro" | "ieri", "ieri") | ("avant", "hier", _) => return ago(-2, 3),
            ("altro", "ieri", _) => return ago(-2, 2),
            ("day", "before", "yesterday") => return ago(-2, 3),
            (word, ..) => {
                if let Some(days) = relative(word) {
                    return ago(days, 1);
                }
            }
        }
        if let Some(weekday) = place(&WEEKDAYS, self.word(at)) {
            // `quarta`, `segunda` are Portuguese days and ordinary words elsewhere.
            let portuguese = matches!(self.word(at), "segunda" | "terca" | "quarta" | "quinta" | "sexta");
            if portuguese && self.setting.locale != Locale::Pt {
                return None;
            }
            let weekday = Weekday::from_monday_zero_offset(weekday as i8).ok()?;
            return Some((today.nth_weekday(-1, weekday).ok()?, at + 1));
        }
        self.days_ago(at).or_else(|| self.day_and_month(at))
    }

    /// `3 giorni fa`, `two days ago`.
    fn days_ago(&self, at: usize) -> Option<(Date, usize)> {
        let (count, next) = self.small(at)?;
        let days = matches!(self.word(next), "giorni" | "giorno" | "days" | "day");
        let ago = matches!(self.word(next + 1), "fa" | "ago");
        let today = self.setting.today;
        (days && ago)
            .then(|| today.checked_sub(i64::from(count).days()).ok())
            .flatten()
            .map(|date| (date, next + 2))
    }

    /// `10 marzo 2026`, `march 10th`, `10 de marzo`.
    fn day_and_month(&self, at: usize) -> Option<(Date, usize)> {
        let (day, month, mut to) = if let Some((day, next)) = self.small(at) {
            let between = usize::from(matches!(
                self.word(next),
                "of" | "de" | "di" | "th" | "st" | "nd" | "rd"
            ));
            (day, place(&MONTHS, self.word(next + between))?, next + between + 1)
        } else {
            let month = place(&MONTHS, self.word(at))?;
            let (day, next) = self.small(at + 1)?;
            (
                day,
                month,
                next + usize::from(matches!(self.word(next), "th" | "st" | "nd" | "rd")),
            )
        };
        let year = self
            .tokens
            .get(to)
            .filter(|token| token.kind == Kind::Number && token.raw.len() == 4);
        let year = year.and_then(|token| token.raw.parse().ok());
        to += usize::from(year.is_some());
        let date = self.day(year, month as i8 + 1, i8::try_from(day).ok()?)?;
        Some((date, to))
    }

    /// A number of one or two digits, or in words.
    fn small(&self, at: usize) -> Option<(u32, usize)> {
        let token = self.tokens.get(at)?;
        match token.kind {
            Kind::Number if token.raw.len() <= 2 => Some((token.raw.parse().ok()?, at + 1)),
            Kind::Word => {
                let words = self.tokens[at..].iter().map(|token| token.folded.as_str());
                let spoken = spoken(words, self.setting.locale).filter(|spoken| spoken.value <= 99)?;
                Some((spoken.value, at + spoken.words))
            }
            Kind::Number | Kind::Sign => None,
        }
    }

    /// `10/03/2026`, `10.03.26`, `2026-03-10`, `10/03`: the day first, as in Europe, unless it cannot be one.
    fn written(&self, raw: &str) -> Option<Date> {
        let sign = raw.find(['/', '-', '.'])?;
        let sign = &raw[sign..=sign];
        let parts: Vec<&str> = raw.split(sign).collect();
        let numbers: Vec<i16> = parts.iter().map(|part| part.parse().ok()).collect::<Option<_>>()?;
        let (year, month, day) = match (numbers.as_slice(), parts[0].len()) {
            ([year, month, day], 4) => (Some(*year), *month, *day),
            ([day, month, year], _) if *year < 100 => (Some(2000 + year), *month, *day),
            ([day, month, year], _) => (Some(*year), *month, *day),
            // Two numbers with a dot are a sum.
            ([day, month], 1..=2) if sign == "/" => (None, *month, *day),
            _ => return None,
        };
        let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
        self.day(year, month, day).or_else(|| self.day(year, day, month))
    }

    fn day(&self, year: Option<i16>, month: i8, day: i8) -> Option<Date> {
        let today = self.setting.today;
        if let Some(year) = year {
            return Date::new(year, month, day).ok();
        }
        let years = [today.year() - 1, today.year(), today.year() + 1];
        let near = years.into_iter().filter_map(|year| Date::new(year, month, day).ok());
        near.min_by_key(|date| (*date - today).get_days().abs())
    }
}

fn relative(word: &str) -> Option<i32> {
    RELATIVE
        .iter()
        .find(|(_, names)| names.split(' ').any(|name| name == word))
        .map(|(days, _)| *days)
}

fn place(names: &[&str], word: &str) -> Option<usize> {
    names.iter().position(|names| names.split(' ').any(|name| name == word))
}
