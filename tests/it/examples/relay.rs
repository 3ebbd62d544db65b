//! The relay: tokens as they come, and no request upstream that nobody waits for.

use std::net::TcpListener;

use tidings::testing::{get, send, stream};
use tidings::{Reply, Request, Result, Server};

use super::ANY_PORT;
use crate::support::process::Process;

#[test]
fn each_token_is_passed_on_and_the_end_with_them() -> Result<()> {
    let relay = Process::example("relay", &[ANY_PORT]);
    let target = "/answers?question=is+it+raining";
    let events = stream(relay.address(), target)?.collect::<Result<Vec<_>>>()?;
    let events: Vec<(&str, &str, &str)> =
        events.iter().map(|of| (&*of.last_event_id, &*of.event_type, &*of.data)).collect();
    let tokens = [("1", "token", "is "), ("2", "token", "it "), ("3", "token", "raining")];
    assert_eq!(events, [&tokens[..], &[("4", "done", "3")]].concat());
    relay.line("the model stops: nobody held the stream any more");

    let again = Request::get(target)?.with_field("Last-Event-ID", "4")?;
    assert_eq!(send(relay.address(), again)?.status().code(), 204);
    Ok(())
}

#[test]
fn a_client_that_goes_ends_the_request_upstream() -> Result<()> {
    let relay = Process::example("relay", &[ANY_PORT]);
    let question = "word+".repeat(1_000);
    let mut tokens = stream(relay.address(), &format!("/answers?question={question}"))?;
    assert_eq!(tokens.event()?.data, "word ");
    drop(tokens);
    let stopped = relay.line("the model stops: ");
    assert!(stopped.contains("client closed") || stopped.contains("reset"), "{stopped}");
    Ok(())
}

#[test]
fn an_upstream_that_is_not_there_is_told_as_an_event() -> Result<()> {
    let nobody = TcpListener::bind(ANY_PORT)?.local_addr()?;
    let relay = Process::example("relay", &[ANY_PORT, &format!("http://{nobody}/")]);
    let mut events = stream(relay.address(), "/answers?question=hello")?;
    let failed = events.event()?;
    assert_eq!((&*failed.event_type, &*failed.last_event_id), ("failed", "1"));
    assert!(events.next().is_none());
    assert_eq!(get(relay.address(), "/answers")?.status().code(), 400);
    Ok(())
}

#[test]
fn an_upstream_that_sends_nothing_is_not_asked_again() -> Result<()> {
    let model = Server::bind(ANY_PORT)?
        .post("/", |_request| Ok(Reply::event_stream(|stream| stream.comment("no tokens"))))
        .start()?;
    let upstream = format!("http://{}/", model.address());
    let relay = Process::example("relay", &[ANY_PORT, &upstream]);
    let mut events = stream(relay.address(), "/answers?question=hello")?;
    let failed = events.event()?;
    // By the id its browser is told to stay away.
    assert_eq!((&*failed.event_type, &*failed.last_event_id), ("failed", "1"));
    assert!(events.next().is_none());
    Ok(())
}
