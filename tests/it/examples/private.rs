//! The notes behind a login: who is let in, for how long, and whose notes they are.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tidings::testing::{Client, Response, Stream, get};
use tidings::{Request, Result, Status};

use super::ANY_PORT;
use crate::support::process::Process;
use crate::support::{SOON, until};

/// Starts it with sessions of so many seconds.
fn start(seconds: &str) -> Process {
    Process::example("private", &[ANY_PORT, seconds])
}

/// Logs in, and gives what comes back as `Cookie`.
fn log_in(address: SocketAddr, name: &str, password: &str) -> Result<String> {
    let response = post(address, &format!("/login?name={name}"), "", password)?;
    assert_eq!(response.status(), Status::OK, "{}", response.text());
    let cookie = response.field("Set-Cookie").expect("a cookie");
    let (pair, rest) = cookie.split_once("; ").expect("attributes");
    let id = pair.strip_prefix("session=").expect("its name");
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    let attributes = format!("Max-Age={}; Path=/; HttpOnly; SameSite=Strict", response.text());
    assert_eq!(rest, attributes);
    Ok(pair.to_owned())
}

fn post(address: SocketAddr, target: &str, cookie: &str, body: &str) -> Result<Response> {
    let request = Request::post(target, body)?.with_field("Cookie", cookie)?;
    Client::to(address).within(SOON).send(request)
}

fn follow(address: SocketAddr, cookie: &str, last_event_id: &str) -> Result<Stream> {
    let request = Request::get("/notes")?.with_field("Cookie", cookie)?;
    let request = request.with_field("Last-Event-ID", last_event_id)?;
    Client::to(address).within(SOON).stream(request)
}

fn status(address: SocketAddr, cookie: &str) -> Result<u16> {
    let request = Request::get("/notes")?.with_field("Cookie", cookie)?;
    Ok(Client::to(address).send(request)?.status().code())
}

#[test]
fn without_a_session_there_is_a_page_and_a_login_and_nothing_else() -> Result<()> {
    let notes = start("3600");
    let page = get(notes.address(), "/")?;
    assert!(page.text().contains(r#"new EventSource("notes")"#), "{}", page.text());
    let unknown = format!("session={}", "0".repeat(32));
    for cookie in ["", "session=", "other=1", &unknown] {
        assert_eq!(status(notes.address(), cookie)?, 401, "{cookie}");
        for target in ["/notes", "/renew", "/logout", "/%6eotes"] {
            let response = post(notes.address(), target, cookie, "x")?;
            assert_eq!((response.status().code(), &*response.text()), (401, "log in first\n"));
        }
    }
    for (name, password) in [("ann", "swordfish"), ("ann", ""), ("", "sesame"), ("Ann", "sesame")] {
        let response = post(notes.address(), &format!("/login?name={name}"), "", password)?;
        assert_eq!((response.status().code(), response.field("Set-Cookie")), (403, None));
    }
    Ok(())
}

#[test]
fn each_user_has_a_stream_and_the_log_says_whose_it_is() -> Result<()> {
    let notes = start("3600");
    let (ann, bob) =
        (log_in(notes.address(), "ann", "sesame")?, log_in(notes.address(), "bob", "swordfish")?);
    assert_ne!(ann, bob);
    let mut of_ann = follow(notes.address(), &ann, "")?;
    let mut of_bob = follow(notes.address(), &bob, "")?;
    for (cookie, note) in [(&ann, "buy milk"), (&bob, "sell milk"), (&ann, "drink it")] {
        assert_eq!(post(notes.address(), "/notes", cookie, note)?.status(), Status::OK);
    }
    assert_eq!(of_ann.event()?.data, "buy milk");
    assert_eq!(of_ann.event()?.data, "drink it");
    assert_eq!(of_bob.event()?.data, "sell milk");
    let logged = |text: &str| notes.stderr().iter().any(|line| line.contains(text));
    until("both", || logged(" path=/notes user=\"ann\"") && logged(" path=/notes user=\"bob\""));
    let log = notes.stderr().join("\n");
    assert!(!log.contains(ann.trim_start_matches("session=")), "{log}");
    Ok(())
}

/// Renews a session again and again, until it is dropped.
struct Renewing(Arc<AtomicBool>, Option<JoinHandle<()>>);

impl Renewing {
    fn of(address: SocketAddr, cookie: &str) -> Self {
        let (over, cookie) = (Arc::new(AtomicBool::new(false)), cookie.to_owned());
        let until = Arc::clone(&over);
        let thread = thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                let response = post(address, "/renew", &cookie, "").expect("a response");
                assert!(response.field("Set-Cookie").is_some_and(|new| new.starts_with(&cookie)));
                thread::sleep(Duration::from_millis(300));
            }
        });
        Self(over, Some(thread))
    }
}

impl Drop for Renewing {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        let renewed = self.1.take().map(JoinHandle::join);
        assert!(thread::panicking() || renewed.is_some_and(|renewed| renewed.is_ok()));
    }
}

#[test]
fn a_stream_ends_with_its_session_and_goes_on_where_that_was_renewed() -> Result<()> {
    let notes = start("5");
    let cookie = log_in(notes.address(), "ann", "sesame")?;
    let mut stream = follow(notes.address(), &cookie, "")?;
    let renewing = Renewing::of(notes.address(), &cookie);
    assert_eq!(post(notes.address(), "/notes", &cookie, "first")?.status(), Status::OK);
    assert_eq!(stream.event()?.data, "first");
    // However often it is renewed, the stream ends when it was to, and with its last chunk.
    assert!(stream.next().is_none());
    assert_eq!(post(notes.address(), "/notes", &cookie, "meanwhile")?.status(), Status::OK);
    let mut stream = follow(notes.address(), &cookie, stream.last_event_id())?;
    assert_eq!(stream.event()?.data, "meanwhile");
    drop(renewing);
    assert!(stream.next().is_none());
    until("the session's end", || {
        post(notes.address(), "/notes", &cookie, "late").expect("a response").status().code() == 401
    });
    assert_eq!(status(notes.address(), &cookie)?, 401);
    Ok(())
}

#[test]
fn a_logout_ends_all_streams_of_its_session_and_no_other() -> Result<()> {
    let notes = start("3600");
    let cookies = [(); 2].map(|()| log_in(notes.address(), "ann", "sesame").expect("a session"));
    let [out, stays] = &cookies;
    let mut streams =
        [out, out, stays].map(|it| follow(notes.address(), it, "").expect("a stream"));
    let response = post(notes.address(), "/logout", out, "")?;
    assert_eq!(
        (response.status().code(), response.field("Set-Cookie")),
        (204, Some("session=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict")),
    );
    let [first, second, third] = &mut streams;
    assert!(first.next().is_none() && second.next().is_none());
    assert_eq!(status(notes.address(), out)?, 401);
    assert_eq!(post(notes.address(), "/notes", stays, "still here")?.status(), Status::OK);
    assert_eq!(third.event()?.data, "still here");
    Ok(())
}
