//! What is measured: one round of each case.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::prctl;

use super::http::{self, Publisher, Stream};
use super::servers::{Process, Redis, Server};
use crate::Result;
use crate::system::own_cpu_time;

/// One row of a round: its name, and a number for each column of its case, or none.
pub(super) type Row = (String, Vec<Option<f64>>);

/// What a round needs.
pub(super) struct Bench<'a> {
    pub(super) program: &'a Path,
    pub(super) redis: &'a Redis,
    /// Whether nginx with nchan is measured, too.
    pub(super) has_nchan: bool,
    /// How much of a core others may take while a load lasts.
    pub(super) calm: f64,
    /// How long a load lasts.
    pub(super) time: Duration,
}

/// What is measured over Redis.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    name: &'static str,
    /// A hub, or else nginx with nchan.
    pub(super) is_hub: bool,
    /// Whether it listens on a unix socket. Redis is spoken to over TCP in any case: nchan knows
    /// nothing else.
    pub(super) is_unix: bool,
}

/// How many events are kept where they are published for a time, and where they are counted.
const LENGTH: usize = 10_000;
const COUNTED: usize = 100_000;
const KEEPS_ALL: usize = 2 * COUNTED;

const MANY: usize = 32;
/// How often a load is tried where others disturb it.
const TRIES: usize = 5;
const WARM_UP: Duration = Duration::from_secs(1);
const SETTLE: Duration = Duration::from_millis(500);

/// 500 events a second.
const PERIOD: Duration = Duration::from_millis(2);

impl Bench<'_> {
    /// Those that listen on TCP, and then the same on unix sockets if that is wanted.
    fn servers(&self, with_unix: bool) -> impl Iterator<Item = Kind> {
        let all = [
            Kind { name: HUB, is_hub: true, is_unix: false },
            Kind { name: NCHAN, is_hub: false, is_unix: false },
            Kind { name: "tidings on a unix socket", is_hub: true, is_unix: true },
            Kind { name: "nchan on a unix socket", is_hub: false, is_unix: true },
        ];
        let is_wanted =
            move |kind: &Kind| (self.has_nchan || kind.is_hub) && (with_unix || !kind.is_unix);
        all.into_iter().filter(is_wanted)
    }

    /// Measures, and again if others on the machine have taken more than they may meanwhile. The last
    /// number says how much that was. What was disturbed the least counts.
    fn calmly(
        &self,
        mut measure: impl FnMut() -> Result<Vec<Option<f64>>>,
    ) -> Result<Vec<Option<f64>>> {
        let others = |numbers: &Vec<Option<f64>>| numbers.last().copied().flatten().unwrap_or(0.0);
        let mut best = measure()?;
        for _ in 1..TRIES {
            if others(&best) <= self.calm {
                break;
            }
            let again = measure()?;
            if others(&again) < others(&best) {
                best = again;
            }
        }
        Ok(best)
    }

    /// How many posts a second, each once the one before on its connection has its response.
    pub(super) fn throughput(&self) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for kind in self.servers(true) {
            self.redis.clear()?;
            let server = Server::over_redis(self, kind, LENGTH)?;
            http::publish(&mut publishers(&server, MANY)?, WARM_UP)?;
            for count in [1, MANY] {
                let mut publishers = publishers(&server, count)?;
                http::publish(&mut publishers, WARM_UP / 4)?;
                let numbers = self.calmly(|| {
                    let busy = Busy::begin(&[&server.process, &self.redis.process])?;
                    let (published, time) = http::publish(&mut publishers, self.time)?;
                    let mut numbers = vec![Some(published as f64 / time.as_secs_f64())];
                    numbers.extend(busy.end()?);
                    Ok(numbers)
                })?;
                rows.push((format!("{}, {count}", kind.name), numbers));
            }
        }
        Ok(rows)
    }

    /// From publish to receipt, with one server and with the last of several.
    pub(super) fn latency(&self) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for (kind, count) in self.servers(false).flat_map(|kind| [(kind, 1), (kind, 4)]) {
            self.redis.clear()?;
            let servers = (0..count).map(|_| Server::over_redis(self, kind, LENGTH));
            let servers = servers.collect::<Result<Vec<_>>>()?;
            let mut processes: Vec<_> = servers.iter().map(|server| &server.process).collect();
            // The first takes the posts, so the streams are the others'.
            let streams = if count == 1 { &servers[..] } else { &servers[1..] };
            processes.push(&self.redis.process);
            let numbers = self.calmly(|| {
                let busy = Busy::begin(&processes)?;
                let mut paced = self.paced(&servers[0], streams, true)?;
                let shares = busy.end()?;
                let pings = paced.pop().ok_or("no pings")?;
                let (ping, event) = (quantiles(pings), quantiles(paced.swap_remove(0)));
                let mut numbers = vec![Some(event[0] - ping[0])];
                numbers.extend(event.into_iter().chain(ping).map(Some));
                numbers.push(Some(shares[..count].iter().flatten().sum()));
                numbers.extend(&shares[count..]);
                Ok(numbers)
            })?;
            rows.push((format!("{}, {count}", kind.name), numbers));
        }
        Ok(rows)
    }

    /// A chain of hubs that follow each other, and a stream of each.
    pub(super) fn chain(&self) -> Result<Vec<Row>> {
        let mut hubs = vec![Server::hub(self.program, &[])?];
        for _ in 0..3 {
            let url = format!("http://{}", hubs[hubs.len() - 1].address);
            hubs.push(Server::hub(self.program, &["--follow", &url])?);
        }
        let paced = self.paced(&hubs[0], &hubs, false)?;
        let mut before = None;
        let mut rows = Vec::new();
        for (hop, latencies) in paced.into_iter().enumerate() {
            let [p50, p99] = quantiles(latencies);
            let added = before.map(|before| p50 - before);
            before = Some(p50);
            rows.push((format!("after {hop} hops"), vec![Some(p50), Some(p99), added]));
        }
        let ends = [&rows[0].1, &rows[3].1].map(|numbers| numbers[0]);
        let each = (ends[1].unwrap_or(f64::NAN) - ends[0].unwrap_or(f64::NAN)) / 3.0;
        rows.push(("added per hop".into(), vec![None, None, Some(each)]));
        Ok(rows)
    }

    /// Publishes 500 events a second, and returns how long each took to each stream; and between
    /// two of them, how long Redis took for a `PING`, if it is to be asked.
    ///
    /// A latency counts from the post, or from when it was due if the event before was late: what
    /// holds up the load is charged, and the timer that wakes it is not.
    fn paced(&self, to: &Server, streams: &[Server], pings: bool) -> Result<Vec<Vec<f64>>> {
        // Timers are else late by up to 50 µs.
        prctl::set_timerslack(1)?;
        let mut publisher = Publisher::connect(&to.address)?;
        let streams = streams.iter().map(|server| Stream::open(&server.address));
        let mut streams = streams.collect::<Result<Vec<_>>>()?;
        let mut redis = self.redis.client()?;
        thread::sleep(SETTLE);
        let mut latencies = vec![Vec::new(); streams.len() + usize::from(pings)];
        let warm = (WARM_UP.as_nanos() / PERIOD.as_nanos()) as u32;
        let events = warm + (2 * self.time.as_nanos() / PERIOD.as_nanos()) as u32;
        let begin = Instant::now();
        for event in 0..events {
            let due = begin + PERIOD * event;
            let is_late = sleep_until(due);
            let from = if is_late { due } else { Instant::now() };
            publisher.send(event.into())?;
            for (at, stream) in streams.iter_mut().enumerate() {
                stream.receive(event.into())?;
                if event >= warm {
                    latencies[at].push(from.elapsed().as_secs_f64() * 1e6);
                }
            }
            publisher.receive()?;
            if pings {
                sleep_until(due + PERIOD / 2);
                let from = Instant::now();
                redis.call(&["PING"])?;
                if event >= warm {
                    latencies[streams.len()].push(from.elapsed().as_secs_f64() * 1e6);
                }
            }
        }
        Ok(latencies)
    }

    /// Redis' memory for each event.
    pub(super) fn memory(&self) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for kind in self.servers(false) {
            self.redis.clear()?;
            let server = Server::over_redis(self, kind, KEEPS_ALL)?;
            let mut publishers = publishers(&server, MANY)?;
            http::publish_until(&mut publishers, |done| done > 0)?;
            let mut redis = self.redis.client()?;
            let mut taken = || -> Result<[f64; 2]> {
                // What a burst of replies needed is given back by and by.
                thread::sleep(3 * SETTLE);
                let keys = redis.call(&["EVAL", KEYS_MEMORY, "0"])?.parse()?;
                Ok([keys, redis.info("memory", "used_memory")?])
            };
            let before = taken()?;
            let (mut count, began) = (0, Instant::now());
            http::publish_until(&mut publishers, |done| {
                count = done + MANY as u64;
                count >= COUNTED as u64
            })?;
            let time = began.elapsed().as_secs_f64();
            let after = taken()?;
            let each = [0, 1].map(|at| Some((after[at] - before[at]) / count as f64));
            rows.push((kind.name.into(), vec![each[0], each[1], Some(count as f64 / time)]));
        }
        Ok(rows)
    }

    /// From exec to the first response, with nothing in Redis and with 100,000 events.
    pub(super) fn start(&self) -> Result<Vec<Row>> {
        self.redis.clear()?;
        let mut rows = Vec::new();
        let url = format!("redis://{}", self.redis.address);
        let redis = ["--redis", &url, "--redis-length", &KEEPS_ALL.to_string()];
        let keeps = [&redis[..], &["--history", "100000", "--history-bytes", "100000000"]].concat();
        rows.push(("without Redis".into(), vec![Some(self.started(&[])?), None]));
        rows.push(("nothing in Redis".into(), vec![Some(self.started(&redis)?), None]));
        let hub = Server::hub(self.program, &redis)?;
        http::publish_until(&mut publishers(&hub, MANY)?, |done| {
            done + MANY as u64 >= COUNTED as u64
        })?;
        drop(hub);
        for (name, args) in [("100,000 events", &redis[..]), ("all of them kept", &keeps)] {
            let busy = Busy::begin(&[&self.redis.process])?;
            let time = self.started(args)?;
            let share = busy.end()?[0];
            rows.push((name.into(), vec![Some(time), share]));
        }
        Ok(rows)
    }

    /// In milliseconds.
    fn started(&self, args: &[&str]) -> Result<f64> {
        let began = Instant::now();
        let hub = Server::hub(self.program, args)?;
        let address: SocketAddr = hub.address.parse()?;
        let request = format!("GET /health HTTP/1.0\r\nHost: {address}\r\n\r\n");
        let response = http::once(&hub.address, &request)?;
        if !response.starts_with("HTTP/1.1 200 ") {
            return Err(response.into());
        }
        Ok(began.elapsed().as_secs_f64() * 1e3)
    }

    /// How many commands four idle hubs give Redis, each with a stream.
    pub(super) fn idle(&self) -> Result<Vec<Row>> {
        const HUBS: usize = 4;
        const WINDOW: Duration = Duration::from_secs(12);
        self.redis.clear()?;
        let hub = self.servers(false).next().ok_or("no hub")?;
        let hubs = (0..HUBS).map(|_| Server::over_redis(self, hub, LENGTH));
        let hubs = hubs.collect::<Result<Vec<_>>>()?;
        let streams = hubs.iter().map(|hub| Stream::open(&hub.address));
        let _streams = streams.collect::<Result<Vec<_>>>()?;
        Publisher::connect(&hubs[0].address).and_then(|mut publisher| {
            publisher.send(0)?;
            publisher.receive()?;
            Ok(())
        })?;
        let mut redis = self.redis.client()?;
        thread::sleep(WARM_UP);
        let cpu = |hubs: &[Server]| -> Result<Duration> {
            hubs.iter().map(|hub| hub.process.cpu_time()).sum()
        };
        let (before, spent) = (redis.commands()?, cpu(&hubs)?);
        thread::sleep(WINDOW);
        let count = (redis.commands()? - before) / HUBS as f64;
        let spent = (cpu(&hubs)? - spent).as_secs_f64() / HUBS as f64;
        let share = 1e3 * spent / WINDOW.as_secs_f64();
        Ok(vec![("a hub".into(), vec![Some(count), Some(count * 5.0 / 12.0), Some(share)])])
    }
}

pub(super) const HUB: &str = "tidings";
pub(super) const NCHAN: &str = "nchan";

/// What all keys take.
const KEYS_MEMORY: &str = "
local sum = 0
for _, key in ipairs(redis.call('KEYS', '*')) do
  sum = sum + redis.call('MEMORY', 'USAGE', key, 'SAMPLES', '0')
end
return sum
";

fn publishers(server: &Server, count: usize) -> Result<Vec<Publisher>> {
    (0..count).map(|_| Publisher::connect(&server.address)).collect()
}

/// Returns whether it was too late already.
fn sleep_until(due: Instant) -> bool {
    let wait = due.checked_duration_since(Instant::now());
    wait.into_iter().for_each(thread::sleep);
    wait.is_none()
}

/// p50 and p99.
fn quantiles(mut values: Vec<f64>) -> [f64; 2] {
    values.sort_by(f64::total_cmp);
    let at = |quantile: f64| values[((values.len() - 1) as f64 * quantile).round() as usize];
    [at(0.5), at(0.99)]
}

/// How busy processes are: CPU time over time. Then the load itself, how many cores are idle, and how
/// many others have, the kernel's own work among them.
struct Busy<'a> {
    processes: Vec<&'a Process>,
    began: Instant,
    before: Vec<Duration>,
    idle: f64,
}

impl<'a> Busy<'a> {
    fn begin(processes: &[&'a Process]) -> Result<Self> {
        let mut busy = Self {
            processes: processes.into(),
            began: Instant::now(),
            before: vec![],
            idle: idle()?,
        };
        busy.before = busy.now()?;
        Ok(busy)
    }

    fn now(&self) -> Result<Vec<Duration>> {
        let theirs = self.processes.iter().map(|process| process.cpu_time());
        theirs.chain([own_cpu_time()]).collect()
    }

    fn end(&self) -> Result<Vec<Option<f64>>> {
        let (now, wall) = (self.now()?, self.began.elapsed().as_secs_f64());
        let spent =
            now.iter().zip(&self.before).map(|(now, before)| (*now - *before).as_secs_f64());
        let idle = idle()? - self.idle;
        let mut shares: Vec<_> = spent.chain([idle]).map(|spent| spent / wall).collect();
        let cores = thread::available_parallelism()?.get() as f64;
        shares.push((cores - shares.iter().sum::<f64>()).max(0.0));
        Ok(shares.into_iter().map(Some).collect())
    }
}

/// The time that the cores have been idle, in seconds, since the machine was started.
fn idle() -> Result<f64> {
    let uptime = fs::read_to_string("/proc/uptime")?;
    Ok(uptime.split_whitespace().nth(1).ok_or("no idle time")?.parse()?)
}
