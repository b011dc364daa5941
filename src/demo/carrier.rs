//! The two simulated carriers: what each is like when whole, and how it may be broken.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use araldo_smpp::CommandStatus;
use serde::Serialize;
use tokio::sync::broadcast;

use super::setting::UNKNOWN_NUMBER;
use crate::clock::Clock;
use crate::simulator::{
    Fault, FaultRule, IdForm, Mo, MoAnswer, MoError, ReceiptConfig, ReceiptForm, Simulator, SimulatorConfig,
    SimulatorEvent, Stats, Status,
};

/// How the daemon names itself to both.
pub(super) const SYSTEM_ID: &str = "araldo";
/// At most eight characters, by the standard. The links are on loopback and end with the demo.
pub(super) const PASSWORD: &str = "herald";

/// How late a slow carrier answers: less than the daemon's patience, so that nothing comes into doubt.
const SLOW: Duration = Duration::from_millis(2500);

/// What a carrier does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Habit {
    /// All is well.
    #[default]
    Whole,
    /// It answers late.
    Slow,
    /// It takes messages and never answers.
    Silent,
    /// It refuses every message.
    Refuse,
    /// Its links are cut, and it takes no new ones.
    Down,
}

impl Habit {
    /// Every habit, in the order of the switch.
    pub(super) const ALL: [Self; 5] = [Self::Whole, Self::Slow, Self::Silent, Self::Refuse, Self::Down];

    /// The word in forms and events.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Slow => "slow",
            Self::Silent => "silent",
            Self::Refuse => "refuse",
            Self::Down => "down",
        }
    }

    /// What the button says.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Whole => "Whole",
            Self::Slow => "Slow",
            Self::Silent => "Silent",
            Self::Refuse => "Refuse",
            Self::Down => "Down",
        }
    }

    /// What it means.
    pub(super) const fn help(self) -> &'static str {
        match self {
            Self::Whole => "Answers and reports as it should",
            Self::Slow => "Answers 2.5 s late; the window fills",
            Self::Silent => "Takes messages and never answers: they come into doubt",
            Self::Refuse => "Answers ESME_RSUBMITFAIL: messages go on to the next step of their route",
            Self::Down => "Cuts its links and takes no new ones",
        }
    }

    /// The habit of a word.
    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|habit| habit.id() == word)
    }

    fn fault(self) -> Option<Fault> {
        match self {
            Self::Whole | Self::Down => None,
            Self::Slow => Some(Fault::Delay { by: SLOW }),
            Self::Silent => Some(Fault::NoResponse),
            Self::Refuse => Some(Fault::Status(Status(CommandStatus::ESME_RSUBMITFAIL))),
        }
    }
}

/// A carrier of the demo.
pub(super) struct SimulatedCarrier {
    name: &'static str,
    ways: &'static str,
    window: u16,
    simulator: Simulator,
    habit: Mutex<Habit>,
}

/// Starts both on free ports.
pub(super) async fn start_all(clock: &Clock) -> anyhow::Result<Vec<SimulatedCarrier>> {
    // One answers in hex and reports in decimal, with TLVs; the other is older: decimal ids, receipts as text alone.
    let aurora = SimulatorConfig {
        id_form: IdForm::HexThenDecimal,
        receipts: receipts(ReceiptForm::Both, 300, 1400),
        response_delay: Duration::from_millis(40),
        seed: 11,
        ..frame("aurora", clock)
    };
    let borea = SimulatorConfig {
        id_form: IdForm::Decimal,
        receipts: receipts(ReceiptForm::Text, 600, 2000),
        response_delay: Duration::from_millis(90),
        seed: 23,
        ..frame("borea", clock)
    };
    let ways = "answers ids in hex and reports them in decimal; receipts with TLVs";
    let aurora = SimulatedCarrier::start("aurora", ways, 20, aurora).await?;
    let ways = "older and slower: decimal ids, receipts as text alone";
    let borea = SimulatedCarrier::start("borea", ways, 10, borea).await?;
    Ok(vec![aurora, borea])
}

fn frame(name: &str, clock: &Clock) -> SimulatorConfig {
    SimulatorConfig {
        control: None,
        name: name.to_owned(),
        system_id: Some(SYSTEM_ID.to_owned()),
        password: Some(PASSWORD.to_owned()),
        faults: rules(Habit::Whole),
        phone_memory: 1_000,
        clock: clock.clone(),
        ..SimulatorConfig::on_free_ports()
    }
}

fn receipts(form: ReceiptForm, from_ms: u64, to_ms: u64) -> ReceiptConfig {
    ReceiptConfig {
        form,
        delay_min: Duration::from_millis(from_ms),
        delay_max: Duration::from_millis(to_ms),
        ..ReceiptConfig::default()
    }
}

/// The faults of a habit, and the one that always is: nobody knows the unknown number.
fn rules(habit: Habit) -> Vec<FaultRule> {
    let unknown = FaultRule::always(Fault::Status(Status(CommandStatus::ESME_RINVDSTADR))).to(UNKNOWN_NUMBER);
    std::iter::once(unknown)
        .chain(habit.fault().map(FaultRule::always))
        .collect()
}

impl SimulatedCarrier {
    async fn start(
        name: &'static str,
        ways: &'static str,
        window: u16,
        config: SimulatorConfig,
    ) -> anyhow::Result<Self> {
        let simulator = Simulator::start(config).await?;
        Ok(Self {
            name,
            ways,
            window,
            simulator,
            habit: Mutex::default(),
        })
    }

    /// Its id in the configuration.
    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    /// The name for people.
    pub(super) fn title(&self) -> String {
        let (first, rest) = self.name.split_at(1);
        first.to_ascii_uppercase() + rest
    }

    /// Where it listens.
    pub(super) fn addr(&self) -> SocketAddr {
        self.simulator.addr
    }

    /// What is peculiar to it.
    pub(super) const fn ways(&self) -> &'static str {
        self.ways
    }

    /// Requests that it takes at once.
    pub(super) const fn window(&self) -> u16 {
        self.window
    }

    /// What it does now.
    pub(super) fn habit(&self) -> Habit {
        *self.habit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Breaks it, or mends it.
    pub(super) async fn set(&self, habit: Habit) -> anyhow::Result<()> {
        self.simulator.set_faults(rules(habit))?;
        *self.habit.lock().unwrap_or_else(PoisonError::into_inner) = habit;
        self.simulator.set_up(habit != Habit::Down).await;
        Ok(())
    }

    /// What it has counted.
    pub(super) fn stats(&self) -> Stats {
        self.simulator.stats()
    }

    /// What happens there from now on.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<Arc<SimulatorEvent>> {
        self.simulator.subscribe()
    }

    /// A phone texts through it.
    pub(super) async fn text(&self, mo: Mo) -> Result<MoAnswer, MoError> {
        self.simulator.inject_mo(mo).await
    }

    /// Ends in the background: its links are gone with the daemon's.
    pub(super) async fn shutdown(&self) {
        self.simulator.set_up(false).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_habit_is_read_back_from_its_word() {
        for habit in Habit::ALL {
            assert_eq!(Habit::of(habit.id()), Some(habit));
        }
        assert_eq!(Habit::of("tired"), None);
    }
}
