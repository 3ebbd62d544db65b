//! The stage: what all connections of the mock share, and one connection's way across it.
//!
//! ```text
//! accepted ─► request ─► enter (where does it go on?) ─► play ─► note it ─► end the connection
//! ```
//!
//! Where the script goes on is noted before the last chunk is sent and before the socket is closed:
//! the client may be back before this thread runs again, and must find the script where it should
//! be.

use std::net::TcpStream;
use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tidings::http::Refusal;

use super::answer::{Part, Seen, Wrapping};
use super::chaos::Opening;
use super::course::{Course, Entrance, Progress};
use super::link::Link;
use super::play::{Over, Player};
use super::report::tracks::{Numbers, redirected_to};
use super::report::{Report, Stall, Visit};
use super::request::{self, Request};
use super::step::{Ending, Head};
use crate::cli::random::Random;
use crate::cli::{Outcome, print, visible};

pub(super) struct Stage {
    pub(super) course: Course,
    pub(super) seed: Option<u64>,
    pub(super) speed: f64,
    /// How long a stall lasts at most.
    pub(super) stall: Option<Duration>,
    /// So many connections are served.
    pub(super) most: Option<u64>,
    /// Tells the main thread to stop.
    pub(super) stop: Sender<Outcome>,
    pub(super) started: Instant,
    pub(super) state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    scripts: Scripts,
    pub(super) report: Report,
    /// How many connections have sent a request.
    begun: u64,
    /// When the last of them was.
    idle_since: Option<Instant>,
}

impl State {
    pub(super) fn new() -> Self {
        let (scripts, report) = (Scripts::default(), Report::default());
        Self { scripts, report, begun: 0, idle_since: None }
    }

    /// For how long there has been no connection, since there has been one.
    pub(super) fn idle(&self) -> Option<Duration> {
        self.idle_since.filter(|_| self.report.open() == 0).map(|since| since.elapsed())
    }
}

/// How far the script is, for each method and path: two streams that a page opens one after the
/// other are to get the beginning both. A query is no path of its own, as some clients put their
/// last event ID there.
#[derive(Debug, Default)]
struct Scripts {
    numbers: Numbers,
    progress: Vec<Progress>,
}

impl Scripts {
    fn of(&mut self, request: &str) -> &mut Progress {
        let number = self.numbers.of(without_query(request));
        while self.progress.len() <= number {
            self.progress.push(Progress::new());
        }
        &mut self.progress[number]
    }

    /// Who is redirected goes on there with the same script.
    fn redirected(&mut self, request: &str, head: &Head) {
        let number = self.numbers.of(without_query(request));
        if let Some(next) = redirected_to(request, head) {
            self.numbers.join(number, without_query(&next));
        }
    }
}

fn without_query(request: &str) -> &str {
    request.split('?').next().unwrap_or_default()
}

impl Stage {
    /// Whatever a panic has left behind is still worth a report.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Serves one connection, from its request to its end.
    pub(super) fn serve(&self, socket: TcpStream) {
        // Who says nothing is none of the clients that we are to report on.
        let Ok(Some(request)) = request::read(&socket) else { return };
        let Ok(link) = Link::new(socket) else { return };
        match request {
            Ok(request) if request.is_preflight => answer_head(Head::no_content(), &request, link),
            Ok(request) if request.head_only => {
                answer_head(Head::stream(Opening::PLAIN.content_type), &request, link);
            }
            Ok(request) => self.perform(&request, link),
            Err(refusal) => self.refuse(&refusal, link),
        }
    }

    /// Opens a visit; `None` if there have been enough, and this one is only told of.
    fn begin(&self, line: &str, last_event_id: Option<&str>) -> Option<(Visit, Entrance)> {
        let mut state = self.lock();
        let is_enough = self.most.is_some_and(|most| state.begun >= most);
        state.begun += 1;
        let visit = Visit::new(state.begun, line, last_event_id, self.now());
        if is_enough {
            self.say(&state.report.note(visit.turned_away()));
            return None;
        }
        state.report.begin(&visit);
        let entrance = state.scripts.of(line).enter(&self.course, last_event_id);
        Some((visit, entrance))
    }

    fn perform(&self, request: &Request, mut link: Link) {
        let id = request.last_event_id.as_deref();
        let Some((visit, entrance)) = self.begin(&request.line, id) else { return link.close() };
        let fields = &request.fields;
        let wrapping = Wrapping { chunked: request.knows_chunks, head_only: false, fields };
        let Entrance::From { at, reached } = entrance else {
            return self.answer_nothing(visit, wrapping, link);
        };
        if !self.course.will_reset(at, reached) {
            link.take_last_byte();
        }
        let player = Player { course: &self.course, reached, wrapping, speed: self.speed };
        let opening = Opening::of(self.seed, visit.number);
        if let Some(seed) = self.seed {
            link.cut_by(Random::new(seed.wrapping_add(visit.number)));
        }
        let go_on = |over, seen: &Seen| self.go_on_at(&request.line, over, seen.head.as_ref());
        let (over, seen) = player.play(at, &opening, &mut link, go_on);
        if !over.is_told() {
            go_on(over, &seen);
        }
        match over {
            Over::Ended(Ending::Stall, _) => {
                let begun = Instant::now();
                let has_left = link.wait_until_left(self.stall);
                let stall = Stall { stayed: begun.elapsed(), has_left };
                self.note(visit.stalled(stall), &seen, Some(Ending::Stall));
                self.end(link, Ending::Cut);
            }
            Over::Ended(ending, _) => {
                self.note(visit, &seen, Some(ending));
                self.end(link, ending);
            }
            Over::Left(_) => {
                self.note(visit, &seen, None);
                self.stop_after_last();
            }
        }
    }

    /// Ends a connection, and the mock if it was the last. What the client does then is not waited
    /// for: it may be back already, and nobody would serve it.
    fn end(&self, mut link: Link, ending: Ending) {
        if ending == Ending::Reset {
            link.reset();
            return self.stop_after_last();
        }
        link.say_end();
        if ending == Ending::Finish {
            let _ = self.stop.send(Ok(()));
        }
        self.stop_after_last();
        link.linger();
    }

    /// Tells a client that there is nothing more for it.
    fn answer_nothing(&self, visit: Visit, wrapping: Wrapping<'_>, mut link: Link) {
        let head = Head::no_content();
        let mut out = Vec::new();
        wrapping.write(&Part::Head(head.clone()), &mut out);
        let sent = link.send(&out);
        let seen = Seen { head: Some(head), ..Seen::default() };
        self.note(visit, &seen, sent.is_ok().then_some(Ending::Close));
        self.end(link, Ending::Close);
    }

    fn refuse(&self, refusal: &Refusal, mut link: Link) {
        let status = refusal.status();
        let head = Head { status, content_type: "text/plain".into(), location: None };
        let mut out = Vec::new();
        let wrapping = Wrapping { chunked: false, head_only: false, fields: &[] };
        wrapping.write(&Part::Head(head), &mut out);
        wrapping.write(&Part::Chunk(format!("{refusal}\n").into_bytes()), &mut out);
        let _ = link.send(&out);
        self.say(&format!("a request was refused: {refusal}\n"));
        link.close();
    }

    /// Where the next connection of this client goes on.
    fn go_on_at(&self, request: &str, over: Over, head: Option<&Head>) {
        let scripts = &mut self.lock().scripts;
        match over {
            Over::Ended(_, next) => scripts.of(request).ended(&self.course, next),
            Over::Left(at) => scripts.of(request).left(at),
        }
        if let Some(head) = head {
            scripts.redirected(request, head);
        }
    }

    fn note(&self, visit: Visit, seen: &Seen, ending: Option<Ending>) {
        let mut state = self.lock();
        let line = state.report.note(visit.over(seen, ending, self.now()));
        state.idle_since = Some(Instant::now());
        // Under the lock, so that the lines come in order.
        self.say(&line);
    }

    /// Says a line, which may quote what a client sent. Where nobody reads it, there is nothing
    /// more to do.
    fn say(&self, line: &str) {
        if let Err(unread) = print(&(visible::line(line.trim_end()) + "\n")) {
            let _ = self.stop.send(Err(unread));
        }
    }

    fn stop_after_last(&self) {
        let state = self.lock();
        if state.report.open() == 0 && self.most.is_some_and(|most| state.begun >= most) {
            let _ = self.stop.send(Ok(()));
        }
    }
}

/// Answers with a head alone, which changes nothing: it is no connection of the script's.
fn answer_head(head: Head, request: &Request, mut link: Link) {
    let mut out = Vec::new();
    let wrapping = Wrapping { chunked: true, head_only: true, fields: &request.fields };
    wrapping.write(&Part::Head(head), &mut out);
    let _ = link.send(&out);
    link.close();
}
