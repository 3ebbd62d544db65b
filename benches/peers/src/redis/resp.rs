//! A client of Redis, for what is asked between two measurements and for `PING`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::Result;

const PATIENCE: Duration = Duration::from_secs(60);

/// One connection.
pub(super) struct Client {
    socket: BufReader<TcpStream>,
}

impl Client {
    pub(super) fn connect(address: &str) -> Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { socket: BufReader::new(socket) })
    }

    /// One command, and its reply as text: a number, a status or a string.
    pub(super) fn call(&mut self, arguments: &[&str]) -> Result<String> {
        let mut out = format!("*{}\r\n", arguments.len());
        for argument in arguments {
            out.push_str(&format!("${}\r\n{argument}\r\n", argument.len()));
        }
        self.socket.get_mut().write_all(out.as_bytes())?;
        let mut line = String::new();
        self.socket.read_line(&mut line)?;
        let (kind, rest) = line.trim_end().split_at_checked(1).ok_or("Redis has gone")?;
        match kind {
            "+" | ":" => Ok(rest.to_owned()),
            "$" => {
                let mut text = vec![0; rest.parse::<usize>()? + 2];
                self.socket.read_exact(&mut text)?;
                text.truncate(text.len() - 2);
                Ok(String::from_utf8(text)?)
            }
            _ => Err(format!("{}: {line}", arguments.join(" ")).into()),
        }
    }

    /// A number that `INFO` tells.
    pub(super) fn info(&mut self, section: &str, name: &str) -> Result<f64> {
        let info = self.call(&["INFO", section])?;
        let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        Ok(value.ok_or_else(|| format!("INFO tells no {name}"))?.parse()?)
    }

    /// How often commands were called since the counts began, but for those that ask for it.
    pub(super) fn commands(&mut self) -> Result<f64> {
        let info = self.call(&["INFO", "commandstats"])?;
        let lines = info.lines().filter_map(|line| line.strip_prefix("cmdstat_"));
        let others = lines.filter(|line| !line.starts_with("info") && !line.starts_with("config"));
        let calls = others.filter_map(|line| line.split("calls=").nth(1)?.split(',').next());
        calls.map(|calls| Ok(calls.parse::<f64>()?)).sum()
    }
}
