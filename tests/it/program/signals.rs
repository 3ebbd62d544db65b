//! Signals: the first one ends each command as its own end does, the second one at once.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use super::super::support::http::{Client, get, retry_behind};
use super::super::support::namespaces::{AS_PROCESS_1, can};
use super::super::support::process::{child_of, hub_path, signal};
use super::super::support::script::{CHUNKED, STREAM, Script, act};
use super::super::support::until;
use super::sockets::Folder;
use super::*;

/// The program, for which no signal is ignored, however the tests were started.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new("env");
    command.arg("--default-signal=HUP,INT,TERM").arg(hub_path()).args(arguments);
    command
}

/// The line that the hub says when a signal stops it.
fn said(signal: &str) -> String {
    format!("tidings: SIG{signal}: the hub stops; a second signal ends it at once")
}

/// A stream that a hub has opened.
fn stream(hub: &Process) -> Client {
    let mut stream = Client::to(hub.address());
    stream.open("/events/a");
    stream
}

/// Has a stop last for as long as the grace period, by a request whose body doesn't come.
fn hold(hub: &Process, fields: &str) -> Client {
    let mut held = Client::to(hub.address());
    held.send(format!(
        "POST /events/a HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n{fields}\
         Content-Length: 10\r\n\r\n"
    ));
    assert_eq!(held.head().status, 100, "its body is waited for");
    held
}

/// Sends a signal to a process until the hub has ended by one of them: those that come too soon
/// count as the first.
fn again(hub: &mut Process, process: u32, name: &str) {
    until("its end", || {
        let _ = Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).output();
        hub.child().try_wait().unwrap().is_some()
    });
}

#[test]
fn row_55_a_signal_ends_a_hub_whose_standard_error_nobody_reads() {
    let (_unread, stderr) = std::io::pipe().expect("a pipe");
    let mut hub = command(&[LISTEN, "--trace"]);
    let mut hub = hub.stdout(Stdio::piped()).stderr(stderr).spawn().expect("a hub");
    let mut first = String::new();
    BufReader::new(hub.stdout.take().expect("a pipe")).read_line(&mut first).expect("a line");
    let address = first.trim_end().strip_prefix("listening on http://").expect(&first);
    let address = address.parse().expect("an address");
    // More is told of these than a pipe has room for.
    for _ in 0..200 {
        assert_eq!(get(address, "/health").status, 200);
    }
    signal(hub.id(), "TERM");
    until("its end", || hub.try_wait().unwrap().is_some());
    assert_eq!(hub.wait().unwrap().code(), Some(0));
}

#[test]
fn row_55_a_signal_ends_streams_well_and_the_hub_with_status_0() {
    for name in ["TERM", "INT", "HUP"] {
        let mut hub = Process::start(&mut command(&[LISTEN]));
        let mut streams: Vec<Client> = (0..3).map(|_| stream(&hub)).collect();
        signal(hub.id(), name);
        for stream in &mut streams {
            let time = retry_behind("", &stream.rest());
            assert!((2_000..=4_000).contains(&time), "{time}");
        }
        assert_eq!(hub.ended(), Some(0), "{name}");
        until("what it says", || hub.stderr() == [said(name)]);
    }
}

#[test]
fn row_55_a_second_signal_ends_the_hub_at_once() {
    let mut hub = Process::start(&mut command(&[LISTEN]));
    let held = hold(&hub, "");
    signal(hub.id(), "INT");
    until("the first", || hub.stderr() == [said("INT")]);
    let process = hub.id();
    again(&mut hub, process, "TERM");
    assert_eq!(hub.ended(), Some(128 + 15), "before the grace period is over");
    drop(held);
}

#[test]
fn row_55_signals_that_come_at_once_count_as_one() {
    // Which of them finds the first one not yet taken is up to chance.
    for (first, second) in [("TERM", "TERM"), ("TERM", "HUP")].repeat(5) {
        let mut hub = Process::start(&mut command(&[LISTEN]));
        let held = hold(&hub, "");
        let both = format!("kill -{first} {0}; kill -{second} {0}", hub.id());
        assert!(Command::new("sh").args(["-c", &both]).status().unwrap().success());
        until("the first", || hub.stderr().len() == 1);
        drop(held);
        assert_eq!(hub.ended(), Some(0), "{first} {second}");
    }
}

#[test]
fn row_55_a_signal_goes_on_with_a_stop_that_a_request_began() {
    let file = TemporaryFile::new("signals", "s3cret\n");
    let mut hub = Process::start(&mut command(&[LISTEN, &file.argument()]));
    let address = hub.address();
    let token = "Authorization: Bearer s3cret\r\n";
    let held = hold(&hub, token);
    assert_eq!(post_with(&hub, "/stop", token).status, 202);
    until("it listens no more", || std::net::TcpStream::connect(address).is_err());
    signal(hub.id(), "TERM");
    until("it goes on", || hub.stderr() == [said("TERM")]);
    let process = hub.id();
    again(&mut hub, process, "HUP");
    assert_eq!(hub.ended(), Some(128 + 1));
    drop(held);
}

#[test]
fn row_55_a_signal_stops_a_hub_that_waits_for_the_end_of_its_input() {
    let mut hub = Process::start(&mut command(&[LISTEN, "--until-eof", "--stdin=lines"]));
    let mut stream = stream(&hub);
    signal(hub.id(), "TERM");
    retry_behind("", &stream.rest());
    assert_eq!(hub.ended(), Some(0));
}

#[test]
fn row_55_a_signal_ends_a_hub_that_does_not_listen_yet() {
    let pipe = TemporaryFile::new("signals-pipe", "");
    std::fs::remove_file(&pipe.0).unwrap();
    assert!(Command::new("mkfifo").arg(&pipe.0).status().unwrap().success());
    // It waits for a token that nobody writes.
    let mut hub = Told::start(&[LISTEN, &pipe.argument()]);
    let path = pipe.0.clone();
    let open = std::thread::spawn(move || std::fs::File::options().write(true).open(path));
    until("that it reads", || open.is_finished());
    signal(hub.0.id(), "TERM");
    assert_eq!(hub.ended(), (String::new(), String::new(), Some(0)));
}

#[test]
fn row_55_a_signal_that_comes_while_the_hub_opens_its_sockets_leaves_no_file() {
    let (one, two) = (Folder::new("signals-one"), Folder::new("signals-two"));
    // The hub waits a second for this lock before it goes on without it.
    let mut lock = Command::new("flock");
    lock.arg(two.path("")).args(["sh", "-c", "echo; read _"]);
    let mut lock = lock.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("util-linux");
    lock.stdout.as_mut().unwrap().read_exact(&mut [0]).expect("it is locked");
    let mut hub = Told::start(&["--listen", &one.place(), "--listen", &two.place()]);
    until("that it listens", || one.path("hub.sock").exists());
    signal(hub.0.id(), "TERM");
    let (_, told, status) = hub.ended();
    assert_eq!((told, status), (format!("{}\n", said("TERM")), Some(0)));
    assert!(!one.path("hub.sock").exists() && !two.path("hub.sock").exists());
    drop(lock.stdin.take());
    lock.wait().unwrap();
}

#[test]
fn row_55_a_signal_that_is_ignored_stays_ignored() {
    let mut nohup = Command::new("env");
    nohup.arg("--default-signal=INT,TERM").arg("nohup").arg(hub_path()).arg(LISTEN);
    let mut hub = Process::start(&mut nohup);
    let mut stream = stream(&hub);
    signal(hub.id(), "HUP");
    let id = publish(&hub, "/events/a", "x");
    assert_eq!(stream.chunk().unwrap(), format!("id: {id}\ndata: x\n\n"));
    signal(hub.id(), "INT");
    retry_behind("", &stream.rest());
    assert_eq!(hub.ended(), Some(0));
}

#[test]
fn row_55_signals_stop_a_hub_that_is_process_1() {
    if !can(&[&AS_PROCESS_1[..], &["true"]].concat()) {
        return;
    }
    for second in [false, true] {
        let mut isolated = Command::new(AS_PROCESS_1[0]);
        let mut hub = Process::start(
            isolated
                .args(&AS_PROCESS_1[1..])
                .args(["env", "--default-signal=INT"])
                .arg(hub_path())
                .arg(LISTEN),
        );
        let process = child_of(hub.id());
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let is_first = |line: &str| line.starts_with("NSpid:") && line.ends_with("\t1");
        assert!(status.lines().any(is_first), "{status}");
        if second {
            let held = hold(&hub, "");
            signal(process, "TERM");
            until("the first", || hub.stderr() == [said("TERM")]);
            again(&mut hub, process, "INT");
            assert_eq!(hub.ended(), Some(128 + 2));
            drop(held);
        } else {
            let mut stream = stream(&hub);
            signal(process, "TERM");
            retry_behind("", &stream.rest());
            assert_eq!(hub.ended(), Some(0));
        }
    }
}

#[test]
fn tail_ends_as_if_it_had_all_that_it_was_to_follow() {
    for raw in [false, true] {
        let script = Script::acts(vec![act(|peer| {
            peer.send(format!("{CHUNKED}9\r\ndata: a\n\n\r\n"));
            assert!(peer.is_left());
        })]);
        let mut tail =
            Told::start(&["tail", &script.url("/"), if raw { "--raw" } else { "--json" }]);
        tail.until_said("tidings: connected to");
        signal(tail.0.id(), "INT");
        let (_, said, status) = tail.ended();
        assert_eq!((&*said, status), ("", Some(0)));
    }
}

#[test]
fn tail_ends_where_nothing_can_interrupt_it() {
    // Nobody reads what it prints, which is more than a pipe takes.
    let long = format!("{STREAM}data: {}\n\n", "x".repeat(1_000_000));
    let script = Script::acts(vec![act(move |peer| {
        peer.send(long);
        assert!(peer.is_left());
    })]);
    let mut tail = Told::start(&["tail", &script.url("/")]);
    tail.until_said("tidings: connected to");
    signal(tail.0.id(), "TERM");
    until("its end", || tail.0.try_wait().unwrap().is_some());
    assert_eq!(tail.0.wait().unwrap().code(), Some(0));
    // Its standard input has no end.
    let mut tail = Told::start(&["tail", "-"]);
    write!(tail.0.stdin.as_mut().unwrap(), "data: a\n\n").unwrap();
    let mut line = String::new();
    BufReader::new(tail.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(line.ends_with(" message a\n"), "{line}");
    signal(tail.0.id(), "HUP");
    assert_eq!(tail.ended(), (String::new(), String::new(), Some(0)));
}

#[test]
fn record_closes_its_cassette() {
    let script = Script::acts(vec![act(|peer| {
        peer.send(format!("{CHUNKED}9\r\ndata: a\n\n\r\n6\r\ndata: \r\n"));
        assert!(peer.is_left());
    })]);
    let file = TemporaryFile::new("signals.sse", "");
    let path = file.0.display().to_string();
    let mut record = Told::start(&["record", "--force", &script.url("/"), &path]);
    let recorded = || std::fs::read_to_string(&file.0).unwrap_or_default();
    until("the event", || recorded().contains("data: a\n"));
    record.until_said("tidings: connected to");
    signal(record.0.id(), "INT");
    let said = format!("tidings: recorded 1 event in 15 bytes of 1 connection in {path}\n");
    assert_eq!(record.ended(), (String::new(), said, Some(0)));
    let recorded = recorded();
    assert!(recorded.ends_with(" left\n") && recorded.contains(": rest data: \n"), "{recorded}");
}

#[test]
fn the_mock_prints_its_card() {
    let script = TemporaryFile::new("signals-mock.sse", "retry: 1\ndata: a\n\n: stall\n");
    let mut mock = Process::start(&mut command(&["mock", &script.0.display().to_string()]));
    let mut client = Client::to(mock.address());
    client.open("/");
    signal(mock.id(), "INT");
    assert_eq!(mock.ended(), Some(0));
    mock.line("report card, after 0 connections and 1 that is still open");
    mock.line("  stops at other failures -");
    assert_eq!(mock.stderr(), [""; 0]);
}

#[test]
fn bench_reports_what_it_has_and_that_it_was_cut_short() {
    let hub = hub(&[]);
    let url = format!("http://{}/events/a", hub.address());
    let published = || {
        let metrics = get(hub.address(), "/metrics").text().to_owned();
        metrics.lines().any(|line| {
            line.strip_prefix("tidings_events_published_total ").is_some_and(|n| n != "0")
        })
    };
    let options = ["--streams=3", "--rate=100", "--duration=1h", "--warm-up=0"];
    for json in [false, true] {
        let options = [&options[..], if json { &["--json"] } else { &[] }].concat();
        let mut bench = Told::start(&[&["bench", &*url], &*options].concat());
        until("its events", published);
        // It publishes once all streams are open.
        bench.until_said("running");
        signal(bench.0.id(), "INT");
        let (report, _, status) = bench.ended();
        assert_eq!(status, Some(0), "nothing is lost: {report}");
        let told = match json {
            true => "\"cut_short_by\":\"SIGINT\",\"cut_short_after_s\":",
            false => " s of 3600 s (cut short by SIGINT) from 1 publisher by POST ",
        };
        assert!(report.contains(told) && !report.contains("not sent"), "{report}");
    }
}

#[test]
fn bench_ends_at_once_by_a_second_signal_and_before_there_is_anything_to_report() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let mut bench = Told::start(&["bench", &url, "--streams=1"]);
    let (_opening, _) = silent.accept().unwrap();
    signal(bench.0.id(), "INT");
    assert_eq!(bench.ended().2, Some(128 + 2));
}

/// A command that is no server: it ends with the test.
struct Told(Child);

impl Told {
    fn start(arguments: &[&str]) -> Self {
        let mut command = command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    /// Waits for a line that begins like this on standard error.
    fn until_said(&mut self, begin: &str) {
        // Byte by byte, so that nothing after it is taken.
        let stderr = self.0.stderr.as_mut().expect("it is piped");
        let mut lines = BufReader::with_capacity(1, stderr).lines();
        assert!(lines.any(|line| line.unwrap().starts_with(begin)), "it never said {begin:?}");
    }

    /// What it printed and said since, and its exit status, once it has ended.
    fn ended(&mut self) -> (String, String, Option<i32>) {
        until("its end", || self.0.try_wait().unwrap().is_some());
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.0.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        self.0.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (stdout, stderr, self.0.wait().unwrap().code())
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
