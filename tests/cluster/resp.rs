//! As much of Redis' wire as a test needs to give commands of its own.
//!
//! ```text
//! *2\r\n$4\r\nXLEN\r\n$3\r\nkey\r\n  ─►       ◄─  :7\r\n
//! ```

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Nil,
    Number(i64),
    Text(String),
    List(Vec<Value>),
    Error(String),
}

impl Value {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            other => panic!("no text: {other:?}"),
        }
    }

    pub(crate) fn list(&self) -> &[Self] {
        match self {
            Self::List(list) => list,
            other => panic!("no list: {other:?}"),
        }
    }
}

pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(crate) fn to(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self(BufReader::new(socket)))
    }

    pub(crate) fn call(&mut self, words: &[&str]) -> io::Result<Value> {
        let mut bytes = Vec::new();
        command(words, &mut bytes);
        self.send(&bytes)?;
        self.reply()
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_ref().write_all(bytes)
    }

    pub(crate) fn reply(&mut self) -> io::Result<Value> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let rest = line.strip_suffix("\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        let number = || rest[1..].parse::<i64>().expect("a number");
        Ok(match rest.as_bytes()[0] {
            b'+' => Value::Text(rest[1..].into()),
            b'-' => Value::Error(rest[1..].into()),
            b':' => Value::Number(number()),
            b'$' | b'*' if number() < 0 => Value::Nil,
            b'$' => {
                let mut bytes = vec![0; number() as usize + 2];
                self.0.read_exact(&mut bytes)?;
                bytes.truncate(bytes.len() - 2);
                Value::Text(String::from_utf8_lossy(&bytes).into())
            }
            b'*' => Value::List((0..number()).map(|_| self.reply()).collect::<io::Result<_>>()?),
            other => panic!("no reply begins with {other}"),
        })
    }
}

/// Appends a command.
pub(crate) fn command(words: &[&str], to: &mut Vec<u8>) {
    to.extend(format!("*{}\r\n", words.len()).bytes());
    words.iter().for_each(|word| to.extend(format!("${}\r\n{word}\r\n", word.len()).bytes()));
}
