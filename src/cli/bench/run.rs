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

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::Ordering::{Acquire, Relaxed};
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
use super::publisher::{self, Log, Published, Publisher, plans};
use super::report::{Course, Report};
use super::samples::Samples;
use super::stream::{Door, Place, Stream, lock};
use super::system::{self, Effort};
use super::tally::{Tally, get, nanoseconds};
use super::target::{self, Sink, Source};

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
        let mut progress = Progress::new(options, Arc::clone(&self.tally));
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
        let findings = if sink.is_some() { self.settle(&self.streams) } else { self.by_ids() };
        let sink = sink.map(|sink| sink.name.clone());
        let url = target::shown(source.request.url());
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
            progress.show("running");
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
            let thread = thread.spawn(move || follower.run()).map_err(|error| {
                system::told(&format!("a thread for stream {}", number + 1), &error)
            })?;
            self.streams.push(stream);
            self.threads.push(thread);
        }
        let ready = || self.tally.counts.ready.load(Acquire) >= options.streams.into();
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
}
