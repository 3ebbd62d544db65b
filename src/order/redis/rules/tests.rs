//! The rules one by one, and all of them together in a [model](super::model_tests).

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::model_tests::{Faults, Model, Seen};

/// How many courses of events are followed: a second's worth, or as many as
/// `TIDINGS_CLUSTER_SEEDS` says.
fn seeds() -> u64 {
    let asked = std::env::var("TIDINGS_CLUSTER_SEEDS");
    asked.map_or(2_000, |text| text.parse().expect("TIDINGS_CLUSTER_SEEDS is a number"))
}

#[test]
fn no_course_of_events_loses_one_silently_or_gives_an_id_twice() {
    let mut seen = Seen::default();
    for seed in 0..seeds() {
        let faults = Faults {
            clock: seed & 1 != 0,
            others: seed & 2 != 0,
            roll_back: seed & 4 != 0,
            delete: seed & 8 != 0,
        };
        let live = || {
            let mut model = Model::new(seed, faults);
            model.live(300);
            model.seen
        };
        let lived = catch_unwind(AssertUnwindSafe(live));
        seen.add(lived.unwrap_or_else(|_| panic!("seed {seed} with {faults:?}")));
    }
    // Each kind of thing has come up.
    let Seen { delivered, losses, holes, marks, joined, nil, too_small, replaced, twice } = seen;
    let all = [delivered, losses, holes, marks, joined, nil, too_small, replaced];
    assert!(all.iter().all(|count| *count > 0), "{seen:?}");
    assert!(twice * 20 < seeds(), "{seen:?}");
}
