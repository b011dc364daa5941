//! What holds for every order in which segments come.

use std::collections::HashSet;

use araldo_sms::{
    Concat, Incomplete, Outcome, Reassembly, ReassemblyLimits, ReferenceSize, SplitOptions, UserData, split,
};
use proptest::prelude::*;

/// A segment as it comes: sender, reference size, reference, total, number, time since the last.
type Arrival = (u8, bool, u16, u8, u8, u64);

fn arrivals() -> impl Strategy<Value = Vec<Arrival>> {
    prop::collection::vec((0u8..3, any::<bool>(), 0u16..3, 0u8..5, 0u8..6, 0u64..400), 0..200)
}

proptest! {
    #[test]
    fn every_segment_comes_back_once_and_the_bounds_hold(arrivals in arrivals(), per_sender in 0usize..600) {
        let limits = ReassemblyLimits { timeout_millis: 1_000, segments_per_sender: per_sender, segments: 300 };
        let mut reassembly = Reassembly::new(limits);
        let (mut now, mut back) = (0, Vec::new());
        for (id, (sender, is_wide, reference, total, number, passed)) in arrivals.iter().copied().enumerate() {
            now += passed;
            let reference_size = if is_wide { ReferenceSize::Bits16 } else { ReferenceSize::Bits8 };
            let place = Concat { reference_size, reference, total, number };
            let inserted = reassembly.insert(sender, 9, place, (id, place), now);
            match inserted.outcome {
                Outcome::Kept => {}
                Outcome::Complete(segments) => {
                    prop_assert_eq!(segments.len(), usize::from(total));
                    for ((_, kept), number) in segments.iter().zip(1..) {
                        prop_assert_eq!(*kept, Concat { number, ..place });
                    }
                    back.extend(segments.into_iter().map(|(id, _)| id));
                }
                Outcome::Duplicate((id, _)) => back.push(id),
                Outcome::Refused((id, _)) => {
                    prop_assert!(number == 0 || number > total);
                    back.push(id);
                }
            }
            back.extend(ids(inserted.incomplete));
            prop_assert!(reassembly.segments() <= 300);
            prop_assert!(reassembly.next_timeout().is_none_or(|at| at > now && at <= now + 1_000));
        }
        back.extend(ids(reassembly.drain()));
        prop_assert_eq!(reassembly.segments(), 0);
        prop_assert_eq!(back.len(), arrivals.len());
        prop_assert_eq!(back.into_iter().collect::<HashSet<_>>().len(), arrivals.len());
    }

    #[test]
    fn segments_in_any_order_and_twice_give_the_text(
        text in "[a-z€èж]{0,800}",
        order in Just((0..20).collect::<Vec<usize>>()).prop_shuffle(),
        again in prop::collection::vec(any::<bool>(), 20),
        reference: u16,
    ) {
        let divided = split(&text, &SplitOptions { reference, ..SplitOptions::default() }).unwrap();
        prop_assume!(divided.segments.len() > 1);
        let mut reassembly = Reassembly::new(ReassemblyLimits::default());
        let mut whole = None;
        for at in order.into_iter().filter(|at| *at < divided.segments.len()) {
            let segment = &divided.segments[at];
            let read = UserData::decode(divided.encoding.data_coding(), true, &segment.data, divided.encoding);
            let mut deliver = || {
                let part = read.text().unwrap().to_owned();
                reassembly.insert("+39", "4321", read.concat.unwrap(), part, 0).outcome
            };
            if let Outcome::Complete(segments) = deliver() {
                whole = Some(segments.concat());
            } else if again[at] {
                prop_assert!(matches!(deliver(), Outcome::Duplicate(_)));
            }
        }
        prop_assert_eq!(whole, Some(text));
        prop_assert_eq!(reassembly.segments(), 0);
    }
}

fn ids(incomplete: Vec<Incomplete<u8, (usize, Concat)>>) -> impl Iterator<Item = usize> {
    incomplete
        .into_iter()
        .flat_map(|message| message.segments)
        .map(|(_, (id, _))| id)
}
