//! The life of a message: on its way, on the handset, read; or withdrawn, when its time is up or the agent wants it back.

use std::sync::Arc;
use std::time::Duration;

use araldo_rcs::Msisdn;
use araldo_rcs::webhook::{Payload, ServerEvent, ServerEventType, UserEvent, UserEventType};
use rand::RngExt;
use tokio::sync::Notify;
use uuid::Uuid;

use super::platform::{PhoneState, Platform, State};

/// A message that may still be withdrawn.
#[derive(Clone, Debug)]
pub(super) struct OnItsWay {
    pub(super) to: Msisdn,
    /// Rung once the agent has withdrawn it.
    pub(super) revoked: Arc<Notify>,
}

/// What becomes of a message. Drawn when it is taken, so that the seed decides it whatever the order of events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fate {
    delay: Duration,
    lost: bool,
    silent: bool,
    read: bool,
    read_first: bool,
    expiry: Expiry,
    revoke_race: bool,
}

/// How the end of a message's time is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expiry {
    Withdrawn,
    Silent,
    /// Withdrawn and delivered are both told.
    Race,
    /// Nobody knows; it may be delivered all the same.
    Inconclusive {
        delivered: bool,
    },
}

impl Fate {
    pub(super) fn draw(state: &mut State) -> Self {
        let config = state.delivery.clone();
        let delay = if config.delay_max > config.delay_min {
            state.rng.random_range(config.delay_min..=config.delay_max)
        } else {
            config.delay_min
        };
        let expiry = if state.chance(config.revoke_failed) {
            Expiry::Inconclusive {
                delivered: state.rng.random(),
            }
        } else if state.chance(config.expiry_silent) {
            Expiry::Silent
        } else if state.chance(config.expiry_race) {
            Expiry::Race
        } else {
            Expiry::Withdrawn
        };
        Self {
            delay,
            lost: state.chance(config.lost),
            silent: state.chance(config.silent),
            read: state.chance(config.read),
            read_first: state.chance(config.read_first),
            expiry,
            revoke_race: state.chance(config.revoke_race),
        }
    }
}

/// A message from its acceptance on.
pub(super) struct Life {
    pub(super) platform: Arc<Platform>,
    pub(super) id: Uuid,
    pub(super) message: OnItsWay,
    pub(super) fate: Fate,
    pub(super) ttl: Duration,
}

enum End {
    Arrived,
    Expired,
    Revoked,
}

impl Life {
    /// Lives it, unless the platform ends first.
    pub(super) async fn live(self) {
        let stop = self.platform.stop.clone();
        tokio::select! {
            () = self.whole() => {}
            () = stop.cancelled() => {}
        }
    }

    async fn whole(self) {
        let end = tokio::select! {
            biased;
            () = self.message.revoked.notified() => End::Revoked,
            () = self.arrives() => End::Arrived,
            () = tokio::time::sleep(self.ttl) => End::Expired,
        };
        // Whoever takes it out has decided, whatever else comes at the same time.
        let decided = self.platform.state().on_their_way.remove(&self.id).is_some();
        match end {
            End::Arrived if decided => self.deliver().await,
            End::Expired if decided => self.expire().await,
            End::Arrived | End::Expired | End::Revoked => self.withdrawn().await,
        }
    }

    async fn arrives(&self) {
        if self.fate.lost {
            std::future::pending::<()>().await;
        }
        let mut handsets = self.platform.handsets.subscribe();
        tokio::time::sleep(self.fate.delay).await;
        while !self.platform.state().handsets.of(self.message.to.as_str()).online {
            if handsets.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The agent has withdrawn it, or almost.
    async fn withdrawn(&self) {
        if self.fate.revoke_race {
            self.deliver().await;
        } else {
            self.withdraw();
        }
    }

    fn withdraw(&self) {
        self.count(|stats| stats.withdrawn += 1);
        self.platform.show(self.id, PhoneState::Withdrawn);
    }

    async fn expire(&self) {
        match self.fate.expiry {
            Expiry::Withdrawn => {
                self.withdraw();
                self.server_event(ServerEventType::TtlExpirationRevoked);
            }
            Expiry::Silent => self.withdraw(),
            Expiry::Race => {
                self.server_event(ServerEventType::TtlExpirationRevoked);
                self.deliver().await;
            }
            Expiry::Inconclusive { delivered } => {
                self.server_event(ServerEventType::TtlExpirationRevokeFailed);
                if delivered {
                    self.deliver().await;
                } else {
                    self.withdraw();
                }
            }
        }
    }

    async fn deliver(&self) {
        self.count(|stats| stats.delivered += 1);
        self.platform.show(self.id, PhoneState::Delivered);
        let message_id = self.id.to_string();
        let delivered = UserEventType::Delivered {
            message_id: message_id.clone(),
        };
        let read = UserEventType::Read { message_id };
        match (self.fate.read, self.fate.read_first) {
            (true, true) => {
                self.read(read).await;
                self.tell_delivered(delivered);
            }
            (is_read, _) => {
                self.tell_delivered(delivered);
                if is_read {
                    self.read(read).await;
                }
            }
        }
    }

    async fn read(&self, read: UserEventType) {
        let delay = self.platform.state().delivery.read_delay;
        tokio::time::sleep(delay).await;
        self.platform.show(self.id, PhoneState::Read);
        self.count(|stats| stats.read += 1);
        self.user_event(read);
    }

    fn tell_delivered(&self, delivered: UserEventType) {
        if !self.fate.silent {
            self.user_event(delivered);
        }
    }

    fn user_event(&self, event: UserEventType) {
        let event_id = self.platform.state().draw_id().to_string();
        self.platform.tell(&Payload::UserEvent(UserEvent {
            agent_id: self.platform.config.agent.clone(),
            sender_phone_number: self.message.to.clone(),
            event,
            event_id,
            send_time: Some(self.platform.now().timestamp()),
        }));
    }

    fn server_event(&self, event: ServerEventType) {
        let event_id = self.platform.state().draw_id().to_string();
        self.platform.tell(&Payload::ServerEvent(ServerEvent {
            agent_id: self.platform.config.agent.clone(),
            phone_number: self.message.to.clone(),
            message_id: self.id.to_string(),
            event,
            event_id,
            send_time: Some(self.platform.now().timestamp()),
        }));
    }

    fn count(&self, change: impl FnOnce(&mut super::stats::RcsStats)) {
        change(&mut self.platform.state().stats);
    }
}
