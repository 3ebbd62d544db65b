//! The six programs from scratch: what they send, byte by byte; what curl and our own tail make of
//! it; and that what is wrong with each is mended by the one that says so.

#[cfg(target_os = "linux")]
mod calls;

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::ANY_PORT;
use crate::support::http::{Client, connect, read_chunk, read_head};
use crate::support::process::{Process, run, run_hub};
use crate::support::{until, until_some};

const SOURCES: [&str; 6] = [
    include_str!("../../../examples/scratch_1_socket.rs"),
    include_str!("../../../examples/scratch_2_chunks.rs"),
    include_str!("../../../examples/scratch_3_resume.rs"),
    include_str!("../../../examples/scratch_4_many.rs"),
    include_str!("../../../examples/scratch_5_slow.rs"),
    include_str!("../../../examples/scratch_6_log.rs"),
];

const HEAD: &str = "HTTP/1.1 200 OK\r\n\
    Content-Type: text/event-stream\r\n\
    Transfer-Encoding: chunked\r\n\
    Connection: close\r\n\
    Access-Control-Allow-Origin: *\r\n\
    \r\n";

/// More than the buffers of a connection hold, in lines that are shorter than what may wait in 5.
const FLOOD: usize = 400;

fn line_of(number: usize) -> String {
    format!("{number} {}", "x".repeat(60 * 1024))
}

fn start(name: &str) -> Process {
    Process::example(name, &[ANY_PORT])
}

/// Types a line.
fn publish(example: &mut Process, line: &str) {
    let mut stdin = example.child().stdin.as_ref().expect("it is open");
    stdin.write_all(format!("{line}\n").as_bytes()).expect("it reads what is typed");
}

/// All bytes of a response to a request with these fields more.
fn exchange(example: &Process, fields: &str) -> String {
    let mut socket = connect(example.address());
    socket.write_all(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n").as_bytes()).unwrap();
    let mut response = String::new();
    socket.read_to_string(&mut response).expect("an end");
    response
}

/// A stream whose head has come.
fn open(example: &Process, last_event_id: Option<&str>) -> BufReader<TcpStream> {
    let mut socket = connect(example.address());
    let field = last_event_id.map_or(String::new(), |id| format!("last-event-id:{id}\r\n"));
    socket.write_all(format!("GET / HTTP/1.1\r\nHost: a\r\n{field}\r\n").as_bytes()).unwrap();
    let mut stream = BufReader::new(socket);
    assert_eq!(read_head(&mut stream).0, 200);
    stream
}

/// The next chunk; `None` after the last one.
#[track_caller]
fn chunk(stream: &mut BufReader<TcpStream>) -> Option<String> {
    read_chunk(stream).expect("a chunk").map(|chunk| String::from_utf8(chunk).unwrap())
}

/// The id of an event.
fn id_of(event: &str) -> usize {
    event.strip_prefix("id: ").and_then(|rest| rest.lines().next()?.parse().ok()).expect("an id")
}

/// What curl prints, and its exit status; nothing if there is no curl.
fn curl(example: &Process, arguments: &[&str]) -> Option<(String, Option<i32>)> {
    if Command::new("curl").arg("-V").stdout(Stdio::null()).status().is_err() {
        println!("skipped: curl is not installed");
        return None;
    }
    let url = format!("http://{}/", example.address());
    let (said, _, status) = run(Command::new("curl").args(["-sN", &url]).args(arguments), b"");
    Some((said, status))
}

#[test]
fn each_is_at_most_120_lines_of_code_and_uses_std_alone() {
    for source in SOURCES {
        let is_code = |line: &&str| !line.is_empty() && !line.starts_with("//");
        let code = source.lines().map(str::trim).filter(is_code);
        assert!((20..=120).contains(&code.clone().count()), "{}", code.count());
        assert!(code.clone().all(|line| !line.contains("tidings") && !line.starts_with("mod ")));
        for place in source.split('`').skip(1).step_by(2).filter(|code| code.starts_with("src/")) {
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            assert!(root.join(place).is_file(), "{place}");
        }
        for part in ["//! Added: ", "//! What is still wrong", "//! System calls: ", "//! $ "] {
            let is_first = source == SOURCES[0] && part == "//! Added: ";
            assert!(is_first || source.contains(part), "{part}");
        }
    }
}

#[test]
fn the_first_sends_a_head_and_five_events_and_closes() {
    let example = start("scratch_1_socket");
    let head = "HTTP/1.0 200 OK\r\n\
        Content-Type: text/event-stream\r\n\
        Access-Control-Allow-Origin: *\r\n\
        \r\n";
    let body = "data: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\ndata: 5\n\n";
    // Its own fault, and nobody else's.
    drop(connect(example.address()));
    assert_eq!(exchange(&example, ""), format!("{head}{body}"));
}

#[test]
fn curl_takes_a_cut_of_the_first_for_the_end_and_not_one_of_the_second() {
    for (name, expected) in [("scratch_1_socket", 0), ("scratch_2_chunks", 18)] {
        let mut example = start(name);
        let url = format!("http://{}/", example.address());
        let mut command = Command::new("curl");
        command.args(["-sN", &url]).stdout(Stdio::piped());
        let Ok(mut child) = command.spawn() else {
            return println!("skipped: curl is not installed");
        };
        let mut begin = [0; 9];
        child.stdout.as_mut().expect("it is piped").read_exact(&mut begin).expect("an event");
        assert_eq!(&begin, b"data: 1\n\n");
        example.kill();
        assert_eq!(child.wait().expect("curl ends").code(), Some(expected), "{name}");
    }
}

#[test]
fn the_second_sends_each_event_as_a_chunk_and_says_where_the_end_is() {
    let example = start("scratch_2_chunks");
    drop(connect(example.address()));
    let event = |number| format!("9\r\ndata: {number}\n\n\r\n");
    let body: String = (1..=5).map(event).collect();
    assert_eq!(exchange(&example, ""), format!("{HEAD}{body}0\r\n\r\n"));
    let Some((said, status)) = curl(&example, &[]) else { return };
    let events = "data: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\ndata: 5\n\n";
    assert_eq!((&*said, status), (events, Some(0)));
}

#[test]
fn the_third_sends_what_was_missed_once_and_tells_of_a_gap() {
    let example = start("scratch_3_resume");
    drop(connect(example.address()));
    let response = exchange(&example, "");
    let body = response.strip_prefix(HEAD).expect("the head");
    let (first, _) = body.split_once("\n\n\r\n").expect("a first chunk");
    let begin = first.rsplit_once("id: ").expect("an id").1.parse::<usize>().unwrap();
    assert_eq!(body, stream_of_seconds(begin, begin + 1..=begin + 5));

    // A client that has all but the newest of these is sent that again, and at once. If it takes too
    // long to come back, it tries again.
    let (last, body) = (1..)
        .find_map(|times| {
            let id = begin + 5 * times - 1;
            let resumed = exchange(&example, &format!("LAST-EVENT-ID: {id} \r\n"));
            let body = resumed.strip_prefix(HEAD).expect("the head").to_owned();
            (!body.contains("event: gap\n")).then_some((id, body))
        })
        .expect("it is not always late");
    let newest = body.rsplit_once("data: ").and_then(|(_, rest)| rest.split_once(" s"));
    let newest = newest.expect("an event").0.parse::<usize>().unwrap();
    assert!(newest >= last + 6, "{newest} is five after what was the newest");
    assert_eq!(body, stream_of_seconds(last, last + 1..=newest));

    // Two are of another run, and what comes after the third one is gone some time later.
    for id in ["1000000", "nonsense", &*begin.to_string()] {
        let (mut stream, told) = until_some("a gap", || {
            let mut stream = open(&example, Some(id));
            let told = chunk(&mut stream).unwrap();
            told.contains("event: gap\n").then_some((stream, told))
        });
        let (_, oldest) = told.split_once(" from before ").expect("the oldest");
        let oldest = oldest.trim_end().parse::<usize>().unwrap();
        let gap = format!("event: gap\ndata: nothing is left from before {oldest}\n\n");
        assert_eq!(told, format!("retry: 2000\nid: {}\n{gap}", oldest - 1));
        // Ten are kept, and five more come.
        for number in oldest..oldest + 15 {
            assert_eq!(chunk(&mut stream).unwrap(), format!("id: {number}\ndata: {number} s\n\n"));
        }
        assert_eq!(chunk(&mut stream), None);
    }
}

/// The chunk of one event of the third program.
fn second(number: usize) -> String {
    let event = format!("id: {number}\ndata: {number} s\n\n");
    format!("{:x}\r\n{event}\r\n", event.len())
}

/// The body of a stream of the third program.
fn stream_of_seconds(begin: usize, numbers: impl Iterator<Item = usize>) -> String {
    let place = format!("retry: 2000\nid: {begin}\n\n");
    let first = format!("{:x}\r\n{place}\r\n", place.len());
    first + &numbers.map(second).collect::<String>() + "0\r\n\r\n"
}

#[test]
fn tail_loses_nothing_of_the_third_when_it_reconnects() {
    let example = start("scratch_3_resume");
    let url = format!("http://{}/", example.address());
    let (said, told, status) = run_hub(&["tail", "--count", "8", &url]);
    let id = |line: &str| line.split_once('[')?.1.split_once(']')?.0.parse::<usize>().ok();
    let ids: Vec<usize> = said.lines().filter_map(id).collect();
    assert_eq!(ids, (ids[0]..).take(8).collect::<Vec<_>>(), "{said}");
    assert!(told.contains("; connecting again in 2."), "{told}");
    assert!(told.contains(&format!(", to resume after {}\n", ids[4])), "{told}");
    assert_eq!(status, Some(0));
}

/// What 4, 5 and 6 have in common.
fn many_clients_get_each_line_and_the_end(name: &str) {
    let mut example = start(name);
    let mut streams = [(); 3].map(|()| open(&example, None));
    for stream in &mut streams {
        assert_eq!(chunk(stream).unwrap(), "id: 0\n\n");
    }
    // A character may be two bytes.
    publish(&mut example, "7 °C");
    // The last CR goes with the LF after it.
    publish(&mut example, "a CR\rends a line\r\r");
    publish(&mut example, "");
    let events = [
        "id: 1\ndata: 7 °C\n\n",
        "id: 2\ndata: a CR\ndata: ends a line\ndata: \n\n",
        "id: 3\ndata: \n\n",
    ];
    // A client that goes is nobody's fault.
    drop(open(&example, None));
    for stream in &mut streams {
        assert_eq!([(); 3].map(|()| chunk(stream).unwrap()), events);
    }
    // One that was away is sent what it missed. One that has everything is sent nothing.
    for (id, begin, missed) in [("1", 1, &events[1..]), ("3", 3, &[]), ("nonsense", 0, &events)] {
        let mut stream = open(&example, Some(id));
        assert_eq!(chunk(&mut stream).unwrap(), format!("id: {begin}\n\n"));
        for event in missed {
            assert_eq!(chunk(&mut stream).unwrap(), *event);
        }
    }
    // All that it sends, once more, byte by byte.
    let mut client = Client::to(example.address());
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut begin = vec![0; HEAD.len() + "7\r\nid: 3\n\n\r\n".len()];
    let mut socket = client.socket();
    socket.read_exact(&mut begin).expect("the head and a chunk");
    assert_eq!(String::from_utf8(begin).unwrap(), format!("{HEAD}7\r\nid: 3\n\n\r\n"));
    publish(&mut example, "bye");
    drop(example.child().stdin.take());
    let rest = client.rest();
    assert_eq!(rest, "11\r\nid: 4\ndata: bye\n\n\r\n0\r\n\r\n");
    for stream in &mut streams {
        assert_eq!(chunk(stream).unwrap(), "id: 4\ndata: bye\n\n");
        assert_eq!(chunk(stream), None);
    }
    assert_eq!(example.ended(), Some(0));
}

#[test]
fn the_fourth_sends_each_line_to_all_clients() {
    many_clients_get_each_line_and_the_end("scratch_4_many");
}

#[cfg(target_os = "linux")]
#[test]
fn a_client_that_has_gone_is_let_go_by_the_fourth_at_once_and_by_the_others_at_a_write() {
    for (name, needs_lines) in
        [("scratch_4_many", false), ("scratch_5_slow", true), ("scratch_6_log", true)]
    {
        let mut example = start(name);
        let files = format!("/proc/{}/fd", example.id());
        let open_files = || std::fs::read_dir(&files).expect("a Linux /proc").count();
        let before = open_files();
        let stream = open(&example, None);
        assert_eq!(open_files(), before + 1);
        drop(stream);
        until("its socket's end", || {
            if needs_lines {
                publish(&mut example, "next");
            }
            open_files() == before
        });
    }
}

#[test]
fn the_fifth_sends_each_line_to_all_clients() {
    many_clients_get_each_line_and_the_end("scratch_5_slow");
}

#[test]
fn the_sixth_sends_each_line_to_all_clients() {
    many_clients_get_each_line_and_the_end("scratch_6_log");
}

#[test]
fn tail_prints_what_is_typed_into_the_sixth() {
    let mut example = start("scratch_6_log");
    publish(&mut example, "before");
    let url = format!("http://{}/", example.address());
    let (said, _, status) = run_hub(&["tail", "--count", "1", "--last-event-id", "0", &url]);
    assert!(said.ends_with(" message [1] before\n"), "{said}");
    assert_eq!(status, Some(0));
}

#[test]
fn a_client_of_the_fourth_that_does_not_read_stops_all_others() {
    let mut example = start("scratch_4_many");
    let (mut slow, mut other) = (open(&example, None), open(&example, None));
    chunk(&mut slow);
    chunk(&mut other);
    let mut stdin = example.child().stdin.take().expect("it is piped");
    let received = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&received);
    let reader = std::thread::spawn(move || {
        while chunk(&mut other).is_some() {
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let typist = std::thread::spawn(move || {
        for number in 1..=FLOOD {
            stdin.write_all(format!("{}\n", line_of(number)).as_bytes()).expect("it is read");
        }
    });
    until("the others' rest", || {
        let before = received.load(Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(300));
        before > 0 && received.load(Ordering::Relaxed) == before
    });
    assert!(received.load(Ordering::Relaxed) < FLOOD);
    drop(slow);
    typist.join().unwrap();
    reader.join().unwrap();
    assert_eq!(received.load(Ordering::Relaxed), FLOOD);
}

/// Publishes as fast as one client reads, while another one does not read at all.
fn flood(example: &mut Process) -> (BufReader<TcpStream>, BufReader<TcpStream>) {
    let (mut slow, mut other) = (open(example, None), open(example, None));
    assert_eq!(chunk(&mut slow).unwrap(), "id: 0\n\n");
    assert_eq!(chunk(&mut other).unwrap(), "id: 0\n\n");
    for number in 1..=FLOOD {
        publish(example, &line_of(number));
        assert_eq!(id_of(&chunk(&mut other).unwrap()), number);
    }
    (slow, other)
}

#[test]
fn a_client_of_the_fifth_that_does_not_read_is_cut_off_and_gets_the_rest_when_it_is_back() {
    let mut example = start("scratch_5_slow");
    let (mut stream, _other) = flood(&mut example);
    let (mut last, mut cuts) = (0, 0);
    while last < FLOOD {
        match read_chunk(&mut stream) {
            Ok(Some(event)) => {
                let id = id_of(&String::from_utf8(event).unwrap());
                assert_eq!(id, last + 1);
                last = id;
            }
            Ok(None) => panic!("it is no end"),
            Err(_) => {
                cuts += 1;
                stream = open(&example, Some(&*last.to_string()));
                assert_eq!(chunk(&mut stream).unwrap(), format!("id: {last}\n\n"));
            }
        }
    }
    assert!(cuts > 0);
}

/// Publishes so many lines to a client that reads only then. How many bytes of how many have come in
/// the end; nothing if all of them have.
fn read_late(example: &mut Process, lines: usize) -> Option<(usize, usize)> {
    let mut socket = connect(example.address());
    socket.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    socket.peek(&mut [0]).expect("a first byte");
    // Whoever came later is sent each line later.
    let mut other = open(example, None);
    chunk(&mut other);
    let as_chunk = |event: &str| format!("{:x}\r\n{event}\r\n", event.len()).len();
    let mut all = HEAD.len();
    for number in 1..=lines {
        publish(example, &line_of(number));
        let event = chunk(&mut other).unwrap();
        if number == 1 {
            all += as_chunk(&format!("id: {}\n\n", id_of(&event) - 1));
        }
        all += as_chunk(&event);
    }
    let (mut buffer, mut came) = (vec![0; 64 * 1024], 0);
    while came < all {
        match socket.read(&mut buffer).expect("what waits, or an end") {
            0 => return Some((came, all)),
            read => came += read,
        }
    }
    None
}

#[test]
fn what_waits_for_a_client_of_the_fifth_comes_later_and_is_64_kib_at_most() {
    let mut example = start("scratch_5_slow");
    // How many lines are not too many, and how many are.
    let (mut few, mut many) = (1, FLOOD);
    while many - few > 1 {
        let lines = (few + many) / 2;
        match read_late(&mut example, lines) {
            None => few = lines,
            Some((came, all)) => {
                assert!(all - came > 64 * 1024, "{came} of {all} bytes");
                many = lines;
            }
        }
    }
    assert!(many < FLOOD, "{many}");
}

#[test]
fn a_client_of_the_sixth_that_does_not_read_is_told_what_it_lost() {
    let mut example = start("scratch_6_log");
    let (mut slow, mut other) = flood(&mut example);
    let (mut last, mut lost) = (0, 0);
    while last < FLOOD {
        let event = chunk(&mut slow).unwrap();
        let id = id_of(&event);
        if event.contains("event: gap\n") {
            let first = last + 1;
            assert_eq!(event, format!("id: {id}\nevent: gap\ndata: {first} to {id} are lost\n\n"));
            lost += id - last;
        } else {
            assert_eq!(event, format!("id: {id}\ndata: {}\n\n", line_of(last + 1)));
        }
        last = id;
    }
    assert!(lost > 0 && lost <= FLOOD - 100, "{lost}");
    // It goes on like all others.
    publish(&mut example, "next");
    for stream in [&mut slow, &mut other] {
        assert_eq!(chunk(stream).unwrap(), format!("id: {}\ndata: next\n\n", FLOOD + 1));
    }
    // To resume is the same.
    let mut resumed = open(&example, Some("1"));
    assert_eq!(chunk(&mut resumed).unwrap(), "id: 1\n\n");
    let oldest = FLOOD + 2 - 100;
    let gap = format!("id: {0}\nevent: gap\ndata: 2 to {0} are lost\n\n", oldest - 1);
    assert_eq!(chunk(&mut resumed).unwrap(), gap);
    assert_eq!(id_of(&chunk(&mut resumed).unwrap()), oldest);
    // One that has lost one event is told of that, and one that has lost none is told nothing.
    for (last, told) in [(oldest - 2, true), (oldest - 1, false)] {
        let mut resumed = open(&example, Some(&last.to_string()));
        assert_eq!(chunk(&mut resumed).unwrap(), format!("id: {last}\n\n"));
        if told {
            let gap = format!("id: {0}\nevent: gap\ndata: {0} to {0} are lost\n\n", oldest - 1);
            assert_eq!(chunk(&mut resumed).unwrap(), gap);
        }
        assert_eq!(id_of(&chunk(&mut resumed).unwrap()), oldest);
    }
}
