//! The trial over RCS: what the platform counts of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use super::BenchError;
use super::remote::Remote;

/// A platform that is ready, and how the daemon signs in to it and believes it.
pub(super) struct Platform {
    pub(super) base: String,
    pub(super) account: PathBuf,
    pub(super) client_token: String,
}

/// What it has counted since its start.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// Messages that it took, each id once.
    pub(super) accepted: u64,
    /// Messages of an id that it had.
    pub(super) again: u64,
    /// Messages that it did not take.
    pub(super) refused: u64,
    /// Webhooks that were answered 200.
    pub(super) told: u64,
    /// Webhooks that were answered otherwise, or not at all.
    pub(super) untold: u64,
    /// Messages by how old they came, in milliseconds since their ids were made.
    ages: BTreeMap<u64, u64>,
}

impl Counts {
    pub(super) async fn look(control: &mut Remote) -> Result<Self, BenchError> {
        let stats = control.get("/stats").await?;
        let ages = control.get("/ages").await?;
        let ages = serde_json::from_value(ages).map_err(|error| BenchError::Stuck(format!("GET /ages: {error}")))?;
        let count = |name: &str| stats[name].as_u64().unwrap_or(0);
        Ok(Self {
            accepted: count("accepted"),
            again: count("duplicates"),
            refused: refused(&stats),
            told: count("webhooks_taken"),
            untold: count("webhooks_refused"),
            ages,
        })
    }

    /// What came since then.
    pub(super) fn since(mut self, before: &Self) -> Self {
        for (age, count) in &before.ages {
            if let Some(all) = self.ages.get_mut(age) {
                *all -= count;
            }
        }
        Self {
            accepted: self.accepted - before.accepted,
            again: self.again - before.again,
            refused: self.refused - before.refused,
            told: self.told - before.told,
            untold: self.untold - before.untold,
            ..self
        }
    }

    /// The smallest age, in milliseconds, that this share of the messages did not exceed.
    pub(super) fn age(&self, share: f64) -> u64 {
        let all: u64 = self.ages.values().sum();
        let rank = (all as f64 * share).ceil() as u64;
        let mut so_far = 0;
        let found = self.ages.iter().find(|(_, count)| {
            so_far += **count;
            so_far >= rank && **count > 0
        });
        found.map_or(0, |(age, _)| *age)
    }
}

/// Answers to messages other than 200.
fn refused(stats: &Value) -> u64 {
    let answers = stats["answers"].as_object().into_iter().flatten();
    let refused = answers.filter(|(name, _)| name.starts_with("send ") && *name != "send 200");
    refused.filter_map(|(_, count)| count.as_u64()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_those_of_messages_that_came_since() {
        let counts = |ages: &[(u64, u64)]| Counts {
            ages: ages.iter().copied().collect(),
            ..Counts::default()
        };
        let since = counts(&[(1, 50), (3, 59), (900, 9)]).since(&counts(&[(1, 10), (900, 8)]));
        assert_eq!((since.age(0.4), since.age(0.5), since.age(0.99)), (1, 3, 3));
        assert_eq!(since.age(1.0), 900);
        assert_eq!(Counts::default().age(0.5), 0);
    }
}
