//! The end of a world: what the customers were told, held against what the bank did.

use std::collections::BTreeMap;

use futures_util::FutureExt;

use super::customer::{end, phone};
use super::world::{Kind, World};
use crate::domain::UnixMillis;
use crate::store::{ActionQuery, Store};

pub(super) fn close(store: &dyn Store, world: &mut World) {
    world.bank.catch_up(UnixMillis(i64::MAX));
    let unhandled = store.unhandled_texts(0, 9).now_or_never().unwrap().unwrap();
    assert!(unhandled.is_empty(), "{unhandled:?}");
    let now = UnixMillis(i64::MAX);
    for query in [
        ActionQuery::Due { now, limit: 9 },
        ActionQuery::Running { after: 0, limit: 9 },
    ] {
        let open = store.actions(query).now_or_never().unwrap().unwrap();
        assert!(open.is_empty(), "{open:?}");
    }
    // The bank knows sums by their points, customers by their commas.
    let moved: BTreeMap<String, u32> = by_commas(&world.bank.moved);
    for (sum, times) in &moved {
        assert!(world.confirmed.contains_key(sum), "{sum} moved without its code");
        assert_eq!(*times, 1, "{sum} moved {times} times");
    }
    for (sum, keys) in by_commas(&world.bank.keys) {
        assert_eq!(keys.len(), 1, "{sum}: one wish, one key");
    }
    let phones: Vec<String> = world
        .numbers()
        .iter()
        .flat_map(|number| phone(store, number).now_or_never().unwrap())
        .collect();
    for sum in world.confirmed.keys() {
        let told: Vec<&str> = phones.iter().filter_map(|text| end(text, sum)).collect();
        let times = moved.get(sum).copied().unwrap_or_default();
        match told.as_slice() {
            ["Fatto"] => assert_eq!(times, 1, "{sum}"),
            ["Rifiutato" | "Fallito"] => assert_eq!(times, 0, "{sum}"),
            ["Ignoto"] if matches!(world.kind, Kind::Blind | Kind::Keyed) => {}
            other => panic!("{sum}: {other:?}, moved {times} times\n{phones:#?}"),
        }
    }
}

fn by_commas<T: Clone>(of: &BTreeMap<String, T>) -> BTreeMap<String, T> {
    of.iter()
        .map(|(sum, value)| (sum.replace('.', ","), value.clone()))
        .collect()
}
