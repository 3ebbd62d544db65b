//! A hub over Redis, which it shares with other hubs.

use std::sync::Arc;

use super::hub::Hub;
use crate::error::Result;
use crate::log::History;
use crate::log::cursor::Lag;
use crate::order::Order;
use crate::order::redis::options::Redis;
use crate::order::redis::order::RedisOrder;

impl Hub {
    /// A hub that has its events in Redis, together with all hubs of the same
    /// [name](Redis::name) there: what is published with one is sent to the streams of all, under
    /// the same ids and in the same order, and a stream resumes with any of them.
    ///
    /// It begins with what is in Redis, as far as `history` allows: give Redis a [length] for all
    /// channels together. What others add to the stream in Redis is served as any other event:
    /// `XADD tidings:NAME * c CHANNEL d DATA`.
    ///
    /// A publish returns once Redis has the event, and its streams are sent it once the hub has
    /// read it from there. It waits for two seconds at most. Then, or if Redis refuses the event,
    /// it fails: [`is_unavailable`], nothing was published; or [`is_outcome_unknown`], the
    /// connection was lost at the wrong moment. Idempotency keys
    /// ([`send_once`](crate::Channel::send_once)) hold with all hubs.
    ///
    /// While Redis is away, streams stay open, and the hub connects again. What Redis has lost, or
    /// dropped before the hub has read it, every stream is told by a gap event.
    ///
    /// ```no_run
    /// use tidings::{History, Hub, Lag, Redis};
    ///
    /// let redis = Redis::new("redis://127.0.0.1:6379")?.name("news")?;
    /// let hub = Hub::redis(redis, History::default(), Lag::default())?;
    /// let id = hub.channel("weather").send("rain")?;
    /// # Ok::<(), tidings::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If Redis can't be used as it is, or can't be reached for ten seconds; or if the system gives
    /// no thread. The message says what to do.
    ///
    /// [length]: Redis::length
    /// [`is_unavailable`]: crate::Error::is_unavailable
    /// [`is_outcome_unknown`]: crate::Error::is_outcome_unknown
    pub fn redis(redis: Redis, history: History, lag: Lag) -> Result<Self> {
        let order = Arc::new(RedisOrder::new(redis, history.age));
        let newest = order.sequence().newest();
        let hub = Self::with_order(Arc::clone(&order) as _, history, lag, newest);
        order.begin(Box::new(hub.sink()))?;
        Ok(hub)
    }
}

#[cfg(all(test, unix))]
mod tests;
