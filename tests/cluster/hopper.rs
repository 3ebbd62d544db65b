//! A client that follows channels over many connections, and notes all that it is sent.

use std::thread;
use std::time::{Duration, Instant};

use crate::load::Load;
use crate::seeded::Random;
use crate::support::SOON;
use crate::wire::{Block, Stream};

/// Before it connects again after its hub has gone or has turned it away.
const AGAIN: Duration = Duration::from_millis(20);

/// For how many milliseconds at most a client stays away that sleeps.
const LONGEST_SLEEP: usize = 1500;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// It leaves a hub only when that ends.
    Stays,
    /// It ends its connection now and then, also in the midst of events, and resumes on another hub
    /// after its last event ID.
    Hops,
    /// The same, and comes back later.
    Sleeps,
}

/// What was sent, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    /// The first block of a connection: where it begins.
    Begin {
        id: String,
        hub: usize,
    },
    Event {
        id: String,
        data: String,
    },
    Gap {
        id: String,
        json: String,
        at: Instant,
    },
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    pub(crate) channels: Vec<&'static str>,
    /// The id with which its first connection began.
    pub(crate) start: Option<String>,
    pub(crate) got: Vec<Got>,
    pub(crate) hops: usize,
    /// How often a hub ended its stream that was not killed.
    pub(crate) closed: usize,
    /// How often it got a stream that ended before it began: come back later.
    pub(crate) turned_away: usize,
    pub(crate) faults: Vec<String>,
}

struct Hopper<'a> {
    load: &'a Load<'a>,
    random: Random,
    target: String,
    habit: Habit,
    hub: usize,
    last: Option<String>,
    /// Which channels are over.
    ended: Vec<String>,
    received: Received,
}

/// Follows these channels until each of them is over.
pub(crate) fn follow(
    load: &Load<'_>,
    number: usize,
    channels: &[&'static str],
    habit: Habit,
) -> Received {
    let query: Vec<String> = channels.iter().map(|name| format!("channel={name}")).collect();
    let mut hopper = Hopper {
        load,
        random: Random::new(load.seed ^ (1000 + number as u64)),
        target: format!("/events?{}", query.join("&")),
        habit,
        hub: number % load.hubs.count(),
        last: None,
        ended: Vec::new(),
        received: Received { channels: channels.into(), ..Received::default() },
    };
    while !hopper.is_done() {
        hopper.connection();
        if habit == Habit::Sleeps && !load.is_over() {
            let long = hopper.random.below(LONGEST_SLEEP) as u64;
            thread::sleep(Duration::from_millis(long));
        }
    }
    hopper.received
}

impl Hopper<'_> {
    /// Whether it has everything, or there is no more to wait for.
    fn is_done(&mut self) -> bool {
        let has_all = self.ended.len() == self.received.channels.len();
        if !has_all && self.load.is_too_late(SOON) {
            let fault = format!(
                "a stream of {:?} waits in vain after {:?} at hub {}",
                self.received.channels, self.last, self.hub
            );
            self.received.faults.push(fault);
            return true;
        }
        has_all || self.load.has_failed()
    }

    fn connection(&mut self) {
        let hubs = self.load.hubs;
        let hops = self.habit != Habit::Stays;
        if hops || !hubs.is_up(self.hub) {
            let others = self.random.below(hubs.count().saturating_sub(1).max(1));
            self.hub = (self.hub + 1 + others) % hubs.count();
        }
        let life = hubs.life(self.hub);
        let stream = Stream::open(hubs.address(self.hub), &self.target, self.last.as_deref());
        let mut stream = match stream {
            Ok(stream) if stream.status == 200 => stream,
            Ok(stream) => {
                let fault = format!("the response to a stream is {}", stream.status);
                self.received.faults.push(fault);
                return thread::sleep(AGAIN);
            }
            Err(_) => return thread::sleep(AGAIN),
        };
        self.received.hops += 1;
        let mut had_id = false;
        let until = Instant::now() + Duration::from_millis(self.random.below(400) as u64);
        let mut events = self.random.below(200);
        while !self.is_done() {
            let Some(blocks) = stream.read() else {
                if hubs.life(self.hub) == life {
                    let count = if had_id {
                        &mut self.received.closed
                    } else {
                        &mut self.received.turned_away
                    };
                    *count += 1;
                }
                return thread::sleep(AGAIN);
            };
            for block in blocks {
                if let (false, Some(id)) = (had_id, &block.id) {
                    let (id, hub) = (id.clone(), self.hub);
                    self.received.got.push(Got::Begin { id, hub });
                    had_id = true;
                }
                self.take(block);
                events = events.saturating_sub(1);
                // What else has come is lost with the connection.
                if hops && events == 0 {
                    return;
                }
            }
            if hops && Instant::now() > until {
                return;
            }
        }
    }

    fn take(&mut self, block: Block) {
        let Some(id) = block.id else { return };
        self.last = Some(id.clone());
        if self.received.start.is_none() {
            self.received.start = Some(id.clone());
        }
        let Some(data) = block.data else { return };
        if block.event == "tidings.gap" {
            let at = Instant::now();
            return self.received.got.push(Got::Gap { id, json: data, at });
        }
        let mut words = data.split(' ');
        if let (Some(channel), Some("last")) = (words.next(), words.next())
            && !self.ended.iter().any(|ended| ended == channel)
        {
            self.ended.push(channel.into());
        }
        self.received.got.push(Got::Event { id, data });
    }
}
