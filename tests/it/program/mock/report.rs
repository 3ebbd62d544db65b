//! What the mock says of its client, and when it ends.

use std::time::Duration;

use tidings::client::EventSource;

use super::*;

#[test]
fn each_connection_is_a_line_and_the_card_judges_them() {
    let script = "retry: 100\nid: 1\ndata: a\n\n: reset\nid: 2\ndata: b\n\n: cut\n: no-content\n";
    let mut mock = Mock::start("sse", script, &["--until-eof"]);
    mock.get("");
    std::thread::sleep(Duration::from_millis(150));
    mock.get("1");
    std::thread::sleep(Duration::from_millis(150));
    mock.get("2");
    std::thread::sleep(Duration::from_millis(550));
    drop(mock.process.child().stdin.take());
    let said = mock.said();
    let without_times = said.iter().map(|line| {
        let words = line.split(' ').map(|word| if word.contains('.') { "TIME" } else { word });
        words.collect::<Vec<_>>().join(" ")
    });
    let expected = [
        "#1 GET /events: 200, 1 event, reset",
        "#2 GET /events TIME s later with last event ID \"1\": 200, 1 event, cut",
        "#3 GET /events TIME s later with last event ID \"2\": 204",
        "report card, after 3 connections",
        "  reconnects              yes  2 times",
        "  sends its last event ID yes  2 times",
    ];
    let said: Vec<_> = without_times.collect();
    assert_eq!(said[..6], expected);
    assert!(said[6].starts_with("  waits as long as told   yes  TIME s"), "{}", said[6]);
    assert_eq!(said[7], "  leaves a stalled stream -    there was none");
    assert_eq!(said[8], "  stops at a 204          yes  nothing came for TIME s");
    assert_eq!(said[9], "  stops at other failures -    there was none");
}

#[test]
fn a_bad_client_gets_a_bad_card() {
    let script = "retry: 5000\nid: 1\ndata: a\n\n: close\n: no-content\n: status 404\n: end";
    let mut mock = Mock::of_script(script);
    for _ in 0..4 {
        mock.get("");
    }
    assert_eq!(mock.process.ended(), Some(3));
    let said = mock.printed();
    let judged: Vec<_> = said[5..].iter().map(|line| &line[26..29]).collect();
    assert_eq!(judged, ["yes", "NO ", "NO ", "-  ", "NO ", "NO "]);
    let stderr = "tidings: the client broke a rule: see the lines with NO on the report card";
    crate::support::until("its word", || mock.process.stderr() == [stderr]);
    assert!(said[6].ends_with("#2 sent none, not \"1\""), "{}", said[6]);
}

#[cfg(unix)]
#[test]
fn the_exit_status_is_the_verdict_also_where_nobody_reads_the_card() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let script = file("sse", ": no-content\n: no-content\n");
    let mut command = Command::new(crate::support::process::hub_path());
    command.arg("mock").arg(&script.0).arg("--until-eof");
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut mock = command.spawn().unwrap();
    let mut lines = BufReader::new(mock.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let address = first.strip_prefix("listening on http://").unwrap().parse().unwrap();
    for _ in 0..2 {
        let mut socket = connect(address);
        socket.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        Received::of(socket).assert(NO_CONTENT, "", Close::Closed);
        lines.next().unwrap().unwrap();
    }
    drop(lines);
    drop(mock.stdin.take());
    assert_eq!(mock.wait().unwrap().code(), Some(3));
}

#[test]
fn clients_of_two_targets_at_once_are_judged_each_for_itself() {
    let script = "retry: 200\nid: 1\ndata: a\n\n: wait 300ms\n: close\n\
        id: 2\ndata: b\n\n: no-content\n";
    let mut mock = Mock::start("sse", script, &["--until-eof"]);
    let follow = |target: &str| {
        for id in ["", "Last-Event-ID: 1\r\n", "Last-Event-ID: 2\r\n"] {
            let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n{id}\r\n");
            Received::of(mock.send(request));
            std::thread::sleep(Duration::from_millis(250));
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| follow("/a"));
        std::thread::sleep(Duration::from_millis(100));
        follow("/b");
    });
    drop(mock.process.child().stdin.take());
    let said = mock.said();
    let ends = said[..6].iter().filter(|line| line.ends_with(": 204")).count();
    assert_eq!((ends, &*said[7]), (2, "  reconnects              yes  4 times"), "{said:?}");
}

#[test]
fn a_client_at_another_path_is_sent_the_script_from_its_beginning() {
    let script = "id: 1\ndata: a\n\n: close\nid: 2\ndata: b\n\n: no-content\n";
    let mock = Mock::start("sse", script, &["--until-eof"]);
    let get = |target: &str| {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        Received::of(mock.send(request)).chunks().0.concat()
    };
    let (first, second) = (b"id: 1\ndata: a\n\n", b"id: 2\ndata: b\n\n");
    assert_eq!(get("/a"), first);
    assert_eq!(get("/b"), first);
    // A query may be where a client puts its last event ID.
    assert_eq!(get("/a?lastEventId=1"), second);
    assert_eq!(get("/b"), second);
}

#[test]
fn a_redirected_client_goes_on_with_the_script_there() {
    let script = "data: a\n\n: close\n: status 307 /b\ndata: b\n\n: no-content\n";
    let mut mock = Mock::start("sse", script, &["--until-eof"]);
    let source = EventSource::new(&format!("http://{}/a", mock.address())).unwrap();
    let source = source.reconnection_time(Duration::from_millis(10));
    let data: Vec<String> = source.map(|event| event.unwrap().data).collect();
    assert_eq!(data, ["a", "b"]);
    // The client has its 204 before the mock has noted that it has.
    mock.process.line("#4 ");
    drop(mock.process.child().stdin.take());
    let said = mock.said();
    let asked: Vec<_> = said.iter().filter_map(|line| line.split_once(" GET /")).collect();
    assert_eq!(asked.len(), 4, "{said:?}");
}

#[test]
fn clients_that_can_not_be_told_apart_are_not_judged() {
    let script = "retry: 9000\ndata: a\n\n: wait 300ms\n: close\ndata: b\n\n: no-content\n";
    let mut mock = Mock::start("sse", script, &["--until-eof"]);
    let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let both = [mock.send(request), mock.send(request)];
    both.into_iter().for_each(|socket| drop(Received::of(socket)));
    for _ in 0..2 {
        Received::of(mock.send(request));
    }
    drop(mock.process.child().stdin.take());
    let said = mock.said();
    assert!(said[5..].iter().all(|row| row.ends_with(" -    several clients at once")), "{said:?}");
}

#[test]
fn it_ends_after_as_many_connections_as_it_was_told() {
    let mut mock = Mock::start("sse", "data: a\n\n", &["--connections=2"]);
    mock.get("");
    mock.get("");
    let said = mock.said();
    assert_eq!(said[2], "report card, after 2 connections");
}

#[test]
fn the_mock_does_not_wait_for_a_client_that_keeps_its_ended_connection_open() {
    let mut mock = Mock::start("sse", "retry: 10\ndata: a\n\n", &["--connections=1"]);
    let mut socket = mock.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut received = Vec::new();
    socket.read_to_end(&mut received).unwrap();
    assert!(received.ends_with(LAST.as_bytes()));
    let row = mock.said()[2].clone();
    assert!(row.starts_with("  reconnects              -    not watched for long"), "{row}");
    drop(socket);
}

#[test]
fn a_client_that_comes_after_enough_connections_has_come_back() {
    let script = "retry: 100\ndata: a\n\n: close\ndata: b\n\n: stall\n";
    let mut mock = Mock::start("sse", script, &["--connections=3"]);
    let get = |target| format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
    Received::of(mock.send(get("/a")));
    Received::of(mock.send(get("/b")));
    std::thread::sleep(Duration::from_millis(150));
    // This one stays, so that the mock does.
    let mut other = mock.send(get("/b"));
    other.read_exact(&mut vec![0; HEAD.len()]).unwrap();
    Received::of(mock.send(get("/a"))).assert("", "", Close::Closed);
    drop(other);
    let said = mock.said();
    assert!(said[2].ends_with(" s later: not served, as there have been enough"), "{}", said[2]);
    assert_eq!(said[5], "  reconnects              yes  2 times");
}

#[test]
fn nobody_comes_back_to_a_mock_that_its_script_ends() {
    let mut mock = Mock::of_script("retry: 0\ndata: a\n\n: end\n");
    mock.get("");
    assert_eq!(mock.said()[2], "  reconnects              -    there was no need to");
}

#[test]
fn a_reconnection_time_holds_from_the_end_of_its_line() {
    let script = "retry: 60000\n\nid: 1\ndata: a\n\nretry: 100\n: cut\ndata: b\n\n: end\n";
    let mut mock = Mock::of_script(script);
    mock.get("");
    std::thread::sleep(Duration::from_millis(110));
    mock.get("1");
    let row = mock.said()[5].clone();
    assert!(row.starts_with("  waits as long as told   yes ") && row.contains("first told 0.10 s"));
}

#[test]
fn it_ends_when_nobody_comes_any_more() {
    let mut mock = Mock::start("sse", "data: a\n\n", &["--until-idle=1"]);
    mock.get("");
    assert_eq!(mock.said()[1], "report card, after 1 connection");
}

#[test]
fn it_ends_with_standard_input_even_if_nobody_came() {
    let mut mock = Mock::start("sse", "data: a\n\n", &["--until-eof"]);
    drop(mock.process.child().stdin.take());
    assert_eq!(mock.said()[0], "report card, after 0 connections");
}

#[test]
fn an_end_ends_the_stream_well_before_it_ends_the_mock() {
    let mut mock = Mock::of_script("data: a\n\n: end\n");
    mock.get("").assert(HEAD, "9\r\ndata: a\n\n\r\n0\r\n\r\n", Close::Closed);
    assert_eq!(mock.said()[0], "#1 GET /events: 200, 1 event, end");
}

#[cfg(unix)]
#[test]
fn a_closed_standard_output_ends_it_quietly() {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::process::{Command, Stdio};

    let script = file("sse", "data: a\n\n");
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let mut child = Command::new(crate::support::process::hub_path())
        .args(["mock", &script.0.display().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::from(OwnedFd::from(theirs)))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = vec![0; 64];
    let length = ours.read(&mut first).unwrap();
    let first = String::from_utf8_lossy(&first[..length]).into_owned();
    drop(ours);
    let address = first.trim_end().strip_prefix("listening on http://").expect("the first line");
    // Each connection is a line. The first may still be taken, by the copy of our end that a test
    // beside this one has while it starts a program.
    crate::support::until("its end", || {
        if let Ok(mut socket) = TcpStream::connect(address) {
            let _ = socket.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            let _ = socket.read_to_end(&mut Vec::new());
        }
        child.try_wait().unwrap().is_some()
    });
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}
