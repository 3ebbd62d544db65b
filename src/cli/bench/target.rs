//! Whom the bench asks, and with which bytes: the stream's request, and the publishers'.
//!
//! ```text
//! tidings bench http://localhost:3000/events/a                     POST /events/a
//!     --publish '/pub?id=a'                                        POST /pub?id=a
//!     --publish 'PUT http://localhost:8080/topics/a'               PUT, on another server
//! ```
//!
//! A host's address is looked up once, before anything is measured, and kept.

use std::net::{SocketAddr, ToSocketAddrs};

use tidings::client::{StreamRequest, Tcp, Transport, Url};

use super::exchange::DEADLINE;
use super::options::Options;

/// The stream that is followed.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) request: StreamRequest,
    /// The same host, as an address.
    pub(super) address: Url,
}

/// How events get in.
#[derive(Debug)]
pub(super) struct Sink {
    /// As it is told to the user.
    pub(super) name: String,
    pub(super) address: Url,
    /// The request's head up to the length of its content.
    head: String,
}

/// What `--publish` says, not yet held against the stream's URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    method: String,
    reference: String,
}

impl Way {
    /// `[ method SP ] reference`
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (method, reference) = text.split_once(' ').unwrap_or(("POST", text));
        let token = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
        if !token || reference.is_empty() || reference.contains(char::is_whitespace) {
            return Err(format!(
                "{text:?} is not a method and where to publish, such as 'POST /events/a'"
            ));
        }
        Ok(Self { method: method.into(), reference: reference.into() })
    }
}

/// A request for the stream at this URL, with the fields that were asked for.
pub(super) fn request(url: &str, options: &Options) -> Result<StreamRequest, tidings::Error> {
    let with_field =
        |request: StreamRequest, (name, value): &(String, String)| request.with_field(name, value);
    options.fields.iter().try_fold(StreamRequest::get(url)?, with_field)
}

impl Source {
    pub(super) fn new(request: StreamRequest) -> Result<Self, String> {
        let address = reach(request.url())?;
        Ok(Self { request, address })
    }
}

impl Sink {
    /// Where `way` leads from the stream's URL; the same URL where it is not said.
    pub(super) fn new(
        source: &Source,
        way: Option<&Way>,
        options: &Options,
    ) -> Result<Self, String> {
        let followed = source.request.url();
        let (method, url) = match way {
            None => ("POST", followed.clone()),
            Some(way) => {
                let url = followed.join(&way.reference).map_err(|error| error.to_string())?;
                (&*way.method, url)
            }
        };
        let same = url.has_origin_of(followed);
        let address = if same { source.address.clone() } else { reach(&url)? };
        let mut head = format!("{method} {} HTTP/1.1\r\n", url.target());
        // Fields may be secrets of the server that is followed.
        let given = if same { &options.fields[..] } else { &[] };
        let set = |name: &str| given.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        let default = [
            ("Host", url.authority()),
            ("User-Agent", concat!("tidings/", env!("CARGO_PKG_VERSION")).into()),
            ("Content-Type", "text/plain; charset=utf-8".into()),
        ];
        let default = default.iter().filter(|(name, _)| !set(name));
        for (name, value) in default.map(|(name, value)| (*name, value)) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        for (name, value) in given {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        Ok(Self { name: format!("{method} {url}"), address, head })
    }

    /// The bytes of a request with this content.
    pub(super) fn encode(&self, content: &str, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(self.head.as_bytes());
        let length = content.len();
        out.extend_from_slice(format!("Content-Length: {length}\r\n\r\n").as_bytes());
        out.extend_from_slice(content.as_bytes());
    }
}

/// The first of the host's addresses that takes a connection, as an URL.
fn reach(url: &Url) -> Result<Url, String> {
    let failed = |why: &dyn std::fmt::Display| format!("can't connect to {url}: {why}");
    if url.is_https() {
        return Err(failed(&"https is not spoken here: go through a proxy that speaks it"));
    }
    let addresses = (url.host(), url.port()).to_socket_addrs().map_err(|error| failed(&error))?;
    let mut why = failed(&"the host has no address");
    for address in addresses {
        let numeric = as_url(address);
        match Tcp.connect(&numeric, DEADLINE) {
            Ok(connection) => {
                connection.shutdown();
                return Ok(numeric);
            }
            Err(error) => why = failed(&error),
        }
    }
    Err(why)
}

fn as_url(address: SocketAddr) -> Url {
    Url::parse(&format!("http://{address}/")).expect("an address is the authority of an URL")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sink(way: Option<&str>) -> Sink {
        let url = "http://127.0.0.1:1/events/a?x=1";
        let request = StreamRequest::get(url).unwrap();
        let address = request.url().clone();
        let way = way.map(|way| Way::parse(way).unwrap());
        let fields = vec![("Authorization".into(), "Bearer x".into())];
        let options = Options { fields, ..Options::default() };
        Sink::new(&Source { request, address }, way.as_ref(), &options).unwrap()
    }

    #[test]
    fn events_go_where_they_come_from_unless_it_is_said_otherwise() {
        assert_eq!(sink(None).name, "POST http://127.0.0.1:1/events/a?x=1");
        assert_eq!(sink(Some("/pub")).name, "POST http://127.0.0.1:1/pub");
        assert_eq!(sink(Some("PUT ?id=2")).name, "PUT http://127.0.0.1:1/events/a?id=2");
    }

    #[test]
    fn a_request_says_how_long_its_content_is() {
        let mut bytes = Vec::new();
        sink(Some("/pub")).encode("hello", &mut bytes);
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!(
            "POST /pub HTTP/1.1\r\nHost: 127.0.0.1:1\r\nUser-Agent: tidings/{version}\r\n\
             Content-Type: text/plain; charset=utf-8\r\nAuthorization: Bearer x\r\n\
             Content-Length: 5\r\n\r\nhello"
        );
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }

    #[test]
    fn what_is_no_way_to_publish_is_refused() {
        for text in ["", "POST ", " /a", "post /a", "POST /a b", "P\u{e9} /a"] {
            assert!(Way::parse(text).is_err(), "{text}");
        }
    }
}
