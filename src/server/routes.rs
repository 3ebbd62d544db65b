//! Which handler a request goes to: patterns are tried in the order in which they were added.

use std::fmt;
use std::sync::Arc;

use super::reply::Reply;
use crate::error::{Error, Result};
use crate::http::pattern::Pattern;
use crate::http::{Method, Request, Response, Status};

pub(crate) type Handler = Arc<dyn Fn(&Request) -> Result<Reply> + Send + Sync>;

#[derive(Default)]
pub(crate) struct Routes {
    routes: Vec<Route>,
    fallback: Option<Handler>,
    /// What the fallback is for, where that is not everything.
    below: Option<Pattern>,
}

struct Route {
    pattern: Arc<Pattern>,
    methods: Vec<(Method, Handler)>,
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.routes.iter().map(|route| &route.pattern)).finish()
    }
}

impl Routes {
    pub(crate) fn add(&mut self, method: Method, path: &str, handler: Handler) -> Result<()> {
        let pattern = Arc::new(Pattern::parse(path)?);
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

    /// Puts all of them below a path, which was [checked](Pattern::prefix).
    pub(crate) fn put_below(&mut self, prefix: &str) -> Result<()> {
        for route in &mut self.routes {
            let pattern = Arc::get_mut(&mut route.pattern);
            pattern.expect("no request has it before the server starts").put_below(prefix);
        }
        self.below = Some(Pattern::parse(&format!("{prefix}/{{rest...}}"))?);
        Ok(())
    }

    /// Finds the handler for a path, as it stands in the request target, and the pattern that the
    /// path matches; or the response where there is none. Some of the path may be `encoded`.
    pub(crate) fn find(
        &self,
        method: Method,
        path: &[u8],
        encoded: bool,
    ) -> Result<(Handler, Arc<Pattern>), Response> {
        let mut allowed = Vec::new();
        for route in &self.routes {
            if !route.pattern.matches(path, encoded, |_, _| {}) {
                continue;
            }
            if let Some(handler) = route.handler(method) {
                return Ok((Arc::clone(handler), Arc::clone(&route.pattern)));
            }
            allowed.extend(route.methods.iter().map(|(method, _)| *method));
        }
        let is_below = |below: &Pattern| below.matches(path, encoded, |_, _| {});
        let fallback = self.fallback.as_ref();
        if let Some(handler) = fallback.filter(|_| self.below.as_ref().is_none_or(is_below)) {
            return Ok((Arc::clone(handler), Arc::default()));
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

    fn refused(routes: &Routes, method: Method, path: &str) -> Response {
        routes.find(method, path.as_bytes(), path.contains('%')).err().expect("no handler")
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
}
