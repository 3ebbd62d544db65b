//! Passes over streams that only note that a pass has come to them.

use std::sync::OnceLock;

use super::*;
use crate::channel::batches::Batches;
use crate::channel::fanout::Fanout;
use crate::channel::slots::BUCKET;
use crate::net::panics::Panics;
use crate::net::sync::thread;

/// What a probe does when a pass comes to it, given how often one has come by now.
type Act = Box<dyn Fn(usize) -> Advance + Send + Sync>;

/// Everything that a test looks at.
struct Stage {
    panics: Arc<Panics>,
    fanout: Fanout,
    newest: Arc<AtomicU64>,
    /// Which probe a pass came to, in order.
    visits: Arc<Mutex<Vec<usize>>>,
}

struct Probe {
    number: usize,
    shard: Arc<Shard>,
    visits: Arc<Mutex<Vec<usize>>>,
    act: Act,
    ended: OnceLock<CloseReason>,
}

impl Reader for Probe {
    fn shard(&self) -> &Arc<Shard> {
        &self.shard
    }

    fn advance(&self, _newest: u64, _batches: &mut Batches, _now: Moment) -> Advance {
        let mut visits = self.visits.lock().unwrap();
        visits.push(self.number);
        let count = visits.iter().filter(|number| **number == self.number).count();
        drop(visits);
        (self.act)(count)
    }

    fn settle(self: Arc<Self>, advance: Advance) {
        if let Advance::Over(reason) = advance {
            self.end(reason);
        }
    }

    fn channel_closed(self: Arc<Self>) {}

    fn end(&self, reason: CloseReason) {
        let _ = self.ended.set(reason);
    }
}

/// Takes longer than a slice: the next bucket is another slice's.
fn slow() -> Act {
    takes(SLICE + Duration::from_millis(1))
}

fn takes(time: Duration) -> Act {
    Box::new(move |_| {
        thread::sleep(time);
        Advance::Idle
    })
}

fn idle() -> Act {
    Box::new(|_| Advance::Idle)
}

impl Stage {
    fn new() -> Self {
        let panics = Arc::default();
        let fanout = Fanout::new(1, &panics, &Arc::default());
        Self { panics, fanout, newest: Arc::default(), visits: Arc::default() }
    }

    fn group(&self) -> Arc<Group> {
        Arc::new(Group::new(self.fanout.shard(0), &self.newest))
    }

    fn probe(&self, number: usize, act: Act) -> Arc<Probe> {
        Arc::new(Probe {
            number,
            shard: Arc::clone(self.fanout.shard(0)),
            visits: Arc::clone(&self.visits),
            act,
            ended: OnceLock::new(),
        })
    }

    /// Fills buckets with probes, the first of each of which is slow. Their numbers are their
    /// slots.
    fn fill(&self, group: &Group, buckets: usize) {
        for number in 0..buckets * BUCKET {
            let act = if number % BUCKET == 0 { slow() } else { idle() };
            assert_eq!(group.add(self.probe(number, act)), number as u32);
        }
    }

    fn visits(&self) -> Vec<usize> {
        self.visits.lock().unwrap().clone()
    }

    fn start(&self) {
        self.fanout.shard(0).start().unwrap();
    }

    /// Waits until the probes were visited so often, all together.
    fn wait_for(&self, visits: usize) {
        let begun = std::time::Instant::now();
        while self.visits().len() < visits {
            assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", self.visits());
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until nobody has anything left to do. A slice that finds more for a stream queues the
    /// group again only after it has let go of the pass: whoever expects that waits for the visits.
    fn rest(&self, groups: &[&Arc<Group>]) {
        let begun = std::time::Instant::now();
        let at_rest = |group: &&Arc<Group>| {
            group.turn.load(Ordering::Acquire) == IDLE && group.lock().left == 0
        };
        while !groups.iter().all(at_rest) || self.fanout.shard(0).rested(Moment::now()).is_none() {
            assert!(begun.elapsed() < Duration::from_secs(20), "the condition did not come");
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.fanout.stop(crate::net::sync::Instant::now() + Duration::from_secs(20));
    }
}

#[test]
fn a_publisher_makes_one_slice_and_leaves_the_rest_to_the_thread() {
    let stage = Stage::new();
    let group = stage.group();
    stage.fill(&group, 3);
    group.publish(true, Moment::now());
    assert_eq!(stage.visits(), (0..BUCKET).collect::<Vec<_>>());
    stage.start();
    stage.rest(&[&group]);
    assert_eq!(stage.visits(), (0..3 * BUCKET).collect::<Vec<_>>(), "each stream once, in turn");
}

#[test]
fn a_short_pass_is_the_publishers_own() {
    let stage = Stage::new();
    let group = stage.group();
    for number in 0..3 * BUCKET {
        group.add(stage.probe(number, idle()));
    }
    // There is no thread that could make it, and a shard that never made a pass has rested. On a
    // machine that stops here for the length of a slice, the pass may have been cut.
    group.publish(true, Moment::now());
    assert!(stage.visits().len() >= BUCKET);
}

#[test]
fn a_publisher_makes_no_slice_while_the_shard_has_rested_for_less_than_its_last_pass_took() {
    const LONG: Duration = Duration::from_millis(20);
    let stage = Stage::new();
    let (first, second, third) = (stage.group(), stage.group(), stage.group());
    first.add(stage.probe(1, takes(LONG)));
    second.add(stage.probe(2, idle()));
    third.add(stage.probe(3, idle()));
    first.publish(true, Moment::now());
    let shard = stage.fanout.shard(0);
    assert!(shard.pass().took >= LONG);
    shard.pass().took = Duration::from_secs(3_600);
    second.publish(true, Moment::now());
    assert_eq!(stage.visits(), [1], "it is the thread's, which does not run yet");
    shard.pass().took = Duration::ZERO;
    third.publish(true, Moment::now());
    assert_eq!(stage.visits(), [1, 3]);
    stage.start();
    stage.rest(&[&first, &second, &third]);
    assert_eq!(stage.visits(), [1, 3, 2]);
}

#[test]
fn one_with_few_streams_has_its_turn_between_the_slices_of_a_crowd() {
    let stage = Stage::new();
    let (crowd, few) = (stage.group(), stage.group());
    stage.fill(&crowd, 8);
    let few_number = 8 * BUCKET;
    few.add(stage.probe(few_number, idle()));
    crowd.publish(true, Moment::now());
    few.publish(true, Moment::now());
    stage.start();
    stage.rest(&[&crowd, &few]);
    let visits = stage.visits();
    let at = visits.iter().position(|number| *number == few_number).unwrap();
    // The slice that the publisher made, and at most one of the thread's.
    assert!(at <= 2 * BUCKET, "{at} of {}", visits.len());
    assert_eq!(visits.len(), 8 * BUCKET + 1);
}

#[test]
fn of_many_groups_the_one_that_has_used_least_is_next() {
    let stage = Stage::new();
    let few = stage.group();
    let few_number = 1000;
    few.add(stage.probe(few_number, idle()));
    let crowds: Vec<Arc<Group>> = (0..4).map(|_| stage.group()).collect();
    for (number, crowd) in crowds.iter().enumerate() {
        crowd.used.store(1, Ordering::Relaxed);
        let few = Arc::clone(&few);
        crowd.add(stage.probe(
            number,
            Box::new(move |_| {
                few.leave_to_the_thread();
                Advance::Idle
            }),
        ));
        crowd.leave_to_the_thread();
    }
    stage.start();
    stage.rest(&[&few, &crowds[0], &crowds[1], &crowds[2], &crowds[3]]);
    assert_eq!(stage.visits()[..2], [0, few_number]);
}

#[test]
fn crowds_share_the_time_and_one_that_has_rested_has_saved_nothing_up() {
    let stage = Stage::new();
    let (first, second) = (stage.group(), stage.group());
    let shard = stage.fanout.shard(0);
    // The first uses much while the second uses nothing.
    (0..100).for_each(|_| shard.charge(&first.used, SLICE));
    shard.enqueue(first.clone());
    shard.enqueue(second.clone());
    let mut turns = [0, 0];
    for _ in 0..20 {
        let next = shard.next().unwrap();
        turns[usize::from(std::ptr::addr_eq(Arc::as_ptr(&next), Arc::as_ptr(&second)))] += 1;
        shard.charge(next.used(), SLICE);
        shard.enqueue(next);
    }
    assert_eq!(turns, [10, 10]);
}

#[test]
fn what_is_published_during_a_pass_reaches_those_that_it_has_left() {
    let stage = Stage::new();
    let group = stage.group();
    stage.fill(&group, 2);
    let again = Arc::downgrade(&group);
    let publish: Act = Box::new(move |count| {
        if count == 1 {
            again.upgrade().unwrap().publish(true, Moment::now());
        }
        Advance::Idle
    });
    group.add(stage.probe(2 * BUCKET, publish));
    stage.start();
    group.leave_to_the_thread();
    stage.rest(&[&group]);
    let visits = stage.visits();
    let published = visits.iter().position(|number| *number == 2 * BUCKET).unwrap();
    let mut later: Vec<usize> = visits[published + 1..].to_vec();
    later.sort_unstable();
    assert_eq!(later, (0..=2 * BUCKET).collect::<Vec<_>>(), "each stream once more");
}

#[test]
fn a_pass_that_new_streams_join_still_comes_to_all_others() {
    let stage = Stage::new();
    let group = stage.group();
    stage.fill(&group, 3);
    // It stops after the first bucket; the next pass begins with the second, and goes round.
    group.publish(true, Moment::now());
    let shard = stage.fanout.shard(0);
    stage.visits.lock().unwrap().clear();
    group.turn.store(FRESH, Ordering::Release);
    group.clone().slice(shard, shard.pass());
    for number in 3 * BUCKET..4 * BUCKET {
        group.add(stage.probe(number, idle()));
    }
    stage.start();
    group.leave_to(shard, GOES_ON);
    stage.rest(&[&group]);
    let visits = stage.visits();
    let missed: Vec<usize> = (0..3 * BUCKET).filter(|number| !visits.contains(number)).collect();
    assert_eq!(missed, [], "in {visits:?}");
}

#[test]
fn a_pass_ends_when_all_streams_leave() {
    let stage = Stage::new();
    let group = stage.group();
    stage.fill(&group, 3);
    group.publish(true, Moment::now());
    (0..3 * BUCKET).for_each(|slot| drop(group.remove(slot as u32)));
    stage.start();
    stage.rest(&[&group]);
    assert_eq!((stage.visits().len(), group.is_empty()), (BUCKET, true));
}

#[test]
fn row_53_a_stream_that_panics_in_a_pass_is_ended_and_the_others_are_served() {
    let stage = Stage::new();
    let group = stage.group();
    group.add(stage.probe(0, idle()));
    let broken = stage.probe(1, Box::new(|_| panic!("on purpose")));
    group.add(Arc::clone(&broken) as _);
    group.add(stage.probe(2, idle()));
    stage.start();
    for round in 1..=2 {
        group.leave_to_the_thread();
        stage.rest(&[&group]);
        assert_eq!(stage.visits(), [0, 1, 2].repeat(round), "the thread goes on");
        assert_eq!(stage.panics.count(), round as u64);
    }
    assert_eq!(broken.ended.get(), Some(&CloseReason::Failed));
    // And so does a publisher that makes the pass itself.
    stage.fanout.shard(0).pass().took = Duration::ZERO;
    group.publish(true, Moment::now());
    assert_eq!(stage.visits(), [0, 1, 2].repeat(3), "nobody else had to make it");
}

#[test]
fn a_stream_that_has_more_is_come_to_again() {
    let stage = Stage::new();
    let group = stage.group();
    let more = Box::new(|count| Advance::Sent { more: count < 3, told: false });
    group.add(stage.probe(0, more));
    group.add(stage.probe(1, idle()));
    stage.start();
    group.leave_to_the_thread();
    stage.wait_for(6);
    stage.rest(&[&group]);
    assert_eq!(stage.visits(), [0, 1, 0, 1, 0, 1]);
}
