//! The method: what the client wants done with the target (RFC 9110, section 9).
//!
//! Methods are case-sensitive tokens. Those that we know are here; any other gets the status 501.
//! `CONNECT` asks for a tunnel, which only a proxy can give, so it is not among them.

use std::fmt;

/// One row for each method that is known here.
macro_rules! methods {
    ($($name:ident = $token:literal $doc:literal;)*) => {
        /// What a request wants done with its target.
        ///
        /// ```
        /// use tidings::Method;
        ///
        /// assert_eq!(Method::Get.as_str(), "GET");
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Method {
            $(#[doc = $doc]
            $name,)*
        }

        impl Method {
            /// The method as it stands in the request line.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $token,)*
                }
            }

            /// The method that this token names, if we know it.
            pub(crate) fn from_token(token: &[u8]) -> Option<Self> {
                match token {
                    $(token if token == $token.as_bytes() => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

methods! {
    Get = "GET" "Send me what is there.";
    Head = "HEAD" "The same, but only the head of the response.";
    Post = "POST" "Process this content.";
    Put = "PUT" "Put this content there.";
    Delete = "DELETE" "Remove what is there.";
    Options = "OPTIONS" "Say what can be done with it.";
    Patch = "PATCH" "Change a part of it.";
    Trace = "TRACE" "Send back what has arrived.";
}

impl Method {
    /// Whether the content of a request means anything. Where it has no defined meaning
    /// (RFC 9110, sections 9.3.1, 9.3.2, 9.3.5, 9.3.7 and 9.3.8), no handler is given it.
    pub(crate) fn has_content(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_is_found_again_by_its_token_and_only_in_upper_case() {
        for token in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"] {
            let method = Method::from_token(token.as_bytes()).expect("a known method");
            assert_eq!(method.to_string(), token);
            assert_eq!(Method::from_token(token.to_lowercase().as_bytes()), None);
        }
        assert_eq!(Method::from_token(b"CONNECT"), None);
    }
}
