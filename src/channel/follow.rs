//! A hub that follows another one.

use std::sync::Arc;
use std::time::Duration;

use super::hub::Hub;
use crate::error::Result;
use crate::log::History;
use crate::log::cursor::Lag;
use crate::order::Order;
use crate::order::follow::options::Follow;
use crate::order::follow::order::FollowOrder;

impl Hub {
    /// A hub whose events are those of another one: it reads that hub's feed
    /// (`GET /feed` of the program), and what is published on it goes there. So both have the same
    /// events with the same ids, and a client resumes on either with an id of the other.
    ///
    /// It returns once it has what the other hub keeps. From then on its streams stay open while
    /// the other hub is away, and it connects again by itself, as often as it takes. What the other
    /// hub no longer has by then is told by a gap event. A hub that is followed may follow another
    /// one, up to sixteen of them; one that would follow itself around any corner refuses.
    ///
    /// A publish returns once the other hub has responded, after three seconds at most. Where that
    /// refuses the events, the error has its response ([`Error::response`]). If it can't be
    /// reached, nothing was published ([`is_unavailable`]); if it does not respond, nobody knows
    /// ([`is_outcome_unknown`]). A token that ends can be renewed: [`Follow::renew_token`].
    ///
    /// ```no_run
    /// use tidings::{Follow, History, Hub, Lag};
    ///
    /// let follow = Follow::new("http://hub.example:3000")?.token("2YotnFZFEjr1")?;
    /// let hub = Hub::follow(follow, History::default(), Lag::default())?;
    /// hub.channel("weather").send("rain, on both")?;
    /// # Ok::<(), tidings::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the other hub can't be reached within ten seconds, or refuses this one; and if the system
    /// gives no thread. The message says what to do.
    ///
    /// [`Error::response`]: crate::Error::response
    /// [`is_unavailable`]: crate::Error::is_unavailable
    /// [`is_outcome_unknown`]: crate::Error::is_outcome_unknown
    pub fn follow(follow: Follow, history: History, lag: Lag) -> Result<Self> {
        let order = Arc::new(FollowOrder::new(&follow, Duration::ZERO)?);
        let begins = order.sequence().newest();
        let hub = Self::with_order(Arc::clone(&order) as Arc<dyn Order>, history, lag, begins);
        let followed = Arc::downgrade(&hub.0);
        let end_feeds = move || followed.upgrade().map(Hub).iter().for_each(Hub::end_feeds);
        order.begin(Box::new(hub.sink()), Box::new(end_feeds))?;
        Ok(hub)
    }

    /// The name of this hub, and those of the hubs that it follows, one after the other: what its
    /// responses to other hubs say in the field `Tidings-Hubs`. A name is drawn with each start.
    ///
    /// ```
    /// let hub = tidings::Hub::new();
    /// assert_eq!(hub.chain().len(), 16);
    /// assert!(hub.is_in_chain(&hub.chain()) && !hub.is_in_chain("another"));
    /// ```
    pub fn chain(&self) -> String {
        self.0.chain.text()
    }

    /// Whether one of the names in this field `Tidings-Hubs` of a request is that of this hub or of
    /// one that it follows. What such a request asks for would go round in a circle.
    pub fn is_in_chain(&self, names: &str) -> bool {
        self.0.chain.has_any(names)
    }
}
