//! A text as a language model would send it: token by token, each in an event of its own.
//!
//! ```text
//! data: {"id":"mock-1","object":"chat.completion.chunk",...,"delta":{"role":"assistant"},...}
//!
//! data: {"id":"mock-1",...,"delta":{"content":"Hello"},"finish_reason":null}
//!
//! data: {"id":"mock-1",...,"delta":{},"finish_reason":"stop"}
//!
//! data: [DONE]
//! ```
//!
//! This is the shape of OpenAI's chat completions, which most services can speak: JSON in the data,
//! no event types, no ids, and a last event that is no JSON. Such a stream is the response to a
//! POST, and no client resumes it: one that comes again gets the whole stream again.
//!
//! A rule of thumb makes the tokens: a word with the space before it, in pieces of at most
//! [`LONGEST`] characters; digits in threes; everything else alone. Together they are the text.

use std::time::Duration;

use super::step::{Ending, Step};
use crate::cli::json;

const LONGEST: usize = 6;
const DIGITS: usize = 3;

/// What every chunk says of the completion as a whole.
const ABOUT: &str = r#""id":"mock-1","object":"chat.completion.chunk","created":0,"model":"mock""#;

/// The stream of a text; the pause is that between two tokens.
pub(super) fn steps(text: &str, pause: Duration) -> Vec<Step> {
    let mut steps =
        vec![event(&chunk(r#"{"role":"assistant","content":""}"#, "null")), Step::Flush];
    for token in tokens(text) {
        let delta = format!(r#"{{"content":{}}}"#, json::string(token));
        steps.extend([Step::Wait(pause), event(&chunk(&delta, "null")), Step::Flush]);
    }
    steps.extend([event(&chunk("{}", r#""stop""#)), Step::Flush]);
    steps.extend([event("[DONE]"), Step::End(Ending::Close)]);
    steps
}

fn event(data: &str) -> Step {
    Step::Bytes(format!("data: {data}\n\n").into_bytes())
}

fn chunk(delta: &str, finish_reason: &str) -> String {
    let choice = format!(r#"{{"index":0,"delta":{delta},"finish_reason":{finish_reason}}}"#);
    format!(r#"{{{ABOUT},"choices":[{choice}]}}"#)
}

fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let length = token_length(rest);
        let (token, after) = rest.split_at(length);
        rest = after;
        Some(token).filter(|token| !token.is_empty())
    })
}

/// How long the first token is, in bytes.
fn token_length(text: &str) -> usize {
    let word = text.strip_prefix(' ').unwrap_or(text);
    let space = text.len() - word.len();
    let run = |most: usize, of: fn(char) -> bool| -> usize {
        word.chars().take(most).take_while(|&char| of(char)).map(char::len_utf8).sum()
    };
    match word.chars().next() {
        Some(first) if first.is_ascii_digit() => space + run(DIGITS, |char| char.is_ascii_digit()),
        Some(first) if first.is_alphabetic() => space + run(LONGEST, char::is_alphabetic),
        Some(first) if first.is_whitespace() && space > 0 => space,
        Some(first) => space + first.len_utf8(),
        None => space,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tokens_are_the_text() {
        let text = "Hello, world!\n\n  größe 12345 数字 🦀\u{301} extraordinarily\r\n";
        let cut: Vec<_> = tokens(text).collect();
        assert_eq!(cut.concat(), text);
        let begin = ["Hello", ",", " world", "!", "\n", "\n", " ", " größe", " 123", "45", " 数字"];
        assert_eq!(cut[..11], begin);
        assert_eq!(cut[11..], [" 🦀", "\u{301}", " extrao", "rdinar", "ily", "\r", "\n"]);
        assert_eq!(tokens("").count(), 0);
        assert_eq!(tokens(" ").collect::<Vec<_>>(), [" "]);
    }

    #[test]
    fn a_stream_is_role_tokens_stop_and_done() {
        let pause = Duration::from_millis(50);
        let before =
            r#"{"id":"mock-1","object":"chat.completion.chunk","created":0,"model":"mock","#;
        let data = |delta: &str, reason: &str| {
            let choice = format!(r#"{{"index":0,"delta":{delta},"finish_reason":{reason}}}"#);
            Step::Bytes(format!("data: {before}\"choices\":[{choice}]}}\n\n").into())
        };
        let expected = [
            data(r#"{"role":"assistant","content":""}"#, "null"),
            Step::Flush,
            Step::Wait(pause),
            data(r#"{"content":"Hi"}"#, "null"),
            Step::Flush,
            Step::Wait(pause),
            data(r#"{"content":"!"}"#, "null"),
            Step::Flush,
            data("{}", r#""stop""#),
            Step::Flush,
            Step::Bytes("data: [DONE]\n\n".into()),
            Step::End(Ending::Close),
        ];
        assert_eq!(steps("Hi!", pause), expected);
    }
}
