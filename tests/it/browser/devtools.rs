//! A tab of the browser, driven over its DevTools protocol: JSON in the text frames of a WebSocket
//! (RFC 6455), which is as much of it as a test needs.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::Browser;
use crate::support::http::{connect, read_head};
use crate::support::until_some;

/// A tab, which stays open until it is closed.
pub(super) struct Tab {
    browser: SocketAddr,
    id: String,
    socket: BufReader<TcpStream>,
    calls: u32,
}

impl Browser {
    /// Opens another tab. It shows the page when this returns.
    pub(super) fn tab(&self, url: &str) -> Tab {
        let port = until_some("the port of the browser's tools", || {
            let file = std::fs::read_to_string(self.profile.join("DevToolsActivePort")).ok()?;
            file.lines().next()?.parse::<u16>().ok()
        });
        let browser = SocketAddr::from(([127, 0, 0, 1], port));
        let made = ask(browser, &format!("PUT /json/new?{}", url.replace('#', "%23")));
        let id = string(&made, "\"id\": ").expect("a tab");
        let mut socket = connect(browser);
        let upgrade = format!(
            "GET /devtools/page/{id} HTTP/1.1\r\nHost: {browser}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        socket.write_all(upgrade.as_bytes()).expect("the browser reads");
        let mut socket = BufReader::new(socket);
        assert_eq!(read_head(&mut socket).0, 101);
        let mut tab = Tab { browser, id, socket, calls: 0 };
        // There may be nothing yet that could evaluate this.
        let shown = "\"expression\":\"document.readyState + location.href\"";
        until_some("the page", || {
            let response = tab.call("Runtime.evaluate", shown);
            (string(&response, "\"value\":")? == format!("complete{url}")).then_some(())
        });
        tab
    }
}

impl Tab {
    /// Has the page evaluate this, which may be a promise, and gives the text that comes of it.
    #[track_caller]
    pub(super) fn eval(&mut self, expression: &str) -> String {
        let options = "\"awaitPromise\":true,\"returnByValue\":true";
        let expression = json(&format!("(async () => String(await ({expression})))()"));
        let response =
            self.call("Runtime.evaluate", &format!("\"expression\":{expression},{options}"));
        assert!(!response.contains("\"exceptionDetails\""), "{response}");
        string(&response, "\"value\":").unwrap_or_else(|| panic!("no text: {response}"))
    }

    /// Calls a method with these members as parameters, and gives the response as it is.
    #[track_caller]
    pub(super) fn call(&mut self, method: &str, parameters: &str) -> String {
        self.tell(method, parameters);
        let begin = format!("{{\"id\":{},", self.calls);
        loop {
            // Events come in between.
            let message = self.receive();
            if message.starts_with(&begin) {
                return message;
            }
        }
    }

    /// The same without waiting for the response.
    pub(super) fn tell(&mut self, method: &str, parameters: &str) {
        self.calls += 1;
        let id = self.calls;
        let call = format!("{{\"id\":{id},\"method\":\"{method}\",\"params\":{{{parameters}}}}}");
        // One whole text frame, whose masking key is zero.
        let mut frame = vec![0x81, 0x80 | 127];
        frame.extend((call.len() as u64).to_be_bytes());
        frame.extend([0; 4]);
        frame.extend(call.as_bytes());
        self.socket.get_mut().write_all(&frame).expect("the browser reads");
    }

    /// The next message, whose frames are not masked.
    fn receive(&mut self) -> String {
        let mut message = Vec::new();
        loop {
            let [first, length] = self.bytes();
            let length = match length {
                126 => u16::from_be_bytes(self.bytes()) as u64,
                127 => u64::from_be_bytes(self.bytes()),
                length => u64::from(length),
            };
            self.socket.by_ref().take(length).read_to_end(&mut message).expect("a frame");
            if first & 0x80 != 0 {
                return String::from_utf8(message).expect("UTF-8");
            }
        }
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.socket.read_exact(&mut bytes).expect("the browser goes on");
        bytes
    }

    /// Closes the tab, as its user does.
    pub(super) fn close(self) {
        ask(self.browser, &format!("GET /json/close/{}", self.id));
    }
}

/// What the browser responds to this. Its field lines have no space after the colon.
fn ask(browser: SocketAddr, line: &str) -> String {
    let mut socket = connect(browser);
    let request = format!("{line} HTTP/1.1\r\nHost: {browser}\r\n\r\n");
    socket.write_all(request.as_bytes()).expect("the browser reads");
    let mut reader = BufReader::new(socket);
    let (status, fields) = read_head(&mut reader);
    assert_eq!(status, 200, "{line}");
    let length = fields.iter().find_map(|field| field.strip_prefix("Content-Length:"));
    let mut body = vec![0; length.expect("a length").trim().parse().expect("a number")];
    reader.read_exact(&mut body).expect("the whole body");
    String::from_utf8(body).expect("UTF-8")
}

/// A JSON string.
pub(super) fn json(text: &str) -> String {
    let mut json = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            c if c.is_control() => json += &format!("\\u{:04x}", u32::from(c)),
            c => json.push(c),
        }
    }
    json + "\""
}

/// The first string after this name in some JSON.
fn string(json: &str, name: &str) -> Option<String> {
    let (_, rest) = json.split_once(name)?;
    let mut chars = rest.strip_prefix('"')?.chars();
    let mut text = Vec::new();
    while let Some(c) = chars.next().filter(|c| *c != '"') {
        match (c, c == '\\') {
            (c, false) => text.extend(c.encode_utf16(&mut [0; 2]).iter().copied()),
            (_, true) => match chars.next()? {
                'n' => text.push(10),
                't' => text.push(9),
                'r' => text.push(13),
                'u' => {
                    let digits: String = chars.by_ref().take(4).collect();
                    text.push(u16::from_str_radix(&digits, 16).ok()?);
                }
                other => text.push(other as u16),
            },
        }
    }
    String::from_utf16(&text).ok()
}
