//! Follows a file that grows, such as a log: each new line is an event, and whoever comes is sent
//! the newest 100 lines first.
//!
//! It goes on when the file is rotated (renamed, with a new one in its place, or cut to nothing),
//! after what was still unread. An error is printed, not returned: that would end the interval.
//!
//! ```text
//! $ cargo run --example logs /var/log/syslog
//! listening on http://127.0.0.1:3000
//!
//! $ curl -N http://127.0.0.1:3000/lines
//! ```

#![forbid(unsafe_code)]

mod notebook;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::time::Duration;
use std::{env, mem};

use tidings::{Channel, Error, Response, Result, Server, Start};

/// Where reading begins before the end of a file that is there already.
const PAST: u64 = 256 * 1024;

/// A longer line becomes several events.
const LONGEST: usize = 64 * 1024;

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let path = arguments.next().ok_or_else(|| Error::other("say which file to follow"))?;
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".into());
    let (lines, mut tail) = (Channel::new(), Tail::open(path)?);
    lines.every(Duration::from_millis(200), move |lines| {
        tail.read(lines).inspect_err(|error| eprintln!("{}: {error}", tail.path)).or(Ok(()))
    })?;
    let server = Server::bind(address.as_str())?
        .get("/", |_request| Ok(Response::html(include_str!("pages/logs.html"))))
        .sse("/lines", move |stream, _request| stream.subscribe_from(&lines, Start::Newest(100)));
    println!("listening on http://{}", server.address());
    notebook::add_to(server).run()
}

/// The file that has this path at the moment, read up to some place.
struct Tail {
    path: String,
    file: BufReader<File>,
    /// The beginning of a line whose end has not been written.
    line: Vec<u8>,
}

impl Tail {
    fn open(path: String) -> io::Result<Self> {
        let mut file = BufReader::new(File::open(&path)?);
        let begin = file.get_ref().metadata()?.len().saturating_sub(PAST);
        file.seek(SeekFrom::Start(begin))?;
        Ok(Self { path, file, line: Vec::new() })
    }

    /// Publishes the lines that have come since the last time.
    fn read(&mut self, lines: &Channel) -> Result<()> {
        loop {
            // Before the old file is read: so all that was written before a rotation is read first.
            let next = File::open(&self.path);
            while self.read_line()? {
                self.publish(lines)?;
            }
            match next {
                Ok(next) if self.is_replaced_by(&next)? => self.file = BufReader::new(next),
                _ => return Ok(()),
            }
            if !self.line.is_empty() {
                self.publish(lines)?;
            }
        }
    }

    fn publish(&mut self, lines: &Channel) -> Result<()> {
        let line = mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        lines.send(line.trim_end_matches(['\r', '\n'])).map(drop)
    }

    /// Whether there is a whole line, or as much of one as an event may have.
    fn read_line(&mut self) -> io::Result<bool> {
        let room = (LONGEST - self.line.len()) as u64;
        self.file.by_ref().take(room).read_until(b'\n', &mut self.line)?;
        Ok(self.line.ends_with(b"\n") || self.line.len() == LONGEST)
    }

    /// Whether this is another file, or the same one and shorter than what was read of it.
    fn is_replaced_by(&mut self, next: &File) -> io::Result<bool> {
        let (old, new) = (self.file.get_ref().metadata()?, next.metadata()?);
        let is_other = (old.dev(), old.ino()) != (new.dev(), new.ino());
        Ok(is_other || new.len() < self.file.stream_position()?)
    }
}
