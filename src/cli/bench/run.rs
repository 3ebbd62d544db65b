//! One run, from the first stream to the last event.
//!
//! ```text
//! look up ──► open all streams ──► publish ──► wait for what is on its way ──► settle
//!                                    ├ cut, if asked to
//!                                    └ sample
//! ```
//!
//! Nothing is published before all streams are open, so that each is owed everything.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tidings::client::StreamRequest;

use super::churn::Churn;
use super::follower::{Follower, STACK, State};
use super::gauge::Gauge;
use super::ledger::Findings;
use super::options::Options;
use super::probe::Probe;
use super::progress::Progress;
use super::publisher::{self, Log, Published, Publisher, lock, plans};
use super::report::{Course, Report};
use super::samples::Samples;
use super::stream::{Door, Place, Stream};
use super::system::{self, Effort};
use super::tally::{Tally, get, nanoseconds};
use super::target::{Sink, Source};

/// How often the main thread looks.
const TICK: Duration = Duration::from_millis(20);
/// How long it waits when all streams are open: a server may send the head of a stream before it
/// puts the stream where events go.
const SETTLE: Duration = Duration::from_millis(200);
/// How often it clears away what a long run leaves behind.
const TIDY: u64 = 5_000_000_000;
/// Of so many runs can all ledgers be: they take 100 MB then, and more of it says nothing new.
const MOST_PIECES: usize = 4_000_000;
/// How often it looks whether anything is still missing: each account has to be gone through.
const LOOK: Duration = Duration::from_millis(100);
/// A stream that the server has told to come back later than this is not waited for.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Also where something new comes again and again, what is on its way is waited for no longer than
/// the run and this.
const LONGEST_DRAIN: Duration = Duration::from_secs(60);
/// Streams that connect at once: about half of the queue that most listeners have.
const CONNECTING: usize = 64;
/// What `--resume` proves something with, if no other rate is given.
const CHURN_OF_RESUME: Churn = Churn::Share(20.0);

/// All that runs.
struct Run {
    tally: Arc<Tally>,
    streams: Vec<Arc<Stream>>,
    logs: Vec<Log>,
    threads: Vec<JoinHandle<()>>,
}

/// Does it all.
pub(super) fn run(request: StreamRequest, options: &Options) -> Result<Report, String> {
    system::check(options)?;
    let source = Arc::new(Source::new(request)?);
    let sink = match options.listen_only {
        true => None,
        false => Some(Arc::new(Sink::new(&source, options)?)),
    };
    let tally = Arc::new(Tally::new(RandomState::new().build_hasher().finish()));
    let (probe, listener) =
        Probe::start(&tally).map_err(|error| system::told("the probe", &error))?;
    let mut run = Run { tally, streams: Vec::new(), logs: Vec::new(), threads: vec![listener] };
    let report = run.all(&source, sink.as_ref(), &probe, options);
    run.tally.end(Ok(()));
    run.streams.iter().for_each(|stream| stream.close());
    probe.stop();
    for thread in run.threads {
        // A thread that panicked has said so.
        let _ = thread.join();
    }
    report
}

impl Run {
    fn all(
        &mut self,
        source: &Arc<Source>,
        sink: Option<&Arc<Sink>>,
        probe: &Arc<Probe>,
        options: &Options,
    ) -> Result<Report, String> {
        let mut progress = Progress::new(options);
        let begin = self.tally.clock.now();
        self.open(source, probe, options, &mut progress)?;
        let opening = Duration::from_nanos(get(&self.tally.counts.ready_at) - begin);
        self.tally.wait(SETTLE);
        let effort = Effort::so_far();
        let start = self.tally.clock.now();

        let churn = options.churn.or(options.resume.then_some(CHURN_OF_RESUME));
        let mut samples = Samples::new(&self.tally, options.warm_up + options.duration);
        let unsent = self.publish_all(sink, options, churn, &mut samples, &mut progress)?;
        let published = self.tally.clock.now();
        self.tally.failure()?;
        sink.map_or(Ok(()), |sink| publisher::check(&self.tally, sink, &self.logs))?;
        let behind = self.behind(options.slow);
        self.drain(options, &mut samples, &mut progress);
        self.tally.failure()?;
        let effort = effort.and_then(|before| Some(Effort::so_far()?.since(before)));
        let end = self.tally.clock.now();
        let last = get(&self.tally.counts.last_at).max(published);
        let (open, shut_out) = self.places(nanoseconds(options.drain) / 2);
        let course = Course {
            opening,
            elapsed: Duration::from_nanos(last - start),
            whole: Duration::from_nanos(end - start),
            unsent,
            behind,
            open,
            shut_out,
            effort,
        };
        progress.clear();
        let findings = if sink.is_some() { self.settle(&self.streams) } else { self.by_ids() };
        let sink = sink.map(|sink| sink.name.clone());
        let url = source.request.url().to_string();
        Ok(Report::new(&self.tally, probe, options, url, sink, churn)
            .with(findings, samples, course))
    }

    /// Publishes for as long as it was asked to, or only waits; gives what was not even sent.
    fn publish_all(
        &mut self,
        sink: Option<&Arc<Sink>>,
        options: &Options,
        churn: Option<Churn>,
        samples: &mut Samples,
        progress: &mut Progress,
    ) -> Result<u64, String> {
        let start = self.tally.clock.now();
        self.tally.timed_from.store(start + nanoseconds(options.warm_up), Relaxed);
        let publishers = self.start_publishers(sink, options, start)?;
        self.start_churn(churn)?;
        let end = start + nanoseconds(options.warm_up + options.duration);
        let mut tidied = start;
        while self.tally.wait(TICK)
            && (self.tally.clock.now() < end || !publishers.iter().all(JoinHandle::is_finished))
        {
            samples.look(&self.tally);
            progress.show("running", &self.tally);
            if self.tally.clock.now() > tidied + TIDY {
                self.tidy();
                tidied = self.tally.clock.now();
            }
        }
        Ok(publishers.into_iter().map(|thread| thread.join().unwrap_or(0)).sum())
    }

    /// Opens all streams, and waits until each of them has been open.
    fn open(
        &mut self,
        source: &Arc<Source>,
        probe: &Arc<Probe>,
        options: &Options,
        progress: &mut Progress,
    ) -> Result<(), String> {
        let door = Arc::new(Door::new(CONNECTING));
        let lanes = if options.listen_only { 0 } else { options.publishers as usize };
        for number in 0..options.streams {
            let stream = Arc::<Stream>::default();
            let slow = number < options.slow;
            let follower = Follower {
                stream: Arc::clone(&stream),
                source: Arc::clone(source),
                tally: Arc::clone(&self.tally),
                probe: Arc::clone(probe),
                gauge: Gauge::new(
                    source.clone(),
                    self.tally.clone(),
                    door.clone(),
                    slow,
                    options.streams,
                ),
                resumes: options.resume,
                slow,
                lanes,
                size: options.size as usize,
                state: State::default(),
            };
            let thread = thread::Builder::new().name("tidings-stream".into()).stack_size(STACK);
            let thread = thread.spawn(move || follower.run()).map_err(|error| {
                system::told(&format!("a thread for stream {}", number + 1), &error)
            })?;
            self.streams.push(stream);
            self.threads.push(thread);
        }
        while get(&self.tally.counts.ready) < options.streams.into() && self.tally.wait(TICK) {
            progress.show("opening", &self.tally);
        }
        self.tally.failure()
    }

    fn start_publishers(
        &mut self,
        sink: Option<&Arc<Sink>>,
        options: &Options,
        start: u64,
    ) -> Result<Vec<JoinHandle<u64>>, String> {
        let Some(sink) = sink else { return Ok(Vec::new()) };
        let count = options.publishers as usize;
        let length = options.warm_up + options.duration;
        let plans = plans(count, options.rate, length, options.size as usize, start);
        self.logs = plans.iter().map(|_| Arc::new(Mutex::new(Published::default()))).collect();
        let publishers = plans.into_iter().zip(&self.logs).map(|(plan, log)| {
            let (sink, tally) = (Arc::clone(sink), Arc::clone(&self.tally));
            let alarm = tally.alarm();
            let publisher = Publisher::new(plan, sink, tally, Arc::clone(log));
            let thread = thread::Builder::new().name("tidings-publish".into());
            thread.spawn(move || {
                let _alarm = alarm;
                publisher.run()
            })
        });
        let publishers: Result<Vec<_>, _> = publishers.collect();
        publishers.map_err(|error| system::told("a thread for a publisher", &error))
    }

    fn start_churn(&mut self, churn: Option<Churn>) -> Result<(), String> {
        let Some(churn) = churn else { return Ok(()) };
        let (streams, tally) = (self.streams.clone(), Arc::clone(&self.tally));
        let thread = thread::Builder::new().name("tidings-churn".into());
        let thread = thread.spawn(move || churn.run(&streams, &tally));
        self.threads.push(thread.map_err(|error| system::told("a thread for churn", &error))?);
        Ok(())
    }

    /// Waits for what is on its way: until all is there and everybody is back, or nothing new comes
    /// any more.
    fn drain(&self, options: &Options, samples: &mut Samples, progress: &mut Progress) {
        self.tally.draining.store(true, Relaxed);
        let begin = self.tally.clock.now();
        let quiet = nanoseconds(options.drain);
        let longest = nanoseconds(options.warm_up + options.duration + LONGEST_DRAIN);
        let (mut seen, mut since) = (get(&self.tally.counts.fresh), begin);
        loop {
            let (now, fresh) = (self.tally.clock.now(), get(&self.tally.counts.fresh));
            if fresh != seen {
                (seen, since) = (fresh, now);
            }
            // Without an account of what was published, nobody knows what is still to come.
            let missing = !self.logs.is_empty() && self.settle(&self.streams).lost > 0;
            let back = if missing { self.last_back(begin, quiet) } else { 0 };
            let patience = since.max(back) + quiet;
            let comes = |stream: &Arc<Stream>| stream.place().asks_before(patience);
            let waits = missing || self.streams.iter().any(comes);
            if !waits || now >= patience.min(begin + longest) || !self.tally.wait(LOOK) {
                break;
            }
            samples.look(&self.tally);
            progress.show("draining", &self.tally);
        }
        samples.finish(&self.tally);
    }

    /// How much the slowest of the slow streams, which are the first, has not read yet.
    fn behind(&self, slow: u32) -> u64 {
        let slow = self.streams.iter().take(slow as usize);
        slow.map(|stream| self.settle(&[Arc::clone(stream)]).lost).max().unwrap_or(0)
    }

    /// When the last stream comes back that has to stay away for long.
    fn last_back(&self, begin: u64, quiet: u64) -> u64 {
        let back = |stream: &Arc<Stream>| match stream.place() {
            Place::Outside { asks, pause } if pause > quiet / 2 => asks,
            _ => 0,
        };
        let last = self.streams.iter().map(back).max().unwrap_or(0);
        last.min(begin + nanoseconds(LONGEST_PAUSE))
    }

    /// How many streams are open, and how many have asked in vain for longer than `patience`.
    fn places(&self, patience: u64) -> (u64, u64) {
        let now = self.tally.clock.now();
        let places: Vec<Place> = self.streams.iter().map(|stream| stream.place()).collect();
        let count = |is: &dyn Fn(&Place) -> bool| places.iter().filter(|place| is(place)).count();
        let open = count(&|place| *place == Place::Open);
        let in_vain = now.saturating_sub(patience);
        let shut_out = count(&|place| *place == Place::Gone || place.asks_before(in_vain));
        (open as u64, shut_out as u64)
    }

    /// Clears away what is over, and ends the run if what is not takes too much memory.
    fn tidy(&self) {
        let logs: Vec<_> = self.logs.iter().map(|log| lock(log)).collect();
        let published: Vec<&Published> = logs.iter().map(|log| &**log).collect();
        let now = self.tally.clock.now();
        let each = self.streams.iter().map(|stream| stream.account().tidy(&published, now));
        let taken = published.iter().map(|published| published.acknowledged.pieces());
        let pieces: usize = each.chain(taken).sum();
        if pieces > MOST_PIECES {
            self.tally.end(Err(format!(
                "what came has {pieces} holes, and to keep account of more takes too much memory: \
                 give fewer --streams, a lower --rate or a shorter --duration"
            )));
        }
    }

    fn settle(&self, streams: &[Arc<Stream>]) -> Findings {
        let logs: Vec<_> = self.logs.iter().map(|log| lock(log)).collect();
        let published: Vec<&Published> = logs.iter().map(|log| &**log).collect();
        let each = streams.iter().map(|stream| stream.account().settle(&published));
        each.fold(Findings::default(), Findings::plus)
    }

    fn by_ids(&self) -> Findings {
        let each = self.streams.iter().map(|stream| stream.account().by_ids());
        each.fold(Findings::default(), Findings::plus)
    }
}
