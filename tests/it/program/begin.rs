//! Clients of the hub that are cut off before their first event.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tidings::client::{EventSource, Update};

use super::*;

/// Stands between a client and the hub. Cuts the first connection when the hub has sent where the
/// stream begins, which the client still gets; passes the second on as it is.
fn cut_once(listener: TcpListener, hub: SocketAddr) -> JoinHandle<()> {
    thread::spawn(move || {
        for cut in [true, false] {
            let (client, _) = listener.accept().unwrap();
            let hub = TcpStream::connect(hub).unwrap();
            let (from, to) = (client.try_clone().unwrap(), hub.try_clone().unwrap());
            let requests = thread::spawn(move || pass(from, to, false));
            pass(hub, client, cut);
            requests.join().unwrap();
        }
    })
}

/// Passes bytes on until there are no more, or up to the end of the first chunk; then ends both.
fn pass(mut from: TcpStream, mut to: TcpStream, first_chunk: bool) {
    let mut passed = Vec::new();
    let mut bytes = [0; 4096];
    while let Ok(len @ 1..) = from.read(&mut bytes) {
        passed.extend_from_slice(&bytes[..len]);
        if to.write_all(&bytes[..len]).is_err() || first_chunk && passed.ends_with(b"\n\n\r\n") {
            break;
        }
    }
    for side in [from, to] {
        let _ = side.shutdown(Shutdown::Both);
    }
}

#[test]
fn row_41_our_client_that_is_cut_off_before_its_first_event_is_sent_everything_since() {
    let hub = hub(&[]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/events/a", listener.local_addr().unwrap());
    let proxy = cut_once(listener, hub.address());
    let mut source = EventSource::new(&url).unwrap().reconnection_time(Duration::from_millis(10));
    let mut opened = 0;
    let mut data = Vec::new();
    while data.len() < 2 {
        match source.next_update().expect("an update").expect("no failure") {
            Update::Opened { .. } => {
                opened += 1;
                // With the second connection: before it is asked for, the first has been cut.
                publish(&hub, "/events/a", &opened.to_string());
            }
            Update::Event(event) => data.push(event.data),
            _ => {}
        }
    }
    assert_eq!((opened, data), (2, vec!["1".to_owned(), "2".to_owned()]));
    drop(source);
    proxy.join().unwrap();
}

#[test]
fn row_41_our_client_that_saw_no_event_before_the_hub_was_killed_is_told_of_a_gap() {
    let mut first = hub(&[]);
    let url = format!("http://{}/events/a", first.address());
    let mut source = EventSource::new(&url).unwrap().reconnection_time(Duration::from_millis(10));
    assert!(matches!(source.next_update(), Some(Ok(Update::Opened { .. }))));
    let began = {
        let mut second = super::super::support::http::Client::to(first.address());
        second.open("/events/a").text().to_owned()
    };
    publish(&first, "/events/b", "of another channel");
    first.kill();
    let second = Process::hub(&["--listen", &first.address().to_string()]);
    publish(&second, "/events/a", "found");
    let mut events = source.by_ref().map(|event| event.expect("an event"));
    let gap = events.next().expect("a gap event");
    let from = began.trim_start_matches("id: ").trim_end();
    let told = format!(r#"{{"from":"{from}","to":"{}","missed":null"#, gap.last_event_id);
    assert_eq!(gap.event_type, "tidings.gap");
    assert!(gap.data.starts_with(&told), "{} {told}", gap.data);
    assert_eq!(events.next().map(|event| event.data).as_deref(), Some("found"));
}
