//! The soak: everything at once, for as long as one likes.
//!
//! ```text
//! publishers ─┬─► a, b, c: small events ─┬─► watchers, of one channel, of three and of all
//!             │                          ├─► wanderers, who leave and come back with their last ID
//!             └─► live: large events ────┼─► sleepers, who don't read until they have missed some
//!                                        └─► those who come and go in all ways
//! ```

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::account::{Account, data};
use super::churn::{self, Counts};
use super::vitals::{Vitals, metric, until_all_is_back};
use super::{Ends, KIB, MIB, hub, length};
use crate::support::http::Client;
use crate::support::process::Process;
use crate::support::stream::EventStream;
use crate::support::{SOON, until};

/// A channel, and how large its events are.
const CHANNELS: [(&str, usize); 4] = [("a", 10), ("b", 100), ("c", KIB), (LARGE, 32 * KIB)];
const LARGE: &str = "live";
/// The time between two events of a channel.
const PERIOD: Duration = Duration::from_millis(10);
/// How many large events a sleeper sleeps through: more bytes than all buffers between it and the
/// hub hold, and the log.
const SLEEP: u64 = 200;
/// The time between two who come and go.
const PAUSE: Duration = Duration::from_millis(4);

/// What all clients share.
struct Soak<'a> {
    hub: &'a Process,
    over: AtomicBool,
    /// How many large events there have been.
    published: AtomicU64,
    events: AtomicU64,
    deliveries: AtomicU64,
    gaps: AtomicU64,
    missed: AtomicU64,
    returns: AtomicU64,
    numbers: AtomicUsize,
}

impl<'a> Soak<'a> {
    fn of(hub: &'a Process) -> Self {
        let zero = AtomicU64::default;
        Self {
            hub,
            over: AtomicBool::new(false),
            published: zero(),
            events: zero(),
            deliveries: zero(),
            gaps: zero(),
            missed: zero(),
            returns: zero(),
            numbers: AtomicUsize::new(0),
        }
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Publishes at a steady rate, on a connection that is kept as long as the hub keeps it.
    fn publish(&self, channel: &str, size: usize) {
        let mut client = Client::to(self.hub.address());
        let mut due = Instant::now();
        for number in 0.. {
            let end = self.is_over();
            let body = data(channel, number, end, size);
            let head = format!("POST /events/{channel} HTTP/1.1\r\nHost: localhost\r\n");
            client.send(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()));
            let response = client.response();
            assert_eq!(response.status, 200, "{}", response.text());
            if response.field("Connection") == Some("close") {
                client = Client::to(self.hub.address());
            }
            self.events.fetch_add(1, Ordering::Relaxed);
            if channel == LARGE {
                self.published.store(number + 1, Ordering::Release);
            }
            if end {
                return;
            }
            due += PERIOD;
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }

    fn open(&self, channels: &[&str], last_id: &str) -> EventStream {
        let query: String = channels.iter().map(|name| format!("&channel={name}")).collect();
        EventStream::resume(self.hub.address(), &format!("/events?{query}"), last_id)
    }

    /// Reads one event and checks it.
    #[track_caller]
    fn read(&self, stream: &mut EventStream, account: &mut Account) {
        account.note(&stream.next().expect("an event"));
    }

    /// Follows from the first event to the last.
    fn watch(&self, mut stream: EventStream, channels: &[&'static str]) {
        let mut account = Account::from_the_beginning(channels);
        while !account.is_complete() {
            self.read(&mut stream, &mut account);
        }
        self.add(&account);
    }

    /// Follows from the first event to the last, on one stream after the other.
    fn wander(&self, mut stream: EventStream, channels: &[&'static str], stay: u64) {
        let mut account = Account::from_the_beginning(channels);
        while !account.is_complete() {
            self.read(&mut stream, &mut account);
            // Each time it stays a little longer or shorter, and leaves more or less unread; but it
            // gets on faster than events come.
            if account.events.is_multiple_of(stay + account.events % 7) && !account.is_complete() {
                drop(stream);
                thread::sleep(PERIOD / 5 * (account.events % 5) as u32);
                stream = self.open(channels, &account.last_id);
                self.returns.fetch_add(1, Ordering::Relaxed);
            }
        }
        assert_eq!(account.gaps, 0, "it was never away for long");
        self.add(&account);
    }

    /// Sleeps and reads, sleeps and reads; each time on a stream that is new, as the system gives
    /// one that has been read swiftly a larger buffer.
    fn sleep(&self) {
        while !self.is_over() {
            let mut account = Account::from_now_on(&[LARGE]);
            // Also where the last event has gone out meanwhile there is one to read.
            let target = format!("/events/{LARGE}?history=1");
            let mut stream = EventStream::open(self.hub.address(), &target);
            self.read(&mut stream, &mut account);
            let wake_at = account.position() + SLEEP;
            until("the time to wake", || {
                self.is_over() || self.published.load(Ordering::Acquire) >= wake_at
            });
            while account.position() < wake_at && !account.is_complete() {
                self.read(&mut stream, &mut account);
            }
            self.add(&account);
        }
    }

    fn add(&self, account: &Account) {
        self.deliveries.fetch_add(account.events, Ordering::Relaxed);
        self.gaps.fetch_add(account.gaps, Ordering::Relaxed);
        self.missed.fetch_add(account.missed, Ordering::Relaxed);
    }

    fn come_and_go(&self) -> Counts {
        churn::come_and_go(self.hub.address(), || {
            thread::sleep(PAUSE);
            (!self.is_over()).then(|| self.numbers.fetch_add(1, Ordering::Relaxed))
        })
    }

    fn print(&self, counts: &Counts, took: Duration) {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        println!(
            "{took:.0?}: {} connections, {} events, {} deliveries checked",
            metric(self.hub, "accepted_total"),
            count(&self.events),
            count(&self.deliveries),
        );
        println!("{} returns with a last event ID, nothing lost", count(&self.returns));
        println!("{} gaps told, {} events missed in them", count(&self.gaps), count(&self.missed));
        println!("{} came and went:\n{counts}", counts.total());
    }
}

/// Runs everything for so long, and gives what those did who came and went. `warm` is called when
/// a tenth of the time is over.
fn run(soak: &Soak<'_>, time: Duration, warm: impl FnOnce()) -> Counts {
    let all = CHANNELS.map(|(name, _)| name);
    let small = &all[..3];
    let followed: [&[_]; 6] = [&all, small, &all[..1], &all[1..2], &all[2..3], &all[3..]];
    thread::scope(|scope| {
        let ends = Ends(&soak.over);
        for channels in followed {
            let stream = soak.open(channels, "");
            scope.spawn(move || soak.watch(stream, channels));
        }
        // What they want again must still be in the log, so that nothing large is for them.
        for (channels, stay) in followed[1..5].iter().zip([10, 2, 20, 50]) {
            let stream = soak.open(channels, "");
            scope.spawn(move || soak.wander(stream, channels, stay));
        }
        for (channel, size) in CHANNELS {
            scope.spawn(move || soak.publish(channel, size));
        }
        until("events", || soak.published.load(Ordering::Acquire) > 0);
        let busy = [(); 2].map(|()| scope.spawn(|| soak.come_and_go()));
        scope.spawn(|| soak.sleep());
        scope.spawn(|| soak.sleep());

        let began = Instant::now();
        thread::sleep(time / 10);
        warm();
        thread::sleep(time - time / 10);
        until("a sleeper's gap", || {
            soak.gaps.load(Ordering::Relaxed) > 0 || began.elapsed() > time + SOON
        });
        drop(ends);
        let mut counts = Counts::default();
        busy.into_iter().for_each(|client| counts.add(client.join().expect("its own result")));
        counts
    })
}

/// What may be taken on top of what is held when the logs are full: the allocator's arenas, and
/// what of them lies between things that are still held.
const MEMORY: usize = 32 * MIB;

#[test]
fn nothing_is_lost_or_kept_when_everything_happens_at_once() {
    let hub = hub(&[]);
    let before = Vitals::at_rest(&hub);
    let soak = Soak::of(&hub);
    let mut warm = before;
    let began = Instant::now();
    let counts = run(&soak, length(), || warm = Vitals::of(&hub));
    soak.print(&counts, began.elapsed());
    let after = until_all_is_back(&hub, &before);
    println!("before: {before}\nwarm:   {warm}\nafter:  {after}");
    assert!(soak.gaps.load(Ordering::Relaxed) > 0, "the sleepers slept too little");
    assert!(after.memory < warm.memory + MEMORY, "{warm} when it was warm, {after} after");
}
