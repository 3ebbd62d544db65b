//! Tracks: the connections of one client, as far as can be known.
//!
//! A client comes back with the method and the target that it had, or with those that a redirect
//! led it to. A connection that asks for something else may be another client's. Two clients that
//! ask for the same can't be told apart; that they are two shows once both are there at the same
//! time.

use std::collections::HashMap;
use std::time::Duration;

use tidings::Status;
use tidings::client::Url;

use super::visit::Visit;
use crate::cli::mock::step::Head;

/// How late the mock may notice that a client has gone by itself, which can be back before that.
const UNNOTICED: Duration = Duration::from_millis(100);

/// Connections in the order in which they were opened.
#[derive(Default)]
pub(super) struct Track<'a> {
    pub(super) visits: Vec<&'a Visit>,
    /// Some of them were open at the same time, so there are several clients.
    pub(super) has_several: bool,
    /// One of them was surely open until then.
    until: Duration,
}

impl<'a> Track<'a> {
    fn push(&mut self, visit: &'a Visit) {
        self.has_several |= visit.opened < self.until;
        let unnoticed = if visit.was_left() { UNNOTICED } else { Duration::ZERO };
        self.until = self.until.max(visit.closed.saturating_sub(unnoticed));
        self.visits.push(visit);
    }
}

/// Sorts all connections by their clients.
pub(super) fn tracks<'a>(visits: impl Iterator<Item = &'a Visit>) -> Vec<Track<'a>> {
    let mut visits: Vec<&Visit> = visits.collect();
    visits.sort_by_key(|visit| visit.opened);
    let mut numbers = Numbers::default();
    for visit in &visits {
        let number = numbers.of(&visit.request);
        if let Some(next) = next_request(visit) {
            numbers.join(number, &next);
        }
    }
    let mut tracks: Vec<Track<'_>> = Vec::new();
    tracks.resize_with(numbers.of.len(), Track::default);
    for visit in visits {
        tracks[numbers.of(&visit.request)].push(visit);
    }
    tracks
}

/// Whether the client of one connection can have come back with the other.
pub(super) fn may_lead(before: &Visit, after: &Visit) -> bool {
    before.request == after.request || next_request(before).as_ref() == Some(&after.request)
}

/// The number of each request's track.
#[derive(Debug, Default)]
pub(in crate::cli::mock) struct Numbers {
    of: HashMap<String, usize>,
}

impl Numbers {
    pub(in crate::cli::mock) fn of(&mut self, request: &str) -> usize {
        let next = self.of.len();
        *self.of.entry(request.to_owned()).or_insert(next)
    }

    pub(in crate::cli::mock) fn join(&mut self, number: usize, request: &str) {
        let other = self.of(request);
        self.of.values_mut().filter(|of| **of == other).for_each(|of| *of = number);
    }
}

fn next_request(visit: &Visit) -> Option<String> {
    redirected_to(&visit.request, visit.seen.head.as_ref()?)
}

/// What a redirected client asks for next (the Fetch standard, section 4.4), as long as that is
/// still the mock.
pub(in crate::cli::mock) fn redirected_to(request: &str, head: &Head) -> Option<String> {
    let (method, target) = request.split_once(' ').filter(|_| head.is_redirect())?;
    let is_post = method == "POST";
    let method = match head.status {
        Status::SEE_OTHER => "GET",
        Status::MOVED_PERMANENTLY | Status::FOUND if is_post => "GET",
        _ => method,
    };
    let from = Url::parse("http://mock").and_then(|mock| mock.join(target)).ok()?;
    Some(format!("{method} {}", from.join(head.location.as_deref()?).ok()?.target()))
}

#[cfg(test)]
mod tests {
    use super::super::Seen;
    use super::super::tests::{response, visit};
    use super::super::visit::End;
    use super::*;

    fn numbers(visits: &[Visit]) -> Vec<Vec<u64>> {
        let tracks = tracks(visits.iter());
        let tracks = tracks.iter().filter(|track| !track.visits.is_empty());
        tracks.map(|track| track.visits.iter().map(|visit| visit.number).collect()).collect()
    }

    fn of(number: u64, request: &str, seen: &Seen) -> Visit {
        Visit { request: request.into(), ..visit(number, None, [number, number], seen) }
    }

    fn redirect(status: Status, location: &str) -> Seen {
        let head = Head::stream("text/plain");
        response(Head { status, location: Some(location.into()), ..head })
    }

    #[test]
    fn a_request_for_something_else_is_another_clients() {
        let stream = response(Head::stream("text/event-stream"));
        let requests = ["GET /a", "GET /b", "GET /a?x", "POST /a", "GET /a", "GET /b"];
        let visits: Vec<_> = (1..).zip(requests).map(|(n, of_)| of(n, of_, &stream)).collect();
        assert_eq!(numbers(&visits), [&[1, 5][..], &[2, 6], &[3], &[4]]);
    }

    #[test]
    fn a_redirected_client_is_the_same_client_there() {
        let stream = response(Head::stream("text/event-stream"));
        for (location, target) in [
            ("/b?c#d", "/b?c"),
            ("http://localhost:3000/b", "/b"),
            ("http://localhost:3000", "/"),
            ("b", "/x/b"),
        ] {
            let moved = redirect(Status::TEMPORARY_REDIRECT, location);
            let there = format!("GET {target}");
            let visits = [of(1, "GET /x/a?y", &moved), of(2, &there, &stream)];
            assert_eq!(numbers(&visits), [[1, 2]], "{location}");
        }
        let moved = redirect(Status::SEE_OTHER, "/b");
        let visits = [of(1, "POST /a", &moved), of(2, "GET /b", &moved), of(3, "POST /b", &stream)];
        assert_eq!(numbers(&visits), [&[1, 2][..], &[3]]);
    }

    #[test]
    fn two_that_are_there_at_once_are_several() {
        let stream = response(Head::stream("text/event-stream"));
        let has_several = |first: Visit, opened: u64| {
            let visits = [first, visit(2, None, [opened, 600], &stream)];
            tracks(visits.iter())[0].has_several
        };
        let ended = || visit(1, None, [0, 500], &stream);
        assert!(has_several(ended(), 499));
        assert!(!has_several(ended(), 500));
        // That it had gone was noticed late.
        let left = || Visit { end: End::Left, ..ended() };
        assert!(has_several(left(), 399));
        assert!(!has_several(left(), 400));
    }
}
