//! One run, from the first stream to the last event.
//!
//! ```text
//! look up ──► open all streams ──► publish ──► wait for what is on its way ──► settle
//!                                    ├ cut, if asked to
//!                                    └ sample
//! ```
//!
//! Nothing is published before all streams are open, so that each is owed everything. What is still
//! to come at the end, and what has come, is in [`drain`].

mod drain;
mod follower;
mod progress;
mod publisher;
mod samples;
mod stream;

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tidings::client::StreamRequest;

use super::books::counts::{Time, get, nanoseconds};
use super::books::effort::Effort;
use super::books::histogram::Histogram;
use super::books::ledger::Findings;
use super::books::published::Published;
use super::books::results::Results;
use super::options::Options;
use super::values::churn::Churn;
use super::wire::gauge::{Door, Gauge};
use super::wire::probe::Probe;
use super::wire::tally::{Tally, lock};
use super::wire::target::{self, Sink, Source};
use crate::cli::descriptors;
use follower::{Follower, STACK, State};
use progress::Progress;
use publisher::{Log, Publisher, plans};
use samples::Samples;
use stream::{Place, Stream, cut_at};

/// How often the main thread looks.
const TICK: Duration = Duration::from_millis(20);
/// How long it waits when all streams are open: a server may send the head of a stream before it
/// puts the stream where events go.
const SETTLE: Duration = Duration::from_millis(200);
/// How often it clears away what a long run leaves behind.
const TIDY: u64 = 5_000_000_000;
/// Streams that connect at once: about half of the queue that most listeners have.
const CONNECTING: usize = 64;
/// What `--resume` proves something with, if no other rate is given.
const CHURN_OF_RESUME: Churn = Churn::Share(20.0);

/// Standard streams, the probe's pair and its listener, and what an address look-up opens.
const BESIDE: u64 = 16;

/// All that runs.
struct Run {
    tally: Arc<Tally>,
    streams: Vec<Arc<Stream>>,
    logs: Vec<Log>,
    threads: Vec<JoinHandle<()>>,
}

/// Does it all.
pub(crate) fn run(request: StreamRequest, options: &Options) -> Result<Results<'_>, String> {
    check_descriptors(options)?;
    let source = Arc::new(Source::new(request)?);
    let sink = match options.listen_only {
        true => None,
        false => Some(Arc::new(Sink::new(&source, options)?)),
    };
    let tally = Arc::new(Tally::new(RandomState::new().build_hasher().finish()));
    let (probe, listener) = Probe::start(&tally).map_err(|error| told("the probe", &error))?;
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
    fn all<'a>(
        &mut self,
        source: &Arc<Source>,
        sink: Option<&Arc<Sink>>,
        probe: &Arc<Probe>,
        options: &'a Options,
    ) -> Result<Results<'a>, String> {
        let mut progress = Progress::new(options, Arc::clone(&self.tally));
        let begin = self.tally.clock.now();
        self.open(source, probe, options, &mut progress)?;
        let opening = Duration::from_nanos(get(&self.tally.ready_at) - begin);
        self.tally.wait(SETTLE);
        let effort = Effort::so_far();
        let start = self.tally.clock.now();

        let churn = options.churn.or(options.resume.then_some(CHURN_OF_RESUME));
        let mut samples = Samples::new(&self.tally, options.warm_up + options.duration);
        self.publish_all(sink, options, churn, &mut samples, &mut progress)?;
        let published = self.tally.clock.now();
        self.tally.failure()?;
        sink.map_or(Ok(()), |sink| publisher::check(&self.tally, sink, &self.logs))?;
        let behind = self.behind(options.slow);
        self.drain(options, &mut samples, &mut progress);
        self.tally.failure()?;
        let effort = effort.and_then(|before| Some(Effort::so_far()?.since(before)));
        let end = self.tally.clock.now();
        let last = get(&self.tally.last_at).max(published);
        let (open, shut_out) = self.places(nanoseconds(options.drain) / 2);
        Ok(Results {
            options,
            url: target::shown(source.request.url()),
            sink: sink.map(|sink| sink.name.clone()),
            churn,
            findings: if sink.is_some() { self.settle(&self.streams) } else { self.by_ids() },
            counts: self.tally.counts.map(get),
            ids: self.tally.ids.load(Relaxed),
            latency: self.tally.times[Time::Latency].snapshot(),
            times: self.tally.times.map(Histogram::summary),
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

    /// Publishes for as long as it was asked to, or only waits.
    fn publish_all(
        &mut self,
        sink: Option<&Arc<Sink>>,
        options: &Options,
        churn: Option<Churn>,
        samples: &mut Samples,
        progress: &mut Progress,
    ) -> Result<(), String> {
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
            progress.show("running");
            if self.tally.clock.now() > tidied + TIDY {
                self.tidy();
                tidied = self.tally.clock.now();
            }
        }
        // A thread that panicked has said so.
        publishers.into_iter().for_each(|thread| drop(thread.join()));
        Ok(())
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
            let stream = Arc::new(Stream::new(options.resume));
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
            let thread = thread
                .spawn(move || follower.run())
                .map_err(|error| told(&format!("a thread for stream {}", number + 1), &error))?;
            self.streams.push(stream);
            self.threads.push(thread);
        }
        let ready = || self.tally.ready.load(Acquire) >= options.streams.into();
        while !ready() && self.tally.wait(TICK) {
            progress.show("opening");
        }
        self.tally.failure()
    }

    fn start_publishers(
        &mut self,
        sink: Option<&Arc<Sink>>,
        options: &Options,
        start: u64,
    ) -> Result<Vec<JoinHandle<()>>, String> {
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
        publishers.map_err(|error| told("a thread for a publisher", &error))
    }

    fn start_churn(&mut self, churn: Option<Churn>) -> Result<(), String> {
        let Some(churn) = churn else { return Ok(()) };
        let (streams, tally) = (self.streams.clone(), Arc::clone(&self.tally));
        let thread = thread::Builder::new().name("tidings-churn".into());
        let thread = thread.spawn(move || cut_at(churn, &streams, &tally));
        self.threads.push(thread.map_err(|error| told("a thread for churn", &error))?);
        Ok(())
    }
}

/// Fails beforeanything is opened, where that can be known.
fn check_descriptors(options: &Options) -> Result<(), String> {
    let needed = u64::from(options.streams) + u64::from(options.publishers) + BESIDE;
    match descriptors::limit() {
        Some(most) if most < needed => Err(format!(
            "{} streams need {needed} descriptors, and this process may have {most}: say \
             'ulimit -n {needed}' before, or give fewer --streams",
            options.streams
        )),
        _ => Ok(()),
    }
}

/// That there is no more of something.
fn told(what: &str, error: &std::io::Error) -> String {
    format!("the system does not give {what}: {error}: give fewer --streams, or raise its limits")
}
