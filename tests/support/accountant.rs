//! The accountant: what clients were promised, what carriers have, what the tables say; and where the three disagree.
//!
//! It knows nothing of how the daemon works. What a class allows is written down here once more, from the design.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use araldo::domain::{Class, State};

/// A message in the tables.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) token: Option<u32>,
    pub(crate) class: Class,
    pub(crate) state: State,
    pub(crate) reason: Option<String>,
    pub(crate) segments: u8,
    pub(crate) receipt: bool,
    /// Copies that the daemon says it sent beyond the first.
    pub(crate) copies: u32,
    /// How often its outcome was unknown.
    pub(crate) doubts: u32,
    /// How often it was sent again for that.
    pub(crate) resends: u32,
}

impl Row {
    /// Whether nothing more happens to it by itself.
    pub(crate) fn is_final(&self) -> bool {
        self.state.is_final() || (self.state == State::Submitted && !self.receipt)
    }
}

/// A segment that a carrier has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Taken {
    pub(crate) token: Option<u32>,
    pub(crate) number: u8,
}

/// All that is known of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    /// Every message that any client asked for, by its number.
    pub(crate) asked: BTreeMap<u32, Class>,
    /// Those that a client was given an id for with a 2xx.
    pub(crate) accepted: BTreeMap<u32, String>,
    pub(crate) rows: Vec<Row>,
    pub(crate) taken: Vec<Taken>,
}

/// One class, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Messages that a client was given an id for.
    pub(crate) accepted: u32,
    /// Of these, delivered (or submitted, where no receipt was wanted).
    pub(crate) delivered: u32,
    /// Of these, ended otherwise.
    pub(crate) final_failed: u32,
    /// Messages whose outcome was unknown at least once.
    pub(crate) in_doubt: u32,
    /// Accepted and not in the tables; or said to be with a carrier that does not have it whole.
    pub(crate) lost: u32,
    /// Copies beyond the first that carriers have.
    pub(crate) duplicated: u32,
    /// At a carrier or in the tables though nobody asked for it, or under two ids, or more often than its doubts and
    /// its class allow, or with a failure that no doubt explains though a carrier has it.
    pub(crate) unexpected: u32,
    /// Not final.
    pub(crate) stuck: u32,
}

/// The account of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    pub(crate) classes: BTreeMap<Class, Count>,
    /// What is wrong, a sentence each.
    pub(crate) faults: Vec<String>,
}

/// Copies beyond the first that a class allows over a message's life.
pub(crate) const fn allowance(class: Class) -> u32 {
    match class {
        Class::Marketing => 0,
        Class::Alert => 2,
        Class::Otp | Class::Reply | Class::Transaction | Class::Service => 1,
    }
}

/// Draws up the account.
pub(crate) fn account(evidence: &Evidence) -> Account {
    let mut account = Account::default();
    let mut rows: BTreeMap<u32, &Row> = BTreeMap::new();
    for row in &evidence.rows {
        let known = row.token.filter(|token| evidence.asked.get(token) == Some(&row.class));
        match known {
            None => account.unexpected(row.class, format!("{}: nobody asked for it", row.id)),
            Some(token) => {
                if let Some(other) = rows.insert(token, row) {
                    account.unexpected(
                        row.class,
                        format!("{token}: one wish, two messages: {} and {}", other.id, row.id),
                    );
                }
            }
        }
    }
    let mut segments: BTreeMap<u32, BTreeMap<u8, u32>> = BTreeMap::new();
    for taken in &evidence.taken {
        match taken.token.filter(|token| rows.contains_key(token)) {
            Some(token) => *segments.entry(token).or_default().entry(taken.number).or_default() += 1,
            None => account
                .faults
                .push(format!("{taken:?}: at a carrier, and no message of ours")),
        }
    }
    for (token, id) in &evidence.accepted {
        let Some(class) = evidence.asked.get(token).copied() else {
            account
                .faults
                .push(format!("{token}: accepted, and nobody asked for it"));
            continue;
        };
        account.count(class).accepted += 1;
        match rows.get(token) {
            None => account.lost(class, format!("{token} {id}: accepted, and not in the tables")),
            Some(row) if row.id != *id => {
                account.lost(
                    class,
                    format!("{token}: accepted as {id}, and in the tables as {}", row.id),
                );
            }
            Some(row) if row.state == State::Delivered || (row.state == State::Submitted && row.is_final()) => {
                account.count(class).delivered += 1;
            }
            Some(row) if row.is_final() => account.count(class).final_failed += 1,
            Some(_) => {}
        }
    }
    let none = BTreeMap::new();
    for (token, row) in &rows {
        account.row(*token, row, segments.get(token).unwrap_or(&none));
    }
    account
}

impl Account {
    fn row(&mut self, token: u32, row: &Row, segments: &BTreeMap<u8, u32>) {
        let class = row.class;
        if row.doubts > 0 {
            self.count(class).in_doubt += 1;
        }
        if !row.is_final() {
            self.count(class).stuck += 1;
            self.faults.push(format!("{token}: stuck in {}", row.state));
        }
        let numbers: BTreeSet<u8> = segments.keys().copied().collect();
        let whole = numbers == (1..=row.segments).collect();
        let with_carrier = matches!(row.state, State::Submitted | State::Delivered);
        if with_carrier && !whole {
            self.lost(
                class,
                format!(
                    "{token}: {}, and the carrier has {numbers:?} of {}",
                    row.state, row.segments
                ),
            );
        }
        if let Some(beyond) = numbers.iter().find(|number| !(1..=row.segments).contains(*number)) {
            self.unexpected(class, format!("{token}: segment {beyond} of {}", row.segments));
        }
        let refused = matches!(
            row.state,
            State::Expired | State::Canceled | State::Suppressed | State::Failed
        );
        if refused && !numbers.is_empty() && row.doubts == 0 && row.segments == 1 {
            self.unexpected(
                class,
                format!("{token}: {}, though never in doubt, and a carrier has it", row.state),
            );
        }
        let copies = segments.values().copied().max().unwrap_or(0).saturating_sub(1);
        self.count(class).duplicated += copies;
        let allowed = allowance(class).min(row.doubts);
        if copies > allowed {
            let what = format!(
                "{token}: {copies} copies after {} doubts, of a class that allows {}",
                row.doubts,
                allowance(class)
            );
            self.unexpected(class, what);
        }
        if copies > row.copies && row.doubts < copies {
            self.unexpected(
                class,
                format!("{token}: {copies} copies, of which {} are recorded", row.copies),
            );
        }
    }

    fn count(&mut self, class: Class) -> &mut Count {
        self.classes.entry(class).or_default()
    }

    fn lost(&mut self, class: Class, what: String) {
        self.count(class).lost += 1;
        self.faults.push(what);
    }

    fn unexpected(&mut self, class: Class, what: String) {
        self.count(class).unexpected += 1;
        self.faults.push(what);
    }

    /// All classes together.
    pub(crate) fn total(&self) -> Count {
        self.classes.values().fold(Count::default(), |sum, count| Count {
            accepted: sum.accepted + count.accepted,
            delivered: sum.delivered + count.delivered,
            final_failed: sum.final_failed + count.final_failed,
            in_doubt: sum.in_doubt + count.in_doubt,
            lost: sum.lost + count.lost,
            duplicated: sum.duplicated + count.duplicated,
            unexpected: sum.unexpected + count.unexpected,
            stuck: sum.stuck + count.stuck,
        })
    }

    /// Says the account aloud, and fails when something is lost, unexpected or stuck.
    pub(crate) fn must_balance(&self, journey: &str) {
        eprintln!("{journey}\n{self}");
        let shown = self.faults.iter().take(20).cloned().collect::<Vec<_>>().join("\n  ");
        assert!(
            self.faults.is_empty(),
            "{journey}: {} faults\n  {shown}",
            self.faults.len()
        );
    }
}

impl Count {
    /// The figures by name, in the order they are shown.
    fn figures(&self) -> [(&'static str, u32); 8] {
        [
            ("accepted", self.accepted),
            ("delivered", self.delivered),
            ("final_failed", self.final_failed),
            ("in_doubt", self.in_doubt),
            ("lost", self.lost),
            ("duplicated", self.duplicated),
            ("unexpected", self.unexpected),
            ("stuck", self.stuck),
        ]
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {:12}", "")?;
        for (head, _) in Count::default().figures() {
            write!(f, "{head:>13}")?;
        }
        let total = ("total".to_owned(), self.total());
        let classes = self.classes.iter().map(|(class, count)| (class.to_string(), *count));
        for (name, count) in classes.chain([total]) {
            write!(f, "\n  {name:12}")?;
            for (_, figure) in count.figures() {
                write!(f, "{figure:>13}")?;
            }
        }
        Ok(())
    }
}

mod tests {
    use super::*;

    fn row(token: u32, class: Class, state: State) -> Row {
        Row {
            id: format!("msg_{token}"),
            token: Some(token),
            class,
            state,
            reason: None,
            segments: 1,
            receipt: true,
            copies: 0,
            doubts: 0,
            resends: 0,
        }
    }

    fn evidence(rows: Vec<Row>, taken: &[(u32, u8)]) -> Evidence {
        Evidence {
            asked: rows.iter().map(|row| (row.token.unwrap(), row.class)).collect(),
            accepted: rows.iter().map(|row| (row.token.unwrap(), row.id.clone())).collect(),
            taken: taken
                .iter()
                .map(|(token, number)| Taken {
                    token: Some(*token),
                    number: *number,
                })
                .collect(),
            rows,
        }
    }

    fn count(evidence: &Evidence) -> Count {
        account(evidence).total()
    }

    #[test]
    fn what_was_promised_and_delivered_once_balances() {
        let evidence = evidence(vec![row(1, Class::Otp, State::Delivered)], &[(1, 1)]);
        assert_eq!(
            count(&evidence),
            Count {
                accepted: 1,
                delivered: 1,
                ..Count::default()
            }
        );
        assert!(account(&evidence).faults.is_empty());
    }

    #[test]
    fn what_was_promised_and_is_in_no_table_is_lost() {
        let mut evidence = evidence(vec![row(1, Class::Otp, State::Delivered)], &[(1, 1)]);
        evidence.asked.insert(2, Class::Otp);
        evidence.accepted.insert(2, "msg_2".to_owned());
        assert_eq!(count(&evidence).lost, 1);
    }

    #[test]
    fn what_is_delivered_by_the_tables_and_at_no_carrier_is_lost() {
        let mut long = row(1, Class::Otp, State::Delivered);
        long.segments = 3;
        assert_eq!(count(&evidence(vec![long.clone()], &[(1, 1), (1, 3)])).lost, 1);
        assert_eq!(count(&evidence(vec![long], &[(1, 1), (1, 3), (1, 2)])).lost, 0);
    }

    #[test]
    fn what_nobody_asked_for_is_unexpected() {
        let mut strange = evidence(vec![row(1, Class::Otp, State::Delivered)], &[(1, 1), (9, 1)]);
        assert_eq!(account(&strange).faults.len(), 1);
        strange.asked.clear();
        strange.accepted.clear();
        strange.taken.clear();
        assert_eq!(count(&strange).unexpected, 1);
    }

    #[test]
    fn one_wish_under_two_ids_is_unexpected() {
        let mut twice = evidence(vec![row(1, Class::Otp, State::Delivered)], &[(1, 1)]);
        twice.rows.push(Row {
            id: "msg_other".to_owned(),
            ..row(1, Class::Otp, State::Delivered)
        });
        assert!(count(&twice).unexpected >= 1);
    }

    #[test]
    fn a_copy_is_excused_by_a_doubt_of_a_class_that_allows_it_and_by_nothing_else() {
        let copied = |class, doubts| {
            let row = Row {
                doubts,
                copies: doubts.min(1),
                ..row(1, class, State::Delivered)
            };
            count(&evidence(vec![row], &[(1, 1), (1, 1)]))
        };
        assert_eq!(
            (copied(Class::Otp, 1).duplicated, copied(Class::Otp, 1).unexpected),
            (1, 0)
        );
        assert!(copied(Class::Otp, 0).unexpected > 0);
        assert!(copied(Class::Marketing, 1).unexpected > 0);
        let thrice = Row {
            doubts: 5,
            copies: 1,
            ..row(1, Class::Otp, State::Delivered)
        };
        assert!(count(&evidence(vec![thrice], &[(1, 1), (1, 1), (1, 1)])).unexpected > 0);
    }

    #[test]
    fn what_is_not_final_is_stuck() {
        for state in [
            State::Queued,
            State::Scheduled,
            State::Claimed,
            State::Uncertain,
            State::Submitted,
        ] {
            let taken: &[(u32, u8)] = if state == State::Submitted { &[(1, 1)] } else { &[] };
            assert_eq!(
                count(&evidence(vec![row(1, Class::Service, state)], taken)).stuck,
                1,
                "{state}"
            );
        }
        let unwatched = Row {
            receipt: false,
            ..row(1, Class::Service, State::Submitted)
        };
        assert_eq!(count(&evidence(vec![unwatched], &[(1, 1)])).stuck, 0);
    }

    #[test]
    fn a_failure_that_a_carrier_has_and_no_doubt_explains_is_unexpected() {
        let failed = row(1, Class::Marketing, State::Failed);
        assert_eq!(count(&evidence(vec![failed.clone()], &[(1, 1)])).unexpected, 1);
        let doubted = Row { doubts: 1, ..failed };
        assert_eq!(count(&evidence(vec![doubted], &[(1, 1)])).unexpected, 0);
    }
}
