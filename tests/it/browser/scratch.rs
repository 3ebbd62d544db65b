//! The programs from scratch, all six on one page: a browser's `EventSource` gets everything again
//! from those without ids, loses nothing of the others, and is told of a gap.

use std::io::Write;

use tidings::{Response, Server};

use super::{ANY_PORT, Browser};
use crate::support::process::Process;
use crate::support::{Notes, until};

const PAGE: &str = include_str!("../../../examples/pages/scratch.html");

const NAMES: [&str; 6] = [
    "scratch_1_socket",
    "scratch_2_chunks",
    "scratch_3_resume",
    "scratch_4_many",
    "scratch_5_slow",
    "scratch_6_log",
];

/// What the page has told of one of them so far.
fn lines_of(program: usize, told: &Notes<String>) -> Vec<String> {
    let begin = format!("{program} ");
    let lines = told.all().into_iter();
    lines.filter_map(|line| line.strip_prefix(&begin).map(str::to_owned)).collect()
}

pub(super) fn the_page_shows_what_a_browser_makes_of_the_programs_from_scratch() {
    let told = Notes::new();
    let noted = told.clone();
    let server = Server::bind("127.0.0.1:0")
        .unwrap()
        .get("/", |_request| Ok(Response::html(PAGE)))
        .post("/received", move |request| {
            noted.add(request.body_text()?.to_owned());
            Ok(Response::no_content())
        })
        .start()
        .unwrap();
    let mut examples = NAMES.map(|name| Process::example(name, &[ANY_PORT]));
    let urls = examples.each_ref().map(|example| format!("http://{}/", example.address()));
    let page = format!("http://{}/#{}", server.address(), urls.join(","));
    let Some(_browser) = Browser::open(&page) else { return };

    // What is typed comes to those that are there, with its id.
    for program in 4..=6 {
        until("its stream", || lines_of(program, &told) == ["open"]);
        let mut stdin = examples[program - 1].child().stdin.as_ref().expect("it is piped");
        stdin.write_all(b"hello\n").expect("it reads what is typed");
        let expected = ["open", "message [1] hello"];
        until("its event", || lines_of(program, &told) == expected);
    }
    // The end is no end for a browser: it comes back, here to be sent everything again.
    for program in 1..=2 {
        let events = (1..=5).map(|number| format!("message [] {number}"));
        let mut expected = vec!["open".to_owned()];
        expected.extend(events);
        expected.extend(["error 0", "open", "message [] 1"].map(str::to_owned));
        until("the first event again", || lines_of(program, &told).len() >= expected.len());
        assert_eq!(lines_of(program, &told)[..expected.len()], expected);
    }
    // And here to be sent what it has missed.
    until("two more opens", || {
        lines_of(3, &told).iter().filter(|line| *line == "open").count() > 2
    });
    let mut last = None;
    for line in lines_of(3, &told) {
        let Some((kind, rest)) = line.split_once(" [") else { continue };
        let id = rest.split(']').next().and_then(|id| id.parse::<u64>().ok()).expect("an id");
        // On a machine that is slow enough, something may be lost.
        assert!(kind == "gap" || last.is_none_or(|last| id == last + 1), "{id} after {last:?}");
        last = Some(id);
    }
    assert!(last.is_some());
}
