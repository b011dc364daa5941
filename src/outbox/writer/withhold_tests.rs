use std::sync::Arc;

use super::super::withhold;
use super::*;
use crate::config::{ClientConfig, Config, QuietHoursConfig};
use crate::consent::Gate;
use crate::domain::{Class, Flag, Flags, Msisdn, Reason, Source, Will};
use crate::store::{Birth, NewConsent};

/// A bench whose gate knows the client `bank`, and that marketing is left till eight in the morning.
async fn guarded() -> Bench {
    let mut config = Config::default();
    config.client.insert(name("bank"), ClientConfig::default());
    let night = QuietHoursConfig {
        from: "21:00".to_owned(),
        to: "08:00".to_owned(),
        days: Vec::new(),
    };
    config.quiet_hours.insert(Class::Marketing, night);
    bench_with(Gate::new(&config)).await
}

fn stop(clock: &Clock) -> NewConsent {
    NewConsent {
        msisdn: "393331234567".into(),
        brand: name("bank"),
        topic: None,
        will: Will::OptedOut,
        source: Source::Api,
        at: clock.now(),
        note: None,
        told: Arc::new([]),
    }
}

async fn reason(bench: &Bench, id: MessageId) -> Option<Reason> {
    bench
        .store
        .message(id, None)
        .await
        .unwrap()
        .unwrap()
        .row
        .progress
        .reason
}

#[tokio::test]
async fn from_the_commit_of_a_stop_nothing_is_claimed_for_that_person_but_codes() {
    let bench = guarded().await;
    let mut claims = bench.bind_up(10).await;
    assert!(matches!(
        bench.outbox.consents(vec![stop(&bench.clock)]).await.unwrap()[0],
        crate::store::ConsentResult::Noted { .. }
    ));
    let service = message(&bench.clock);
    let otp = NewMessage {
        class: Class::Otp,
        ..message(&bench.clock)
    };
    let (id, code) = (service.id, otp.id);
    bench
        .outbox
        .enqueue(vec![Enqueue::new(service), Enqueue::new(otp)])
        .await
        .unwrap();
    assert_eq!(claims.recv().await.unwrap().id, code);
    assert_eq!(bench.state(id).await, State::Suppressed);
    assert_eq!(reason(&bench, id).await, Some(Reason::OptedOut));
    assert!(claims.try_recv().is_err());
}

#[tokio::test]
async fn what_comes_back_from_a_bind_after_a_stop_is_not_claimed_again() {
    let bench = guarded().await;
    let mut claims = bench.bind_up(10).await;
    let message = message(&bench.clock);
    let id = message.id;
    bench.outbox.enqueue(vec![Enqueue::new(message)]).await.unwrap();
    let claimed = claims.recv().await.unwrap();
    bench.outbox.consents(vec![stop(&bench.clock)]).await.unwrap();
    assert_eq!(
        bench.state(id).await,
        State::Claimed,
        "what is claimed may be sent by now"
    );
    bench.settle(&claimed, Outcome::NotWritten).await;
    while bench.state(id).await != State::Suppressed {
        // Any request has the writer look at what waits.
        bench.outbox.consents(Vec::new()).await.ok();
    }
    assert!(claims.try_recv().is_err());
    // Its place in the window is free: as many as the window has are claimed.
    let others: Vec<_> = (0..10)
        .map(|_| {
            let mut other = super::message(&bench.clock);
            other.to = Msisdn::parse("+393337654321").unwrap();
            Enqueue::new(other)
        })
        .collect();
    bench.outbox.enqueue(others).await.unwrap();
    for _ in 0..10 {
        claims.recv().await.unwrap();
    }
}

#[tokio::test]
async fn a_backlog_that_comes_into_the_night_waits_for_the_morning() {
    let bench = guarded().await;
    let at = |text: &str| UnixMillis::from(text.parse::<jiff::Timestamp>().unwrap());
    bench.clock.set(at("2026-11-22T19:59:00Z"));
    let offer = NewMessage {
        class: Class::Marketing,
        expires_at: at("2026-11-23T12:00:00Z"),
        ..message(&bench.clock)
    };
    let short = NewMessage {
        class: Class::Marketing,
        expires_at: at("2026-11-23T02:00:00Z"),
        ..message(&bench.clock)
    };
    let (long_id, short_id) = (offer.id, short.id);
    bench
        .outbox
        .enqueue(vec![Enqueue::new(offer), Enqueue::new(short)])
        .await
        .unwrap();
    bench.clock.set(at("2026-11-22T20:01:00Z"));
    let mut changes = bench.outbox.feed();
    let mut claims = bench.bind_up(100).await;
    while bench.state(long_id).await != State::Scheduled || bench.state(short_id).await != State::Scheduled {
        changes.recv().await.unwrap();
    }
    let wake = async |id| {
        let message = bench.store.message(id, None).await.unwrap().unwrap();
        message.row.progress.wake_at
    };
    assert_eq!(wake(long_id).await, Some(at("2026-11-23T07:00:00Z")));
    assert_eq!(
        wake(short_id).await,
        Some(at("2026-11-23T02:00:00Z")),
        "it expires while it waits"
    );
    assert!(claims.try_recv().is_err());
}

#[tokio::test]
async fn who_has_opted_out_is_known_again_after_a_restart() {
    let bench = guarded().await;
    bench.outbox.consents(vec![stop(&bench.clock)]).await.unwrap();
    let gate = Gate::default();
    withhold::learn(&*bench.store, &gate).await.unwrap();
    let recipient = crate::consent::Recipient {
        to: "393331234567",
        client: &name("bank"),
        class: Class::Service,
        solicited_at: None,
    };
    assert!(gate.withholds(&recipient) && !gate.is_open());
}

#[tokio::test]
async fn what_may_go_by_rcs_alone_is_not_placed_with_a_bind_of_sms() {
    let bench = bench().await;
    let mut changes = bench.outbox.feed();
    let mut claims = bench.bind_up(1).await;
    let by_rcs = message(&bench.clock);
    let id = by_rcs.id;
    let birth = Birth {
        flags: Flags::default().with(Flag::NotBySms),
        ..Birth::default()
    };
    let item = Enqueue {
        birth: Some(Box::new(birth)),
        ..Enqueue::new(by_rcs)
    };
    bench.outbox.enqueue(vec![item]).await.unwrap();
    while bench.state(id).await != State::Scheduled {
        changes.recv().await.unwrap();
    }
    assert!(claims.try_recv().is_err());
    // Its place in the window is free.
    let other = message(&bench.clock);
    let other_id = other.id;
    bench.outbox.enqueue(vec![Enqueue::new(other)]).await.unwrap();
    assert_eq!(claims.recv().await.unwrap().id, other_id);
}

#[tokio::test]
async fn what_is_for_a_certified_number_is_not_claimed_once_that_has_ended() {
    use crate::store::{CertifiedAct, NewVerification, VerificationState};
    let bench = bench().await;
    let verification = NewVerification {
        id: crate::domain::VerificationId(uuid::Uuid::from_u128(1)),
        customer: "c-1".into(),
        profile: None,
        code: "{}".into(),
        expires_at: bench.clock.now().after(Duration::from_mins(5)),
    };
    let clock = bench.clock.clone();
    let marked = |flags: Flags, verification: Option<NewVerification>| Enqueue {
        birth: Some(Box::new(Birth {
            flags,
            verification,
            ..Birth::default()
        })),
        ..Enqueue::new(message(&clock))
    };
    let own = Flags::default().with(Flag::ForCertified);
    let items = vec![
        marked(Flags::default(), Some(verification.clone())),
        marked(own, None),
        marked(Flags::default().with(Flag::Personal), None),
    ];
    let ids: Vec<_> = items.iter().map(|item| item.message.id).collect();
    let client = items[0].message.client.clone();
    bench.outbox.enqueue(items).await.unwrap();
    let verified = CertifiedAct::Tried {
        id: verification.id,
        wrong: 0,
        becomes: VerificationState::Verified,
    };
    assert!(bench.outbox.certify(verified).await.unwrap());
    let revoked = CertifiedAct::Revoked {
        client,
        msisdn: "393331234567".into(),
    };
    assert!(bench.outbox.certify(revoked).await.unwrap());
    let mut claims = bench.bind_up(10).await;
    let claimed = [claims.recv().await.unwrap().id, claims.recv().await.unwrap().id];
    assert_eq!(claimed, [ids[0], ids[2]]);
    while bench.state(ids[1]).await != State::Failed {
        bench.outbox.consents(Vec::new()).await.ok();
    }
    assert_eq!(reason(&bench, ids[1]).await, Some(Reason::NotCertified));
    // Another process learns of it as it starts.
    let lease = bench.store.take_lease().await.unwrap();
    let settings = Settings {
        queue: 4,
        batch: 100,
        ..fixture::settings()
    };
    let (outbox, _task) = start(
        bench.store.clone(),
        bench.policy.clone(),
        &settings,
        bench.clock.clone(),
        lease,
    )
    .await
    .unwrap();
    let bench = Bench { outbox, ..bench };
    let late = marked(own, None);
    let id = late.message.id;
    bench.outbox.enqueue(vec![late]).await.unwrap();
    let _claims = bench.bind_up(10).await;
    while bench.state(id).await != State::Failed {
        bench.outbox.consents(Vec::new()).await.ok();
    }
    // What is accepted after that is for whoever has the number by then.
    bench.clock.set(bench.clock.now().after(Duration::from_secs(1)));
    let mut claims = bench.bind_up(10).await;
    let new = marked(own, None);
    let id = new.message.id;
    bench.outbox.enqueue(vec![new]).await.unwrap();
    assert_eq!(claims.recv().await.unwrap().id, id);
}
