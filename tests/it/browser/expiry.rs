//! A page that follows a private hub with the cookie `tidings`: its `EventSource` outlives the token
//! as long as the cookie is renewed, and stays away when it is not. And the same with the script of
//! the hub, which asks the page for a token.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tidings::{Response, Running, Server};

use super::Browser;
use crate::support::http::exchange;
use crate::support::process::{Process, run_hub};
use crate::support::{Notes, until};

/// Whose page is at another port has another origin, but the same cookies: they know no ports.
const PAGE: &str = r#"<!doctype html><title>expiry</title><script>
let last = Promise.resolve();
const say = line => { last = last.then(() => fetch("/received", { method: "POST", body: line })); };
const renew = () => fetch("/renew", { method: "POST" });
renew().then(() => {
  setInterval(renew, 1000);
  const news = new EventSource("http://HUB/events/news", { withCredentials: true });
  news.onopen = () => say("open");
  news.onmessage = event => say(event.data);
  news.onerror = () => say("error " + news.readyState);
});
</script>"#;

const PAGE_WITH_SCRIPT: &str = r#"<!doctype html><title>expiry</title><script type="module">
import { Tidings } from "http://HUB/tidings.js";
let last = Promise.resolve();
const say = line => { last = last.then(() => fetch("/received", { method: "POST", body: line })); };
const token = async () => (await fetch("/token")).text();
const news = new Tidings("http://HUB/events/news", { token });
news.onopen = () => say("open");
news.onmessage = event => say(event.data);
news.onerror = () => say("error " + news.readyState);
</script>"#;

/// Makes a token.
fn token(keys: &str, arguments: [&str; 2]) -> String {
    let (stdout, stderr, status) = run_hub(&[&["token", keys][..], &arguments].concat());
    assert_eq!(status, Some(0), "{stderr}");
    stdout.trim_end().to_owned()
}

/// The site that has the page, notes what that receives, and while it `stays` renews its cookie,
/// and gives it tokens.
fn site(keys: &str, received: &Notes<String>, stays: &Arc<AtomicBool>) -> Server {
    let (keys, noted, stays) = (keys.to_owned(), received.clone(), Arc::clone(stays));
    let (keys_for_token, may_have_token) = (keys.clone(), Arc::clone(&stays));
    Server::bind("127.0.0.1:0")
        .unwrap()
        .get("/token", move |_request| {
            Ok(Response::text(match may_have_token.load(Ordering::Acquire) {
                true => token(&keys_for_token, ["--subscribe=news", "--for=5s"]),
                false => "none".into(),
            }))
        })
        .post("/renew", move |_request| {
            if !stays.load(Ordering::Acquire) {
                return Ok(Response::no_content());
            }
            let token = token(&keys, ["--subscribe=news", "--for=5s"]);
            let cookie = format!("tidings={token}; Path=/; HttpOnly; SameSite=Strict");
            Response::no_content().with_field("Set-Cookie", cookie)
        })
        .post("/received", move |request| {
            noted.add(request.body_text()?.to_owned());
            Ok(Response::no_content())
        })
}

/// A hub that serves nobody without a token but tells the page of another origin what it says.
fn hub(keys: &str, site: &Server) -> Process {
    let cors = format!("--cors=http://{}", site.address());
    Process::hub(&["--listen=127.0.0.1:0", "--log", "--private", keys, &cors])
}

fn serve(site: Server, page: &str, hub: &Process) -> Running {
    let page = page.replace("HUB", &hub.address().to_string());
    site.content("/", "text/html", page).start().unwrap()
}

pub(super) fn a_page_outlives_its_token_while_it_is_renewed() {
    let file = std::env::temp_dir().join(format!("tidings-page-{}.keys", std::process::id()));
    std::fs::write(&file, "0123456789abcdef0123456789abcdef\n").expect("a file");
    follow_through_expiries(PAGE, &file);
    follow_through_expiries(PAGE_WITH_SCRIPT, &file);
    let _ = std::fs::remove_file(file);
}

fn follow_through_expiries(page: &str, file: &Path) {
    let keys = format!("--key-file={}", file.display());
    let (received, stays) = (Notes::new(), Arc::new(AtomicBool::new(true)));
    let site = site(&keys, &received, &stays);
    let hub = hub(&keys, &site);
    let site = serve(site, page, &hub);
    let writer = token(&keys, ["--publish=news", "--for=1h"]);
    let publish = |n: usize| {
        let (fields, data) =
            (format!("Host: localhost\r\nAuthorization: Bearer {writer}"), n.to_string());
        let head = format!("POST /events/news HTTP/1.1\r\n{fields}\r\nContent-Length: ");
        let request = format!("{head}{}\r\n\r\n{data}", data.len());
        assert_eq!(exchange(hub.address(), request.as_bytes()).status, 200);
    };
    let Some(_browser) = Browser::open(&format!("http://{}/", site.address())) else { return };
    let opens = || received.all().iter().filter(|line| *line == "open").count();
    until("the first stream", || opens() == 1);
    let mut published = 0;
    for streams in 2..=4 {
        until("the stream after an expiry", || {
            published += 1;
            publish(published);
            std::thread::sleep(Duration::from_millis(50));
            opens() == streams
        });
    }
    let newest = published.to_string();
    until("the newest event", || received.all().contains(&newest));
    stays.store(false, Ordering::Release);
    until("the last refusal", || received.all().iter().any(|line| line == "error 2"));

    let (events, rest): (Vec<_>, Vec<_>) =
        received.all().into_iter().partition(|line| line.parse::<usize>().is_ok());
    let all = (1..=published).map(|n| n.to_string());
    assert_eq!(events, all.collect::<Vec<_>>(), "nothing is lost, and nothing comes twice");
    // Each stream ends and the browser comes back (0, CONNECTING), until it is refused (2, CLOSED).
    assert_eq!(rest, [&["open", "error 0"].repeat(opens())[..], &["error 2"]].concat());
    let over = |line: &String| line.contains("reason=\"the stream's time was over\"");
    until("all of the log", || hub.stderr().iter().filter(|line| over(line)).count() == opens());
}
