//! Where the hub listens: several sockets, unix sockets and their files, and those of a supervisor.

use std::fs;
use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::program::{LISTEN, TemporaryFile, publish};
use crate::support::http::{HttpResponse, get, read_chunk, read_response};
use crate::support::process::{Process, hub_path, run, run_hub};
use crate::support::script::Script;
use crate::support::{SOON, until};

/// A folder that goes with the test, with room for sockets.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Self {
        let name = format!("tidings-it-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("nobody has it");
        Self(path)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// `unix:` and the path of its `hub.sock`.
    pub(super) fn place(&self) -> String {
        format!("unix:{}", self.path("hub.sock").display())
    }

    /// Starts a hub on its `hub.sock`.
    pub(super) fn hub(&self, arguments: &[&str]) -> Process {
        Process::hub(&[&["--listen", &*self.place()], arguments].concat())
    }

    fn connect(&self) -> BufReader<UnixStream> {
        let socket = UnixStream::connect(self.path("hub.sock")).expect("the hub accepts");
        socket.set_read_timeout(Some(SOON)).unwrap();
        BufReader::new(socket)
    }

    fn ask(&self, request: &str) -> HttpResponse {
        let mut client = self.connect();
        client.get_mut().write_all(request.as_bytes()).unwrap();
        read_response(&mut client, false)
    }

    fn get(&self, target: &str) -> HttpResponse {
        self.ask(&format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    }

    pub(super) fn publish(&self, channel: &str, data: &str) -> String {
        let length = data.len();
        let head = format!("POST /events/{channel} HTTP/1.1\r\nHost: localhost\r\n");
        let response = self.ask(&format!("{head}Content-Length: {length}\r\n\r\n{data}"));
        assert_eq!(response.status, 200, "{}", response.text());
        response.text().trim_end().to_owned()
    }

    /// Opens a stream, and gives it and its first chunk.
    fn follow(&self, target: &str) -> (BufReader<UnixStream>, String) {
        let mut client = self.connect();
        let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        client.get_mut().write_all(request.as_bytes()).unwrap();
        assert_eq!(read_response(&mut client, true).status, 200);
        let first = chunk(&mut client);
        (client, first)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn chunk(stream: &mut BufReader<UnixStream>) -> String {
    String::from_utf8(read_chunk(stream).unwrap().expect("a chunk")).unwrap()
}

/// Has the hub stop, as its supervisor does.
fn stop(hub: &mut Process) {
    let pid = hub.id().to_string();
    assert!(Command::new("kill").arg(pid).status().expect("kill(1)").success());
    assert_eq!(hub.ended(), Some(0));
}

#[track_caller]
fn refused(arguments: &[&str]) -> String {
    let (stdout, stderr, status) = run_hub(arguments);
    assert_eq!((&*stdout, status), ("", Some(1)), "{stderr}");
    stderr
}

#[test]
fn the_hub_listens_everywhere_it_is_told_to_and_names_each_place_in_its_order() {
    let folder = Folder::new("several");
    let place = folder.place();
    let mut hub = Process::hub(&["--listen=0", "--listen", &place, LISTEN]);
    until("three lines", || hub.stdout().len() == 3);
    let [first, second, third] = &hub.stdout()[..] else { unreachable!("there are three") };
    assert!(first.starts_with("listening on http://127.0.0.1:"), "{first}");
    assert_eq!(*second, format!("listening on {place}"));
    let third = third.strip_prefix("listening on http://").unwrap().parse().unwrap();

    // What comes in by one is seen by all.
    publish(&hub, "/events/a", "by TCP");
    assert!(get(third, "/metrics").text().contains("\ntidings_events_published_total 1\n"));
    let (mut stream, _) = folder.follow("/events/a?history=1");
    let by_tcp = chunk(&mut stream);
    assert!(by_tcp.ends_with("\ndata: by TCP\n\n"), "{by_tcp}");
    folder.publish("a", "by the socket");
    let by_the_socket = chunk(&mut stream);
    assert!(by_the_socket.ends_with("\ndata: by the socket\n\n"), "{by_the_socket}");
    stop(&mut hub);
    assert!(chunk(&mut stream).starts_with("retry: "));
    assert_eq!(read_chunk(&mut stream).unwrap(), None);
    assert!(!folder.path("hub.sock").exists());
}

#[test]
fn a_unix_socket_needs_no_token_and_its_mode_says_who_may_connect() {
    let folder = Folder::new("mode");
    let hub = folder.hub(&[]);
    let mode = folder.path("hub.sock").metadata().unwrap().mode();
    assert_eq!(mode & 0o7777, 0o660);
    folder.publish("a", "x");
    // All else is as over TCP.
    let (host, origin) = ("Host: evil.example\r\n\r\n", "Origin: https://evil.example\r\n");
    assert_eq!(folder.ask(&format!("GET /health HTTP/1.1\r\n{host}")).status, 421);
    let post = "POST /events/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n";
    assert_eq!(folder.ask(&format!("{post}{origin}\r\n")).status, 403);
    assert_eq!(folder.get("/health").text(), "ok\n");
    drop(hub);

    let token = TemporaryFile::new("sockets-token", "secret\n");
    let _hub = folder.hub(&[&token.argument()]);
    assert_eq!(folder.ask(&format!("{post}\r\n")).status, 401);
}

#[test]
fn clients_of_a_unix_socket_are_not_one_peer_and_the_log_says_unix() {
    let folder = Folder::new("peers");
    let hub = folder.hub(&["--max-streams-per-peer=1", "--max-streams=3", "--log"]);
    let _streams = [folder.follow("/events/a"), folder.follow("/events/a")];
    let open = "open peer=unix path=/events/a";
    until("two lines", || hub.stderr().iter().filter(|line| *line == open).count() == 2);
    let _third = folder.follow("/events/a");
    assert!(folder.get("/events/a").text().starts_with("retry: "), "there are too many in all");
}

#[test]
fn row_56_a_killed_hub_leaves_its_socket_and_the_next_start_takes_it() {
    let folder = Folder::new("killed");
    let mut first = folder.hub(&[]);
    let id = folder.publish("a", "before");
    first.kill();
    assert!(folder.path("hub.sock").exists());
    let mut second = folder.hub(&[]);
    let (_stream, gap) = folder.follow(&format!("/events/a?last-event-id={id}"));
    assert!(gap.contains("event: tidings.gap\n"), "{gap}");
    stop(&mut second);
    assert!(!folder.path("hub.sock").exists());
}

#[test]
fn row_56_the_socket_of_a_living_hub_is_not_taken() {
    let folder = Folder::new("living");
    let mut hub = folder.hub(&[]);
    let said = refused(&["--listen", &folder.place()]);
    let expected = format!(
        "tidings: can't listen on {}: a running process listens there: stop it, or give --listen \
         another path\n",
        folder.place()
    );
    assert_eq!(said, expected);
    // Even one that does nothing at all.
    let pid = hub.id().to_string();
    let signal = |name: &str| Command::new("kill").args([name, &pid]).status().unwrap();
    assert!(signal("-STOP").success());
    assert_eq!(refused(&["--listen", &folder.place()]), expected);
    assert!(signal("-CONT").success());
    assert_eq!(folder.get("/health").text(), "ok\n");
    stop(&mut hub);
}

#[test]
fn row_56_what_is_no_socket_is_not_touched() {
    let folder = Folder::new("file");
    let path = folder.path("hub.sock");
    fs::write(&path, "dear").unwrap();
    let said = refused(&["--listen", &folder.place()]);
    assert!(said.contains("there is a file of that name, and it is no socket"), "{said}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "dear");

    // Nor is what a link leads to.
    fs::remove_file(&path).unwrap();
    let target = UnixListener::bind(folder.path("target")).unwrap();
    symlink(folder.path("target"), &path).unwrap();
    drop(target);
    refused(&["--listen", &folder.place()]);
    assert!(path.is_symlink() && folder.path("target").exists());
}

#[test]
fn row_56_a_hub_removes_its_own_file_alone() {
    let folder = Folder::new("replaced");
    let path = folder.path("hub.sock");
    let mut old = folder.hub(&[]);
    fs::remove_file(&path).unwrap();
    let mut new = folder.hub(&[]);
    stop(&mut old);
    assert_eq!(folder.get("/health").text(), "ok\n");
    stop(&mut new);
    assert!(!path.exists());
}

#[test]
fn row_56_of_hubs_that_start_at_once_one_has_the_socket_of_a_dead_one() {
    let folder = Folder::new("many");
    drop(UnixListener::bind(folder.path("hub.sock")).unwrap());
    let start = || {
        let mut command = Command::new(hub_path());
        command.args(["--listen", &folder.place(), "--until-eof"]).stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut hubs: Vec<_> = (0..6).map(|_| start()).collect();
    let listens = |hub: &mut std::process::Child| {
        let mut first = [0; 9];
        hub.stdout.as_mut().unwrap().read_exact(&mut first).is_ok()
    };
    assert_eq!(hubs.iter_mut().filter_map(|hub| listens(hub).then_some(())).count(), 1);
    assert_eq!(folder.get("/health").text(), "ok\n");
    for mut hub in hubs {
        drop(hub.stdin.take());
        hub.wait().unwrap();
    }
    assert!(!folder.path("hub.sock").exists());
}

/// Starts the hub with these sockets as descriptors 3 and 4, as a supervisor would.
fn handed_over(sockets: [OwnedFd; 2], arguments: &str, variables: &str) -> Command {
    // A process has its standard streams from std, and the shell moves them.
    let script = format!("{variables} exec \"$0\" {arguments} 3<&0 4<&2 </dev/null 2>&1");
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg(hub_path());
    let [third, fourth] = sockets.map(Stdio::from);
    command.stdin(third).stdout(Stdio::piped()).stderr(fourth);
    command
}

const FOR_IT: &str = "LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=web:local";

#[test]
fn the_sockets_of_a_supervisor_are_served_and_stay_the_supervisor_s() {
    let folder = Folder::new("handed");
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let unix = UnixListener::bind(folder.path("hub.sock")).unwrap();
    let address = tcp.local_addr().unwrap();
    let clones = || [tcp.try_clone().unwrap().into(), unix.try_clone().unwrap().into()];
    // It is started again and again, and clients that come meanwhile wait.
    for _ in 0..2 {
        let mut waiting = TcpStream::connect(address).unwrap();
        waiting.set_read_timeout(Some(SOON)).unwrap();
        let arguments = "--listen systemd --listen 0";
        let mut hub = handed_over(clones(), arguments, FOR_IT).spawn().unwrap();
        waiting.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut waiting = BufReader::new(waiting);
        assert_eq!(read_response(&mut waiting, false).text(), "ok\n");
        assert_eq!(folder.get("/health").text(), "ok\n");

        assert!(Command::new("kill").arg(hub.id().to_string()).status().unwrap().success());
        assert_eq!(hub.wait().unwrap().code(), Some(0));
        let mut said = String::new();
        hub.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        let expected = format!("listening on http://{address}\nlistening on {}\n", folder.place());
        assert!(said.starts_with(&expected), "{said}");
        assert!(folder.path("hub.sock").exists());
    }
}

#[test]
fn only_what_a_supervisor_means_for_the_hub_is_taken() {
    let folder = Folder::new("refused");
    let datagram = UnixDatagram::bind(folder.path("datagram")).unwrap();
    let file = || OwnedFd::from(fs::File::open("/dev/null").unwrap());
    let listener = || OwnedFd::from(TcpListener::bind("127.0.0.1:0").unwrap());
    let connected = UnixStream::pair().unwrap().0;
    let open = OwnedFd::from(TcpListener::bind("0.0.0.0:0").unwrap());
    let no_stream = "(local) is not a stream socket that listens: name it with ListenStream=";
    let meant = "they were handed over to the process 1 (LISTEN_PID), and this is ";
    for (sockets, variables, why) in [
        ([listener(), datagram.into()], FOR_IT, no_stream),
        ([listener(), connected.into()], FOR_IT, no_stream),
        ([listener(), file()], FOR_IT, "descriptor 4 (local) is not a socket ("),
        ([listener(), listener()], "LISTEN_PID=1 LISTEN_FDS=2", meant),
        (
            [listener(), listener()],
            "LISTEN_PID=$$ LISTEN_FDS=7",
            "descriptor 5 (unknown) is promised by LISTEN_FDS and can't be had: Bad file \
             descriptor (os error 9): start the hub from a socket unit, or with exec\n",
        ),
        ([listener(), listener()], "LISTEN_FDS=1", "none was handed over (LISTEN_PID and"),
        ([listener(), open], FOR_IT, "can be reached from other machines, so say who may publish"),
    ] {
        let mut hub = handed_over(sockets, "--listen systemd", variables).spawn().unwrap();
        let mut said = String::new();
        hub.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(hub.wait().unwrap().code(), Some(1), "{said}");
        assert!(said.contains(why), "{said}");
    }
    let sockets = [listener(), listener()];
    let mut hub = handed_over(sockets, "--listen 0", FOR_IT).spawn().unwrap();
    let said = "tidings: systemd has handed over 2 sockets: give --listen systemd to listen there";
    let mut begin = vec![0; said.len()];
    hub.stdout.as_mut().unwrap().read_exact(&mut begin).unwrap();
    hub.kill().unwrap();
    hub.wait().unwrap();
    assert_eq!(String::from_utf8(begin).unwrap(), said);
}

#[test]
fn the_supervisor_is_told_when_clients_can_connect_and_when_the_end_begins() {
    let folder = Folder::new("notified");
    let (file, name) = (folder.path("notify"), format!("tidings-it-{}", std::process::id()));
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    for (socket, said) in [
        (UnixDatagram::bind(&file), file.display().to_string()),
        (UnixDatagram::bind_addr(&address), format!("@{name}")),
    ] {
        let socket = socket.unwrap();
        socket.set_read_timeout(Some(SOON)).unwrap();
        let receive = || {
            let mut message = [0; 64];
            let length = socket.recv(&mut message).expect("a message");
            String::from_utf8(message[..length].into()).unwrap()
        };
        let mut command = Command::new(hub_path());
        let mut hub = Process::start(command.arg(LISTEN).env("NOTIFY_SOCKET", said));
        assert_eq!(receive(), "READY=1");
        stop(&mut hub);
        assert_eq!(receive(), "STOPPING=1");
    }
    // Nobody is there, or it is no address at all.
    for (wrong, why) in [
        (&*folder.path("nobody").display().to_string(), "No such file or directory (os error 2)"),
        ("@nobody-is-there", "Connection refused (os error 111)"),
        ("x", "invalid input parameter"),
        ("", "invalid input parameter"),
    ] {
        let mut command = Command::new(hub_path());
        let mut hub = Process::start(command.arg(LISTEN).env("NOTIFY_SOCKET", wrong));
        let said = format!(
            "tidings: can't tell the supervisor at {wrong:?} (NOTIFY_SOCKET) that the hub is \
             ready: {why}: let the hub reach it, or unset it"
        );
        until("it is said", || hub.stderr() == [&*said]);
        stop(&mut hub);
    }
}

#[test]
fn curl_reaches_the_hub_by_its_socket() {
    let folder = Folder::new("curl");
    let _hub = folder.hub(&[]);
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-d", "hello", "--unix-socket"]).arg(folder.path("hub.sock"));
    let is_there = Command::new("curl").arg("-V").stdout(Stdio::null()).status();
    if is_there.is_err() {
        eprintln!("skipped: curl is not installed");
        return;
    }
    let (id, said, status) = run(curl.arg("http://localhost/events/a"), b"");
    assert_eq!((&*said, status), ("", Some(0)));
    let (mut stream, _) = folder.follow("/events/a?history=1");
    assert_eq!(chunk(&mut stream), format!("id: {id}data: hello\n\n"));
}

#[test]
fn the_tools_reach_a_server_on_a_unix_socket() {
    let folder = Folder::new("tools");
    let _hub = folder.hub(&["--log"]);
    let id = folder.publish("a", "hello");
    let place = folder.place();
    let url = format!("{place}:/events/a?history=1");

    let (events, said, status) = run_hub(&["tail", &url, "--count=1"]);
    assert!(events.ends_with(&format!(" message [{id}] hello\n")), "{events}");
    assert_eq!((said, status), (format!("tidings: connected to {url}\n"), Some(0)));
    let (shown, _, _) = run_hub(&["tail", &url, "--count=1", "--raw"]);
    assert!(shown.contains(&format!("connected to {place}\n")), "{shown}");
    assert!(shown.contains(" Host: localhost\u{240d}\u{240a} "), "{shown}");

    let (cassette, _, status) = run_hub(&["record", &url, "-", "--count=1"]);
    assert!(cassette.contains(&format!("\n: about GET {url}\n")), "{cassette}");
    assert!(cassette.contains("\ndata: hello\n") && status == Some(0), "{cassette}");

    let bench = format!("{place}:/events/bench");
    let run = ["bench", &bench, "--streams=20", "--warm-up=0", "--duration=1", "--resume"];
    let (report, said, status) = run_hub(&run);
    let begin = format!("20 streams of {bench}, 20%/s cut and resumed\n");
    assert!(report.starts_with(&begin) && report.contains("\nlost          0\n"), "{report}{said}");
    assert_eq!(status, Some(0));
    let way = format!("--publish={place}:/events/other");
    let (report, _, _) = run_hub(&["bench", &bench, &way, "--duration=1", "--warm-up=0"]);
    assert!(report.contains(&format!(" by POST {place}:/events/other\n")), "{report}");
}

#[test]
fn a_socket_that_can_not_be_reached_is_named() {
    let folder = Folder::new("nobody");
    let place = folder.place();
    let url = format!("{place}:/events/a?token=secret");
    let missing = "No such file or directory (os error 2): start the server, or mend the path\n";
    let (_, said, status) = run_hub(&["tail", &url, "--attempts=1"]);
    let expected = format!("tidings: can't connect to {place}: {missing}");
    assert_eq!((said, status), (expected, Some(5)));
    let (_, said, status) = run_hub(&["bench", &url]);
    let expected = format!("tidings: can't connect to {place}:/events/a?token=...: {missing}");
    assert_eq!((said, status), (expected, Some(3)));
    drop(UnixListener::bind(folder.path("hub.sock")).unwrap());
    let dead = "Connection refused (os error 111): no process listens there: start the server\n";
    let (_, said, _) = run_hub(&["tail", &url, "--attempts=1"]);
    assert_eq!(said, format!("tidings: can't connect to {place}: {dead}"));
    for command in [&["tail", &place][..], &["record", &place, "-"], &["bench", &place]] {
        let (_, said, status) = run_hub(command);
        let form = "unix: needs the path of a socket, a colon and what to ask for, such as \
                    unix:/run/tidings.sock:/events/news";
        assert!(said.starts_with(&format!("tidings: {form}\n")), "{said}");
        assert_eq!(status, Some(2));
    }
}

/// No server leads a client to the sockets of the client's machine.
#[test]
fn a_redirect_does_not_lead_to_a_socket() {
    let folder = Folder::new("led");
    let _hub = folder.hub(&[]);
    let target = format!("{}:/events/a", folder.place());
    let leads = format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n");
    let script = Script::responses([leads]);
    let (_, said, status) = run_hub(&["tail", &script.url("/x")]);
    let begin = "tidings: the server redirects, and can't be followed: a URL must begin with http";
    assert!(said.starts_with(begin), "{said}");
    assert_eq!(status, Some(4));
}
