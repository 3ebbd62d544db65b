//! The tables of `src/doc/illustrated.md` are what a hub really does.
//!
//! A hub runs with `--trace`, and a client that is nothing but a socket leads the life that the
//! document tells. What changes from run to run (the epoch, dates, ports, a time that is drawn by
//! lot) is made the same. With `TIDINGS_REWRITE` in its environment the test writes the tables into
//! the document; otherwise it fails where one of them is another.

mod commands;

use std::fmt::Write as _;
use std::net::Shutdown;
use std::path::PathBuf;
use std::slice::from_ref;

use crate::support::http::{Client, post};
use crate::support::process::{Process, signal};
use crate::support::trace::{Call, Row, calls};
use crate::support::until_some;

/// What the epoch is in the document.
const EPOCH: &str = "146292749409";
const DATE: &str = "Sat, 28 Nov 2026 18:17:50 GMT";
const LAST_RETRY: &str = "2520";

/// A hub, its epoch, and how many calls of the trace have been told of.
struct Life {
    hub: Process,
    epoch: String,
}

/// One connection's client.
struct Visitor {
    client: Client,
    peer: String,
}

impl Life {
    /// The size of a chunk depends on how long the epoch is, which is drawn by lot: most have twelve
    /// digits.
    fn begin(options: &[&str]) -> Self {
        until_some("an epoch of twelve digits", || {
            let hub = Process::hub(&[&["--listen=127.0.0.1:0"], options].concat());
            let mut probe = Client::to(hub.address());
            let first = String::from_utf8(probe.open("/events/probe").body).expect("text");
            let epoch = first.strip_prefix("id: ").and_then(|id| id.split('-').next());
            let epoch = epoch.expect("an epoch").to_owned();
            (epoch.len() == EPOCH.len()).then_some(Self { hub, epoch })
        })
    }

    fn open(&self, resume: &str) -> Visitor {
        let mut client = Client::to(self.hub.address());
        let peer = client.socket().local_addr().expect("an address").to_string();
        let field = match resume {
            "" => String::new(),
            id => format!("Last-Event-ID: {}-{id}\r\n", self.epoch),
        };
        client.send(format!(
            "GET /events/news HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{field}\r\n"
        ));
        assert_eq!(client.head().status, 200);
        let mut visitor = Visitor { client, peer };
        visitor.chunk();
        visitor
    }

    fn publish(&self, query: &str, data: &str) {
        let response = post(self.hub.address(), &format!("/events/news{query}"), data);
        assert_eq!(response.status, 200, "{}", response.text());
    }

    /// The calls of a connection, once one of them is as wanted. Heartbeats are told of once.
    fn calls(&self, peer: &str, is_there: impl Fn(&Call) -> bool) -> Vec<Call> {
        until_some("a call of the trace", || {
            let of_peer = calls(&self.hub).into_iter().filter(|call| call.peer == peer);
            let calls: Vec<Call> = of_peer.collect();
            calls.iter().any(&is_there).then_some(calls)
        })
    }

    /// What changes from run to run, made the same.
    fn fixed(&self, text: &str) -> String {
        let mut text = text.replace(&self.epoch, EPOCH);
        if let Some(date) = text.strip_prefix("Date: ").and_then(|rest| rest.strip_suffix("␍␊"))
        {
            text = text.replace(date, DATE);
        }
        text
    }

    fn table(&self, calls: &[Call]) -> String {
        let mut table = String::from(
            "| bytes | what they mean | standard | source | call |\n| --- | --- | --- | --- | --- |\n",
        );
        for call in calls {
            let made = match &*call.place {
                "" => format!("`{}`", call.name),
                place => format!("`{}` at `{place}`", call.name),
            };
            let mut made = Some(made);
            if call.rows.is_empty() {
                let made = made.take().expect("it is there");
                let _ = writeln!(table, "| | {} | {} | | {made} |", call.what, call.section);
            }
            for Row { bytes, means, place, section } in &call.rows {
                let (bytes, means) = (self.fixed(bytes), self.fixed(means));
                let made = made.take().unwrap_or_default();
                let _ = writeln!(table, "| `{bytes}` | {means} | {section} | `{place}` | {made} |");
            }
        }
        table.replace("|  |", "| |").replace("|  |", "| |")
    }
}

impl Visitor {
    /// The next chunk that is no heartbeat.
    fn chunk(&mut self) -> String {
        loop {
            let chunk = self.client.chunk().expect("a chunk");
            if chunk != ":\n" {
                return chunk;
            }
        }
    }

    fn leave(self) -> String {
        self.client.socket().shutdown(Shutdown::Both).expect("it is open");
        self.peer
    }
}

fn is_heartbeat(call: &Call) -> bool {
    call.rows.iter().any(|row| row.bytes == ":␊")
}

/// The calls but for heartbeats.
fn spoken(calls: Vec<Call>) -> Vec<Call> {
    calls.into_iter().filter(|call| !is_heartbeat(call)).collect()
}

fn has(bytes: &str) -> impl Fn(&Call) -> bool + '_ {
    move |call| call.rows.iter().any(|row| row.bytes.ends_with(bytes))
}

fn is_over(call: &Call) -> bool {
    call.name == "close"
}

/// The call cut in two: its rows up to the end of the head, and those after it.
fn at_end_of_head(call: &Call) -> [Call; 2] {
    let end = call.rows.iter().position(|row| row.bytes == "␍␊").expect("an end of the head") + 1;
    let (head, rest) = call.rows.split_at(end);
    [head, rest].map(|rows| Call { rows: rows.to_vec(), ..call.clone() })
}

/// Leads the life, and gives each step's table.
fn tables() -> Vec<(&'static str, String)> {
    let mut life = Life::begin(&["--trace", "--history=3", "--heartbeat=1", "--max-event=999"]);
    let mut tables = Vec::new();

    let mut first = life.open("");
    life.publish("", "rain");
    first.chunk();
    life.publish("?event=weather", "rain\nand more rain");
    first.chunk();
    let calls_of_first = life.calls(&first.peer, is_heartbeat);
    let heartbeat = calls_of_first.iter().find(|call| is_heartbeat(call)).cloned();
    let peer = first.leave();
    let calls_of_first = spoken(life.calls(&peer, is_over));
    let [accept, request, head, event, lines, over @ ..] = &*calls_of_first else {
        panic!("{calls_of_first:?}")
    };
    let [head, begin] = at_end_of_head(head);
    tables.push(("connect", life.table(&[accept.clone(), request.clone()])));
    tables.push(("head", life.table(&[head])));
    tables.push(("first", life.table(&[begin])));
    let publish = calls(&life.hub).into_iter().find(has("POST /events/news HTTP/1.1␍␊"));
    let publisher = publish.expect("a publisher").peer;
    let publish = life.calls(&publisher, is_over);
    tables.push(("publish", life.table(&publish[1..3])));
    tables.push(("event", life.table(from_ref(event))));
    tables.push(("lines", life.table(from_ref(lines))));
    tables.push(("heartbeat", life.table(&[heartbeat.expect("a heartbeat")])));
    tables.push(("cut", life.table(over)));

    for data in ["sun", "wind"] {
        life.publish("", data);
    }
    let mut second = life.open("2");
    second.chunk();
    let calls_of_second = spoken(life.calls(&second.peer, has("data: wind␊")));
    let [accept, request, head, replay @ ..] = &*calls_of_second else {
        panic!("{calls_of_second:?}")
    };
    let [_, begin] = at_end_of_head(head);
    tables.push(("return", life.table(&[accept.clone(), request.clone()])));
    tables.push(("replay", life.table(&[&[begin], replay].concat())));
    life.calls(&second.leave(), is_over);

    for data in ["hail", "fog", "snow", "ice", "sleet"] {
        life.publish("", data);
    }
    let mut third = life.open("4");
    let calls_of_third = spoken(life.calls(&third.peer, has("data: sleet␊")));
    let [_, _, head, rest @ ..] = &*calls_of_third else { panic!("{calls_of_third:?}") };
    let [_, begin] = at_end_of_head(head);
    tables.push(("gap", life.table(&[&[begin], rest].concat())));

    life.publish("?retry=3000", "storm");
    let told = spoken(life.calls(&third.peer, has("data: storm␊")));
    let storm = told.iter().position(has("data: storm␊")).expect("it is there");
    tables.push(("retry", life.table(&told[storm..=storm])));

    signal(life.hub.id(), "TERM");
    let rest = third.client.rest();
    third.client.socket().shutdown(Shutdown::Both).unwrap_or_default();
    let time = rest.rsplit_once("retry: ").and_then(|(_, after)| after.split_once('\n'));
    let (time, _) = time.unwrap_or_else(|| panic!("no reconnection time: {rest:?}"));
    assert_eq!(time.len(), LAST_RETRY.len());
    assert_eq!(life.hub.ended(), Some(0));
    let told = spoken(life.calls(&third.peer, is_over));
    tables.push(("end", life.table(&told[storm + 1..]).replace(time, LAST_RETRY)));
    tables
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/doc/illustrated.md")
}

fn document() -> String {
    std::fs::read_to_string(path()).expect("the document")
}

/// The document with these tables in their places.
fn with_tables(document: &str, tables: &[(&str, String)]) -> String {
    let mut document = document.to_owned();
    for (name, table) in tables {
        let mark = format!("<!-- table: {name} -->\n");
        let (before, rest) = document.split_once(&mark).unwrap_or_else(|| panic!("no {mark}"));
        let (_, after) = rest.split_once("<!-- end -->").expect("an end");
        document = format!("{before}{mark}{table}<!-- end -->{after}");
    }
    document
}

#[test]
fn the_illustrated_stream_is_what_a_hub_does() {
    let written = document();
    let tables = tables();
    let marks = written.split("<!-- table: ").skip(1).filter_map(|rest| rest.split(' ').next());
    let steps: Vec<&str> = tables.iter().map(|(name, _)| *name).collect();
    assert_eq!(marks.collect::<Vec<_>>(), steps, "each step is told once, in its turn");
    let real = with_tables(&written, &tables);
    if std::env::var_os("TIDINGS_REWRITE").is_some() {
        return std::fs::write(path(), real).expect("the document can be written");
    }
    let differ = |(written, real): &(&str, &str)| written != real;
    let lines = written.lines().zip(real.lines()).filter(differ);
    let lines: Vec<String> = lines.map(|(old, new)| format!("- {old}\n+ {new}\n")).collect();
    assert!(
        written == real,
        "src/doc/illustrated.md tells what the hub doesn't do any more. Read what has changed, and \
         run this test with TIDINGS_REWRITE=1 to write the tables anew:\n{}",
        lines.concat()
    );
}
