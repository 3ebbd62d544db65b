//! A rehearsal: what the mock would send, as a cassette, without a client and without waiting.
//!
//! Connection follows connection as if a client came back each time and missed nothing. An endless
//! repeat is played once.

use std::mem;
use std::time::Duration;

use super::chaos::Opening;
use super::course::{Course, Entrance, START};
use super::response::{Deed, Part, Response};
use super::step::Ending;
use crate::cli::cassette::{End, Entry, Recorder};

/// The whole course as a cassette, which has these `about` lines.
pub(super) fn rehearse(course: &Course, seed: Option<u64>, about: &[String]) -> Vec<u8> {
    let mut out = Vec::new();
    let recorder = Recorder::begin(about, &mut out);
    let mut tape = Tape { recorder, out, after: Duration::ZERO };
    let mut at = START;
    for connection in 1.. {
        if course.is_over(at) {
            break;
        }
        let entrance = Entrance { at, reached: at };
        let mut response = Response::new(course, entrance, &Opening::of(seed, connection));
        while !course.is_over(response.at) {
            let mut parts = Vec::new();
            let deed = response.advance(&mut parts);
            parts.into_iter().for_each(|part| tape.take_part(part));
            match deed {
                Deed::Nothing => {}
                Deed::Pause(time) => tape.after = tape.after.saturating_add(time),
                Deed::End(ending) => {
                    tape.end(ending, response.seen.head.is_some());
                    break;
                }
            }
        }
        at = response.at;
    }
    tape.recorder.finish(&mut tape.out);
    tape.out
}

struct Tape {
    recorder: Recorder,
    out: Vec<u8>,
    /// The time since the last entry.
    after: Duration,
}

impl Tape {
    fn take(&mut self, entry: impl FnOnce(Duration) -> Entry) {
        let after = mem::take(&mut self.after);
        self.recorder.take(&entry(after), &mut self.out);
    }

    fn take_part(&mut self, part: Part) {
        match part {
            Part::Head(head) => self.take(|after| Entry::Open { after, response: Some(head) }),
            Part::Chunk(bytes) => self.take(|after| Entry::Read { after, bytes }),
            Part::Last => {}
        }
    }

    fn end(&mut self, ending: Ending, has_head: bool) {
        if ending == Ending::Stall {
            // The client decides how long it lasts.
            self.after = Duration::ZERO;
        }
        if !has_head {
            self.take(|after| Entry::Open { after, response: None });
        }
        let how = match ending {
            Ending::Close | Ending::Finish => End::Close,
            Ending::Cut => End::Cut,
            Ending::Reset => End::Reset,
            Ending::Stall => End::Stall,
        };
        self.take(|after| Entry::End { after, how });
    }
}

#[cfg(test)]
mod tests {
    use super::super::step::mark;
    use super::super::{chaos, script, tape};
    use super::*;
    use crate::cli::cassette;

    fn course(script: &str) -> Course {
        Course::new(mark(script::parse(script.as_bytes()).expect("a script")))
    }

    fn of_script(script: &str) -> String {
        let cassette = rehearse(&course(script), None, &["a test".into()]);
        String::from_utf8(cassette).expect("UTF-8")
    }

    #[test]
    fn a_script_becomes_the_cassette_of_its_connections() {
        let script =
            ": wait 1s\ndata: a\n\ndata: b\n\n: wait 20ms\ndata: hel\n: cut\n: no-content\n";
        let expected = ": tidings cassette 1\n\
            : about a test\n\
            : open +1s 200 text/event-stream\n\
            : read +0ms 9\n\
            data: a\n\
            \n\
            : read +0ms 9\n\
            data: b\n\
            \n\
            : part +20ms 10\n\
            : rest data: hel\\n\n\
            : end +0ms cut\n\
            : open +0ms 204\n\
            : end +0ms close\n";
        assert_eq!(of_script(script), expected);
        assert_eq!(
            of_script(": status 302 /there"),
            ": tidings cassette 1\n\
             : about a test\n\
             : open +0ms 302 text/plain\n\
             : location /there\n\
             : part +0ms 10\n\
             : rest 302 Found\\n\n\
             : end +0ms close\n"
        );
        assert!(of_script("data: a\n\n: wait 1s\n: stall").ends_with("\n: end +0ms stall\n"));
        assert_eq!(
            of_script(": reset"),
            ": tidings cassette 1\n: about a test\n: open +0ms\n: end +0ms reset\n"
        );
    }

    #[test]
    fn what_is_repeated_for_ever_is_played_once() {
        let script = "data: a\n\n: close\ndata: b\n\n: repeat";
        let cassette = of_script(script);
        assert_eq!(cassette.matches("data: a").count(), 1, "{cassette}");
        assert_eq!(cassette.matches("data: b").count(), 1, "{cassette}");
        let endless = of_script("data: a\n\n: wait 1s\n: repeat");
        assert!(endless.ends_with(": read +0ms 9\ndata: a\n\n"), "{endless}");
        assert_eq!(of_script("data: a\n\n: repeat 3").matches("data: a").count(), 3);
    }

    #[test]
    fn the_cassette_of_a_cassettes_replay_is_the_same_whatever_it_is_of() {
        for seed in 0..500 {
            let script = "id: 1\ndata: größe\n\nid: 2\ndata: b\n\n: stall\nid: 3\ndata: c\n\n";
            let steps = script::parse(script.as_bytes()).expect("a script");
            let course = Course::new(mark(chaos::disturb(steps, seed, true)));
            let first = rehearse(&course, Some(seed), &[]);
            let read = cassette::read(&first).expect("a cassette");
            let again = rehearse(&Course::new(mark(tape::steps(&read.entries))), None, &[]);
            assert_eq!(again.escape_ascii().to_string(), first.escape_ascii().to_string());
        }
    }
}
