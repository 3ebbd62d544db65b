//! What goes over the wire, byte by byte, and how it ends.

use std::time::{Duration, Instant};

use super::*;
use crate::support::process::run_hub;
use crate::support::until;

#[test]
fn a_stream_goes_out_as_it_stands_in_the_file_a_block_a_chunk() {
    let mock = Mock::of_script("\u{feff}: hi\ndata: a\r\n\r\nid: 1\rdata: b\r\r");
    let content = "13\r\n\u{feff}: hi\ndata: a\r\n\r\n\r\nf\r\nid: 1\rdata: b\r\r\r\n0\r\n\r\n";
    mock.get("").assert(HEAD, content, Close::Closed);
}

#[test]
fn a_wait_is_waited_and_the_speed_is_minded() {
    for (speed, least) in [("1", 300), ("3", 100)] {
        let script = "data: a\n\n: wait 300ms\ndata: b\n\n";
        let mock = Mock::start("sse", script, &["--speed", speed]);
        let begun = Instant::now();
        let content = "9\r\ndata: a\n\n\r\n9\r\ndata: b\n\n\r\n0\r\n\r\n";
        mock.get("").assert(HEAD, content, Close::Closed);
        assert!(begun.elapsed() >= Duration::from_millis(least), "{:?}", begun.elapsed());
    }
}

#[test]
fn a_reset_is_one_whatever_the_request_was() {
    let requests = [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET / HTTP/1.0\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}".to_owned(),
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
            .to_owned(),
        format!(
            "{}300000\r\n\r\n{}",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ",
            "x".repeat(300_000)
        ),
    ];
    for request in requests {
        let mock = Mock::of_script("data: a\n\ndata: hel\n: reset\n: reset\ndata: lo\n\n");
        let received = Received::of(mock.send(&request));
        assert_eq!(received.close, Close::Reset);
        let (_, content) = received.split();
        if request.contains("1.1") {
            assert_eq!(content, b"9\r\ndata: a\n\n\r\na\r\ndata: hel\n\r\n");
        } else {
            assert_eq!(content, b"data: a\n\ndata: hel\n");
        }
        let nothing = Received::of(mock.send(&request));
        assert_eq!(nothing, Received { bytes: Vec::new(), close: Close::Reset });
        assert_eq!(Received::of(mock.send(&request)).close, Close::Closed);
    }
}

#[test]
fn a_cut_lacks_the_last_chunk() {
    let mock = Mock::of_script("data: a\n\n: cut\n: cut\n: flush\n: cut\ndata: b\n\n");
    mock.get("").assert(HEAD, "9\r\ndata: a\n\n\r\n", Close::Closed);
    mock.get("").assert("", "", Close::Closed);
    mock.get("").assert(HEAD, "", Close::Closed);
    mock.get("").assert(HEAD, &format!("9\r\ndata: b\n\n\r\n{LAST}"), Close::Closed);
}

#[test]
fn responses_that_are_no_streams_are_as_the_script_says() {
    let script = ": status 503\n: status 307 /b?c\n: type text/html\n<p>\n: close\n: no-content\n";
    let mock = Mock::of_script(script);
    let tail = "Cache-Control: no-cache\r\n\
        Transfer-Encoding: chunked\r\n\
        Connection: close\r\n\r\n";
    let head = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n";
    let content = "18\r\n503 Service Unavailable\n\r\n0\r\n\r\n";
    mock.get("").assert(&format!("{head}{tail}"), content, Close::Closed);
    let head = "HTTP/1.1 307 Temporary Redirect\r\nContent-Type: text/plain\r\nLocation: /b?c\r\n";
    let content = "17\r\n307 Temporary Redirect\n\r\n0\r\n\r\n";
    mock.get("").assert(&format!("{head}{tail}"), content, Close::Closed);
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n";
    mock.get("").assert(&format!("{head}{tail}"), "4\r\n<p>\n\r\n0\r\n\r\n", Close::Closed);
    mock.get("").assert(NO_CONTENT, "", Close::Closed);
}

#[test]
fn a_client_that_comes_back_with_an_id_gets_what_comes_after_it() {
    let mock = Mock::of_script("id: 1\ndata: a\n\nid: 2\ndata: b\n\n: close\nid: 3\ndata: c\n\n");
    let [a, b, c] = [("1", "a"), ("2", "b"), ("3", "c")]
        .map(|(id, data)| format!("f\r\nid: {id}\ndata: {data}\n\n\r\n"));
    mock.get("").assert(HEAD, &format!("{a}{b}{LAST}"), Close::Closed);
    mock.get("1").assert(HEAD, &format!("{b}{c}{LAST}"), Close::Closed);
    mock.get("2").assert(HEAD, &format!("{c}{LAST}"), Close::Closed);
    mock.get("3").assert(NO_CONTENT, "", Close::Closed);
    mock.get("").assert(HEAD, &format!("{a}{b}{LAST}"), Close::Closed);
}

#[test]
fn a_stall_ends_when_the_client_goes_and_then_it_goes_on() {
    let mock = Mock::of_script("data: a\n\n: stall\ndata: b\n\n");
    let mut first = mock.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut received = vec![0; HEAD.len() + 14];
    first.read_exact(&mut received).unwrap();
    assert!(received.ends_with(b"\r\n\r\n9\r\ndata: a\n\n\r\n"));
    first.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let nothing = first.read(&mut [0]).expect_err("it stalls").kind();
    assert!(matches!(nothing, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{nothing:?}");
    drop(first);
    let line = mock.process.line("#1 ");
    assert!(
        line.starts_with("#1 GET /events: 200, 1 event, stall, the client went after 0."),
        "{line}"
    );
    mock.get("").assert(HEAD, "9\r\ndata: b\n\n\r\n0\r\n\r\n", Close::Closed);
}

#[test]
fn a_client_that_goes_during_a_wait_is_noticed_and_the_next_begins_anew() {
    let mock = Mock::of_script("data: a\n\n: wait 2m\ndata: b\n\n");
    for number in 1..=2 {
        let mut socket = mock.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut received = vec![0; HEAD.len() + 14];
        socket.read_exact(&mut received).unwrap();
        drop(socket);
        let line = mock.process.line(&format!("#{number} "));
        assert!(line.ends_with(": 200, 1 event, the client went"), "{line}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_client_that_goes_during_a_wait_before_a_reset_is_noticed_too() {
    let mock = Mock::of_script("data: a\n\n: wait 2m\ndata: b\n\n: reset\ndata: c\n\n");
    let mut socket = mock.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    socket.read_exact(&mut vec![0; HEAD.len() + 14]).unwrap();
    drop(socket);
    let line = mock.process.line("#1 ");
    assert!(line.ends_with(": 200, 1 event, the client went"), "{line}");
}

#[test]
fn a_wait_after_a_reset_that_is_done_is_watched_as_any_other() {
    let mock = Mock::of_script("data: a\n\n: reset\ndata: b\n\n: wait 2m\n");
    assert_eq!(mock.get("").close, Close::Reset);
    let mut socket = mock.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    socket.read_exact(&mut vec![0; HEAD.len() + 14]).unwrap();
    // A client that closes its sending side has gone, as far as the hub and the mock can know.
    socket.shutdown(std::net::Shutdown::Write).unwrap();
    let line = mock.process.line("#2 ");
    assert!(line.ends_with(": 200, 1 event, the client went"), "{line}");
}

#[test]
fn the_body_of_a_request_is_read_however_it_comes() {
    let mock = Mock::of_script("data: a\n\n: close\n: repeat");
    let expected = format!("{HEAD}9\r\ndata: a\n\n\r\n{LAST}");
    let fields = "Host: a\r\nContent-Length: 10\r\nExpect: 100-continue\r\n";
    let mut socket = mock.send(format!("POST /v1/chat HTTP/1.1\r\n{fields}\r\n"));
    let mut interim = [0; 25];
    socket.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    for byte in b"{\"a\": \"b\"}" {
        socket.write_all(&[*byte]).unwrap();
    }
    assert_eq!(Received::of(socket).text(), expected);
    // Larger than any buffer of the system.
    let size = 32 * 1024 * 1024;
    let mut socket =
        mock.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n"));
    socket.write_all(&vec![b'x'; size]).unwrap();
    assert_eq!(Received::of(socket).text(), expected);
}

#[test]
fn a_request_for_the_head_alone_changes_nothing() {
    let mock = Mock::of_script("data: a\n\n: close\n: no-content");
    Received::of(mock.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")).assert(HEAD, "", Close::Closed);
    assert!(mock.get("").text().contains("data: a"));
}

#[test]
fn pages_of_every_origin_may_read_it_and_a_preflight_changes_nothing() {
    let mut mock = Mock::start("sse", "data: a\n\n: no-content", &["--connections=2"]);
    let origin = "Host: a\r\nOrigin: http://localhost:5173\r\n";
    let allowed = "Cache-Control: no-cache\r\n\
        Access-Control-Allow-Origin: http://localhost:5173\r\n\
        Access-Control-Allow-Credentials: true\r\n\
        Vary: Origin\r\n";
    let asked = "Access-Control-Request-Method: GET\r\n\
        Access-Control-Request-Headers: last-event-id, x-key\r\n";
    let preflight = format!("OPTIONS /a HTTP/1.1\r\n{origin}{asked}\r\n");
    let granted = "Access-Control-Allow-Methods: GET\r\n\
        Access-Control-Allow-Headers: last-event-id, x-key\r\n";
    for _ in 0..3 {
        let head =
            format!("HTTP/1.1 204 No Content\r\n{allowed}{granted}Connection: close\r\n\r\n");
        Received::of(mock.send(&preflight)).assert(&head, "", Close::Closed);
    }
    let received = Received::of(mock.send(format!("GET /a HTTP/1.1\r\n{origin}\r\n")));
    let head = HEAD.replace("Cache-Control: no-cache\r\n", allowed);
    received.assert(&head, &format!("9\r\ndata: a\n\n\r\n{LAST}"), Close::Closed);
    let head = NO_CONTENT.replace("Cache-Control: no-cache\r\n", allowed);
    let received = Received::of(mock.send(format!("GET /a HTTP/1.1\r\n{origin}\r\n")));
    received.assert(&head, "", Close::Closed);
    assert!(mock.printed()[0].starts_with("#1 GET /a: 200, 1 event"));
}

#[test]
fn a_request_against_the_rules_is_told_which() {
    let mock = Mock::of_script("data: a\n\n");
    let received = Received::of(mock.send("GET / HTTP/1.1\n"));
    let why = "a line must end in CRLF, not in LF alone (RFC 9112, section 2.2)";
    assert!(received.text().ends_with(&format!("\r\n\r\n400 Bad Request: {why}\n")));
    let line = mock.process.line("a request was refused");
    assert_eq!(line, format!("a request was refused: 400 Bad Request: {why}"));
}

#[test]
fn a_text_is_sent_token_by_token() {
    let mock = Mock::start("txt", "Hi you", &["--rate=100/s"]);
    for _ in 0..2 {
        let received = Received::of(mock.send("POST /v1/chat HTTP/1.1\r\nHost: a\r\n\r\n"));
        let (chunks, whole) = received.chunks();
        let text = chunks.iter().map(|chunk| std::str::from_utf8(chunk).unwrap());
        let deltas = text.map(|chunk| {
            let delta = chunk.split_once("\"delta\":").map_or(chunk, |(_, rest)| rest);
            delta.split_once(",\"finish").map_or(delta, |(delta, _)| delta)
        });
        let expected = [
            "{\"role\":\"assistant\",\"content\":\"\"}",
            "{\"content\":\"Hi\"}",
            "{\"content\":\" you\"}",
            "{}",
            "data: [DONE]\n\n",
        ];
        assert_eq!(deltas.collect::<Vec<_>>(), expected);
        assert!(whole);
    }
}

#[test]
fn many_clients_at_once_each_get_the_stream() {
    let mock = Mock::of_script("data: a\n\n: wait 300ms\ndata: b\n\n");
    let requests = [(); 50].map(|()| mock.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    for socket in requests {
        let content = "9\r\ndata: a\n\n\r\n9\r\ndata: b\n\n\r\n0\r\n\r\n";
        Received::of(socket).assert(HEAD, content, Close::Closed);
    }
    until("all lines", || mock.process.stdout().len() == 51);
}

#[test]
fn a_script_that_can_not_be_played_is_told_with_its_line() {
    let told = |ending: &str, script: &[u8]| {
        let script = file(ending, script);
        let path = script.0.display().to_string();
        let (stdout, stderr, status) = run_hub(&["mock", &path]);
        assert_eq!((&*stdout, status), ("", Some(1)));
        stderr.replace(&path, "SCRIPT")
    };
    let said = told("sse", b"data: a\n\n: wiat 200ms\n");
    assert!(said.starts_with("tidings: SCRIPT:3: unknown directive 'wiat': did you mean wait?"));
    assert_eq!(
        told("sse", b": tidings cassette 1\n: read +1ms 2\n"),
        "tidings: SCRIPT:2: ': open' must come before this\n",
    );
    let said = "tidings: can't read the script SCRIPT: a text must be UTF-8: save it as that\n";
    assert_eq!(told("txt", b"\xff"), said);
    let (_, stderr, status) = run_hub(&["mock", "/there/is/none"]);
    let why = "No such file or directory (os error 2)";
    assert_eq!(stderr, format!("tidings: can't read the script /there/is/none: {why}\n"));
    assert_eq!(status, Some(1));
    let (_, stderr, status) = run_hub(&["mock"]);
    let said = "tidings: a script is missing: tidings mock SCRIPT|- ";
    assert!(stderr.starts_with(said), "{stderr}");
    assert_eq!(status, Some(2));
}
