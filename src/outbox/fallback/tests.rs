use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::*;

/// Runs of the table; `ARALDO_RUNS` sets another number.
const RUNS: u64 = 10_000;

/// What one run has seen.
#[derive(Debug, Default)]
struct Seen {
    sms: u32,
    left: u32,
    withdrawn: u32,
    twice: u32,
    reported: bool,
    conclusive: bool,
}

/// Says the same several times, in any order, among the passing of time.
fn run(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let class = Class::ALL[random.random_range(0..Class::ALL.len())];
    let mut told = vec![Known::TimeOver; random.random_range(0..4)];
    for known in [
        Known::Accepted,
        Known::NotReachable,
        Known::Lost,
        Known::Delivered,
        Known::Revoked,
        Known::NotRevoked,
    ] {
        let often = random.random_range(0..3);
        told.extend(std::iter::repeat_n(known, often));
    }
    told.shuffle(&mut random);
    let mut seen = Seen::default();
    let mut stand = Stand::Trying;
    for known in told {
        stand = tell(stand, known, class, &mut seen);
        if stand == Stand::SmsWaits && random.random_bool(0.3) {
            stand = tell(stand, Known::SmsLeft, class, &mut seen);
        }
    }
    // In the end the tries are over, time passes, and a carrier claims what waits.
    for known in [
        Known::Lost,
        Known::TimeOver,
        Known::TimeOver,
        Known::TimeOver,
        Known::SmsLeft,
    ] {
        stand = tell(stand, known, class, &mut seen);
    }
    judge(stand, class, &seen).unwrap_or_else(|why| panic!("seed {seed}, {class}: {why}: {stand:?} {seen:?}"));
}

fn tell(stand: Stand, known: Known, class: Class, seen: &mut Seen) -> Stand {
    let (next, deed) = stand.step(known, class);
    seen.reported |= known == Known::Delivered;
    match deed {
        Some(Deed::SendSms { in_doubt }) => {
            seen.sms += 1;
            seen.conclusive |= !in_doubt;
        }
        Some(Deed::WithdrawSms) => seen.withdrawn += 1,
        Some(Deed::NoteTwice) => seen.twice += 1,
        Some(Deed::Revoke | Deed::Hold | Deed::Deliver | Deed::GiveUp) | None => {}
    }
    seen.left += u32::from(next == Stand::SmsLeft && stand == Stand::SmsWaits);
    next
}

fn judge(stand: Stand, class: Class, seen: &Seen) -> Result<(), &'static str> {
    let hold = |holds: bool, why| if holds { Ok(()) } else { Err(why) };
    hold(seen.sms <= 1, "more than one SMS")?;
    hold(seen.left + seen.withdrawn <= seen.sms, "an SMS that nobody asked for")?;
    hold(
        seen.reported == (stand == Stand::Delivered),
        "delivered is what was reported as such, and nothing else",
    )?;
    hold(
        !class.sends_sms_in_doubt() || seen.reported || seen.left == 1,
        "no SMS though silence is the harm",
    )?;
    hold(
        class.sends_sms_in_doubt() || seen.sms == 0 || seen.conclusive,
        "an SMS in doubt for what is merely useful",
    )?;
    let twice = u32::from(seen.reported && seen.left == 1);
    hold(seen.twice == twice, "two copies are noted, and only they")?;
    hold(
        matches!(stand, Stand::Delivered | Stand::SmsLeft | Stand::GivenUp),
        "it has not come to an end",
    )
}

#[test]
fn whatever_comes_in_whichever_order_there_is_never_a_second_sms_nor_silence_where_it_harms() {
    let runs = std::env::var("ARALDO_RUNS").ok();
    let runs = runs.and_then(|runs| runs.parse().ok()).unwrap_or(RUNS);
    (0..runs).for_each(run);
}
