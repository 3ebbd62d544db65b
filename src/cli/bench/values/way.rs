//! How events get in: what `--publish` and `--body` say.
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
    pub(crate) behind: String,
}

/// What `--publish` says, not yet held against the stream's URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) method: String,
    pub(crate) reference: String,
}

impl Way {
    /// `[ method SP ] reference`
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
    /// Text with one `{}` in it. The data needs no escape in JSON, nor in a form.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let halves = text.split_once("{}").filter(|(_, behind)| !behind.contains("{}"));
        let (before, behind) = halves.ok_or(
            "the text does not have {} just once, where the event's data goes (JSON's empty object \
             can be { })",
        )?;
        Ok(Self { before: before.into(), behind: behind.into() })
    }
}
