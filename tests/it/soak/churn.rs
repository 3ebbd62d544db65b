//! Row 38: connections come and go in all ways, and nothing of them is left.

use std::collections::VecDeque;
use std::fmt;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use super::kinds::KINDS;
use super::vitals::{Vitals, metric, until_all_is_back};
use super::{MIB, asked, hub, publish};

/// How many came and went, of each kind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts([usize; KINDS.len()]);

impl Counts {
    pub(super) fn total(&self) -> usize {
        self.0.iter().sum()
    }

    pub(super) fn add(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(count, more)| *count += more);
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = KINDS.iter().zip(self.0);
        rows.into_iter().try_for_each(|((name, _), count)| writeln!(f, "  {count:7} {name}"))
    }
}

/// How many half-closed sockets are left to the server at a time.
const HALF_CLOSED: usize = 64;

/// Comes and goes, as long as there is a next number; its remainder chooses the kind.
pub(super) fn come_and_go(hub: SocketAddr, mut next: impl FnMut() -> Option<usize>) -> Counts {
    let mut counts = Counts::default();
    let mut half_closed = VecDeque::new();
    while let Some(number) = next() {
        let kind = number % KINDS.len();
        half_closed.extend(KINDS[kind].1(hub));
        if half_closed.len() > HALF_CLOSED {
            half_closed.drain(..1).for_each(read_to_the_end);
        }
        counts.0[kind] += 1;
    }
    half_closed.into_iter().for_each(read_to_the_end);
    counts
}

/// The server ends what its client has ended, soon.
fn read_to_the_end(mut socket: TcpStream) {
    let read = socket.read_to_end(&mut Vec::new());
    read.expect("an end that is no reset, and comes by itself");
}

/// What the allocator may keep of what was freed: its arenas, one for each few threads.
const MEMORY: usize = 16 * MIB;

#[test]
fn row_38_of_all_that_came_and_went_nothing_is_left() {
    const CLIENTS: usize = 4;
    let many = asked("TIDINGS_SOAK_CHURN", 3_000);
    let hub = hub(&[]);
    let before = Vitals::at_rest(&hub);
    publish(&hub, "live", "something to read");
    let accepted = metric(&hub, "accepted_total");
    let began = Instant::now();

    let numbers = AtomicUsize::new(0);
    let next = || Some(numbers.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < many);
    let mut counts = Counts::default();
    thread::scope(|scope| {
        let clients: Vec<_> =
            (0..CLIENTS).map(|_| scope.spawn(|| come_and_go(hub.address(), next))).collect();
        clients.into_iter().for_each(|client| counts.add(client.join().expect("its own result")));
    });

    let took = began.elapsed();
    assert_eq!(counts.total(), many);
    assert!(metric(&hub, "accepted_total") > accepted + many);
    let after = until_all_is_back(&hub, &before);
    println!("{many} connections came and went in {took:.1?}\n{counts}");
    println!("before: {before}\nafter:  {after}");
    assert!(after.memory < before.memory + MEMORY, "{before} before, {after} after");
}
