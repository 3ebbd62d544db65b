//! A toy in the place of TLS: a stream that is read and written with `&mut`, and that nobody
//! understands who does not know how.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidings::client::{Connection, Transport, Url};

/// Each byte is changed by its place in the stream, so that a byte too many or too few is noticed.
pub(crate) struct Cipher<S> {
    stream: S,
    read: u8,
    written: u8,
}

impl<S> Cipher<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, read: 0, written: 0 }
    }
}

fn key(place: &mut u8) -> u8 {
    *place = place.wrapping_add(1);
    *place ^ 0x55
}

impl<S: Read> Read for Cipher<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.stream.read(buffer)?;
        buffer[..length].iter_mut().for_each(|byte| *byte ^= key(&mut self.read));
        Ok(length)
    }
}

impl<S: Write> Write for Cipher<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut place = self.written;
        let secret: Vec<u8> = bytes.iter().map(|byte| byte ^ key(&mut place)).collect();
        let length = self.stream.write(&secret)?;
        for _ in 0..length {
            key(&mut self.written);
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Speaks the cipher over TCP, for `https` URLs.
pub(crate) struct Ciphered;

impl Transport for Ciphered {
    fn connect(&self, url: &Url, _: Duration) -> io::Result<Arc<dyn Connection>> {
        assert!(url.is_https());
        let socket = TcpStream::connect((url.host(), url.port()))?;
        let stream = Mutex::new(Cipher::new(socket.try_clone()?));
        Ok(Arc::new(Secured { stream, socket }))
    }
}

/// As the documentation of [`Connection`] says: the socket can be reached while a read waits.
struct Secured<S> {
    stream: Mutex<S>,
    socket: TcpStream,
}

impl<S: Read + Write + Send> Connection for Secured<S> {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.lock().unwrap().read(buffer)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut stream = self.stream.lock().unwrap();
        let length = stream.write(bytes)?;
        stream.flush()?;
        Ok(length)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.socket.set_read_timeout(timeout)
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.socket.set_write_timeout(timeout)
    }

    fn shutdown(&self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}
