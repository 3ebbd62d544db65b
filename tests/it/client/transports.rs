//! Transports that a user brings, and the one that is there.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::{spawn, yield_now};

use super::*;
use crate::support::cipher::{Cipher, Ciphered};
use crate::support::script::{NO_MORE, STREAM};
use crate::support::{Gate, SOON};

/// Responses one connection after the other in the cipher; after the last it waits until it is left.
fn secret_server(responses: Vec<String>) -> (String, Gate) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/events", listener.local_addr().unwrap());
    let left = Gate::default();
    let noted = left.clone();
    spawn(move || {
        for (number, response) in (1..).zip(&responses) {
            let (socket, _) = listener.accept().unwrap();
            socket.set_read_timeout(Some(SOON)).unwrap();
            let mut peer = Cipher::new(socket);
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                peer.read_exact(&mut byte).unwrap();
                request.extend(byte);
            }
            assert!(request.starts_with(b"GET /events HTTP/1.1\r\n"));
            peer.write_all(response.as_bytes()).unwrap();
            if number == responses.len() && matches!(peer.read(&mut [0]), Ok(0)) {
                noted.open();
            }
        }
    });
    (url, left)
}

#[test]
fn an_https_stream_comes_over_a_transport_that_is_brought() {
    let (url, _) = secret_server(vec![format!("{STREAM}id: 1\ndata: a\n\n"), NO_MORE.into()]);
    assert_eq!(data(at(&url).transport(Ciphered)), ["a"]);
}

#[test]
fn a_read_that_waits_with_a_lock_held_is_ended_from_another_thread() {
    let (url, left) = secret_server(vec![format!("{STREAM}data: a\n\n")]);
    let mut source = at(&url).transport(Ciphered);
    assert_eq!(source.next().expect("an event").unwrap().data, "a");
    let closer = source.closer();
    let reading = spawn(move || source.next().is_none());
    for _ in 0..1000 {
        yield_now();
    }
    closer.close();
    assert!(reading.join().unwrap());
    left.pass();
}

#[test]
fn a_silence_is_noticed_over_a_transport_that_is_brought() {
    let (url, left) = secret_server(vec![format!("{STREAM}data: a\n\n")]);
    let source = at(&url).transport(Ciphered).silence(Duration::from_millis(200));
    let (before, error) = failure(source.reconnects(false));
    assert_eq!(before, ["a"]);
    assert!(error.is_timeout(), "{error}");
    left.pass();
}

#[test]
fn a_host_may_be_an_address_of_ip_version_6() {
    // There are machines without.
    let Ok(listener) = TcpListener::bind("[::1]:0") else { return };
    let address = listener.local_addr().unwrap();
    let server = spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut request = vec![0; 4096];
        let length = socket.read(&mut request).unwrap();
        socket.write_all(NO_MORE.as_bytes()).unwrap();
        String::from_utf8(request[..length].to_vec()).unwrap()
    });
    assert_eq!(data(at(&format!("http://{address}/a"))), [""; 0]);
    let begin = format!("GET /a HTTP/1.1\r\nHost: {address}\r\n");
    assert!(server.join().unwrap().starts_with(&begin));
}
