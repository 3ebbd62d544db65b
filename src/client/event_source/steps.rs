//! From one update to the next: what each state does, and the wait before the next connection.

use super::*;

impl EventSource {
    /// What happens next; waits for it. `None` once the source is done: after an error, after
    /// [`Update::Stopped`] and [`Update::Ended`], and as soon as it has been closed.
    ///
    /// The wait before a reconnection is not in the call that returns [`Update::Lost`], but in the
    /// one after it.
    ///
    /// # Errors
    ///
    /// What makes it end for good: a response that is no event stream
    /// ([`is_bad_response`](Error::is_bad_response)), a line or an event past its bound
    /// ([`is_invalid`](Error::is_invalid)), or, where it does not reconnect, whatever ended the
    /// connection.
    ///
    /// ```
    /// use tidings::Server;
    /// use tidings::client::{EventSource, Update};
    ///
    /// let server = Server::bind("127.0.0.1:0")?
    ///     .sse("/once", |stream, _| stream.send("hello"))
    ///     .start()?;
    /// let mut source = EventSource::new(&format!("http://{}/once", server.address()))?;
    /// assert!(matches!(source.next_update(), Some(Ok(Update::Opened { .. }))));
    /// assert!(matches!(source.next_update(), Some(Ok(Update::Event(_)))));
    /// assert!(matches!(source.next_update(), Some(Ok(Update::Lost { .. }))));
    /// # server.stop()?;
    /// # Ok::<(), tidings::Error>(())
    /// ```
    pub fn next_update(&mut self) -> Option<Result<Update>> {
        loop {
            if self.closer.is_closed() {
                self.state = State::Done;
            }
            match &mut self.state {
                State::Done => return None,
                State::Waiting(until) => {
                    self.closer.wait_until(*until);
                    self.state = State::Ready;
                }
                State::Ready => {
                    let update = self.left_out().map_or_else(|| self.connect(), Ok);
                    if !self.closer.is_closed() {
                        return Some(update);
                    }
                }
                State::Open(session, end) => {
                    if let Some(event) = self.parser.next_event() {
                        self.fruitful = true;
                        return Some(Ok(Update::Event(event)));
                    }
                    match end.take() {
                        None => *end = session.read(&mut self.parser),
                        Some(end) => return Some(self.end(end)),
                    }
                }
            }
        }
    }

    /// Says once that the last event ID can't be sent.
    fn left_out(&mut self) -> Option<Update> {
        let id = self.parser.last_event_id();
        let error = StreamRequest::check_id(id).err().filter(|_| !self.id_told)?;
        self.id_told = true;
        Some(Update::IdLeftOut { error })
    }

    fn connect(&mut self) -> Result<Update> {
        self.began = Instant::now();
        let id = self.parser.last_event_id();
        let opened = attempt(&self.request, id, &*self.transport, &self.bounds, &self.closer);
        match opened {
            Ok((session, url, head)) => {
                self.failures = 0;
                self.fruitful = false;
                self.state = State::Open(session, None);
                Ok(Update::Opened { url, head })
            }
            Err(trouble) => {
                self.closer.release();
                self.failed(trouble)
            }
        }
    }

    /// An attempt brought no stream.
    fn failed(&mut self, trouble: Trouble) -> Result<Update> {
        self.state = State::Done;
        self.failures = self.failures.saturating_add(1);
        let gives_up = self.most_failures.is_some_and(|most| self.failures >= most);
        match trouble {
            Trouble::Passing(error) if !gives_up => self.lost(error),
            Trouble::Busy(error, retry_after) if self.keeps_trying && !gives_up => {
                Ok(self.wait(error, retry_after))
            }
            Trouble::Passing(error) | Trouble::Lasting(error) | Trouble::Busy(error, _) => {
                Err(error)
            }
            Trouble::NoMore => Ok(Update::Stopped),
        }
    }

    /// The connection is over. What was unfinished of an event never was one.
    fn end(&mut self, end: End) -> Result<Update> {
        self.state = State::Done;
        self.closer.release();
        self.parser.start_over();
        match end {
            End::Clean if self.reconnects => self.lost(Error::closed(CloseReason::Server)),
            End::Clean => Ok(Update::Ended),
            End::Lost(error) => self.lost(error),
            End::TooLong(error) => Err(error),
        }
    }

    fn lost(&mut self, error: Error) -> Result<Update> {
        if self.reconnects { Ok(self.wait(error, None)) } else { Err(error) }
    }

    /// Goes over to waiting: for the `Retry-After` of this failure if there is one; otherwise for
    /// the reconnection time, which grows with the failures.
    fn wait(&mut self, error: Error, retry_after: Option<Duration>) -> Update {
        let retry = self.parser.reconnection_time().unwrap_or(self.reconnection_time);
        let in_vain = self.failures.max((!self.fruitful).into());
        // Earlier failures don't lengthen a `Retry-After`.
        let (retry, in_vain) = retry_after.map_or((retry, in_vain), |time| (time, 1));
        let began = self.began.elapsed();
        let retry_in = pause(retry, in_vain, began, self.longest_backoff, random());
        self.state = State::Waiting(Instant::now() + retry_in);
        Update::Lost { error, retry_in }
    }
}

impl Iterator for EventSource {
    type Item = Result<MessageEvent>;

    /// The next event; waits for it, over as many connections as it takes. `None` when the stream
    /// is over for good. An error is the last item.
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_update()? {
                Ok(Update::Event(event)) => return Some(Ok(event)),
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl FusedIterator for EventSource {}

impl Drop for EventSource {
    fn drop(&mut self) {
        self.closer.close();
    }
}

impl fmt::Debug for EventSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Ready => "ready",
            State::Open(_, None) => "open",
            State::Open(_, Some(_)) => "ending",
            State::Waiting(_) => "waiting",
            State::Done => "done",
        };
        f.debug_struct("EventSource")
            .field("request", &self.request)
            .field("state", &state)
            .field("last_event_id", &self.last_event_id())
            .finish_non_exhaustive()
    }
}
