//! Errors that have their response in them: `error` knows no HTTP, so they are made here.

use std::fmt;

use super::response::Response;
use super::status::Status;
use crate::error::Error;

impl Error {
    /// An error that a handler responds to with this response: so it can refuse a request from
    /// wherever it finds that it must. A [`Response`] is one by `?` too.
    ///
    /// This holds for every handler, also for that of a stream whose head has not gone out: the
    /// client is sent the response in place of the stream. After that it can be sent no other, and
    /// the stream is cut off, as after any error.
    ///
    /// ```
    /// use tidings::{Error, Hub, Response, Result, Server, Status};
    ///
    /// fn room(hub: &Hub, name: &str) -> Result<tidings::Channel> {
    ///     match name {
    ///         "kitchen" | "hall" => Ok(hub.channel(name)),
    ///         _ => Err(Error::respond(
    ///             Response::text("no such room\n").with_status(Status::NOT_FOUND),
    ///         )),
    ///     }
    /// }
    ///
    /// let hub = Hub::new();
    /// let server = Server::bind("127.0.0.1:0")?.sse("/rooms/{room}", move |stream, request| {
    ///     let room = room(&hub, request.param("room").unwrap_or_default())?;
    ///     stream.subscribe(&room)
    /// });
    /// # Ok::<(), Error>(())
    /// ```
    pub fn respond(response: Response) -> Self {
        let status = response.status();
        let what = format!("the response is {status}");
        Self::responding(Box::new(response), status.code(), what, false)
    }

    /// An error that says what is wrong with the request: a handler responds to it with 400 and
    /// the body `400 Bad Request: ` and this text. For a body of your own, see
    /// [`respond`](Self::respond).
    ///
    /// ```
    /// use tidings::{Error, Response, Server};
    ///
    /// let server = Server::bind("127.0.0.1:0")?.get("/square", |request| {
    ///     let number = request.query("number");
    ///     let number = number.ok_or_else(|| Error::bad_request("add ?number=N"))?;
    ///     let number: u32 = number.parse().map_err(Error::bad_request)?;
    ///     Ok(Response::text(format!("{}\n", u64::from(number).pow(2))))
    /// });
    /// let server = server.start()?;
    /// let response = tidings::testing::get(&server, "/square?number=x")?;
    /// assert_eq!(response.text(), "400 Bad Request: invalid digit found in string\n");
    /// # server.stop()?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn bad_request(what: impl fmt::Display) -> Self {
        Self::request(Status::BAD_REQUEST.code(), what.to_string())
    }

    /// The response that stands in the error: that of [`respond`](Self::respond); or that of the
    /// hub that this one follows ([`Hub::follow`](crate::Hub::follow)), by which it refused what
    /// was to be published: its status, its text, and when to come again. A handler that returns
    /// such an error responds with it.
    pub fn response(&self) -> Option<&Response> {
        self.response_within()?.downcast_ref()
    }

    /// The hub that takes the events has refused them, with this response.
    #[allow(dead_code, reason = "only an order with another hub makes it")]
    pub(crate) fn refused_elsewhere(response: Response) -> Self {
        let content = String::from_utf8_lossy(response.content_bytes());
        let what = format!("the hub that this one follows responded: {}", content.trim_end());
        let status = response.status().code();
        Self::responding(Box::new(response), status, what, true)
    }
}

impl From<Response> for Error {
    fn from(response: Response) -> Self {
        Self::respond(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_response_that_it_was_made_of() {
        let response = Response::text("not you\n").with_status(Status::FORBIDDEN);
        let refuse = || -> crate::error::Result<()> { Err(response.clone())? };
        let error = refuse().unwrap_err();
        let within = error.response().unwrap();
        assert_eq!(
            (within.status(), within.content_bytes()),
            (Status::FORBIDDEN, &b"not you\n"[..])
        );
        assert_eq!(error.status(), Some(Status::FORBIDDEN));
        assert_eq!(error.to_string(), "the response is 403 Forbidden");
        assert!(!error.is_bad_request() && Error::bad_request("no").response().is_none());
    }

    #[test]
    fn what_another_hub_refused_is_of_the_kind_that_its_status_says_and_no_other_response_is() {
        let response = Response::text("too large\n").with_status(Status::CONTENT_TOO_LARGE);
        let elsewhere = Error::refused_elsewhere(response.clone());
        assert!(elsewhere.is_too_large() && !elsewhere.is_key_reused());
        assert_eq!(elsewhere.to_string(), "the hub that this one follows responded: too large");
        assert!(!Error::respond(response).is_too_large());
    }
}
