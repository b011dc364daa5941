//! Output for people: tables, short times, masked numbers; and JSON for scripts.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use serde_json::Value;

use crate::clock::Clock;
use crate::domain::mask_number;

/// Columns that a terminal must have for tables to be fitted into it.
const NARROWEST: u16 = 60;

/// Standard output, and what it can show.
pub(in crate::cli) struct Screen {
    out: BufWriter<Stdout>,
    json: bool,
    terminal: bool,
    unicode: bool,
    now: Zoned,
}

/// A table being filled.
pub(in crate::cli) struct Rows {
    table: Table,
    empty: &'static str,
}

impl Rows {
    /// Whether it has a row.
    pub(in crate::cli) fn is_filled(&self) -> bool {
        self.table.row_count() > 0
    }
}

impl Screen {
    /// Standard output of this process.
    pub(in crate::cli) fn of_stdout(json: bool) -> Self {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        let now = Clock::system().now().timestamp().to_zoned(TimeZone::system());
        Self {
            out: BufWriter::new(stdout),
            json,
            terminal,
            unicode: terminal && speaks_utf8(),
            now,
        }
    }

    /// Whether a script wants JSON.
    pub(in crate::cli) fn wants_json(&self) -> bool {
        self.json
    }

    /// Whether a person looks.
    pub(in crate::cli) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// One JSON document.
    pub(in crate::cli) fn json(&mut self, document: &Value) -> io::Result<()> {
        writeln!(self.out, "{document:#}")
    }

    /// One JSON document on one line.
    pub(in crate::cli) fn json_line(&mut self, document: &Value) -> io::Result<()> {
        writeln!(self.out, "{document}")
    }

    /// A line for a person.
    pub(in crate::cli) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", self.safe(text))
    }

    /// A table, with a word where it has no row.
    pub(in crate::cli) fn table(&mut self, rows: &Rows) -> io::Result<()> {
        if !rows.is_filled() {
            return writeln!(self.out, "{}", rows.empty);
        }
        for line in rows.table.lines() {
            writeln!(self.out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    /// An empty table.
    pub(in crate::cli) fn rows(&self, header: &[&str], empty: &'static str) -> Rows {
        let mut table = Table::new();
        table.load_style(if self.unicode {
            presets::UTF8_HORIZONTAL_ONLY
        } else {
            presets::NOTHING
        });
        // In a pipe every row stays on its line, and so it does where the terminal does not say how wide it is.
        let wide = table.width().is_some_and(|columns| columns >= NARROWEST);
        table.set_content_arrangement(if self.terminal && wide {
            ContentArrangement::Dynamic
        } else {
            ContentArrangement::Disabled
        });
        if !header.is_empty() {
            table.set_header(header.iter().map(|name| name.to_uppercase()));
        }
        Rows { table, empty }
    }

    /// Adds a row. A cell of digits stands at the right.
    pub(in crate::cli) fn add(&self, rows: &mut Rows, cells: impl IntoIterator<Item = String>) {
        // Without header it is a list of names and values, which stand at the left.
        let columns = rows.table.header().is_some();
        rows.table.add_row(cells.into_iter().map(|text| {
            let number = columns && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            let cell = Cell::new(self.safe(&text));
            if number {
                cell.set_alignment(CellAlignment::Right)
            } else {
                cell
            }
        }));
    }

    /// Clears a terminal before what comes next is shown in the same place.
    pub(in crate::cli) fn home(&mut self) -> io::Result<()> {
        if self.terminal {
            self.out.write_all(b"\x1b[H\x1b[2J")
        } else {
            Ok(())
        }
    }

    /// Sends it off.
    pub(in crate::cli) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// A time of the API, short, in this host's zone; what is no time is left as it is.
    pub(in crate::cli) fn time(&self, text: &str) -> String {
        match text.parse::<Timestamp>() {
            Ok(at) => short_time(at, &self.now),
            Err(_) => text.to_owned(),
        }
    }

    /// How long ago a time of the API is.
    pub(in crate::cli) fn ago(&self, text: &str) -> String {
        match text.parse::<Timestamp>() {
            Ok(at) => short_seconds(self.now.timestamp().duration_since(at).as_secs().max(0).unsigned_abs()),
            Err(_) => text.to_owned(),
        }
    }

    /// What came from outside, without what could move the cursor, colour the screen or turn the writing round.
    fn safe(&self, text: &str) -> String {
        let mut safe = String::with_capacity(text.len());
        for c in text.chars() {
            let hidden = c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
            if hidden || (self.terminal && !self.unicode && !c.is_ascii()) {
                safe.extend(c.escape_default());
            } else {
                safe.push(c);
            }
        }
        safe
    }
}

/// A number as people see it unless they ask for more.
pub(in crate::cli) fn number(text: &str, reveal: bool) -> String {
    // The daemon masks too; what is masked is left as it is.
    if reveal || text.contains('*') {
        text.to_owned()
    } else {
        mask_number(text)
    }
}

/// Seconds, minutes, hours or days: two digits are enough.
pub(in crate::cli) fn short_seconds(seconds: u64) -> String {
    match seconds {
        0..100 => format!("{seconds} s"),
        100..6_000 => format!("{} min", seconds / 60),
        6_000..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn short_time(at: Timestamp, now: &Zoned) -> String {
    let at = at.to_zoned(now.time_zone().clone());
    let recent = now.checked_sub(180.days()).is_ok_and(|start| at > start);
    let form = if at.date() == now.date() {
        "%H:%M:%S %Z"
    } else if recent {
        "%d %b %H:%M %Z"
    } else {
        "%Y-%m-%d %H:%M %Z"
    };
    at.strftime(form).to_string()
}

/// What the environment says of the terminal (POSIX: the first of these that is set).
fn speaks_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok());
    let locale = locale
        .into_iter()
        .find(|text| !text.is_empty())
        .unwrap_or_default()
        .to_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short_and_have_their_zone() {
        let now: Zoned = "2026-09-30T15:00:00+02:00[Europe/Rome]".parse().unwrap();
        let shown = |text: &str| short_time(text.parse().unwrap(), &now);
        assert_eq!(shown("2026-09-30T12:04:05Z"), "14:04:05 CEST");
        assert_eq!(shown("2026-09-29T12:04:05Z"), "29 Sep 14:04 CEST");
        assert_eq!(shown("2025-01-02T12:04:05Z"), "2025-01-02 13:04 CET");
    }

    #[test]
    fn texts_from_outside_cannot_steer_the_terminal() {
        let mut screen = Screen::of_stdout(false);
        (screen.terminal, screen.unicode) = (true, true);
        assert_eq!(screen.safe("a\x1b[31m\u{202e}è\n"), "a\\u{1b}[31m\\u{202e}è\\n");
        screen.unicode = false;
        assert_eq!(screen.safe("è"), "\\u{e8}");
    }

    #[test]
    fn what_is_masked_is_not_masked_again() {
        assert_eq!(number("+39333***4567", false), "+39333***4567");
        assert_eq!(number("+393331234567", false), "+39333***4567");
        assert_eq!(number("+393331234567", true), "+393331234567");
    }
}
