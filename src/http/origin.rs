//! Which page a refused request came from, so that the page can be let read why.
//!
//! A head that is refused is no [`Head`](super::Head), and mostly it is not even whole. But what
//! has come of it may have the line `Origin: https://a.example`, and a browser shows a page the
//! response only if that names its origin.
//!
//! What is found is only compared with the origins that a server allows, and decides nothing else.
//! Still it is what a browser would send: complete lines of this head alone, up to the first that
//! breaks a rule, and one such line, since of two it is unknown which is the browser's.

use super::field_line::FieldLine;

/// The origin that the lines of a head name, as far as they have come.
pub(crate) fn origin_of(received: &[u8]) -> Option<String> {
    let mut lines = received
        .split_inclusive(|&byte| byte == b'\n')
        .map_while(|line| line.strip_suffix(b"\r\n"))
        .skip_while(|line| line.is_empty());
    let _request_line = lines.next()?;
    let mut origins = lines.take_while(|line| !line.is_empty()).map_while(|line| {
        let field = FieldLine::parse(line, 0).ok()?;
        let is_origin = field.name.of(line).eq_ignore_ascii_case(b"origin");
        Some(is_origin.then(|| field.value.of(line)))
    });
    let mut origins = origins.by_ref().flatten();
    let origin = origins.next().filter(|_| origins.next().is_none())?;
    String::from_utf8(origin.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_47_an_origin_is_found_in_what_has_come_of_a_head() {
        let found = |received: &str| origin_of(received.as_bytes());
        let origin = || Some("https://a.example".to_owned());
        assert_eq!(found("GET /% HTTP/1.1\r\nOrigin: https://a.example\r\n\r\n"), origin());
        assert_eq!(found("\r\nBREW\r\nHost: h\r\norigin:https://a.example \r\nCoo"), origin());
        for without in [
            "",
            "\r\n",
            "Origin: https://a.example\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
            // The line, the head or what stands before it is not whole.
            "GET / HTTP/1.1\r\nOrigin: https://a.example",
            "GET / HTTP/1.1\r\nOrigin: https://a.example\n",
            "GET / HTTP/1.1\nOrigin: https://a.example\r\n",
            "GET / HTTP/1.1\r\nHost : h\r\nOrigin: https://a.example\r\n",
            "GET / HTTP/1.1\r\nOrigin : https://a.example\r\n",
            "GET / HTTP/1.1\r\nX: y\r\n Origin: https://a.example\r\n",
            // A body, or the next request.
            "GET / HTTP/1.1\r\n\r\nOrigin: https://a.example\r\n",
            // Two of them, the same or not.
            "GET / HTTP/1.1\r\nOrigin: https://a.example\r\nOrigin: https://a.example\r\n",
            "GET / HTTP/1.1\r\nOrigin: https://a.example\r\nOrigin: https://b.example\r\n",
        ] {
            assert_eq!(found(without), None, "{without:?}");
        }
        assert_eq!(origin_of(b"GET / HTTP/1.1\r\nOrigin: \xFF\r\n"), None);
    }
}
