//! A stream of the feed of a hub, for hubs that follow it.

use super::writer::SseWriter;
use crate::channel::hub::Hub;
use crate::error::Result;
use crate::log::cursor::Start;
use crate::order::follow::chain::{FIELD, NEWEST};

impl SseWriter {
    /// Follows the [feed](Hub::feed) of a hub, as other hubs want it ([`Hub::follow`]): the head of
    /// the response says in two fields which hubs the feed comes through, and how far it goes.
    ///
    /// ```
    /// use tidings::{Follow, History, Hub, Lag, Server, Start};
    ///
    /// let hub = Hub::new();
    /// hub.channel("weather").send("rain")?;
    /// let server = Server::bind("127.0.0.1:0")?
    ///     .sse("/feed", { let hub = hub.clone(); move |stream, _request| {
    ///         stream.follow_feed(&hub, stream.start_or(Start::Newest(usize::MAX)))
    ///     }})
    ///     .start()?;
    ///
    /// let url = format!("http://{}", server.address());
    /// let other = Hub::follow(Follow::new(&url)?, History::default(), Lag::default())?;
    /// assert_eq!((other.newest(), other.channel("weather").kept()), (hub.newest(), 1));
    /// # server.stop()?;
    /// # Ok::<(), tidings::Error>(())
    /// ```
    ///
    /// A request whose field `Tidings-Hubs` has a name of the hub's chain must get the status 508
    /// ([`Hub::is_in_chain`]).
    ///
    /// # Errors
    ///
    /// As for [`follow`](Self::follow), and when the head has gone out.
    pub fn follow_feed(&self, hub: &Hub, start: Start<'_>) -> Result<()> {
        let chain = hub.chain();
        self.set_field(FIELD, &*chain)?;
        self.set_field(NEWEST, hub.newest().as_str())?;
        self.follow(&[hub.feed()], start)?;
        // What changed meanwhile has ended the streams that there were.
        if hub.chain() != chain {
            self.close();
        }
        Ok(())
    }
}
