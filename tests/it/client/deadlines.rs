//! Silence, and responses that don't come.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Instant;

use tidings::client::{Connection, StreamRequest, Transport, Url};

use super::*;
use crate::support::script::{NO_MORE, STREAM, act};

const SHORT: Duration = Duration::from_millis(200);

#[test]
fn a_server_that_falls_silent_is_left_and_come_back_to() {
    let script = Script::acts(vec![
        act(|peer| {
            peer.send(format!("{STREAM}id: 1\ndata: a\n\n"));
            assert!(peer.is_left());
        }),
        act(|peer| peer.send(NO_MORE)),
    ]);
    let mut source = source(&script).silence(SHORT);
    opened(&mut source);
    event(&mut source);
    let start = Instant::now();
    let (error, _) = lost(&mut source);
    assert!(error.is_timeout());
    assert_eq!(error.to_string(), "nothing has come for 200ms");
    assert!(start.elapsed() + Duration::from_millis(20) > SHORT, "{:?}", start.elapsed());
    assert!(matches!(update(&mut source), Update::Stopped));
    assert_eq!(script.field("last-event-id")[1].as_deref(), Some("1"));
}

#[test]
fn a_server_may_not_be_silent_before_its_response_either() {
    let script = Script::acts(vec![act(|peer| assert!(peer.is_left()))]);
    let (_, error) = failure(source(&script).silence(SHORT).give_up_after(1));
    assert!(error.is_timeout());
    assert_eq!(error.to_string(), "the server did not respond in time");
}

#[test]
fn a_comment_breaks_the_silence() {
    let script = Script::acts(vec![
        act(|peer| {
            peer.send(STREAM);
            for _ in 0..20 {
                sleep(Duration::from_millis(50));
                peer.send(":\n");
            }
            peer.send("data: a\n\n");
        }),
        act(|peer| peer.send(NO_MORE)),
    ]);
    let mut source = source(&script).silence(Duration::from_millis(800));
    opened(&mut source);
    assert_eq!(event(&mut source).data, "a");
    assert!(!lost(&mut source).0.is_timeout());
}

#[test]
fn a_response_that_does_not_come_or_comes_in_drips_is_not_waited_for() {
    let script = Script::acts(vec![
        act(|peer| assert!(peer.is_left())),
        act(|peer| {
            peer.send("HTTP/1.1 200 OK\r\nX: ");
            let start = Instant::now();
            while peer.socket.peek(&mut [0]).is_err() && start.elapsed() < 20 * SHORT {
                peer.send("x");
                sleep(Duration::from_millis(10));
            }
        }),
    ]);
    let mut source = source(&script).response_deadline(SHORT).give_up_after(2);
    let start = Instant::now();
    let (error, _) = lost(&mut source);
    assert!(error.is_timeout());
    assert_eq!(error.to_string(), "the server did not respond in time");
    assert!(source.next_update().expect("an error").expect_err("no head").is_timeout());
    assert!(start.elapsed() < 10 * SHORT, "{:?}", start.elapsed());
}

/// A request of more than any system takes at once.
fn long_post(url: &str) -> EventSource {
    let content = vec![b'x'; 64 * 1024 * 1024];
    let request = StreamRequest::post(url, "text/plain", content).unwrap();
    EventSource::with(request).response_deadline(SHORT)
}

#[test]
fn a_request_that_is_not_taken_is_not_sent_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (_, error) = failure(long_post(&url));
    assert!(error.is_timeout(), "{error}");
    assert_eq!(error.to_string(), "the server did not take the request in time");
}

/// A connection that takes a byte now and then, and never makes anybody wait for longer.
struct Drips;

impl Transport for Drips {
    fn connect(&self, _: &Url, _: Duration) -> io::Result<Arc<dyn Connection>> {
        Ok(Arc::new(Self))
    }
}

impl Connection for Drips {
    fn read(&self, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn write(&self, _: &[u8]) -> io::Result<usize> {
        sleep(Duration::from_millis(1));
        Ok(1)
    }

    fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&self) {}
}

#[test]
fn a_request_that_is_taken_in_drips_is_not_sent_for_ever() {
    let (_, error) = failure(long_post("http://h/").transport(Drips));
    assert!(error.is_timeout(), "{error}");
}

#[test]
fn a_time_longer_than_any_clock_is_as_good_as_for_ever() {
    let script = Script::responses([format!("{STREAM}data: a\n\n")]);
    let source = source(&script)
        .silence(Duration::MAX)
        .connect_deadline(Duration::MAX)
        .response_deadline(Duration::MAX)
        .reconnection_time(Duration::MAX)
        .longest_backoff(Duration::MAX)
        .reconnects(false);
    assert_eq!(data(source), ["a"]);
}

#[test]
fn a_time_of_nothing_is_over_at_once_and_no_error_of_the_system() {
    let script = Script::acts(vec![act(|peer| assert!(peer.is_left()))]);
    let mut source = source(&script).response_deadline(Duration::ZERO).give_up_after(1);
    assert!(source.next_update().expect("an error").expect_err("no response").is_timeout());
    let nobody = "http://127.0.0.1:9/";
    let mut source = at(nobody).connect_deadline(Duration::ZERO).give_up_after(1);
    assert!(source.next_update().expect("an error").is_err());
}
