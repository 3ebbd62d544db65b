//! The stage: what all connections of the mock share, and how it serves one.
//!
//! ```text
//! accepted ─► request ─► enter (where does it go on?) ─► play ─► note it ─► end the connection
//! ```
//!
//! The stage notes where the script goes on before it sends the last chunk and before it closes the
//! socket. The client may be back before this thread runs again, and must find the script where it
//! should be.

use std::collections::HashMap;
use std::net::TcpStream;
use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tidings::Method;
use tidings::http::{Head as RequestHead, Refusal, Version};

use super::chaos::Opening;
use super::cors;
use super::course::{Course, Entrance, Progress};
use super::link::Link;
use super::options::Options;
use super::report::tracks::{Numbers, redirected_to};
use super::report::{End, Report};
use super::request;
use super::response::{Deed, Part, Response, Seen, Wrapping};
use super::step::{Ending, Head};
use crate::cli::seeded::Random;
use crate::cli::{Outcome, print, visible};

pub(super) struct Stage {
    pub(super) course: Course,
    pub(super) options: Options,
    pub(super) stop: Sender<Outcome>,
    pub(super) started: Instant,
    pub(super) state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    scripts: Scripts,
    pub(super) report: Report,
    idle_since: Option<Instant>,
}

impl State {
    /// How long there has been no connection, if there has been one before.
    pub(super) fn idle(&self) -> Option<Duration> {
        self.idle_since.filter(|_| self.report.open() == 0).map(|since| since.elapsed())
    }
}

/// How far the script is, for each method and path: of two streams that a page opens one after the
/// other, both get the beginning. A query makes no other path, as some clients put their last event
/// ID there.
#[derive(Debug, Default)]
struct Scripts {
    numbers: Numbers,
    progress: HashMap<usize, Progress>,
}

impl Scripts {
    fn of(&mut self, request: &str) -> &mut Progress {
        let number = self.numbers.of(without_query(request));
        self.progress.entry(number).or_default()
    }

    /// A client that is redirected goes on there with the same script.
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
    /// Locks the state. What a panic has left of it is still worth a report.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Serves one connection, from its request to its end.
    pub(super) fn serve(&self, socket: TcpStream) {
        // A client that sends no request is not one to report on.
        let Ok(request) = request::read(&socket) else { return };
        let Ok(mut link) = Link::new(socket) else { return };
        let request = match request {
            Ok(request) => request,
            Err(refusal) => return self.refuse(&refusal, link),
        };
        let fields = cors::fields(&request);
        let wrapping = Wrapping { chunked: request.version() == Version::Http11, fields: &fields };
        let head = match request.method() {
            _ if cors::is_preflight(&request) => Head::no_content(),
            Method::Head => Head::stream(Opening::PLAIN.content_type),
            _ => return self.perform(&request, wrapping, link),
        };
        // A head alone changes nothing: this is no connection of the script's.
        let _ = link.send(&wrapping.wire(&[Part::Head(head)]));
        link.close();
    }

    /// Begins a connection; returns its number, and where it goes on. `None` if there have been
    /// enough: then the stage only tells of this one.
    fn begin(&self, line: &str, id: Option<&str>) -> Option<(u64, Option<Entrance>)> {
        let mut state = self.lock();
        let is_enough = self.has_served_enough(&state);
        let number = state.report.begin(line, id, self.now());
        if is_enough {
            drop(state);
            self.note(number, &Seen::default(), End::TurnedAway);
            self.stop_after_last();
            return None;
        }
        Some((number, state.scripts.of(line).enter(&self.course, id)))
    }

    fn has_served_enough(&self, state: &State) -> bool {
        self.options.connections.is_some_and(|most| state.report.begun >= most)
    }

    fn perform(&self, request: &RequestHead, wrapping: Wrapping<'_>, mut link: Link) {
        let line = &format!("{} {}", request.method(), request.target());
        let id = request.field("last-event-id").map(String::from_utf8_lossy);
        let Some((number, entrance)) = self.begin(line, id.as_deref()) else { return link.close() };
        let Some(entrance) = entrance else {
            return self.respond_that_nothing_is_left(number, wrapping, link);
        };
        if !self.course.will_reset(entrance.at, entrance.reached) {
            link.take_last_byte();
        }
        let seed = self.options.chaos;
        link.cuts = seed.map(|seed| Random::new(seed.wrapping_add(number)));
        let opening = Opening::of(seed, number);
        let mut response = Response::new(&self.course, entrance, &opening);
        let ending = self.play(line, &mut response, wrapping, &mut link);
        let seen = &response.seen;
        match ending {
            Some(Ending::Stall) => {
                let begun = Instant::now();
                let has_left = link.wait_until_left(self.options.longest_stall());
                self.note(number, seen, End::Stalled { stayed: begun.elapsed(), has_left });
                self.end(link, Ending::Cut);
            }
            Some(ending) => {
                self.note(number, seen, End::Ended(ending));
                self.end(link, ending);
            }
            None => {
                self.go_on(line, seen, |script| script.left(response.at));
                self.note(number, seen, End::Left);
                self.stop_after_last();
            }
        }
    }

    /// Plays up to what ends the connection. Returns how the caller is to end it; `None` if the
    /// client has gone, or takes nothing any more.
    ///
    /// Each pause ends at its time counted from the start, and not from when the one before
    /// happened to end: so a cassette does not get slower and slower.
    fn play(
        &self,
        line: &str,
        response: &mut Response<'_>,
        wrapping: Wrapping<'_>,
        link: &mut Link,
    ) -> Option<Ending> {
        let ended = |response: &Response<'_>| {
            self.go_on(line, &response.seen, |script| script.ended(response.at));
        };
        let mut due = Instant::now();
        loop {
            let mut parts = Vec::new();
            let deed = response.advance(&mut parts);
            let ends_well = matches!(deed, Deed::End(Ending::Close | Ending::Finish));
            if ends_well {
                ended(response);
            }
            if !parts.is_empty() {
                link.send(&wrapping.wire(&parts)).ok()?;
            }
            match deed {
                Deed::Nothing => {}
                Deed::Pause(time) => {
                    // A time that no clock can tell is as good as now: nobody would live to see it.
                    let time = time.as_secs_f64() / self.options.speed;
                    let time = Duration::try_from_secs_f64(time).unwrap_or_default();
                    due = due.checked_add(time).unwrap_or(due);
                    link.pause_until(due).ok()?;
                }
                // A client that has gone before the reset has not been reset.
                Deed::End(Ending::Reset) if link.is_gone() => return None,
                Deed::End(ending) => {
                    if !ends_well {
                        ended(response);
                    }
                    return Some(ending);
                }
            }
        }
    }

    /// Ends a connection, and the mock if it was the last. The mock does not wait for what the
    /// client does then: it may be back already, and nobody would serve it.
    fn end(&self, mut link: Link, ending: Ending) {
        if ending == Ending::Reset {
            link.reset();
            return self.stop_after_last();
        }
        link.close_sending();
        if ending == Ending::Finish {
            let _ = self.stop.send(Ok(()));
        }
        self.stop_after_last();
        link.linger();
    }

    /// Tells a client that there is nothing more for it.
    fn respond_that_nothing_is_left(&self, number: u64, wrapping: Wrapping<'_>, mut link: Link) {
        let head = Head::no_content();
        let sent = link.send(&wrapping.wire(&[Part::Head(head.clone())]));
        let seen = Seen { head: Some(head), ..Seen::default() };
        self.note(number, &seen, sent.map_or(End::Left, |()| End::Ended(Ending::Close)));
        self.end(link, Ending::Close);
    }

    fn refuse(&self, refusal: &Refusal, mut link: Link) {
        let status = refusal.status();
        let head = Head { status, content_type: "text/plain".into(), location: None };
        let content = format!("{refusal}\n").into_bytes();
        let wrapping = Wrapping { chunked: false, fields: &[] };
        let _ = link.send(&wrapping.wire(&[Part::Head(head), Part::Chunk(content)]));
        self.say(&format!("a request was refused: {refusal}\n"));
        link.close();
    }

    /// Notes where the next connection of this client goes on.
    fn go_on(&self, request: &str, seen: &Seen, note: impl FnOnce(&mut Progress)) {
        let scripts = &mut self.lock().scripts;
        note(scripts.of(request));
        if let Some(head) = &seen.head {
            scripts.redirected(request, head);
        }
    }

    fn note(&self, number: u64, seen: &Seen, end: End) {
        let mut state = self.lock();
        let line = state.report.end(number, seen, end, self.now());
        state.idle_since = Some(Instant::now());
        // Under the lock, so that the lines come in order.
        self.say(&line);
    }

    /// Prints a line, which may quote what a client sent. If nobody reads it, the mock ends.
    fn say(&self, line: &str) {
        if let Err(unread) = print(&(visible::line(line.trim_end()) + "\n")) {
            let _ = self.stop.send(Err(unread));
        }
    }

    fn stop_after_last(&self) {
        let state = self.lock();
        if state.report.open() == 0 && self.has_served_enough(&state) {
            let _ = self.stop.send(Ok(()));
        }
    }
}
