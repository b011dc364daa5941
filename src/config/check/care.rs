//! `[care]`.

use std::time::Duration;

use super::Check;
use crate::care::{BadCalendar, Opening};

impl Check<'_> {
    pub(super) fn care(&mut self) {
        let settings = &self.config.care;
        if let Err(error) = Opening::new(settings) {
            let (key, cure) = match &error {
                BadCalendar::Holiday(_) => (
                    "care.holidays",
                    "write e.g. \"2026-12-28\", or \"12-25\" for every year",
                ),
                BadCalendar::Hours(_) | BadCalendar::Order(_) | BadCalendar::Closed => (
                    "care.hours",
                    "write e.g. hours.monday = [\"09:00-13:00\", \"14:00-18:00\"]",
                ),
            };
            self.wrong(key, error.to_string(), cure);
        }
        let range = Duration::from_secs(1)..=Duration::from_hours(240);
        self.span("care.answer_within", settings.answer_within, range);
    }
}
