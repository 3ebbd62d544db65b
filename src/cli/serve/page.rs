//! The page that shows the hub at work; and `/tidings.js`, for any page that follows the hub (see
//! `src/doc/tidings_js.md`).
//!
//! The page polls `/metrics` and `/channels`, and publishes (`page.js`); it reads streams with
//! `fetch`, to show their bytes, and to cut one (`watch.js`); `parts.js` has what both use.
//!
//! All of it comes from the hub alone, and the page's policy says so. A browser loads nothing from
//! elsewhere, runs nothing that stands in the page itself, and lets no other page frame it. So
//! published text could do no harm even if it were taken for markup, which it never is.

use tidings::{Response, Server};

const PAGE: &str = include_str!("page/page.html");
const STYLE: &[u8] = include_bytes!("page/page.css");
const SCRIPT: &[u8] = include_bytes!("page/page.js");
const SCRIPT_OF_STREAMS: &[u8] = include_bytes!("page/watch.js");
const SCRIPT_OF_PARTS: &[u8] = include_bytes!("page/parts.js");
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

const TIDINGS_SOURCE: &[u8] = include_bytes!("page/tidings.js");
const TIDINGS: &[u8] = &{
    let mut sent = [0; squeezed(TIDINGS_SOURCE, &mut [])];
    squeezed(TIDINGS_SOURCE, &mut sent);
    sent
};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

pub(super) fn add_to(server: Server) -> Server {
    server
        .get("/", |_request| {
            Response::html(PAGE)
                .with_field("Content-Security-Policy", POLICY)?
                .with_field("Referrer-Policy", "no-referrer")?
                .with_field("Cache-Control", "no-cache")
        })
        .content("/page.css", "text/css; charset=utf-8", STYLE)
        .content("/page.js", JAVASCRIPT, SCRIPT)
        .content("/watch.js", JAVASCRIPT, SCRIPT_OF_STREAMS)
        .content("/parts.js", JAVASCRIPT, SCRIPT_OF_PARTS)
        .content("/tidings.js", JAVASCRIPT, TIDINGS)
}

/// How many bytes a script has without its indentation, empty lines, and lines that are comments.
/// Writes them too, if there is room. It runs when the program is compiled.
const fn squeezed(script: &[u8], to: &mut [u8]) -> usize {
    let (mut at, mut len) = (0, 0);
    while at < script.len() {
        while at < script.len() && matches!(script[at], b' ' | b'\n') {
            at += 1;
        }
        let is_comment = script.len() - at >= 2 && script[at] == b'/' && script[at + 1] == b'/';
        while at < script.len() {
            if !is_comment {
                if len < to.len() {
                    to[len] = script[at];
                }
                len += 1;
            }
            at += 1;
            if script[at - 1] == b'\n' {
                break;
            }
        }
    }
    len
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_sent_without_indentation_and_comments() {
        let script = b"// a\n\nconst a = () => {\n  // b\n  return \"//\"; // c\n};\n";
        let mut sent = [0; 64];
        let len = squeezed(script, &mut sent);
        let expected = "const a = () => {\nreturn \"//\"; // c\n};\n";
        assert_eq!(str::from_utf8(&sent[..len]), Ok(expected));
    }

    #[test]
    fn the_page_has_no_more_than_60_kib_in_all() {
        let all = [PAGE.as_bytes(), STYLE, SCRIPT, SCRIPT_OF_STREAMS, SCRIPT_OF_PARTS];
        assert!(all.map(<[u8]>::len).iter().sum::<usize>() <= 60 * 1024);
    }

    #[test]
    fn the_page_says_within_3_s_that_the_hub_does_not_respond() {
        let script = str::from_utf8(SCRIPT).expect("UTF-8");
        let constant = |name: &str| {
            let (_, rest) = script.split_once(&format!("const {name} = ")).expect("it is there");
            rest.split(';').next().and_then(|ms| ms.parse::<u32>().ok()).expect("a number")
        };
        assert!(constant("POLL") + constant("PATIENCE") < 3_000);
    }

    #[test]
    fn the_script_for_pages_has_no_more_than_6000_bytes() {
        let sent = str::from_utf8(TIDINGS).expect("UTF-8");
        assert!(sent.len() <= 6000, "{}", sent.len());
        assert!(sent.starts_with("export const parser = ") && sent.ends_with("\n}\n"));
    }
}
