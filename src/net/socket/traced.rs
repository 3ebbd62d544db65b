//! The calls on a socket that are told to a trace.
//!
//! A table of the process says, by the socket's descriptor, whom to tell: so no socket becomes
//! larger for it, nor does any stream. These functions stand apart from the usual calls, and give
//! back errors that need no drop, so that the way of a socket that nobody traces is as short as if
//! there were none of this.

use std::collections::HashMap;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
#[cfg(unix)]
use std::os::fd::{AsRawFd, RawFd as Key};
#[cfg(windows)]
use std::os::windows::io::{AsRawSocket, RawSocket as Key};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use super::Socket;
use crate::net::trace::{Call, Outcome, Tracer};
use crate::peer::Peer;

static TABLE: LazyLock<Mutex<HashMap<Key, Told>>> = LazyLock::new(Mutex::default);

fn table() -> MutexGuard<'static, HashMap<Key, Told>> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who is told of the calls on a socket.
#[derive(Clone)]
struct Told {
    tracer: Arc<Tracer>,
    connection: u64,
    peer: Peer,
}

/// The calls as std makes them on Linux. `recv` and `send` are what C calls these two.
#[cfg(target_os = "linux")]
mod name {
    pub(super) const ACCEPT: &str = "accept4";
    pub(super) const READ: &str = "recvfrom";
    pub(super) const WRITE: &str = "sendto";
}
#[cfg(not(target_os = "linux"))]
mod name {
    pub(super) const ACCEPT: &str = "accept";
    pub(super) const READ: &str = "recv";
    pub(super) const WRITE: &str = "send";
}

impl Tracer {
    /// Tells of each call on this connection from now on: first that it is there, and what has been
    /// read of it already.
    pub(crate) fn trace(self: &Arc<Self>, mut socket: Socket, peer: Peer, read: &[u8]) -> Socket {
        let told = Told { tracer: Arc::clone(self), connection: self.count(), peer };
        told.of(name::ACCEPT, Outcome::Accepted);
        if !read.is_empty() {
            told.of(name::READ, Outcome::Received(read));
        }
        table().insert(socket.key(), told);
        socket.is_traced = true;
        socket
    }
}

impl Told {
    fn of(&self, name: &'static str, outcome: Outcome<'_>) {
        let Self { tracer, connection, peer } = self;
        tracer.trace.call(&Call { connection: *connection, peer: *peer, name, outcome });
    }

    fn of_sent(&self, name: &'static str, bytes: &[u8], written: &io::Result<usize>) {
        self.of(
            name,
            match written {
                Ok(len) => Outcome::Sent { bytes: &bytes[..*len], of: bytes.len() },
                Err(error) => Outcome::Failed(error),
            },
        );
    }
}

impl Socket {
    #[cfg(unix)]
    fn key(&self) -> Key {
        self.socket.as_raw_fd()
    }

    #[cfg(windows)]
    fn key(&self) -> Key {
        self.socket.as_raw_socket()
    }

    /// Not with the lock of the table: a trace takes its time.
    fn told(&self) -> Told {
        table().get(&self.key()).cloned().expect("a traced socket is there until it is dropped")
    }

    pub(in crate::net) fn read_told(&self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        let read = (&self.socket).read(buffer);
        let outcome = match &read {
            Ok(len) => Outcome::Received(&buffer[..*len]),
            Err(error) => Outcome::Failed(error),
        };
        self.told().of(name::READ, outcome);
        read.map_err(|error| error.kind())
    }

    pub(in crate::net) fn write_told(&self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        let written = (&self.socket).write(bytes);
        self.told().of_sent(name::WRITE, bytes, &written);
        written.map_err(|error| error.kind())
    }

    pub(in crate::net) fn write_vectored_told(
        &self,
        slices: &[IoSlice<'_>],
    ) -> Result<usize, ErrorKind> {
        let written = (&self.socket).write_vectored(slices);
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        self.told().of_sent("writev", &bytes, &written);
        written.map_err(|error| error.kind())
    }

    #[cold]
    #[inline(never)]
    pub(super) fn shutdown_told(&self, how: Shutdown) -> io::Result<()> {
        let result = self.socket.shutdown(how);
        let outcome = result.as_ref().map_or_else(Outcome::Failed, |()| Outcome::HalfClosed);
        self.told().of("shutdown", outcome);
        result
    }

    /// It is closed at once after this. Until then, no other socket has its descriptor.
    #[cold]
    #[inline(never)]
    pub(super) fn close_told(&self) {
        let told = table().remove(&self.key());
        if let Some(told) = told {
            told.of("close", Outcome::Closed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::sync::mpsc;

    use super::*;
    use crate::net::counts::Counts;
    use crate::net::link::Link;
    use crate::net::trace::Trace;

    struct Tell(Mutex<mpsc::Sender<String>>);

    impl Trace for Tell {
        fn call(&self, call: &Call<'_>) {
            let Call { connection, name, outcome, .. } = call;
            let told = format!("#{connection} {name} {outcome:?}");
            self.0.lock().unwrap().send(told).expect("the test listens");
        }
    }

    /// Two sockets of a connection, of which the first is traced, and what is told of it.
    fn traced(read: &[u8]) -> (Socket, TcpStream, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (tell, told) = mpsc::channel();
        let tracer = Arc::new(Tracer::new(Tell(Mutex::new(tell))));
        let (socket, address) = listener.accept().unwrap();
        (tracer.trace(socket.into(), Peer::Tcp(address), read), peer, told)
    }

    #[test]
    fn each_call_is_told_from_the_accept_to_the_close() {
        let (socket, mut peer, told) = traced(b"");
        peer.write_all(b"hi").unwrap();
        let mut link = Link::new(socket, Counts::default().connection());
        assert_eq!(link.read(<[u8]>::len).unwrap(), Some(2));
        assert_eq!(link.write(b"one").unwrap(), Some(3));
        assert_eq!(link.write_both([b"two", b"three"]).unwrap(), Some(8));
        link.set_blocking(false).unwrap();
        assert_eq!(link.discard().unwrap(), None);
        link.socket.shutdown(Shutdown::Write).unwrap();
        drop(link);
        let mut received = String::new();
        peer.read_to_string(&mut received).unwrap();
        assert_eq!(received, "onetwothree");
        let told: Vec<String> = told.into_iter().collect();
        let [accept, read, write, both, failed, shutdown, close] = &*told else {
            panic!("{told:?}")
        };
        assert_eq!(accept, &format!("#1 {} Accepted", name::ACCEPT));
        assert_eq!(read, &format!("#1 {} Received(2 bytes)", name::READ));
        assert_eq!(write, &format!("#1 {} Sent(3 of 3 bytes)", name::WRITE));
        assert_eq!(both, "#1 writev Sent(8 of 8 bytes)");
        assert!(failed.starts_with(&format!("#1 {} Failed(", name::READ)), "{failed}");
        assert_eq!((&**shutdown, &**close), ("#1 shutdown HalfClosed", "#1 close Closed"));
    }

    #[test]
    fn what_others_have_read_of_a_connection_is_told_too() {
        let (socket, _peer, told) = traced(b"GET ");
        drop(socket);
        let told: Vec<String> = told.into_iter().collect();
        assert_eq!(told[1], format!("#1 {} Received(4 bytes)", name::READ));
        assert_eq!(told.len(), 3);
    }
}
