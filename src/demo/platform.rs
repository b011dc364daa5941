//! The RCS platform beside the carriers: which phones it reaches, what it hands them, what people tap.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use araldo_rcs::AgentId;
use secrecy::SecretString;
use serde::Serialize;
use tokio::sync::broadcast;
use uuid::Uuid;

use super::setting::{PHONES, SHORT_CODE};
use crate::clock::{self, Clock};
use crate::config::{RbmConfig, Secret};
use crate::simulator::rcs::{
    Act, DeliveryConfig, Handset, PhoneMessage, RcsConfig, RcsEvent, RcsSimulator, RcsStats, UserAct, UserError,
    WebhookTarget,
};

/// Its id in the configuration, and the name for people.
pub(super) const PLATFORM: &str = "zefiro";
pub(super) const TITLE: &str = "Zefiro";
/// What is peculiar to it.
pub(super) const WAYS: &str = "RCS: cards and chips for phones that have it; the others get an SMS";
/// Who writes by it, as phones show it.
pub(super) const AGENT_TITLE: &str = "Banca Aurea";
const AGENT: &str = "banca-aurea";

/// Requests under way at once.
pub(super) const WINDOW: u16 = 10;
/// How long a message may wait for a phone before it is taken back and goes by SMS.
pub(super) const WAIT: Duration = Duration::from_secs(4);
/// How long it takes to a phone, and how long a person takes to read.
const DELAY: [Duration; 2] = [Duration::from_millis(150), Duration::from_millis(500)];
const READING: Duration = Duration::from_millis(1_500);
/// How long what is known of a handset is believed: the shortest there is, since a person switches and looks at once.
const BELIEVED: Duration = Duration::from_secs(1);

/// How a phone can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reach {
    /// By RCS, and by SMS.
    Rcs,
    /// It has RCS and is without data: what is sent by RCS waits.
    NoData,
    /// By SMS alone: the platform does not know it.
    Sms,
}

impl Reach {
    /// Every one, in the order of the switch.
    pub(super) const ALL: [Self; 3] = [Self::Rcs, Self::NoData, Self::Sms];

    /// The word in forms and events.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Rcs => "rcs",
            Self::NoData => "no_data",
            Self::Sms => "sms",
        }
    }

    /// What the button says.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Rcs => "RCS",
            Self::NoData => "No data",
            Self::Sms => "SMS only",
        }
    }

    /// What it means.
    pub(super) const fn help(self) -> &'static str {
        match self {
            Self::Rcs => "The bank writes by RCS: cards, chips, ticks",
            Self::NoData => "RCS waits 4 s, is taken back, and the SMS comes",
            Self::Sms => "No RCS: the SMS comes at once",
        }
    }

    /// That of a word.
    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reach| reach.id() == word)
    }

    fn handset(self) -> Handset {
        match self {
            Self::Rcs => Handset::default(),
            Self::NoData => Handset::offline(),
            Self::Sms => Handset::without_rcs(),
        }
    }
}

/// The platform, with its one agent.
pub(super) struct Platform {
    simulator: RcsSimulator,
    /// Signs what the daemon is told.
    token: String,
}

impl Platform {
    /// Starts it on a free port. The first phone has RCS; a person gives it to the others, or takes it away.
    pub(super) async fn start(clock: &Clock) -> anyhow::Result<Self> {
        let simulator = RcsSimulator::start(RcsConfig {
            control: None,
            agent: AgentId::parse(AGENT)?,
            delivery: DeliveryConfig {
                delay_min: DELAY[0],
                delay_max: DELAY[1],
                read: 1.0,
                read_delay: READING,
                ..DeliveryConfig::default()
            },
            handset: Reach::Sms.handset(),
            handsets: [(PHONES[0].number.to_owned(), Reach::Rcs.handset())].into(),
            seed: 41,
            phone_memory: 1_000,
            clock: clock.clone(),
            ..RcsConfig::on_free_ports()
        })
        .await?;
        Ok(Self {
            simulator,
            token: hex::encode(clock::secret_bits()),
        })
    }

    /// The agent, as the daemon's configuration has it.
    pub(super) fn config(&self) -> RbmConfig {
        RbmConfig {
            agent_id: AGENT.to_owned(),
            api_base: Some(self.simulator.base()),
            service_account: Secret::new(self.simulator.account()),
            client_token: Secret::new(self.token.clone()),
            address: Some(SHORT_CODE.to_owned()),
            window: WINDOW,
            reachable_for: BELIEVED,
            unreachable_for: BELIEVED,
            ..RbmConfig::default()
        }
    }

    /// Registers the daemon's webhook by the handshake.
    pub(super) async fn tell(&self, api: SocketAddr) -> anyhow::Result<()> {
        let target = WebhookTarget {
            url: format!("http://{api}/rcs/{PLATFORM}"),
            client_token: SecretString::from(self.token.clone()),
        };
        Ok(self.simulator.register_webhook(target).await?)
    }

    /// Where it listens.
    pub(super) fn addr(&self) -> SocketAddr {
        self.simulator.addr
    }

    /// How a phone can be reached, by its number without plus.
    pub(super) fn reach(&self, number: &str) -> Reach {
        match self.simulator.handsets().get(number) {
            Some(handset) if handset.rcs && handset.online => Reach::Rcs,
            Some(handset) if handset.rcs => Reach::NoData,
            Some(_) | None => Reach::Sms,
        }
    }

    /// Changes how a phone can be reached.
    pub(super) fn set_reach(&self, number: &str, reach: Reach) {
        self.simulator.set_handset(number, reach.handset());
    }

    /// What the person with this phone does.
    pub(super) fn act(&self, number: &str, act: Act) -> Result<(), UserError> {
        self.simulator.user(&UserAct {
            from: format!("+{number}"),
            act,
        })
    }

    /// What was sent to a phone, newest first.
    pub(super) fn sent_to(&self, number: &str) -> Vec<PhoneMessage> {
        let mut messages = self.simulator.messages(Some(&format!("+{number}")), usize::MAX);
        messages.reverse();
        messages
    }

    /// A message by its id, which is ours.
    pub(super) fn message(&self, id: Uuid) -> Option<PhoneMessage> {
        let mut messages = self.simulator.messages(None, usize::MAX).into_iter();
        messages.find(|message| message.id == id)
    }

    /// What it has counted.
    pub(super) fn stats(&self) -> RcsStats {
        self.simulator.stats()
    }

    /// What happens there from now on.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<Arc<RcsEvent>> {
        self.simulator.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_phone_is_reached_as_the_person_has_switched_it() {
        let platform = Platform::start(&Clock::system()).await.unwrap();
        assert_eq!(platform.reach(PHONES[0].number), Reach::Rcs);
        assert_eq!(platform.reach(PHONES[1].number), Reach::Sms);
        for reach in Reach::ALL {
            assert_eq!(Reach::of(reach.id()), Some(reach));
            platform.set_reach(PHONES[1].number, reach);
            assert_eq!(platform.reach(PHONES[1].number), reach);
        }
        assert_eq!(Reach::of("pigeon"), None);
    }
}
