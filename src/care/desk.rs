//! The promise to a customer whose text a person answers: until when, and how that is written.

use std::time::Duration;

use super::{BadCalendar, Opening};
use crate::command::Locale;
use crate::config::CareConfig;
use crate::domain::UnixMillis;

/// The people who answer.
#[derive(Clone, Debug)]
pub struct Desk {
    opening: Opening,
    answer_within: Duration,
    opens_cases: bool,
}

impl Desk {
    /// Reads the section.
    pub fn new(config: &CareConfig) -> Result<Self, BadCalendar> {
        Ok(Self {
            opening: Opening::new(config)?,
            answer_within: config.answer_within,
            opens_cases: config.open_cases,
        })
    }

    /// Whether there is anybody at all.
    pub const fn opens_cases(&self) -> bool {
        self.opens_cases
    }

    /// When the wait of a case that is opened now is over.
    pub fn due(&self, now: UnixMillis) -> UnixMillis {
        self.opening.after(now, self.answer_within)
    }

    /// A moment as customers read it, by the desk's clock.
    pub fn written(&self, at: UnixMillis, locale: Locale) -> String {
        let form = match locale {
            Locale::It => "%-d/%-m alle %H:%M",
            Locale::En => "%-d %b, %H:%M",
            Locale::Fr => "%-d/%-m à %Hh%M",
            Locale::De => "%-d.%-m. um %H:%M",
            Locale::Es => "%-d/%-m a las %H:%M",
            Locale::Pt => "%-d/%-m às %H:%M",
        };
        let at = self.opening.zone().to_datetime(at.timestamp());
        at.strftime(form).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Zone;

    #[test]
    fn the_end_of_a_wait_is_written_by_the_clock_of_the_desk_in_the_customer_s_language() {
        let zone = jiff::tz::TimeZone::get("Europe/Rome").unwrap();
        let config = CareConfig {
            time_zone: Zone(zone),
            ..CareConfig::default()
        };
        let desk = Desk::new(&config).unwrap();
        // 2026-11-21T10:00:00Z, a Saturday.
        let now = UnixMillis(1_795_255_200_000);
        let due = desk.due(now);
        assert_eq!(due, now.after(Duration::from_hours(4)));
        let written = Locale::ALL.map(|locale| desk.written(due, locale));
        for text in [
            "21/11 alle 15:00",
            "21 Nov, 15:00",
            "21/11 à 15h00",
            "21.11. um 15:00",
            "21/11 a las 15:00",
            "21/11 às 15:00",
        ] {
            assert!(written.contains(&text.to_owned()), "{text}: {written:?}");
        }
    }
}
