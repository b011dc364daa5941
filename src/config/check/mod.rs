//! What the types cannot say: ranges, inequalities, and whether one section agrees with another.

mod care;
mod carrier;
mod client;
mod command;
mod consent;
mod event;
mod http;
mod nats;
mod outbox;
mod rbm;
mod route;
mod sim_swap;
mod tls;
mod two_way;
mod webhook;

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::Config;
use super::error::Problem;
use super::load::Origins;
use super::unit::Shown;

/// Checks everything, and keeps going.
pub(super) fn check(config: &Config, origins: &Origins, problems: &mut Vec<Problem>, warnings: &mut Vec<Problem>) {
    let mut check = Check {
        config,
        origins,
        problems,
        warnings,
    };
    check.store();
    check.http();
    check.clients();
    check.webhooks();
    check.carriers();
    check.rbm();
    check.routes();
    check.outbox();
    check.events();
    check.nats();
    check.log();
    check.addresses();
    check.consent();
    check.commands();
    check.two_way();
    check.care();
    check.sim_swap();
    check.something_to_do();
}

pub(super) struct Check<'a> {
    config: &'a Config,
    origins: &'a Origins,
    problems: &'a mut Vec<Problem>,
    warnings: &'a mut Vec<Problem>,
}

impl Check<'_> {
    fn wrong(&mut self, key: &str, cause: impl Into<String>, cure: impl Into<String>) {
        let problem = Problem::new(key, cause).cure(cure);
        self.problems.push(problem.at(self.origins.place(key).cloned()));
    }

    /// Wrong because of what another key says; both places are named.
    fn disagrees(&mut self, key: &str, other: &str, cause: impl Into<String>, cure: impl Into<String>) {
        let problem = Problem::new(key, cause).cure(cure);
        let problem = problem.at(self.origins.place(key).cloned());
        self.problems.push(problem.at(self.origins.place(other).cloned()));
    }

    fn warn(&mut self, key: &str, cause: impl Into<String>, cure: impl Into<String>) {
        let problem = Problem::new(key, cause).cure(cure);
        self.warnings.push(problem.at(self.origins.place(key).cloned()));
    }

    fn within<T: PartialOrd + fmt::Display + Copy>(&mut self, key: &str, value: T, range: RangeInclusive<T>) {
        let (low, high) = range.into_inner();
        if !(low..=high).contains(&value) {
            let cause = format!("is {value}, and must be {low} to {high}");
            self.wrong(
                key,
                cause,
                format!("write a number of {low} <= {} <= {high}", last(key)),
            );
        }
    }

    fn span(&mut self, key: &str, value: Duration, range: RangeInclusive<Duration>) {
        if !range.contains(&value) {
            let (value, low, high) = (Shown(value), Shown(*range.start()), Shown(*range.end()));
            let cause = format!("is {value}, and must be {low} to {high}");
            self.wrong(key, cause, format!("write \"{low}\" <= {} <= \"{high}\"", last(key)));
        }
    }

    /// One span may not exceed another.
    fn at_most(&mut self, (key, value): (&str, Duration), (other, limit): (&str, Duration)) {
        if value > limit {
            let cause = format!("is {}, longer than {other}, which is {}", Shown(value), Shown(limit));
            self.disagrees(key, other, cause, format!("keep {key} <= {other}"));
        }
    }

    fn octets(&mut self, key: &str, text: &str, most: usize, source: &str) {
        if text.len() > most || !text.is_ascii() || text.contains('\0') {
            let cause = format!("must be at most {most} ASCII characters ({source})");
            self.wrong(key, cause, "shorten it, or ask the carrier which value it has on file");
        }
    }
}

fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}
