//! The chat: what newcomers are sent, and who is in a room.

use tidings::testing::{Client, Stream, get, post};
use tidings::{Request, Result};

use super::ANY_PORT;
use crate::support::SOON;
use crate::support::process::Process;

fn enter(chat: &Process, name: &str) -> Result<Stream> {
    let request = Request::get(&format!("/rooms/kitchen?name={name}"))?;
    // More than a name stays without a stream.
    Client::to(chat.address()).within(SOON).stream(request)
}

fn say(chat: &Process, name: &str, text: &str) -> Result<()> {
    let said = post(chat.address(), &format!("/rooms/kitchen?name={name}"), text)?;
    assert_eq!(said.status().code(), 200, "{}", said.text());
    Ok(())
}

/// The type and the data of the next event.
fn next(stream: &mut Stream) -> Result<(String, String)> {
    stream.event().map(|event| (event.event_type, event.data))
}

fn event(event_type: &str, data: &str) -> (String, String) {
    (event_type.into(), data.into())
}

#[test]
fn a_newcomer_is_sent_what_was_said_and_who_is_there() -> Result<()> {
    let chat = Process::example("chat", &[ANY_PORT]);
    let mut ann = enter(&chat, "ann")?;
    assert_eq!(next(&mut ann)?, event("people", "ann"));
    say(&chat, "ann", "soup is ready\ncome")?;
    post(chat.address(), "/rooms/attic?name=ann", "nobody hears this")?;
    let mut bob = enter(&chat, "bob")?;
    assert_eq!(next(&mut bob)?, event("people", "ann"));
    for stream in [&mut ann, &mut bob] {
        assert_eq!(next(stream)?, event("said", "ann: soup is ready\ncome"));
        assert_eq!(next(stream)?, event("people", "ann\nbob"));
    }
    Ok(())
}

#[test]
fn a_name_stays_while_it_has_a_stream_and_leaves_after_a_while_without_one() -> Result<()> {
    let chat = Process::example("chat", &[ANY_PORT]);
    let mut bob = enter(&chat, "bob")?;
    assert_eq!(next(&mut bob)?, event("people", "bob"));
    let first = enter(&chat, "ann")?;
    assert_eq!(next(&mut bob)?, event("people", "ann\nbob"));
    let second = enter(&chat, "ann")?;
    assert_eq!(next(&mut bob)?, event("people", "ann\nbob"));
    drop(first);
    say(&chat, "bob", "are you there?")?;
    assert_eq!(next(&mut bob)?, event("said", "bob: are you there?"));
    drop(second);
    assert_eq!(next(&mut bob)?, event("people", "bob"));
    Ok(())
}

#[test]
fn a_client_that_was_away_is_sent_what_it_missed() -> Result<()> {
    let chat = Process::example("chat", &[ANY_PORT]);
    let seen = enter(&chat, "ann")?.event()?.last_event_id;
    say(&chat, "bob", "where is ann?")?;
    let request = Request::get("/rooms/kitchen?name=ann")?.with_field("Last-Event-ID", &seen)?;
    let mut ann = Client::to(chat.address()).stream(request)?;
    assert_eq!(next(&mut ann)?, event("said", "bob: where is ann?"));
    assert_eq!(next(&mut ann)?, event("people", "ann"));
    Ok(())
}

#[test]
fn nobody_enters_without_a_name() -> Result<()> {
    let chat = Process::example("chat", &[ANY_PORT]);
    for response in [
        get(chat.address(), "/rooms/kitchen")?,
        get(chat.address(), "/rooms/kitchen?name=")?,
        post(chat.address(), "/rooms/kitchen", "hello")?,
    ] {
        assert_eq!(response.status().code(), 400);
        assert!(response.text().contains("say who you are"), "{response:?}");
    }
    Ok(())
}
