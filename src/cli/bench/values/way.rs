//! `--publish` and `--body`: how events get to the server.
//!
//! ```text
//! way      = [ method SP ] reference      PUT /topics/a
//! template = text "{}" text               topic=a&data={}
//! ```

use tidings::http::masked_url;

/// What stands around an event's data in the content of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) before: String,
    pub(crate) after: String,
}

/// A method, and where to publish: a reference relative to the stream's URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) method: String,
    pub(crate) reference: String,
}

impl Way {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (method, reference) = text.split_once(' ').unwrap_or(("POST", text));
        let token = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
        if !token || reference.is_empty() || reference.contains(char::is_whitespace) {
            return Err(format!(
                "{:?} is not a method and where to publish, such as 'POST /events/a'",
                masked_url(text)
            ));
        }
        Ok(Self { method: method.into(), reference: reference.into() })
    }
}

impl Template {
    /// Parses text with one `{}`. The data needs no escapes in JSON or in a form.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let halves = text.split_once("{}").filter(|(_, after)| !after.contains("{}"));
        let (before, after) = halves.ok_or(
            "the text does not have {} just once, where the event's data goes (JSON's empty object \
             can be { })",
        )?;
        Ok(Self { before: before.into(), after: after.into() })
    }
}
