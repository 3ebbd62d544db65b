//! A client that publishes on one channel, and knows what it was told of each event.
//!
//! ```text
//! data: <channel> p<publisher> <number> xxxx…
//! ```
//!
//! Each post goes to another hub. With a key, it is sent again until it is published. Without one, it
//! is sent again where the hub says that it was not published (503) or could not be reached; where
//! nobody knows (504, or no whole response), the publisher goes on with its next event.

use std::thread;
use std::time::{Duration, Instant};

use crate::hubs::Hubs;
use crate::load::{CHANNELS, Load};
use crate::seeded::Random;
use crate::wire;

/// Between two posts, so that the machine has something left for others.
const PAUSE: Duration = Duration::from_millis(2);

/// Before the same post goes out again.
const AGAIN: Duration = Duration::from_millis(10);

/// What is known of the events that were published in one step.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) data: Vec<String>,
    /// When it was sent first, and when the last response came.
    pub(crate) sent: Instant,
    pub(crate) told: Instant,
    /// As the publisher was told. Empty where nobody knows whether it was published, or where it
    /// was not.
    pub(crate) ids: Vec<String>,
    /// How many attempts may have published it and didn't say so.
    pub(crate) unknown: usize,
}

/// One request, and its response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) at: Instant,
    pub(crate) took: Duration,
    /// 0 where none came as a whole.
    pub(crate) status: u16,
}

#[derive(Default)]
pub(crate) struct Published {
    pub(crate) posts: Vec<Post>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) faults: Vec<String>,
}

/// Publishes until the load is over.
pub(crate) fn publish(load: &Load<'_>, number: usize) -> Published {
    let mut publisher = Publisher {
        hubs: load.hubs,
        channel: CHANNELS[number % CHANNELS.len()],
        random: Random::new(load.seed + number as u64),
        published: Published::default(),
    };
    let mut next = 0_usize;
    while !load.is_over() {
        let has_batches = number % 4 >= 2;
        let count = if has_batches && next.is_multiple_of(5) { 3 } else { 1 };
        let data = (next..next + count).map(|n| {
            let padding = "x".repeat(n * 37 % 300);
            format!("{} p{number} {n} {padding}", publisher.channel)
        });
        let data: Vec<String> = data.collect();
        let key = number.is_multiple_of(2).then(|| format!("{number}-{next}"));
        next += count;
        if publisher.post(load, data, key.as_deref()) {
            load.acknowledge(count);
        }
        thread::sleep(PAUSE);
    }
    publisher.published
}

/// Publishes the event that says that a channel is over, until it is published.
pub(crate) fn publish_last(load: &Load<'_>, channel: &'static str) -> Published {
    let random = Random::new(load.seed);
    let mut publisher =
        Publisher { hubs: load.hubs, channel, random, published: Published::default() };
    let until = Instant::now() + crate::support::SOON;
    let (data, key) = (format!("{channel} last 0 "), format!("last-{channel}"));
    while !publisher.post(load, vec![data.clone()], Some(&key)) && Instant::now() < until {}
    publisher.published
}

struct Publisher<'a> {
    hubs: &'a Hubs,
    channel: &'static str,
    random: Random,
    published: Published,
}

impl Publisher<'_> {
    /// Publishes once, as the key allows; true if it was told the ids.
    fn post(&mut self, load: &Load<'_>, data: Vec<String>, key: Option<&str>) -> bool {
        let mut fields =
            key.map(|key| format!("Idempotency-Key: \"{key}\"\r\n")).unwrap_or_default();
        let mut body = data[0].clone();
        if data.len() > 1 {
            fields += "Content-Type: text/event-stream\r\n";
            body = data.iter().map(|data| format!("data: {data}\n\n")).collect();
        }
        let sent = Instant::now();
        let mut post = Post { data, sent, told: sent, ids: Vec::new(), unknown: 0 };
        loop {
            let (status, text) = self.attempt(&fields, &body);
            post.told = Instant::now();
            match status {
                Some(200) => {
                    post.ids = text.lines().map(str::to_owned).collect();
                    break;
                }
                // It was not published, or there was no hub.
                Some(503) | None => {}
                Some(504 | 0) => post.unknown += 1,
                Some(other) => {
                    let fault = format!("the response to a publish is {other}: {text}");
                    self.published.faults.push(fault);
                    break;
                }
            }
            let goes_on = key.is_some() || post.unknown == 0;
            if !goes_on || load.has_failed() {
                break;
            }
            thread::sleep(AGAIN);
        }
        let is_told = !post.ids.is_empty();
        self.published.posts.push(post);
        is_told
    }

    /// One request to some hub; no status where there was no hub, and 0 where no response came.
    fn attempt(&mut self, fields: &str, body: &str) -> (Option<u16>, String) {
        let hub = self.random.below(self.hubs.count());
        let (life, address) = (self.hubs.life(hub), self.hubs.address(hub));
        if !self.hubs.responds(hub) {
            return (None, String::new());
        }
        let at = Instant::now();
        let response = wire::post(address, self.channel, fields, body);
        let took = at.elapsed();
        let was_killed = self.hubs.life(hub) != life;
        let (status, text) = match response {
            Ok((status, text)) => (status, text),
            Err(error) => {
                if !was_killed {
                    let fault = format!("no response from {address} after {took:.1?}: {error}");
                    self.published.faults.push(fault);
                }
                (0, String::new())
            }
        };
        if !was_killed {
            self.published.attempts.push(Attempt { at, took, status });
        }
        (Some(status), text)
    }
}
