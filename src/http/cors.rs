//! CORS: which pages of other origins may read our responses (the Fetch standard, section 3.3).
//!
//! A browser lets a page send some requests anywhere, but read the response only if the response
//! says so. Before other requests, such as one with a field that no form could send, it asks first:
//! a *preflight*.
//!
//! ```text
//! OPTIONS /events/news HTTP/1.1                  HTTP/1.1 204 No Content
//! Origin: https://a.example                      Access-Control-Allow-Origin: https://a.example
//! Access-Control-Request-Method: POST            Access-Control-Allow-Methods: GET, POST
//! Access-Control-Request-Headers: x-token        Access-Control-Allow-Headers: x-token
//!                                                Access-Control-Max-Age: 600
//!                                                Vary: Origin
//! ```
//!
//! A response that depends on the origin says `Vary: Origin`, also when it grants nothing, as a
//! cache could otherwise give one origin's response to another.

use super::head::Head;
use super::method::Method;
use super::response::Response;
use super::syntax::{is_token, list_elements};
use super::target::is_authority;
use crate::error::{Error, Result};

/// For how long a browser need not ask again, in seconds: long enough to be of use, short enough
/// for a change of policy to arrive.
const MAX_AGE: &str = "600";

/// Which origins may read the responses.
///
/// The server responds to a preflight itself: with 204, the methods that the path has routes for,
/// the names of the fields that the page wants to send, and 600 seconds for which the browser need
/// not ask again. [`Server::admit`](crate::Server::admit) is not asked, as a preflight bears no
/// credentials. To an origin that is not allowed it grants nothing. Without any `Cors`, an OPTIONS
/// is a request like others.
///
/// ```
/// use tidings::Cors;
///
/// let cors = Cors::origins(["https://a.example", "https://*.example.com"])?.credentials()?;
/// assert!(cors.allows("https://a.example"));
/// assert!(cors.allows("https://www.example.com"));
/// assert!(!cors.allows("https://example.com"));
/// assert!(Cors::any().credentials().is_err());
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cors {
    /// `None` is every origin, and never together with credentials.
    origins: Option<Vec<Allowed>>,
    credentials: bool,
}

/// What one of the origins in the list stands for.
#[derive(Clone, Debug)]
enum Allowed {
    Origin(String),
    /// Every origin that has one or more labels between these two: `https://` and
    /// `.example.com:8443`.
    Subdomains {
        before: String,
        after: String,
    },
}

impl Cors {
    /// Every origin may read the responses, without credentials.
    pub fn any() -> Self {
        Self { origins: None, credentials: false }
    }

    /// These origins and no others. An origin is written as browsers send it: in lower case,
    /// `scheme://host` or `scheme://host:port`, without the port that the scheme has anyway.
    ///
    /// `https://*.example.com` stands for all subdomains of `example.com`, however deep, with this
    /// scheme and this port (here the scheme's own). It does not stand for `https://example.com`.
    ///
    /// # Errors
    ///
    /// When one of them is not of this form: with a `*` elsewhere, for example, or in place of all
    /// labels but the last, as `https://*.com` would let nearly everybody in. `null` is no origin:
    /// every sandboxed page has that origin.
    pub fn origins<I>(origins: I) -> Result<Self>
    where
        I: IntoIterator<Item: Into<String>>,
    {
        let origins = origins.into_iter().map(Into::into).map(allowed).collect::<Result<_>>()?;
        Ok(Self { origins: Some(origins), credentials: false })
    }

    /// Lets the pages send cookies and other credentials.
    ///
    /// # Errors
    ///
    /// When every origin is allowed: the Fetch standard has no wildcard with credentials, as then
    /// any page could read what only its visitor may see.
    pub fn credentials(self) -> Result<Self> {
        if self.origins.is_none() {
            return Err(Error::invalid(
                "credentials can't be allowed to every origin: name the origins that may use them",
            ));
        }
        Ok(Self { credentials: true, ..self })
    }

    /// Whether pages of this origin may read the responses.
    pub fn allows(&self, origin: &str) -> bool {
        self.origins.as_ref().is_none_or(|origins| origins.iter().any(|one| one.allows(origin)))
    }

    /// The fields that this policy adds to a response to a request from `origin`.
    pub(crate) fn fields(&self, origin: Option<&str>) -> Vec<(&'static str, String)> {
        if self.origins.is_none() {
            return vec![("Access-Control-Allow-Origin", "*".to_owned())];
        }
        let mut fields = vec![("Vary", "Origin".to_owned())];
        if let Some(origin) = origin.filter(|origin| self.allows(origin)) {
            fields.push(("Access-Control-Allow-Origin", origin.to_owned()));
            if self.credentials {
                fields.push(("Access-Control-Allow-Credentials", "true".to_owned()));
            }
        }
        fields
    }

    /// The response to a preflight, to which [`fields`](Self::fields) are then added as to any
    /// other; `None` if the request is no preflight. Only for a preflight `allow` is called: it
    /// lists the methods of the path, as in `GET, POST`.
    pub(crate) fn preflight(
        &self,
        head: &Head,
        allow: impl FnOnce() -> String,
    ) -> Option<Response> {
        let asks = head.method() == Method::Options
            && head.field("access-control-request-method").is_some();
        let origin = head.field("origin").filter(|_| asks)?;
        let origin = std::str::from_utf8(origin).ok();

        let mut response = Response::no_content();
        if origin.is_some_and(|origin| self.allows(origin)) {
            response.add_field("Access-Control-Allow-Methods", &allow());
            if let Some(names) = requested_fields(head) {
                response.add_field("Access-Control-Allow-Headers", &names);
            }
            response.add_field("Access-Control-Max-Age", MAX_AGE);
        }
        Some(response)
    }
}

/// The names of the fields that the page wants to send; `None` if there are none, or if one of
/// them is no name, so that nothing else is ever sent back.
fn requested_fields(head: &Head) -> Option<String> {
    let mut names = Vec::new();
    for name in head.values("access-control-request-headers").flat_map(list_elements) {
        let text = std::str::from_utf8(name).ok();
        names.push(text.filter(|_| is_token(name))?);
    }
    (!names.is_empty()).then(|| names.join(", "))
}

impl Allowed {
    fn allows(&self, origin: &str) -> bool {
        match self {
            Self::Origin(allowed) => allowed == origin,
            Self::Subdomains { before, after } => origin
                .strip_prefix(&**before)
                .and_then(|rest| rest.strip_suffix(&**after))
                .is_some_and(are_labels),
        }
    }
}

/// ```text
/// allowed           = serialized-origin / scheme "://*." labels [ ":" port ]
/// serialized-origin = scheme "://" host [ ":" port ]       RFC 6454, section 6.2
/// labels            = label 1*( "." label )                at least two
/// ```
fn allowed(origin: String) -> Result<Allowed> {
    let parts = origin.split_once("://*.");
    if let Some((scheme, domain)) = parts.filter(|(scheme, domain)| is_domain(scheme, domain)) {
        let (before, after) = (format!("{scheme}://"), format!(".{domain}"));
        return Ok(Allowed::Subdomains { before, after });
    }
    match origin.split_once("://") {
        Some((scheme, authority)) if is_origin(scheme, authority) => Ok(Allowed::Origin(origin)),
        _ if is_allowed_without_slash(&origin) => Err(Error::invalid(format!(
            "an origin has no slash at its end, so no page has the origin {origin:?}: leave the \
             slash out"
        ))),
        _ => Err(Error::invalid(format!(
            "an origin must be as browsers send it: scheme://host or scheme://host:port, in lower \
             case, without a path or the scheme's own port; or scheme://*.domain for the \
             subdomains of a domain of two labels or more: {origin:?}"
        ))),
    }
}

/// Whether nothing is wrong with it but a slash at the end, as in a URL copied from a browser.
fn is_allowed_without_slash(origin: &str) -> bool {
    let without = origin.strip_suffix('/').filter(|without| !without.ends_with('/'));
    without.is_some_and(|without| allowed(without.into()).is_ok())
}

fn is_origin(scheme: &str, authority: &str) -> bool {
    let default_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => ":",
    };
    is_scheme(scheme)
        && is_authority(authority.as_bytes())
        && !authority.ends_with(default_port)
        && !authority.ends_with(':')
        && !authority.bytes().any(|byte| byte.is_ascii_uppercase() || byte == b'*')
}

/// Whether this is a domain, with its port or without, that has subdomains: a name of at least two
/// labels, and no address.
fn is_domain(scheme: &str, authority: &str) -> bool {
    let domain = authority.split_once(':').map_or(authority, |(domain, _port)| domain);
    let last = domain.rsplit_once('.').map(|(_, last)| last);
    is_origin(scheme, authority)
        && are_labels(domain)
        && last.is_some_and(|last| !last.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `label *( "." label )`, in lower case, as browsers write the name of a host.
fn are_labels(name: &str) -> bool {
    let good =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    name.split('.').all(|label| !label.is_empty() && label.bytes().all(good))
}

/// `scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )`, here in lower case.
fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte)
        })
}

#[cfg(test)]
mod tests;
