//! The feed of a hub: a [view](super::view) of all channels in which each event has the line of its
//! channel.

use super::Channel;
use super::hub::Hub;
use super::view::{history, make};
use crate::error::CloseReason;
use crate::order::shared_log::view::{LONGEST_LINE, Names};

impl Hub {
    /// The feed: a channel without a name that has the events of all channels of the hub, in their
    /// order. Each begins with the line `channel: NAME`, before that of its id. It is for other
    /// hubs, and for programs that want to know which channel an event is of; any other has
    /// [`matching`](Self::matching).
    ///
    /// It is made when it is first asked for, and begins with what the channels keep then. From
    /// then on each event is copied to it. It keeps sixteen times as many events and bytes as a
    /// channel does, of forgotten channels too. With a journal, streams are sent from there what is
    /// older.
    ///
    /// Nothing can be published on it, and a stream that follows it follows no other channel.
    /// Events of a channel whose name can't stand in one line are left out and counted as missed:
    /// it holds CR, LF or NUL, or has more than 1,024 bytes. A feed that was closed stays closed.
    ///
    /// ```
    /// use tidings::Hub;
    ///
    /// let hub = Hub::new();
    /// hub.channel("weather").send("rain")?;
    /// let feed = hub.feed();
    /// hub.channel("traffic").send("slow")?;
    /// assert_eq!(feed.kept(), 2);
    /// assert!(feed.send("by itself").unwrap_err().is_invalid());
    /// # Ok::<(), tidings::Error>(())
    /// ```
    pub fn feed(&self) -> Channel {
        let mut names = self.names();
        if let Some(feed) = &names.feed {
            return feed.clone();
        }
        let feed = make(&self.0, &names, Names::Feed, history(self.0.history, LONGEST_LINE));
        names.feed.insert(feed).clone()
    }

    /// Ends the streams of the feed: the names have changed that they were told.
    pub(super) fn end_feeds(&self) {
        let feed = self.names().feed.clone();
        let groups = feed.iter().flat_map(|feed| feed.groups().to_vec());
        let streams: Vec<_> = groups.flat_map(|group| group.readers()).collect();
        streams.iter().for_each(|stream| stream.end(CloseReason::Server));
    }
}

#[cfg(test)]
mod tests;
