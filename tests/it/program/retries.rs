//! Publishes that are sent again under an idempotency key: they are harmless.

use super::super::support::http::{Client, HttpResponse, exchange};
use super::super::support::stream::EventStream;
use super::*;

/// Publishes under a key, as its field has it.
fn post(hub: &Process, target: &str, key: &str, body: &str) -> HttpResponse {
    post_with_fields(hub, target, &format!("Idempotency-Key: {key}\r\n"), body)
}

fn post_with_fields(hub: &Process, target: &str, fields: &str, body: &str) -> HttpResponse {
    let length = body.len();
    let head = format!("POST {target} HTTP/1.1\r\nHost: localhost\r\n{fields}");
    exchange(hub.address(), format!("{head}Content-Length: {length}\r\n\r\n{body}").as_bytes())
}

#[track_caller]
fn refused(response: &HttpResponse, status: u16, said: &str) {
    assert_eq!((response.status, response.text()), (status, said));
}

const REUSED: &str = "422 Unprocessable Content: this idempotency key was used for other events on this \
                      channel, within five minutes: use a new key for each \
                      publish, and send the same request when you try one again\n";

#[test]
fn a_publish_that_is_sent_again_gets_the_first_response_and_nothing_is_published() {
    let hub = hub(&[]);
    let mut stream = EventStream::open(hub.address(), "/events/a");
    let target = "/events/a?event=t";
    let first = post(&hub, target, "\"order 7\"", "once");
    assert_eq!(first.status, 200);
    for _ in 0..3 {
        let again = post(&hub, target, "\"order 7\"", "once");
        assert_eq!((again.status, &again.body), (200, &first.body));
    }
    let other = publish(&hub, "/events/a", "other");
    assert_eq!([stream.data(), stream.data()], ["once", "other"]);
    assert!(other.ends_with("-2"), "nothing else has drawn an id: {other}");
}

#[test]
fn a_publisher_whose_connection_was_cut_before_the_response_can_send_again() {
    let hub = hub(&[]);
    let mut stream = EventStream::open(hub.address(), "/events/a");
    let head = "POST /events/a HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: k\r\n";
    let mut client = Client::to(hub.address());
    client.send(format!("{head}Content-Length: 1\r\n\r\nx"));
    drop(client);
    // Whichever of both comes first publishes it.
    let again = post(&hub, "/events/a", "k", "x");
    let event = stream.next().expect("the event");
    assert_eq!(again.text(), format!("{}\n", event.last_event_id));
    publish(&hub, "/events/a", "next");
    assert_eq!(stream.data(), "next", "nothing was published twice");
}

#[test]
fn a_batch_that_is_sent_again_gets_all_of_its_ids() {
    let hub = hub(&[]);
    let fields = "Content-Type: text/event-stream\r\nIdempotency-Key: k\r\n";
    let body = "data: 1\n\ndata: 2\n\n";
    let first = post_with_fields(&hub, "/events/a", fields, body);
    assert_eq!((first.status, first.text().lines().count()), (200, 2));
    assert_eq!(post_with_fields(&hub, "/events/a", fields, body).body, first.body);
    let other = post_with_fields(&hub, "/events/a", fields, "data: 1\n\ndata: 3\n\n");
    refused(&other, 422, REUSED);
    assert!(publish(&hub, "/events/a", "x").ends_with("-3"));
}

#[test]
fn a_key_stands_for_one_body_and_one_query_on_its_channel() {
    let hub = hub(&[]);
    assert_eq!(post(&hub, "/events/a", "k", "x").status, 200);
    refused(&post(&hub, "/events/a", "k", "y"), 422, REUSED);
    refused(&post(&hub, "/events/a?event=t", "k", "x"), 422, REUSED);
    refused(&post(&hub, "/events/a?retry=1", "k", "x"), 422, REUSED);
    assert_eq!(post(&hub, "/events/a", "K", "y").status, 200, "another key");
    // Whoever may publish on one channel alone must not be able to use up a key of another one.
    let other = post(&hub, "/events/b", "k", "x");
    assert!(other.text().ends_with("-3\n"), "{other:?}");
    assert_eq!(post(&hub, "/events/b", "k", "x").body, other.body);
    refused(&post(&hub, "/events/b", "k", "y"), 422, REUSED);
    assert!(publish(&hub, "/events/a", "x").ends_with("-4"));
}

#[test]
fn a_key_is_the_same_with_quotes_and_without() {
    let hub = hub(&[]);
    let uuid = "8e03978e-40d5-43e8-bc93-6894a57f9324";
    let first = post(&hub, "/events/a", &format!("\"{uuid}\""), "x");
    assert_eq!(post(&hub, "/events/a", uuid, "x").body, first.body);
    refused(&post(&hub, "/events/a", uuid, "y"), 422, REUSED);
}

#[test]
fn what_is_no_key_is_refused_with_what_is_one() {
    let hub = hub(&[]);
    let said = "400 Bad Request: Idempotency-Key is 1 to 255 characters of printable ASCII in \
                double quotes, such as \"8e03978e-40d5-43e8-bc93-6894a57f9324\"\n";
    for key in ["", "\"\"", "\"a", "a b", "\"a\", \"b\"", "\"é\"", &"k".repeat(256)] {
        refused(&post(&hub, "/events/a", key, "x"), 400, said);
    }
    let said = "400 Bad Request: there may be only one field Idempotency-Key\n";
    let twice = "Idempotency-Key: k\r\nIdempotency-Key: k\r\n";
    refused(&post_with_fields(&hub, "/events/a", twice, "x"), 400, said);
    assert!(publish(&hub, "/events/a", "x").ends_with("-1"));
}

#[test]
fn a_publish_that_was_refused_is_not_remembered() {
    let hub = hub(&["--max-event=20"]);
    assert_eq!(post(&hub, "/events/a", "k", "longer than an event may be").status, 413);
    assert_eq!(post(&hub, "/events/a?event=tidings.a", "k", "x").status, 400);
    let first = post(&hub, "/events/a", "k", "x");
    assert!(first.text().ends_with("-1\n"), "{first:?}");
}

#[test]
fn of_many_at_the_same_time_one_publishes_and_all_get_its_id() {
    let hub = hub(&[]);
    for round in 0..20 {
        let key = format!("Idempotency-Key: \"{round}\"\r\n");
        let head = format!("POST /events/a HTTP/1.1\r\nHost: localhost\r\n{key}");
        let mut clients: Vec<Client> = (0..16).map(|_| Client::to(hub.address())).collect();
        let start = format!("{head}Content-Length: 4\r\n\r\nonc");
        clients.iter_mut().for_each(|client| client.send(&start));
        clients.iter_mut().for_each(|client| client.send("e"));
        let id = |client: &mut Client| {
            let response = client.response();
            assert_eq!(response.status, 200, "{}", response.text());
            response.text().to_owned()
        };
        let ids: Vec<String> = clients.iter_mut().map(id).collect();
        let ends = format!("-{}\n", round + 1);
        assert!(ids.iter().all(|id| *id == ids[0] && id.ends_with(&ends)), "{ids:?}");
    }
}

#[test]
fn requests_that_publish_nothing_take_no_heed_of_a_key() {
    let hub = hub(&[]);
    let request = "GET /health HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: a b\r\n\r\n";
    assert_eq!(exchange(hub.address(), request.as_bytes()).status, 200);
}

#[cfg(feature = "journal")]
#[test]
fn with_a_journal_a_key_is_known_after_a_kill() {
    let folder = std::env::temp_dir().join(format!("tidings-{}-retries", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let journal = format!("--journal={}", folder.display());
    let mut first = hub(&[&journal]);
    let fields = "Content-Type: text/event-stream\r\nIdempotency-Key: batch\r\n";
    let body = "data: 1\n\ndata: 2\n\n";
    let one = post(&first, "/events/a", "\"one\"", "x");
    let batch = post_with_fields(&first, "/events/a", fields, body);
    assert_eq!((one.status, batch.text().lines().count()), (200, 2));
    first.kill();
    let second = hub(&[&journal]);
    assert_eq!(post(&second, "/events/a", "\"one\"", "x").body, one.body);
    assert_eq!(post_with_fields(&second, "/events/a", fields, body).body, batch.body);
    refused(&post(&second, "/events/a", "\"one\"", "y"), 422, REUSED);
    assert!(publish(&second, "/events/a", "next").ends_with("-1"), "in a new epoch");
    drop(second);
    std::fs::remove_dir_all(&folder).expect("the folder of the journal");
}
