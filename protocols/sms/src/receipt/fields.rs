//! Finding the fields of a receipt's text.

/// A field of the classic form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Id,
    Sub,
    Dlvrd,
    SubmitDate,
    DoneDate,
    Stat,
    Err,
    Text,
}

/// The fields by name. A blank in a name stands for any blanks, separators, an underscore, a hyphen, or nothing.
const NAMES: [(&str, Field); 10] = [
    ("id", Field::Id),
    ("sub", Field::Sub),
    ("dlvrd", Field::Dlvrd),
    ("submit date", Field::SubmitDate),
    ("done date", Field::DoneDate),
    ("stat", Field::Stat),
    ("status", Field::Stat),
    ("err", Field::Err),
    ("error", Field::Err),
    ("text", Field::Text),
];

/// The fields of a text with their values, in the order found.
pub(super) struct Fields<'a> {
    text: &'a str,
    /// Where to look on; always beside an ASCII octet or at an end, so slices never cut a character.
    at: usize,
    stat_seen: bool,
    text_seen: bool,
}

impl<'a> Fields<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        // Some MCs count a closing NUL into sm_length.
        Self {
            text: text.trim_start_matches('\u{feff}').trim_end_matches('\0'),
            at: 0,
            stat_seen: false,
            text_seen: false,
        }
    }

    /// The place and value place of the first field at or after `from`, a beginning of a word.
    fn field_from(&self, mut from: usize, wanted: impl Fn(Field) -> bool) -> Option<Found> {
        let octets = self.text.as_bytes();
        while from < octets.len() {
            from = skip(octets, from, is_between);
            if let Some(found) = field_at(octets, from).filter(|found| wanted(found.field)) {
                return Some(found);
            }
            from = skip(octets, from, |octet| !is_between(octet));
        }
        None
    }

    /// The word that begins at or after `from`; empty when the next field comes first. Gives its end too.
    fn word(&self, field: Field, from: usize) -> (&'a str, usize) {
        let octets = self.text.as_bytes();
        let start = skip(octets, from, is_blank);
        if start > from && field_at(octets, start).is_some() {
            return ("", start);
        }
        let mut end = match field {
            // Nobody knows what ids and error codes are made of.
            Field::Id | Field::Err => word_end(octets, start),
            // A separator may be before a field of the vendor's own, so it ends these.
            _ => skip(octets, start, |octet| !is_between(octet)),
        };
        let is_date = matches!(field, Field::SubmitDate | Field::DoneDate);
        if is_date && octets[start..end].iter().any(|octet| matches!(octet, b'-' | b'/')) {
            // 2026-01-31 12:00:00: the time is a word of its own.
            let time = skip(octets, end, is_blank);
            let time_end = skip(octets, time, |octet| !is_between(octet));
            if matches!(&octets[time..time_end], [b'0'..=b'9', b'0'..=b'9', b':', ..]) {
                end = time_end;
            }
        }
        (&self.text[start..end], end)
    }

    /// The value of `text:`, to the end unless it stood elsewhere in the order.
    fn rest(&self, from: usize) -> (&'a str, usize) {
        let all = (&self.text[from..], self.text.len());
        if self.stat_seen || self.field_from(from, |field| field == Field::Stat).is_none() {
            return all;
        }
        match self.field_from(from, |_| true) {
            Some(next) => {
                let value = &self.text[from..next.name];
                // One blank parts the text from the next field; any before it are its own.
                let alone = value.strip_suffix(|last: char| last.is_ascii() && is_between(last as u8));
                (alone.unwrap_or(value), next.name)
            }
            None => all,
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (Field, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.field_from(self.at, |_| true)?;
        let (value, end) = match found.field {
            // Only the first counts; a long text of nothing but `text:` is not searched again for each.
            Field::Text if !self.text_seen => self.rest(found.value),
            field => self.word(field, found.value),
        };
        self.stat_seen |= found.field == Field::Stat;
        self.text_seen |= found.field == Field::Text;
        self.at = end;
        Some((found.field, value))
    }
}

/// A field, where its name begins and where its value does.
struct Found {
    field: Field,
    name: usize,
    value: usize,
}

/// The field whose name and colon stand at `at`.
fn field_at(octets: &[u8], at: usize) -> Option<Found> {
    let rest = octets.get(at..)?;
    NAMES.iter().find_map(|&(name, field)| {
        let length = match_name(rest, name.as_bytes())?;
        let colon = skip(rest, length, is_blank);
        (rest.get(colon) == Some(&b':')).then_some(Found {
            field,
            name: at,
            value: at + colon + 1,
        })
    })
}

/// How many octets of `rest` spell `name`.
fn match_name(rest: &[u8], name: &[u8]) -> Option<usize> {
    let mut at = 0;
    for &letter in name {
        if letter == b' ' {
            at = skip(rest, at, |octet| is_between(octet) || matches!(octet, b'_' | b'-'));
        } else if rest.get(at)?.eq_ignore_ascii_case(&letter) {
            at += 1;
        } else {
            return None;
        }
    }
    Some(at)
}

/// Where the word that begins at `at` ends: at a blank, or at separators with a blank or a field after them.
fn word_end(octets: &[u8], mut at: usize) -> usize {
    while at < octets.len() && !is_blank(octets[at]) {
        let next = skip(octets, at, is_separator);
        if next == at {
            at += 1;
        } else {
            if octets.get(next).is_none_or(|octet| is_blank(*octet)) || field_at(octets, next).is_some() {
                break;
            }
            at = next;
        }
    }
    at
}

fn skip(octets: &[u8], from: usize, what: impl Fn(u8) -> bool) -> usize {
    octets[from..]
        .iter()
        .position(|&octet| !what(octet))
        .map_or(octets.len(), |length| from + length)
}

fn is_blank(octet: u8) -> bool {
    octet.is_ascii_whitespace() || octet == 0
}

fn is_separator(octet: u8) -> bool {
    matches!(octet, b',' | b';' | b'|')
}

fn is_between(octet: u8) -> bool {
    is_blank(octet) || is_separator(octet)
}
