use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::config::StepConfig;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn step(carriers: &[(&str, u32)]) -> StepConfig {
    let carriers = carriers
        .iter()
        .map(|(id, weight)| StepCarrier {
            id: name(id),
            weight: *weight,
        })
        .collect();
    StepConfig {
        carriers,
        ..StepConfig::default()
    }
}

fn route(prefixes: &[&str]) -> RouteConfig {
    RouteConfig {
        prefixes: prefixes.iter().map(|p| (*p).to_owned()).collect(),
        steps: vec![step(&[("tim", 1)])],
        ..RouteConfig::default()
    }
}

fn router(routes: Vec<(&str, RouteConfig)>) -> Router {
    Router::new(
        &routes
            .into_iter()
            .map(|(id, config)| (name(id), config))
            .collect::<BTreeMap<_, _>>(),
        |id| {
            if id.as_str().starts_with("rcs") {
                Channel::Rcs
            } else {
                Channel::Sms
            }
        },
    )
}

fn taken(router: &Router, to: &str, from: &str, class: Class, client: &str) -> Option<String> {
    let (to, from) = (Msisdn::parse(to).unwrap(), SenderId::parse(from).unwrap());
    let wanted = Wanted {
        to: &to,
        from: &from,
        class,
        client: &name(client),
        channels: Channels::ANY,
    };
    router.plan(&wanted).ok().map(|plan| plan.route.to_string())
}

fn to(router: &Router, digits: &str) -> Option<String> {
    taken(router, digits, "Bank", Class::Service, "bank")
}

#[test]
fn the_longest_prefix_wins() {
    let router = router(vec![
        ("any", route(&[])),
        ("italy", route(&["39"])),
        ("tim", route(&["39333", "+39335"])),
    ]);
    assert_eq!(to(&router, "+393331234567").as_deref(), Some("tim"));
    assert_eq!(to(&router, "+393351234567").as_deref(), Some("tim"));
    assert_eq!(to(&router, "+393471234567").as_deref(), Some("italy"));
    assert_eq!(to(&router, "+4915112345678").as_deref(), Some("any"));
}

#[test]
fn a_prefix_beats_a_narrower_route_with_a_shorter_one() {
    let narrow = RouteConfig {
        classes: vec![Class::Service],
        clients: vec![name("bank")],
        ..route(&[])
    };
    let router = router(vec![("narrow", narrow), ("italy", route(&["39"]))]);
    assert_eq!(to(&router, "+393331234567").as_deref(), Some("italy"));
}

#[test]
fn of_the_same_prefix_the_route_that_asks_for_more_wins() {
    let by_class = RouteConfig {
        classes: vec![Class::Otp],
        ..route(&["39"])
    };
    let by_client = RouteConfig {
        clients: vec![name("bank")],
        ..route(&["39"])
    };
    let by_both = RouteConfig {
        clients: vec![name("bank")],
        senders: vec!["Bank".into()],
        ..route(&["39"])
    };
    let router = router(vec![
        ("a-plain", route(&["39"])),
        ("b", by_client),
        ("c", by_class),
        ("d", by_both),
    ]);
    let ask = |from, class, client| taken(&router, "393331234567", from, class, client).unwrap();
    assert_eq!(ask("Bank", Class::Otp, "bank"), "d");
    assert_eq!(ask("Other", Class::Otp, "bank"), "c", "class counts before client");
    assert_eq!(ask("Other", Class::Service, "bank"), "b");
    assert_eq!(ask("Other", Class::Service, "shop"), "a-plain");
}

#[test]
fn of_equals_the_first_by_name_wins() {
    let router = router(vec![("zeta", route(&["39"])), ("alpha", route(&["39"]))]);
    assert_eq!(to(&router, "393331234567").as_deref(), Some("alpha"));
}

#[test]
fn a_route_for_others_is_passed_over_for_one_with_a_shorter_prefix() {
    let shops = RouteConfig {
        clients: vec![name("shop")],
        ..route(&["39333"])
    };
    let router = router(vec![("shops", shops), ("italy", route(&["39"]))]);
    assert_eq!(to(&router, "393331234567").as_deref(), Some("italy"));
}

#[test]
fn where_nothing_fits_there_is_no_route() {
    assert_eq!(to(&router(vec![("italy", route(&["39"]))]), "4915112345678"), None);
    assert_eq!(to(&router(vec![]), "4915112345678"), None);
    assert_eq!(
        to(&router(vec![("empty", RouteConfig::default())]), "4915112345678"),
        None
    );
}

#[test]
fn a_route_knows_its_steps_and_its_carriers_each_once() {
    let waiting = StepConfig {
        wait: Some(Duration::from_secs(120)),
        ..step(&[("tim", 3), ("vodafone", 1)])
    };
    let config = RouteConfig {
        steps: vec![waiting, step(&[("backup", 1), ("tim", 1)])],
        ..route(&[])
    };
    let router = router(vec![("italy", config)]);
    let waits = vec![PlanStep::sms(Some(Duration::from_secs(120))), PlanStep::sms(None)];
    assert_eq!(router.steps(), HashMap::from([(name("italy"), waits)]));
    assert_eq!(
        router.carriers_of_route(&name("italy")),
        [name("tim"), name("vodafone"), name("backup")]
    );
}

#[test]
fn a_message_begins_with_the_first_step_by_a_channel_that_it_may_go() {
    let config = RouteConfig {
        steps: vec![step(&[("rcs-bank", 1)]), step(&[("tim", 1)])],
        ..route(&[])
    };
    let both = router(vec![("both", config)]);
    let only = router(vec![("only", route(&[]))]);
    let (to, from) = (
        Msisdn::parse("+393331234567").unwrap(),
        SenderId::parse("Bank").unwrap(),
    );
    let first = |router: &Router, channels: &[Channel]| {
        let wanted = Wanted {
            to: &to,
            from: &from,
            class: Class::Service,
            client: &name("bank"),
            channels: channels.iter().copied().collect(),
        };
        router.plan(&wanted).ok().map(|plan| plan.lane.step)
    };
    assert_eq!(first(&both, &Channel::ALL), Some(0));
    assert_eq!(first(&both, &[Channel::Sms]), Some(1));
    assert_eq!(first(&both, &[Channel::Rcs]), Some(0));
    assert_eq!(first(&only, &[Channel::Rcs]), None);
    assert_eq!(both.channels_of_route(&name("both")), Channel::ALL);
}
