//! Which handler a request goes to.
//!
//! ```text
//! pattern = 1*( "/" segment )
//! segment = *char / "{" name "}" / "{" name "...}"      ; the last one only at the end
//! ```
//!
//! A literal segment matches itself, `{name}` any one segment that is not empty, `{name...}` the
//! whole rest of the path. Segments are compared after percent-decoding, so an encoded slash
//! never divides. Patterns are tried in the order in which they were added.

use std::fmt;
use std::mem;
use std::sync::Arc;

use super::reply::Reply;
use crate::error::{Error, Result};
use crate::http::percent::{first_decoded, percent_decode};
use crate::http::{Method, Request, Response, Status};
use crate::search::first_of;

pub(crate) type Handler = Arc<dyn Fn(&Request) -> Result<Reply> + Send + Sync>;

/// The values of a pattern's parameters.
pub(crate) type Params = Vec<(Arc<str>, String)>;

#[derive(Default)]
pub(crate) struct Routes {
    routes: Vec<Route>,
    fallback: Option<Handler>,
}

struct Route {
    pattern: Vec<Part>,
    methods: Vec<(Method, Handler)>,
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// One or more segments, with the slashes before, between and after them.
    Literal(String),
    Param(Arc<str>),
    Rest(Arc<str>),
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.routes.iter().map(|route| &route.pattern)).finish()
    }
}

impl Routes {
    pub(crate) fn add(&mut self, method: Method, path: &str, handler: Handler) -> Result<()> {
        let pattern = parse(path)?;
        let known = self.routes.iter().position(|route| route.pattern == pattern);
        let at = known.unwrap_or_else(|| {
            self.routes.push(Route { pattern, methods: Vec::new() });
            self.routes.len() - 1
        });
        let methods = &mut self.routes[at].methods;
        if methods.iter().any(|(known, _)| *known == method) {
            return Err(Error::invalid(format!("there is a route for {method} {path} already")));
        }
        methods.push((method, handler));
        Ok(())
    }

    pub(crate) fn set_fallback(&mut self, handler: Handler) {
        self.fallback = Some(handler);
    }

    /// Finds the handler for a path, as it stands in the request target, or the response where
    /// there is none. Some of the path may be `encoded`.
    pub(crate) fn find(
        &self,
        method: Method,
        path: &[u8],
        encoded: bool,
    ) -> Result<(Handler, Params), Response> {
        let (mut params, mut allowed) = (Params::new(), Vec::new());
        for route in &self.routes {
            params.clear();
            if matches(&route.pattern, path, encoded, &mut params).is_none() {
                continue;
            }
            if let Some(handler) = route.handler(method) {
                return Ok((Arc::clone(handler), params));
            }
            allowed.extend(route.methods.iter().map(|(method, _)| *method));
        }
        if let Some(handler) = &self.fallback {
            return Ok((Arc::clone(handler), Params::new()));
        }
        Err(no_handler(method, &allowed))
    }

    /// The methods that some route has for the path, as an `Allow` field lists them.
    pub(crate) fn allowed(&self, path: &[u8], encoded: bool) -> String {
        match self.find(Method::Trace, path, encoded) {
            Err(response) => response.field("Allow").unwrap_or_default().to_owned(),
            Ok(_) => "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH".into(),
        }
    }
}

impl Route {
    /// A GET handler takes HEAD too; the exchange leaves the body out.
    fn handler(&self, method: Method) -> Option<&Handler> {
        let of = |method| self.methods.iter().find(|(known, _)| *known == method);
        let found = of(method).or_else(|| of(Method::Get).filter(|_| method == Method::Head));
        found.map(|(_, handler)| handler)
    }
}

fn no_handler(method: Method, allowed: &[Method]) -> Response {
    if allowed.is_empty() {
        return Response::text("404 Not Found: nothing is here\n").with_status(Status::NOT_FOUND);
    }
    let mut allow: Vec<&str> = allowed.iter().map(|method| method.as_str()).collect();
    if allowed.contains(&Method::Get) && !allowed.contains(&Method::Head) {
        allow.push("HEAD");
    }
    if !allowed.contains(&Method::Options) {
        allow.push("OPTIONS");
    }
    allow.dedup();
    let allow = allow.join(", ");
    let mut response = if method == Method::Options {
        Response::new(Status::NO_CONTENT)
    } else {
        let text = format!("405 Method Not Allowed: {method} is none of {allow}\n");
        Response::text(text).with_status(Status::METHOD_NOT_ALLOWED)
    };
    response.add_field("Allow", &allow);
    response
}

fn parse(path: &str) -> Result<Vec<Part>> {
    let Some(rest) = path.strip_prefix('/') else {
        return Err(Error::invalid(format!("a route must begin with a slash: {path:?}")));
    };
    let (mut pattern, mut literal) = (Vec::new(), String::new());
    let mut segments = rest.split('/').peekable();
    while let Some(segment) = segments.next() {
        literal.push('/');
        let name = segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}'));
        let rest = name.and_then(|name| name.strip_suffix("..."));
        let text = rest.or(name).unwrap_or(segment);
        let early = rest.is_some() && segments.peek().is_some();
        if early || text.contains(['{', '}']) || name.is_some() && text.is_empty() {
            return Err(Error::invalid(format!(
                "a segment of a route must be text, {{name}} or, at the end, {{name...}}: {path:?}"
            )));
        }
        if name.is_none() {
            literal.push_str(text);
            continue;
        }
        pattern.push(Part::Literal(mem::take(&mut literal)));
        pattern.push(if rest.is_some() { Part::Rest } else { Part::Param }(text.into()));
    }
    if !literal.is_empty() {
        pattern.push(Part::Literal(literal));
    }
    Ok(pattern)
}

/// Adds what the parameters of a pattern are in a path, if it matches that.
fn matches(pattern: &[Part], path: &[u8], encoded: bool, params: &mut Params) -> Option<()> {
    let decode = |raw| percent_decode(raw).unwrap_or_default();
    let mut rest = path;
    for part in pattern {
        match part {
            Part::Literal(text) if encoded => rest = after_encoded(text, rest)?,
            Part::Literal(text) => rest = rest.strip_prefix(text.as_bytes())?,
            Part::Param(name) => {
                let (raw, after) = rest.split_at(first_of(*b"/", rest).unwrap_or(rest.len()));
                if raw.is_empty() {
                    return None;
                }
                params.push((Arc::clone(name), decode(raw)));
                rest = after;
            }
            Part::Rest(name) => params.push((Arc::clone(name), decode(mem::take(&mut rest)))),
        }
    }
    rest.is_empty().then_some(())
}

/// What comes after this text in a path that encodes some of it.
fn after_encoded<'a>(text: &str, path: &'a [u8]) -> Option<&'a [u8]> {
    text.bytes().try_fold(path, |path, byte| {
        let (found, rest) = first_decoded(path)?;
        let is_encoded_slash = byte == b'/' && path[0] != b'/';
        (found == byte && !is_encoded_slash).then_some(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(paths: &[(Method, &str)]) -> Routes {
        let mut routes = Routes::default();
        for (method, path) in paths {
            let text = format!("{method} {path}");
            let handler: Handler = Arc::new(move |_| Ok(Response::text(text.clone()).into()));
            routes.add(*method, path, handler).unwrap();
        }
        routes
    }

    fn params(routes: &Routes, path: &str) -> Option<Params> {
        routes.find(Method::Get, path.as_bytes(), path.contains('%')).ok().map(|(_, params)| params)
    }

    fn refused(routes: &Routes, method: Method, path: &str) -> Response {
        routes.find(method, path.as_bytes(), path.contains('%')).err().expect("no handler")
    }

    #[test]
    fn a_parameter_is_one_decoded_segment() {
        let routes = routes(&[(Method::Get, "/events/{name}")]);
        let name = |value: &str| Some(vec![("name".into(), value.into())]);
        assert_eq!(params(&routes, "/events/a%2Fb"), name("a/b"));
        assert_eq!(params(&routes, "/events/"), None);
        assert_eq!(params(&routes, "/events/a/b"), None);
    }

    #[test]
    fn a_literal_is_compared_decoded_and_an_encoded_slash_divides_nothing() {
        let routes = routes(&[(Method::Get, "/a b/é/{name}"), (Method::Get, "/100%25")]);
        assert!(params(&routes, "/%61%20b/%C3%A9/c").is_some());
        assert!(params(&routes, "/100%2525").is_some());
        for other in ["/a%20b%2F%C3%A9/c", "/a%20b/%C3/c", "/a%20b/%C3%A9", "/100%25", "%2F100"] {
            assert_eq!(params(&routes, other), None, "{other}");
        }
    }

    #[test]
    fn the_rest_may_be_empty_or_long() {
        let routes = routes(&[(Method::Get, "/files/{path...}")]);
        let path = |value: &str| Some(vec![("path".into(), value.into())]);
        assert_eq!(params(&routes, "/files/"), path(""));
        assert_eq!(params(&routes, "/files/a/b"), path("a/b"));
        assert_eq!(params(&routes, "/files"), None);
    }

    #[test]
    fn row_4_a_method_that_the_route_has_not_is_told_which_ones_it_has() {
        let routes = routes(&[(Method::Get, "/a"), (Method::Post, "/a")]);
        let response = refused(&routes, Method::Delete, "/a");
        assert_eq!(response.status(), Status::METHOD_NOT_ALLOWED);
        assert_eq!(response.field("Allow"), Some("GET, POST, HEAD, OPTIONS"));
        assert_eq!(refused(&routes, Method::Options, "/a").status(), Status::NO_CONTENT);
        assert_eq!(refused(&routes, Method::Get, "/b").status(), Status::NOT_FOUND);
    }

    #[test]
    fn the_methods_of_a_path_are_those_of_its_routes_or_all_where_there_is_a_fallback() {
        let mut routes = routes(&[(Method::Post, "/a"), (Method::Get, "/{name}")]);
        assert_eq!(routes.allowed(b"/a", false), "POST, GET, HEAD, OPTIONS");
        assert_eq!(routes.allowed(b"/b", false), "GET, HEAD, OPTIONS");
        assert_eq!(routes.allowed(b"/", false), "");
        routes.set_fallback(Arc::new(|_| Ok(Response::no_content().into())));
        assert_eq!(routes.allowed(b"/", false), "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH");
    }

    #[test]
    fn their_debug_form_shows_the_patterns() {
        let routes = routes(&[(Method::Get, "/a/{b}"), (Method::Get, "/{c...}")]);
        let shown = r#"[[Literal("/a/"), Param("b")], [Literal("/"), Rest("c")]]"#;
        assert_eq!(format!("{routes:?}"), shown);
    }

    #[test]
    fn a_get_handler_takes_head() {
        let routes = routes(&[(Method::Get, "/")]);
        assert!(routes.find(Method::Head, b"/", false).is_ok());
    }

    #[test]
    fn a_pattern_that_makes_no_sense_is_refused() {
        for path in ["", "a", "/{", "/{}", "/a{b}", "/{a...}/b", "/{a}}"] {
            assert!(parse(path).is_err(), "{path}");
        }
        assert!(parse("/").is_ok());
    }
}
