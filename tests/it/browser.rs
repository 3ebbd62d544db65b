//! Pages in a real browser: those of the examples, whose `EventSource` connects, and which post what
//! they received back to the server that they came from; the hub's own; and its script for pages.
//!
//! Where no Chromium is installed these tests say that they are skipped, unless the environment
//! has `TIDINGS_REQUIRE_BROWSER`: then they fail.

mod closed;
mod devtools;
mod expiry;
mod leading;
mod page;
mod scratch;
mod shared;
mod single;
mod strained;

use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::http::{exchange, get, post};
use crate::support::process::Process;
use crate::support::{until, until_some};

const ANY_PORT: &str = "127.0.0.1:0";

/// A headless Chromium that shows one page, and ends with the test.
struct Browser {
    child: Child,
    profile: PathBuf,
}

impl Browser {
    /// Opens a page; nothing if there is no browser and none is required.
    fn open(url: &str) -> Option<Self> {
        let Some(program) = find() else {
            let required = std::env::var_os("TIDINGS_REQUIRE_BROWSER").is_some();
            assert!(!required, "a browser is required, and there is no chromium in PATH");
            println!("skipped: there is no chromium in PATH");
            return None;
        };
        let profile = std::env::temp_dir().join(format!("tidings-browser-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&profile);
        std::fs::create_dir_all(&profile).expect("a folder for the browser");
        let child = Command::new(program)
            // What it leaves behind when it is killed goes with the profile.
            .env("TMPDIR", &profile)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                // Holds the page open: without it a headless Chromium is free to end.
                "--remote-debugging-port=0",
            ])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("chromium can be started");
        Some(Self { child, profile })
    }
}

impl Drop for Browser {
    /// Ends the browser and every process of its group, and removes its profile.
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        // std can end one process only; the group is `kill`'s to end.
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
        let profile = self.profile.to_string_lossy().into_owned();
        until("the browser's end", || !runs_with(&profile));
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names
        .iter()
        .flat_map(|name| places.iter().map(move |place| place.join(name)))
        .find(|program| program.is_file())
}

/// Whether a process is left that has this in its arguments.
fn runs_with(argument: &str) -> bool {
    let processes = std::fs::read_dir("/proc").expect("a Linux /proc");
    processes.filter_map(Result::ok).any(|process| {
        let arguments = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&arguments).contains(argument)
    })
}

/// What the page has reported so far.
fn received(page: SocketAddr) -> Vec<String> {
    get(page, "/received").text().lines().map(str::to_owned).collect()
}

/// Waits until the page has reported a line that begins like this, and gives the line.
#[track_caller]
fn line(page: SocketAddr, begin: &str) -> String {
    until_some(&format!("{begin:?} from the page"), || {
        received(page).into_iter().find(|line| line.starts_with(begin))
    })
}

/// One browser after the other, in one test: each takes much of a small machine, and a test that
/// waits for its turn holds a thread that others could run on.
#[test]
fn every_page_shows_its_stream_in_a_real_browser() {
    the_page_of_random_number_listens_to_number();
    the_page_of_current_time_connects_to_another_origin_with_credentials();
    the_page_of_logs_shows_lines_as_they_are_written();
    the_page_of_sensors_shows_the_newest_of_each();
    the_page_of_embed_follows_a_connection_that_another_server_accepted();
    the_page_of_relay_shows_each_token_and_does_not_ask_again();
    the_page_of_chat_enters_a_room_and_says_what_its_address_says();
    the_page_of_private_outlives_a_session_that_it_renews();
    the_page_of_private_shows_the_login_after_a_session_that_it_does_not_renew();
    the_page_of_job_stays_away_after_the_end();
    the_page_of_time_stops_when_it_is_told_that_it_is_done();
    the_page_of_the_hub_watches_what_its_link_says();
    page::the_page_of_the_hub_shows_its_streams_down_to_the_bytes();
    strained::the_page_of_the_hub_bears_what_is_large_quick_or_wrong();
    scratch::the_page_shows_what_a_browser_makes_of_the_programs_from_scratch();
    closed::an_event_source_that_has_everything_of_a_closed_channel_stays_away();
    single::a_page_parses_streams_as_the_standard_says_however_their_bytes_come();
    single::a_page_asks_for_a_new_token_and_waits_for_a_server_that_can_not_serve_it();
    single::a_page_gives_up_where_to_ask_again_is_of_no_use_and_only_there();
    single::a_page_takes_it_for_an_event_source();
    shared::tabs_share_one_stream_whoever_reads_it_and_lose_nothing_when_that_one_goes();
    shared::a_leader_that_crashes_freezes_or_hangs_is_followed_by_another_tab();
    shared::a_tab_that_comes_later_begins_where_it_asks_for_and_then_has_the_stream_of_all();
    leading::a_tab_that_the_server_refuses_is_not_given_the_stream_of_others();
    leading::a_tab_that_has_a_stream_leads_instead_of_one_that_waits_to_come_back();
    leading::a_tab_minds_no_message_that_is_not_of_another_tab();
    leading::a_page_that_may_have_no_locks_has_a_stream_of_its_own();
    expiry::a_page_outlives_its_token_while_it_is_renewed();
}

fn the_page_of_random_number_listens_to_number() {
    let example = Process::example("random_number", &[ANY_PORT]);
    let page = example.address();
    let Some(browser) = Browser::open(&format!("http://{page}/")) else { return };
    line(page, "open");
    let number = line(page, "number ");
    assert!(matches!(number.as_bytes(), [.., b' ', b'0'..=b'9']), "{number}");
    // The browser's end is a client's end.
    drop(browser);
    until("the interval's end", || example.threads("tidings-interval") == 0);
}

fn the_page_of_current_time_connects_to_another_origin_with_credentials() {
    let example = Process::example("current_time", &[ANY_PORT, ANY_PORT]);
    let page: SocketAddr =
        example.line("page on http://").rsplit('/').next().unwrap().parse().unwrap();
    let Some(_browser) = Browser::open(&format!("http://{page}/")) else { return };
    line(page, "open");
    assert_eq!(line(page, "message "), "message 0 hello from stream");
    let time = line(page, "currentTime 1 ");
    assert!(time.ends_with(" GMT"), "{time}");
}

fn the_page_of_logs_shows_lines_as_they_are_written() {
    let log = std::env::temp_dir().join(format!("tidings-page-{}.log", std::process::id()));
    std::fs::write(&log, "a line that was there\n").expect("a file");
    let example = Process::example("logs", &[log.to_str().expect("UTF-8"), ANY_PORT]);
    let page = example.address();
    if let Some(_browser) = Browser::open(&format!("http://{page}/")) {
        line(page, "line a line that was there");
        std::fs::write(&log, "new\n").expect("it can be cut and written");
        line(page, "line new");
    }
    let _ = std::fs::remove_file(log);
}

fn the_page_of_sensors_shows_the_newest_of_each() {
    let example = Process::example("sensors", &[ANY_PORT]);
    let page = example.address();
    for reading in ["1", "2"] {
        assert_eq!(post(page, "/sensors/attic", reading).status, 204);
    }
    let Some(_browser) = Browser::open(&format!("http://{page}/")) else { return };
    assert_eq!(line(page, "reading attic"), "reading attic 2");
    line(page, "reading cellar ");
    assert_eq!(post(page, "/sensors/north+wall", "3").status, 204);
    assert_eq!(line(page, "reading north"), "reading north+wall 3");
}

fn the_page_of_embed_follows_a_connection_that_another_server_accepted() {
    let example = Process::example("embed", &[ANY_PORT]);
    let page = example.address();
    let Some(_browser) = Browser::open(&format!("http://{page}/")) else { return };
    line(page, "open");
    assert!(line(page, "time ").ends_with(" GMT"));
}

fn the_page_of_relay_shows_each_token_and_does_not_ask_again() {
    let example = Process::example("relay", &[ANY_PORT]);
    let page = example.address();
    let Some(_browser) = Browser::open(&format!("http://{page}/#is+it+raining")) else { return };
    line(page, "token is");
    assert_eq!(line(page, "done "), "done is it raining");
    line(page, "error 2");
    let stops = example.stdout().iter().filter(|line| line.starts_with("the model")).count();
    assert_eq!(stops, 1);
}

fn the_page_of_chat_enters_a_room_and_says_what_its_address_says() {
    let example = Process::example("chat", &[ANY_PORT]);
    let page = example.address();
    assert_eq!(post(page, "/rooms/attic?name=bob", "hello?").status, 200);
    let url = format!("http://{page}/#room=attic&name=ann&say=here+I+am");
    let Some(_browser) = Browser::open(&url) else { return };
    line(page, "open");
    assert_eq!(line(page, "said bob"), "said bob: hello?");
    assert_eq!(line(page, "people "), "people ann");
    assert_eq!(line(page, "said ann"), "said ann: here I am");
}

fn the_page_of_private_outlives_a_session_that_it_renews() {
    let example = Process::example("private", &[ANY_PORT, "3"]);
    let page = example.address();
    let Some(_browser) = Browser::open(&format!("http://{page}/#enter")) else { return };
    let opened = || received(page).iter().filter(|line| *line == "open").count();
    until("its stream", || opened() == 1);
    let mut written = 0;
    until("its second stream", || {
        written += 1;
        write_note(page, &format!("{written}"));
        std::thread::sleep(Duration::from_millis(200));
        opened() == 2
    });
    line(page, &format!("note {written}"));
    let notes: Vec<_> =
        received(page).into_iter().filter(|line| line.starts_with("note ")).collect();
    assert_eq!(notes, (1..=written).map(|n| format!("note {n}")).collect::<Vec<_>>());
}

fn the_page_of_private_shows_the_login_after_a_session_that_it_does_not_renew() {
    let example = Process::example("private", &[ANY_PORT, "3"]);
    let page = example.address();
    let Some(_browser) = Browser::open(&format!("http://{page}/#visit")) else { return };
    line(page, "login");
    // The first error is the stream's end. The second one is the 401, by which it is closed.
    assert_eq!(received(page), ["open", "error 0", "error 2", "login"]);
}

/// Writes a note of ann's, in a session of its own.
fn write_note(page: SocketAddr, note: &str) {
    let session = post(page, "/login?name=ann", "sesame");
    let cookie = session.field("Set-Cookie").and_then(|set| set.split(';').next()).expect("one");
    let (fields, length) = ("Host: localhost\r\nConnection: close", note.len());
    let head = format!("POST /notes HTTP/1.1\r\n{fields}\r\nContent-Length: {length}");
    let request = format!("{head}\r\nCookie: {cookie}\r\n\r\n{note}");
    assert_eq!(exchange(page, request.as_bytes()).status, 200);
}

fn the_page_of_job_stays_away_after_the_end() {
    let example = Process::example("job", &[ANY_PORT]);
    let page = example.address();
    let Some(_browser) = Browser::open(&format!("http://{page}/#100000")) else { return };
    assert_eq!(line(page, "done "), "done 9592 primes");
    // It comes back once, as it can't know that this was the end, and is told so by a 204.
    line(page, "error 2");
    let lines = received(page);
    let count = |begin: &str| lines.iter().filter(|line| line.starts_with(begin)).count();
    assert_eq!((count("done "), count("error 0"), count("error 2")), (1, 1, 1), "{lines:?}");
}

fn the_page_of_time_stops_when_it_is_told_that_it_is_done() {
    let example = Process::example("time", &[ANY_PORT]);
    let page = example.address();
    let Some(_browser) = Browser::open(&format!("http://{page}/")) else { return };
    assert_eq!(line(page, "done "), "done that was the time 2");
    // A client that takes the end for a loss comes back after three seconds.
    std::thread::sleep(Duration::from_secs(4));
    let lines = received(page);
    let count = |begin: &str| lines.iter().filter(|line| line.starts_with(begin)).count();
    assert_eq!((count("open"), count("message "), count("done ")), (1, 3, 1), "{lines:?}");
    let opened = example.stdout().iter().filter(|line| line.starts_with("open ")).count();
    assert_eq!(opened, 1);
}

fn the_page_of_the_hub_watches_what_its_link_says() {
    let hub = Process::hub(&["--listen", ANY_PORT, "--log"]);
    let address = hub.address();
    let Some(browser) = Browser::open(&format!("http://{address}/#watch=a,b")) else { return };
    let logged = |begin: &str| {
        let begins =
            |line: &String| line.starts_with(begin) && line.contains("channel=a&channel=b");
        hub.stderr().into_iter().find(begins)
    };
    until_some("its stream", || logged("open "));
    assert_eq!(post(address, "/events/b", "hello").status, 200);
    until_some("its event", || logged("event "));
    // It asks every second what the hub is doing.
    until("its questions", || get(address, "/metrics").text().contains("tidings_streams 1\n"));
    drop(browser);
    until_some("its end", || logged("close "));
}
