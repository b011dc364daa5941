use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

struct Tokens(AtomicU32);

impl Pace for Tokens {
    fn take(&self, wanted: u32) -> u32 {
        let left = self.0.load(Ordering::Relaxed);
        let got = wanted.min(left);
        self.0.store(left - got, Ordering::Relaxed);
        got
    }

    fn take_all(&self, wanted: u32) -> bool {
        self.0.load(Ordering::Relaxed) >= wanted && self.take(wanted) == wanted
    }

    fn owe(&self, segments: u32) {
        self.0.store(
            self.0.load(Ordering::Relaxed).saturating_sub(segments),
            Ordering::Relaxed,
        );
    }

    fn wait(&self) -> Duration {
        Duration::from_millis(5)
    }
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn lane(step: u8) -> Lane {
    Lane {
        route: name("italy"),
        step,
    }
}

fn bind(carrier: &str, bind: u16) -> BindRef {
    BindRef {
        carrier: name(carrier),
        bind,
    }
}

fn offer(window: u32, tokens: u32, weight: u32) -> Offer {
    Offer {
        services: vec![Service {
            lane: lane(0),
            weight,
            urgent_only: false,
        }],
        window,
        taken: Taken::default(),
        pace: Arc::new(Tokens(AtomicU32::new(tokens))),
    }
}

fn claimed_by(plan: &Plan, carrier: &str) -> u32 {
    let of_carrier = plan.claims.iter().filter(|(bind, _)| bind.carrier.as_str() == carrier);
    of_carrier
        .flat_map(|(_, claims)| claims)
        .map(|claim| claim.segments)
        .sum()
}

fn priorities(plan: &Plan) -> BTreeMap<u8, u32> {
    let mut segments = BTreeMap::new();
    for claim in plan.claims.values().flatten() {
        *segments.entry(claim.priority).or_default() += claim.segments;
    }
    segments
}

#[test]
fn a_bind_is_never_given_more_than_its_window() {
    let mut board = Board::default();
    board.bind_up(bind("tim", 0), offer(50, 10_000, 1));
    board.add(&lane(0), 3, 1_000);
    let plan = board.plan();
    assert_eq!(claimed_by(&plan, "tim"), 50);
}

#[test]
fn a_bind_is_never_given_more_than_its_pace_and_looks_again_later() {
    let mut board = Board::default();
    board.bind_up(bind("tim", 0), offer(50, 7, 1));
    board.add(&lane(0), 3, 1_000);
    let plan = board.plan();
    assert_eq!(claimed_by(&plan, "tim"), 7);
    assert_eq!(plan.wait, Some(Duration::from_millis(5)));
}

#[test]
fn carriers_share_a_step_by_weight() {
    let mut board = Board::default();
    board.bind_up(bind("tim", 0), offer(4_000, 100_000, 3));
    board.bind_up(bind("vodafone", 0), offer(4_000, 100_000, 1));
    board.add(&lane(0), 3, 3_200);
    let plan = board.plan();
    let (tim, vodafone) = (claimed_by(&plan, "tim"), claimed_by(&plan, "vodafone"));
    assert_eq!(tim + vodafone, 3_200);
    assert!((2_300..=2_500).contains(&tim), "{tim}");
}

#[test]
fn what_one_carrier_cannot_take_the_other_takes() {
    let mut board = Board::default();
    board.bind_up(bind("tim", 0), offer(10, 100_000, 100));
    board.bind_up(bind("vodafone", 0), offer(500, 100_000, 1));
    board.add(&lane(0), 3, 300);
    let plan = board.plan();
    assert_eq!((claimed_by(&plan, "tim"), claimed_by(&plan, "vodafone")), (10, 290));
}

#[test]
fn a_lower_class_keeps_a_tenth_and_the_best_has_the_rest() {
    let mut board = Board::default();
    board.bind_up(bind("tim", 0), offer(1_000, 100_000, 1));
    board.add(&lane(0), 0, 10_000);
    board.add(&lane(0), 3, 10_000);
    let segments = priorities(&board.plan());
    assert!((80..=100).contains(&segments[&3]), "{segments:?}");
    assert_eq!(segments[&0] + segments[&3], 1_000);
}

#[test]
fn a_tenth_is_kept_also_when_only_one_place_is_free_at_a_time() {
    let mut board = Board::default();
    board.bind_up(bind("tim", 0), offer(1, 100_000, 1));
    board.add(&lane(0), 0, 10_000);
    board.add(&lane(0), 3, 10_000);
    let mut segments = BTreeMap::<u8, u32>::new();
    for _ in 0..110 {
        for (priority, count) in priorities(&board.plan()) {
            *segments.entry(priority).or_default() += count;
            board.claimed(&bind("tim", 0), Class::Service, 1);
            board.settled(&bind("tim", 0), Class::Service, 1);
        }
    }
    assert!((9..=11).contains(&segments[&3]), "{segments:?}");
}

#[test]
fn marketing_holds_a_tenth_of_the_window_at_most() {
    let mut board = Board::default();
    board.bind_up(bind("tim", 0), offer(100, 100_000, 1));
    board.add(&lane(0), 4, 1_000);
    assert_eq!(claimed_by(&board.plan(), "tim"), 10);
    let mut board = Board::default();
    board.bind_up(bind("tim", 0), offer(100, 100_000, 1));
    let placed = (0..100)
        .filter(|_| board.place(&lane(0), Class::Marketing, 1).is_some())
        .count();
    assert_eq!(placed, 10);
}

#[test]
fn a_new_message_is_placed_at_once_unless_others_wait() {
    let mut board = Board::default();
    assert_eq!(board.place(&lane(0), Class::Otp, 1), None, "no bind is up");
    board.bind_up(bind("tim", 0), offer(100, 100_000, 1));
    assert_eq!(board.place(&lane(0), Class::Otp, 1), Some(bind("tim", 0)));
    board.add(&lane(0), 4, 1);
    assert_eq!(board.place(&lane(0), Class::Otp, 1), None);
}

#[test]
fn new_messages_are_placed_by_weight() {
    let mut board = Board::default();
    board.bind_up(bind("tim", 0), offer(4_000, 100_000, 3));
    board.bind_up(bind("vodafone", 0), offer(4_000, 100_000, 1));
    let placed = (0..400).filter_map(|_| board.place(&lane(0), Class::Service, 1));
    let tim = placed.filter(|bind| bind.carrier.as_str() == "tim").count();
    assert!((295..=305).contains(&tim), "{tim}");
}

#[test]
fn binds_of_one_carrier_fill_evenly() {
    let mut board = Board::default();
    board.bind_up(bind("tim", 0), offer(100, 100_000, 1));
    board.bind_up(bind("tim", 1), offer(100, 100_000, 1));
    let placed = (0..100).filter_map(|_| board.place(&lane(0), Class::Service, 1));
    let first = placed.filter(|bind| bind.bind == 0).count();
    assert_eq!(first, 50);
}

#[test]
fn a_backup_takes_only_urgent_classes_while_the_lane_has_not_been_down_for_long() {
    let mut board = Board::default();
    let mut backup = offer(100, 100_000, 1);
    backup.services[0].urgent_only = true;
    board.bind_up(bind("backup", 0), backup);
    board.add(&lane(0), 3, 5);
    assert!(board.plan().claims.is_empty());
    board.add(&lane(0), 0, 5);
    assert_eq!(priorities(&board.plan()), BTreeMap::from([(0, 5)]));
}

#[test]
fn a_long_message_may_hold_more_than_was_free_and_then_nothing_is_given_until_it_is_settled() {
    let mut board = Board::default();
    board.bind_up(bind("tim", 0), offer(2, 100_000, 1));
    board.claimed(&bind("tim", 0), Class::Service, 5);
    board.add(&lane(0), 3, 10);
    assert!(board.plan().claims.is_empty());
    board.settled(&bind("tim", 0), Class::Service, 5);
    assert_eq!(claimed_by(&board.plan(), "tim"), 2);
}

#[test]
fn offers_whose_answers_never_come_hold_the_window_but_not_the_part_of_marketing() {
    let mut board = Board::default();
    board.bind_up(bind("tim", 0), offer(10, 100_000, 1));
    board.add(&lane(0), Class::Marketing.priority(), 100);
    let tim = bind("tim", 0);
    for free in (5..=9).rev() {
        assert_eq!(claimed_by(&board.plan(), "tim"), 1, "a tenth");
        board.claimed(&tim, Class::Marketing, 1);
        assert!(board.plan().claims.is_empty());
        board.free(
            &tim,
            Taken {
                segments: 0,
                marketing: 1,
            },
        );
        assert_eq!(board.binds[&tim].room(), free);
    }
    board.free(&tim, Taken::overdue(1));
    assert_eq!(board.binds[&tim].room(), 6);
}

#[test]
fn a_bind_that_offers_again_is_given_only_what_is_not_taken() {
    let mut board = Board::default();
    let mut again = offer(100, 100_000, 1);
    again.taken.add(Taken::of(Class::Service, 70));
    again.taken.add(Taken::of(Class::Marketing, 10));
    board.bind_up(bind("tim", 0), again);
    board.add(&lane(0), 3, 1_000);
    board.add(&lane(0), 4, 1_000);
    assert_eq!(priorities(&board.plan()), BTreeMap::from([(3, 20)]));
}

#[test]
fn two_routes_on_one_carrier_take_turns() {
    let mut board = Board::default();
    let of_route = |route: &str| Lane {
        route: name(route),
        step: 0,
    };
    let service = |route: &str| Service {
        lane: of_route(route),
        weight: 1,
        urgent_only: false,
    };
    let services = vec![service("abroad"), service("italy")];
    board.bind_up(
        bind("tim", 0),
        Offer {
            services,
            ..offer(100, 10_000, 1)
        },
    );
    board.add(&of_route("abroad"), 3, 1_000);
    board.add(&of_route("italy"), 3, 1_000);
    let mut given: BTreeMap<Lane, u32> = BTreeMap::new();
    for claim in board.plan().claims.into_values().flatten() {
        *given.entry(claim.lane).or_default() += claim.segments;
    }
    let (abroad, italy) = (given[&of_route("abroad")], given[&of_route("italy")]);
    assert!(abroad.abs_diff(italy) <= QUANTUM, "{abroad} and {italy}");
}

#[test]
fn what_expires_after_its_lane_was_found_empty_is_not_taken_from_what_came_since() {
    let mut board = Board::default();
    board.bind_up(bind("tim", 0), offer(10, 100, 1));
    board.add(&lane(0), 2, 1);
    board.plan();
    // The claim finds nothing: its validity is over. Before it is swept, another one comes.
    board.emptied(&lane(0), 2);
    board.add(&lane(0), 2, 1);
    board.expired(&lane(0), 2, 1);
    assert_eq!(claimed_by(&board.plan(), "tim"), 1);
}

#[test]
fn a_long_message_of_a_lower_class_earns_what_it_took_too_much() {
    let mut board = Board::default();
    board.bind_up(bind("tim", 0), offer(1, 1_000, 1));
    board.add(&lane(0), 0, 1_000);
    board.add(&lane(0), 4, 1_000);
    let mut lower = 0;
    for _ in 0..90 {
        let plan = board.plan();
        let claim = &plan.claims[&bind("tim", 0)][0];
        // Each of the lower class is of three segments, and goes out whole.
        if claim.priority == 4 {
            lower += 3;
            board.overran(&bind("tim", 0), claim, 2);
        }
    }
    assert!((6..=12).contains(&lower), "{lower} of 90");
}
