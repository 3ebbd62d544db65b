//! The same seed is the same chaos, and whatever the chaos, a correct client sees the same.

use std::collections::HashSet;

use tidings::{MessageEvent, Parser};

use super::super::course::{Course, Entrance, Progress};
use super::super::script;
use super::super::step::mark;
use super::*;

/// Scripts in which everything has its turn.
const SCRIPTS: [&str; 16] = [
    "",
    "data: a\n\ndata: b\n\ndata: c\n\n",
    "id: 1\ndata: a\n\nid: 2\ndata: größe 数 🦀\n\nid: 3\nevent: x\nretry: 20\ndata: a\ndata:  b\n\n",
    "\u{feff}id: a b\r\ndata\r\n\r\nid:2\rdata:\r\rid: 3\ndata: \n\n",
    "data: a\n\nid: 1\ndata: b\n\ndata: c\n\nid:\ndata: d\n\ndata: e\n\nid: 2\ndata: f\n\n",
    "id: 1\ndata: a\n\nid: 1\ndata: b\n\nid: 1\ndata: c\n\ndata: unfinished\nid: 9",
    "id: 1\n\ndata: a\n\nid\0: 2\nid: \0\ndata: b\n\nid: 2 \ndata: c\n\n: bye\n\n",
    "id: 1\ndata: a\n\n: close\nid: 2\ndata: b\n: wait 1ms\ndata: c\n\n\
     data: hel\n: cut\ndata: d\n\n",
    "id: 1\ndata: a\n\n\u{feff}data: x\nid: 2\ndata: b\n\n: reset\nid: 3\ndata: c\n\n\
     : flush\n: end",
    "data: a\n\n: repeat 3\ndata: b\n\n: close\n: repeat 2\n: no-content",
    "id: 1\ndata: a\n\nid: 2\ndata: b\n\n: repeat 3\nid: 3\ndata: c\n\ndata: d\n\n: status 500",
    "id: 1\ndata: a\n\n: repeat 1\ndata: b\n\nid: 2\ndata: c\n\n: repeat 3",
    "data: a\n\nid: \u{1}\ndata: b\n\n: repeat 3\ndata: c\n\n: close\nid: 1\n\n: repeat 2",
    "\u{feff}data: a\n\ndata: b\n\n: repeat 3\ndata: c\n\n",
    "\u{feff}id: 1\ndata: a\n\n: cut\n: repeat 3\n\u{feff}data: c\n\n",
    "id: \u{1}\ndata: a\n\ndata: b\n\n: type text/html\ndata: not this\n\n",
];

fn steps(script: &str) -> Vec<Step> {
    script::parse(script.as_bytes()).expect("a script")
}

/// A client that comes back for as long as the standard lets it, and loses what `lost` says of
/// each connection that is reset.
fn play(steps: Vec<Step>, seed: Option<u64>, lost: usize) -> Vec<MessageEvent> {
    play_up_to(100_000, steps, seed, lost)
}

/// The same, for so many steps at most.
fn play_up_to(most: usize, steps: Vec<Step>, seed: Option<u64>, lost: usize) -> Vec<MessageEvent> {
    let mut played = 0;
    let course = Course::new(mark(steps));
    let mut progress = Progress::default();
    let mut parser = Parser::new();
    for connection in 1.. {
        assert!(connection < 10_000, "it comes back for ever");
        let id = Some(parser.last_event_id()).filter(|id| !id.is_empty()).map(str::to_owned);
        let Some(Entrance { mut at, reached }) = progress.enter(&course, id.as_deref()) else {
            break;
        };
        parser.start_over();
        let mut is_stream = true;
        let mut received = Vec::new();
        let ending = loop {
            played += 1;
            if played >= most {
                break Ending::Close;
            }
            match course.next(&mut at, reached) {
                Some((_, Step::Bytes(bytes))) => received.extend_from_slice(bytes),
                Some((here, Step::Head(_))) if here >= reached && !received.is_empty() => {
                    at = here;
                    break Ending::Close;
                }
                Some((here, Step::Head(head))) if here >= reached => {
                    is_stream = head.is_event_stream();
                }
                Some((_, Step::End(ending))) => break *ending,
                Some(_) => {}
                None => unreachable!("a marked script has an end"),
            }
        };
        progress.ended(at);
        if ending == Ending::Reset {
            received.truncate(received.len().saturating_sub(lost));
        }
        if is_stream {
            if Opening::of(seed, connection).has_mark {
                parser.feed(BYTE_ORDER_MARK).expect("a short line");
            }
            parser.feed(&received).expect("short lines");
        }
        let is_over = course.has_ended(at) || played >= most;
        if !is_stream || ending == Ending::Finish || is_over {
            break;
        }
    }
    parser.drain().collect()
}

#[test]
fn whatever_the_seed_a_correct_client_sees_the_same_events() {
    for script in SCRIPTS {
        let expected = play(steps(script), None, 0);
        for seed in 0..1000 {
            let seen = play(disturb(steps(script), seed, true), Some(seed), 0);
            assert_eq!(seen, expected, "{script:?}, seed {seed}");
        }
    }
}

#[test]
fn what_is_repeated_for_ever_is_the_same_events_in_every_round() {
    for script in [
        "data: a\n\n: repeat",
        "id: 1\ndata: a\n\n: repeat",
        "id: 1\ndata: a\n\n: repeat 2\ndata: b\n\nid: 2\ndata: c\n\ndata: d\n\n: repeat",
        "id: \u{1}\ndata: a\n\n: repeat 1\ndata: b\n\nid: 2\ndata: c\n\n: close\n: repeat",
        "id: 1\ndata: a\n\n: repeat 1\ndata: b\n\nid: \u{1}\ndata: c\n\ndata: d\n\n: repeat",
    ] {
        let expected = play_up_to(8_000, steps(script), None, 0);
        for seed in 0..200 {
            let disturbed = disturb(steps(script), seed, true);
            let seen = play_up_to(2_000, disturbed, Some(seed), 0);
            assert!(seen.len() > 5, "{script:?}, seed {seed}");
            assert_eq!(seen, expected[..seen.len()], "{script:?}, seed {seed}");
        }
    }
}

#[test]
fn a_client_that_loses_what_it_had_not_read_misses_nothing() {
    // The third script has an id on every event.
    let expected = play(steps(SCRIPTS[2]), None, 0);
    for seed in 0..1000 {
        let disturbed = disturb(steps(SCRIPTS[2]), seed, true);
        assert_eq!(play(disturbed, Some(seed), 1 + seed as usize % 90), expected, "seed {seed}");
    }
}

#[test]
fn the_same_seed_gives_the_same_and_another_gives_another() {
    let disturbed = |seed| disturb(steps(SCRIPTS[2]), seed, true);
    assert_eq!(disturbed(7), disturbed(7));
    let mut seen: Vec<_> = (0..100).map(disturbed).collect();
    seen.dedup();
    assert_eq!(seen.len(), 100);
    assert_eq!(Opening::of(Some(7), 3), Opening::of(Some(7), 3));
}

#[test]
fn seed_one_is_written_out() {
    let shown = |step: &Step| match step {
        Step::Bytes(bytes) => bytes.escape_ascii().to_string(),
        Step::Flush => "|".into(),
        Step::Wait(time) => format!("({time:?})"),
        Step::End(ending) => format!("<{ending:?}>"),
        Step::Head(head) => format!("<{} {}>", head.status.code(), head.content_type),
        step => format!("{step:?}"),
    };
    let script = "id: 1\ndata: é\n\nid: 2\ndata: b\n\n";
    let disturbed: Vec<_> = disturb(steps(script), 1, true).iter().map(shown).collect();
    let expected = [
        r"id: another\rid: 1\rdata: \xc3\xa9\r\n\r\n||<Close>",
        r"id: another\nid:2\r\ndat|a:b\r\n\r|\n<Close>",
        r"<200 application/json>id: 0\ndata: this is no event\n\n<Close>",
    ];
    assert_eq!(disturbed.concat(), expected.concat());
}

#[test]
fn what_can_not_be_resumed_is_not_ended_and_nobody_is_told_to_stop() {
    let text = super::super::tokens::steps("Größe and more of it", Duration::from_millis(1));
    let expected = play(text.clone(), None, 0);
    assert!(expected.len() > 5);
    for seed in 0..300 {
        let disturbed = disturb(text.clone(), seed, false);
        let ends = disturbed.iter().filter(|step| matches!(step, Step::End(_) | Step::Head(_)));
        assert_eq!(ends.collect::<Vec<_>>(), [&Step::End(Ending::Close)]);
        assert_eq!(play(disturbed, Some(seed), 0), expected, "seed {seed}");
    }
}

#[test]
fn every_kind_of_disturbance_comes_up() {
    let mut endings = HashSet::new();
    let mut types = HashSet::new();
    let mut borders = [false; 2];
    let mut waits = 0;
    for seed in 0..300 {
        let steps = disturb(steps(SCRIPTS[2]), seed, true);
        for pair in steps.windows(3) {
            if let [Step::Bytes(a), Step::Flush, Step::Bytes(b)] = pair {
                borders[0] |= a.ends_with(b"\r") && b.starts_with(b"\n");
                borders[1] |= b[0] & 0xc0 == 0x80;
            }
        }
        for step in &steps {
            match step {
                Step::End(ending) => drop(endings.insert(format!("{ending:?}"))),
                Step::Head(head) => {
                    types.insert((head.status.code(), head.content_type.clone()));
                }
                Step::Wait(_) => waits += 1,
                _ => {}
            }
        }
        assert!(steps.iter().any(|step| matches!(step, Step::Bytes(_))));
    }
    assert_eq!(endings.len(), 4, "{endings:?}");
    assert_eq!(types.len(), 1 + 5 + 3, "{types:?}");
    assert_eq!((borders, waits > 100), ([true; 2], true));
    let openings: HashSet<_> = (0..100).map(|n| format!("{:?}", Opening::of(Some(1), n))).collect();
    assert_eq!(openings.len(), 8);
}
