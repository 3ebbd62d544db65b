//! Which servers the bench talks to, and with which bytes: the stream's request, and the
//! publishers'.
//!
//! ```text
//! tidings bench http://localhost:3000/events/a                     POST /events/a
//!     --publish '/pub?id=a'                                        POST /pub?id=a
//!     --publish 'PUT http://localhost:8080/topics/a'               PUT, on another server
//!     --body 'topic=a&data={}'                                     topic=a&data=tidings-bench:…
//! ```
//!
//! The bench looks a host's address up once, before it measures anything.

use std::net::ToSocketAddrs;

use tidings::client::{Plain, StreamRequest, Transport, Url};
use tidings::http::masked_url;

use super::exchange::DEADLINE;
use crate::cli::bench::options::Options;
use crate::cli::bench::values::way::Template;
use crate::cli::client::{self, Carrier};

#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) request: StreamRequest,
    /// The same host, as an address, unless a command leads there.
    pub(crate) address: Url,
    pub(crate) carrier: Carrier,
}

/// How events get to the server.
pub(crate) struct Sink {
    /// Its name in messages and reports, without what may be a secret.
    pub(crate) name: String,
    pub(crate) address: Url,
    pub(crate) carrier: Carrier,
    /// The request's head up to the length of its content.
    head: String,
    body: Template,
}

/// The request for the stream at this URL. Fails if the stream, or the way to publish on it, can't
/// be reached over plain HTTP.
pub(crate) fn request(url: &str, options: &Options) -> Result<StreamRequest, String> {
    let with_field =
        |request: StreamRequest, (name, value): &(String, String)| request.with_field(name, value);
    let make = |url: &str| {
        let request = StreamRequest::get(url)?;
        options.fields.iter().try_fold(request, with_field)
    };
    let request = client::request(url, options.via.is_some(), make)?;
    resolve(options, request.url())?;
    Ok(request)
}

/// Where `--publish` leads from the stream's URL; the same URL without it.
fn resolve<'a>(options: &'a Options, followed: &Url) -> Result<(&'a str, Url), String> {
    let Some(way) = &options.publish else { return Ok(("POST", followed.clone())) };
    if client::names_socket(&way.reference) {
        let request = client::request(&way.reference, false, StreamRequest::get)?;
        return Ok((&*way.method, request.url().clone()));
    }
    let url = followed.join(&way.reference).map_err(|error| error.to_string())?;
    if options.via.is_none() || !url.has_origin_of(followed) {
        client::plain(&url)?;
    }
    Ok((&*way.method, url))
}

impl Source {
    /// Finds out where the server is, and that it takes connections. Of a command, that turns out
    /// when it is asked.
    pub(crate) fn new(request: StreamRequest, via: Option<&str>) -> Result<Self, String> {
        let carrier = Carrier::new(via, request.url());
        let address = match carrier.is_plain() {
            true => reach(request.url())?,
            false => request.url().clone(),
        };
        Ok(Self { request, address, carrier })
    }
}

impl Sink {
    pub(crate) fn new(source: &Source, options: &Options) -> Result<Self, String> {
        let followed = source.request.url();
        let (method, url) = resolve(options, followed)?;
        let same = url.has_origin_of(followed);
        let (address, carrier) = match same {
            true => (source.address.clone(), source.carrier.clone()),
            false => (reach(&url)?, Carrier::Plain),
        };
        // Fields for the stream may be secrets of its server.
        let of_stream = if same { &options.fields[..] } else { &[] };
        let own = &options.publish_fields[..];
        let default = [
            ("Host", &*url.authority()),
            ("User-Agent", concat!("tidings/", env!("CARGO_PKG_VERSION"))),
            ("Content-Type", &options.content_type),
        ];
        let mut fields: Vec<(&str, &str)> = default.into();
        for (name, value) in of_stream.iter().chain(own) {
            fields.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
            fields.push((name, value));
        }
        let mut head = format!("{method} {} HTTP/1.1\r\n", url.target());
        head.extend(fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
        Ok(Self {
            name: format!("{method} {}", shown(&url)),
            address,
            carrier,
            head,
            body: options.body.clone(),
        })
    }

    pub(crate) fn encode(&self, data: &str, out: &mut Vec<u8>) {
        let Self { head, body: Template { before, after }, .. } = self;
        let length = before.len() + data.len() + after.len();
        let length = format!("Content-Length: {length}\r\n\r\n");
        out.clear();
        for part in [head, &length, before, data, after] {
            out.extend_from_slice(part.as_bytes());
        }
    }
}

/// The first of the host's addresses that takes a connection, as a URL; or the socket, if it does.
fn reach(url: &Url) -> Result<Url, String> {
    let failed = |why: &dyn std::fmt::Display| format!("can't connect to {}: {why}", shown(url));
    if url.socket().is_some() {
        let connection = Plain
            .connect(url, DEADLINE)
            .map_err(|error| client::with_remedy(failed(&error), Some(error.kind())))?;
        connection.shutdown();
        return Ok(url.clone());
    }
    let addresses = (url.host(), url.port()).to_socket_addrs().map_err(|error| failed(&error))?;
    let mut why = failed(&"the host has no address");
    for address in addresses {
        let numeric = Url::parse(&format!("http://{address}/"));
        let numeric = numeric.expect("an address is the authority of a URL");
        match Plain.connect(&numeric, DEADLINE) {
            Ok(connection) => {
                connection.shutdown();
                return Ok(numeric);
            }
            Err(error) => why = failed(&error),
        }
    }
    Err(why)
}

/// A URL in messages and reports, without what may be a secret.
pub(crate) fn shown(url: &Url) -> String {
    masked_url(&url.to_string()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::bench::TABLE;
    use crate::cli::bench::values::way::Way;

    fn sink(way: Option<&str>, options: Options) -> Sink {
        let url = "http://127.0.0.1:1/events/a?x=1";
        let request = StreamRequest::get(url).unwrap();
        let address = request.url().clone();
        let publish = way.map(|way| Way::parse(way).unwrap());
        let options = Options { publish, ..options };
        let carrier = Carrier::Plain;
        Sink::new(&Source { request, address, carrier }, &options).unwrap()
    }

    fn fields(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    fn encoded(sink: &Sink) -> String {
        let mut bytes = Vec::new();
        sink.encode("hello", &mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn events_go_to_the_url_of_the_stream_unless_publish_names_another() {
        let name = |way| sink(way, TABLE.defaults()).name;
        assert_eq!(name(None), "POST http://127.0.0.1:1/events/a?x=...");
        assert_eq!(name(Some("/pub")), "POST http://127.0.0.1:1/pub");
        assert_eq!(name(Some("PUT ?id=2")), "PUT http://127.0.0.1:1/events/a?id=...");
    }

    #[test]
    fn a_request_says_how_long_its_content_is() {
        let fields = fields(&[("Authorization", "Bearer x")]);
        let sink = sink(Some("/pub"), Options { fields, ..TABLE.defaults() });
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!(
            "POST /pub HTTP/1.1\r\nHost: 127.0.0.1:1\r\nUser-Agent: tidings/{version}\r\n\
             Content-Type: text/plain; charset=utf-8\r\nAuthorization: Bearer x\r\n\
             Content-Length: 5\r\n\r\nhello"
        );
        assert_eq!(encoded(&sink), expected);
    }

    #[test]
    fn the_data_stands_where_the_template_has_it() {
        let body = Template::parse(r#"{"items":[{"content":"data: {}\n\n"}]}"#).unwrap();
        let request = encoded(&sink(None, Options { body, ..TABLE.defaults() }));
        let content = r#"{"items":[{"content":"data: hello\n\n"}]}"#;
        let expected = format!("Content-Length: {}\r\n\r\n{content}", content.len());
        assert!(request.ends_with(&expected), "{request}");
    }

    #[test]
    fn a_field_of_publishes_replaces_one_of_the_stream_and_a_default() {
        let options = Options {
            fields: fields(&[("Authorization", "Bearer x"), ("X-Y", "z")]),
            publish_fields: fields(&[("authorization", "Bearer y"), ("user-agent", "me")]),
            ..TABLE.defaults()
        };
        let request = encoded(&sink(None, options));
        let fields = "text/plain; charset=utf-8\r\nX-Y: z\r\nauthorization: Bearer y\r\n\
            user-agent: me\r\nContent-Length: 5\r\n";
        assert!(request.contains(fields) && !request.contains("tidings"), "{request}");
    }

    #[test]
    fn only_the_fields_of_publishes_go_to_another_server() {
        let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let way = format!("http://{}/pub", other.local_addr().unwrap());
        let options = Options {
            fields: fields(&[("Authorization", "Bearer x")]),
            publish_fields: fields(&[("X-Y", "z")]),
            ..TABLE.defaults()
        };
        let request = encoded(&sink(Some(&way), options));
        assert!(request.contains("X-Y: z\r\n") && !request.contains("Bearer"), "{request}");
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for text in ["", "{", "{ }", "{}{}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_way_to_publish_is_refused() {
        for text in ["", "POST ", " /a", "post /a", "POST /a b", "P\u{e9} /a"] {
            assert!(Way::parse(text).is_err(), "{text}");
        }
    }
}
