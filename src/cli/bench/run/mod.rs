//! One run, from the first stream to the last event.
//!
//! ```text
//! look up ──► open all streams ──► publish ──► wait for what is on its way ──► settle
//!                                    ├ cut, if asked to
//!                                    └ sample
//! ```
//!
//! Nothing is published before all streams are open, so each of them is owed everything. [`drain`]
//! is the wait at the end.

mod drain;
mod follower;
mod progress;
mod publisher;
mod samples;
mod stream;

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tidings::client::StreamRequest;

use super::books::counts::{get, nanoseconds};
use super::books::effort::Effort;
use super::books::histogram::Histogram;
use super::books::ledger::Findings;
use super::books::published::Published;
use super::books::results::{CutShort, Results};
use super::options::Options;
use super::values::churn::Churn;
use super::wire::gauge::{Door, Gauge};
use super::wire::probe::Probe;
use super::wire::tally::{Tally, lock};
use super::wire::target::{self, Sink, Source};
use crate::cli::{descriptors, signals};
use follower::{Follower, STACK, State};
use progress::Progress;
use publisher::{Log, Publisher, plans};
use samples::Samples;
use stream::{Place, Stream, cut_at};

/// How often the main thread checks how far the run is.
const TICK: Duration = Duration::from_millis(20);
/// How long it waits when all streams are open: a server may send the head of a stream before it
/// subscribes the stream.
const SETTLE: Duration = Duration::from_millis(200);
/// How often it settles what is over in a long run.
const TIDY: u64 = 5_000_000_000;
/// How many streams connect at once: about half of most listeners' queue.
const CONNECTING: usize = 64;
/// The churn of `--resume`, without which it would prove nothing, if no other is given.
const CHURN_OF_RESUME: Churn = Churn::Share(20.0);
/// Further descriptors: standard streams, the probe's three, and those of an address look-up.
const BESIDE: u64 = 16;

struct Run<'a> {
    options: &'a Options,
    source: Arc<Source>,
    sink: Option<Arc<Sink>>,
    churn: Option<Churn>,
    tally: Arc<Tally>,
    probe: Arc<Probe>,
    progress: Progress,
    streams: Vec<Arc<Stream>>,
    logs: Vec<Log>,
    threads: Vec<JoinHandle<()>>,
}

pub(crate) fn run(request: StreamRequest, options: &Options) -> Result<Results<'_>, String> {
    check_descriptors(options)?;
    let source = Arc::new(Source::new(request, options.via.as_deref())?);
    let sink = (!options.listen_only).then(|| Sink::new(&source, options).map(Arc::new));
    let sink = sink.transpose()?;
    let tally = Arc::new(Tally::new(RandomState::new().build_hasher().finish()));
    let (probe, listener) = Probe::start(&tally).map_err(|error| told("the probe", &error))?;
    let mut run = Run {
        options,
        source,
        sink,
        churn: options.churn.or(options.resume.then_some(CHURN_OF_RESUME)),
        progress: Progress::new(options, Arc::clone(&tally)),
        tally,
        probe,
        streams: Vec::new(),
        logs: Vec::new(),
        threads: vec![listener],
    };
    let results = run.all();
    run.tally.end(Ok(()));
    run.streams.iter().for_each(|stream| stream.close());
    run.probe.stop();
    // A thread that panicked has printed why.
    run.threads.into_iter().for_each(|thread| drop(thread.join()));
    results
}

impl<'a> Run<'a> {
    fn all(&mut self) -> Result<Results<'a>, String> {
        let begin = self.tally.clock.now();
        self.open()?;
        let opening = Duration::from_nanos(get(&self.tally.ready_at) - begin);
        self.tally.wait(SETTLE);
        let effort = Effort::so_far();
        let start = self.tally.clock.now();
        let mut samples = Samples::new(&self.tally, self.options.warm_up + self.options.duration);
        let cut_short = self.publish_all(&mut samples)?;
        let published = self.tally.clock.now();
        let behind = self.behind();
        self.drain(&mut samples);
        self.tally.failure()?;
        let effort = effort.and_then(|before| Some(Effort::so_far()?.since(before)));
        let end = self.tally.clock.now();
        let last = get(&self.tally.last_at).max(published);
        let (open, shut_out) = self.places();
        Ok(Results {
            options: self.options,
            url: target::shown(self.source.request.url()),
            sink: self.sink.as_ref().map(|sink| sink.name.clone()),
            churn: self.churn,
            cut_short,
            findings: if self.sink.is_some() { self.settle(&self.streams) } else { self.by_ids() },
            counts: self.tally.counts.map(get),
            ids: self.tally.ids.load(Relaxed),
            times: self.tally.times.map(Histogram::snapshot),
            samples: samples.all,
            opening,
            elapsed: Duration::from_nanos(last - start),
            whole: Duration::from_nanos(end - start),
            behind,
            open,
            shut_out,
            effort,
        })
    }

    /// Opens all streams, and waits until each of them has been open.
    fn open(&mut self) -> Result<(), String> {
        let Options { streams, resume, size, slow, .. } = *self.options;
        let door = Arc::new(Door::new(CONNECTING));
        let lanes = if self.sink.is_some() { self.options.publishers as usize } else { 0 };
        for number in 0..streams {
            let stream = Arc::new(Stream::new(resume));
            let slow = number < slow;
            let (source, tally) = (Arc::clone(&self.source), Arc::clone(&self.tally));
            let follower = Follower {
                stream: Arc::clone(&stream),
                source: Arc::clone(&self.source),
                tally: Arc::clone(&self.tally),
                probe: Arc::clone(&self.probe),
                gauge: Gauge::new(source, tally, Arc::clone(&door), slow, streams),
                slow,
                lanes,
                size: size as usize,
                state: State::default(),
            };
            let thread = thread::Builder::new().name("tidings-stream".into()).stack_size(STACK);
            let what = format!("a thread for stream {}", number + 1);
            self.threads.push(spawn(thread, &what, move || follower.run())?);
            self.streams.push(stream);
        }
        while self.tally.ready.load(Acquire) < streams.into() && self.tally.wait(TICK) {
            self.progress.show("opening");
        }
        self.tally.failure()
    }

    /// Publishes, and returns whether a signal cut that short.
    fn publish_all(&mut self, samples: &mut Samples) -> Result<Option<CutShort>, String> {
        let tally = Arc::clone(&self.tally);
        signals::on_first(move |signal| tally.cut_short(signal));
        let start = self.tally.clock.now();
        let warm_up = nanoseconds(self.options.warm_up);
        let end = start + warm_up + nanoseconds(self.options.duration);
        self.tally.timed_from.store(start + warm_up, Relaxed);
        let publishers = self.start_publishers(start)?;
        self.start_churn()?;
        let mut tidied = start;
        let cut_short = loop {
            let (goes_on, now) = (self.tally.wait(TICK), self.tally.clock.now());
            let after = Duration::from_nanos(now - start);
            if let Some(signal) = self.tally.cut_short_by() {
                break Some(CutShort { signal, after });
            }
            if !goes_on || (now >= end && publishers.iter().all(JoinHandle::is_finished)) {
                break None;
            }
            samples.take_if_due(&self.tally);
            self.progress.show("running");
            if now > tidied + TIDY {
                self.tidy();
                tidied = self.tally.clock.now();
            }
        };
        // A thread that panicked has printed why.
        publishers.into_iter().for_each(|thread| drop(thread.join()));
        self.tally.failure()?;
        if let Some(sink) = self.sink.as_ref().filter(|_| cut_short.is_none()) {
            publisher::check(&self.tally, sink, &self.logs)?;
        }
        Ok(cut_short)
    }

    fn start_publishers(&mut self, start: u64) -> Result<Vec<JoinHandle<()>>, String> {
        let Some(sink) = &self.sink else { return Ok(Vec::new()) };
        let plans = plans(self.options, start);
        self.logs = plans.iter().map(|_| Log::default()).collect();
        let publishers = plans.into_iter().zip(&self.logs).map(|(plan, log)| {
            let (sink, tally) = (Arc::clone(sink), Arc::clone(&self.tally));
            let publisher = Publisher::new(plan, sink, tally, Arc::clone(log));
            let thread = thread::Builder::new().name("tidings-publish".into());
            spawn(thread, "a thread for a publisher", || publisher.run())
        });
        publishers.collect()
    }

    fn start_churn(&mut self) -> Result<(), String> {
        let Some(churn) = self.churn else { return Ok(()) };
        let (streams, tally) = (self.streams.clone(), Arc::clone(&self.tally));
        let thread = thread::Builder::new().name("tidings-churn".into());
        let cut = move || cut_at(churn, &streams, &tally);
        self.threads.push(spawn(thread, "a thread for churn", cut)?);
        Ok(())
    }
}

/// Fails before anything is opened, if there are known to be too few descriptors.
fn check_descriptors(options: &Options) -> Result<(), String> {
    // A command's standard error takes another.
    let each = if options.via.is_some() { 2 } else { 1 };
    let needed = each * (u64::from(options.streams) + u64::from(options.publishers)) + BESIDE;
    match descriptors::limit() {
        Some(most) if most < needed => Err(format!(
            "{} streams need {needed} descriptors, and this process may have {most}: say \
             'ulimit -n {needed}' before, or give fewer --streams",
            options.streams
        )),
        _ => Ok(()),
    }
}

fn spawn(
    thread: thread::Builder,
    what: &str,
    run: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, String> {
    thread.spawn(run).map_err(|error| told(what, &error))
}

/// Says that the system has no more of something, and what to do.
fn told(what: &str, error: &io::Error) -> String {
    format!("the system does not give {what}: {error}: give fewer --streams, or raise its limits")
}
