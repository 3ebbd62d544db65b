//! A server that does as it is told: for each connection, one after the other, a closure that gets
//! the request and the socket.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

use super::{Notes, SOON};

/// What each response that opens a stream begins with; its body ends with the connection.
pub(crate) const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

/// The same for a body in chunks.
pub(crate) const CHUNKED: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
    Transfer-Encoding: chunked\r\n\r\n";

/// What makes an event source stop.
pub(crate) const NO_MORE: &str = "HTTP/1.1 204 No Content\r\n\r\n";

pub(crate) struct Script {
    address: SocketAddr,
    requests: Notes<String>,
}

/// One connection, whose request has been read.
pub(crate) struct Peer {
    pub(crate) socket: TcpStream,
}

type Act = Box<dyn FnOnce(&mut Peer) + Send>;

impl Script {
    /// Responds to the first connection with the first of these, and so on, and closes each then. When
    /// there are no more, it does not listen any more.
    pub(crate) fn responses<B: AsRef<[u8]>>(responses: impl IntoIterator<Item = B>) -> Self {
        let acts = responses.into_iter().map(|response| {
            let response = response.as_ref().to_vec();
            act(move |peer| peer.send(&response))
        });
        Self::acts(acts.collect())
    }

    pub(crate) fn acts(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Notes::new();
        let noted = requests.clone();
        std::thread::spawn(move || {
            for act in acts {
                let (mut socket, _) = listener.accept().unwrap();
                socket.set_nodelay(true).unwrap();
                socket.set_read_timeout(Some(SOON)).unwrap();
                noted.add(read_request(&mut socket));
                let mut peer = Peer { socket };
                act(&mut peer);
                // The client has not written anything that could turn the end into a reset.
                let _ = peer.socket.shutdown(Shutdown::Both);
            }
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests so far, each with its body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.all()
    }

    /// What each request so far had in this field.
    pub(crate) fn field(&self, name: &str) -> Vec<Option<String>> {
        self.requests().iter().map(|request| field(request, name)).collect()
    }
}

/// Boxes a closure as one connection's part.
pub(crate) fn act(act: impl FnOnce(&mut Peer) + Send + 'static) -> Act {
    Box::new(act)
}

impl Peer {
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // It is up to the client how much of it it reads.
        let _ = self.socket.write_all(bytes.as_ref());
    }

    /// Waits until the client has closed its end; whether it did in time.
    pub(crate) fn is_left(&mut self) -> bool {
        matches!(self.socket.read(&mut [0; 64]), Ok(0))
    }
}

/// The value of a field of a request, if it is there once.
pub(crate) fn field(request: &str, name: &str) -> Option<String> {
    let lines = request.split("\r\n").filter_map(|line| line.split_once(": "));
    let mut values = lines.filter(|(other, _)| other.eq_ignore_ascii_case(name));
    let (_, value) = values.next()?;
    assert!(values.next().is_none(), "{name} is there twice in {request}");
    Some(value.to_owned())
}

/// Reads a head, and a body if it has a length; less if the client leaves.
pub(crate) fn read_request(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match socket.read(&mut piece) {
            Ok(0) | Err(_) => break,
            Ok(length) => bytes.extend_from_slice(&piece[..length]),
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = field(head, "content-length").map_or(0, |text| text.parse().unwrap());
        if body.len() >= length {
            break;
        }
    }
    String::from_utf8(bytes).unwrap()
}
