//! Where the events of an order elsewhere come in: the reader thread's way to the channels.
//!
//! ```text
//! reader thread ─► log of the event's channel ─► (all events of one response) ─► passes
//!               └► what is lost: a gap event in the log of every channel
//! ```
//!
//! The reader holds the hub weakly, so it doesn't keep it: when the hub and its clones have gone,
//! what comes is dropped, whatever channels are still held.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::Channel;
use super::hub::{Hub, Inner};
use crate::log::cursor::Cursor;
use crate::log::gap::Gap;
use crate::log::id::Id;
use crate::log::runs::Runs;
use crate::net::moment::Moment;
use crate::order::remote::{Arrival, Loss, Sink};
use crate::order::sequence::Sequence;
use crate::order::shared_log::view::{View, Views};

/// How many channels the order makes at most. Events of more are in the order alone.
const CHANNELS: usize = 20_000;

/// The channels of a hub, for its reader thread.
pub(crate) struct HubSink {
    hub: Weak<Inner>,
    sequence: Arc<Sequence>,
    /// When the event before came, as the logs know it.
    came: Duration,
    /// What was appended to since the last pass, each once.
    touched: Vec<Channel>,
    /// Views that were appended to without their channels.
    views: Vec<Arc<dyn View>>,
}

impl Hub {
    pub(super) fn sink(&self) -> HubSink {
        let (hub, sequence) = (Arc::downgrade(&self.0), Arc::clone(&self.0.sequence));
        HubSink { hub, sequence, came: Duration::ZERO, touched: Vec::new(), views: Vec::new() }
    }
}

impl HubSink {
    /// When an event of this age came, as the logs know it: no earlier than the one before.
    fn came(&mut self, age: Duration) -> Duration {
        self.came = self.sequence.aged(age).max(self.came);
        self.came
    }

    fn place(&self, of: impl FnOnce(&mut Runs) -> u64) -> Option<u64> {
        self.sequence.change_runs(of)
    }

    fn touch(&mut self, channel: Channel) {
        // Nearly always it is the one before, or there are few.
        if !self.touched.iter().rev().any(|other| Arc::ptr_eq(&other.0, &channel.0)) {
            self.touched.push(channel);
        }
    }
}

impl HubSink {
    /// Brings an event to the views alone, as there is no room for its channel; unless somebody
    /// else has made that meanwhile.
    fn leave_out(
        &mut self,
        hub: &Hub,
        arrival: &Arrival<'_>,
        place: u64,
        came: Duration,
    ) -> Option<Channel> {
        // Held to the end, so that no channel or view that is made meanwhile misses it.
        let mut names = hub.names();
        if let Some(channel) = names.get(arrival.channel) {
            return Some(channel.clone());
        }
        names.forgotten_through = place;
        let views = names.views_of(arrival.channel);
        let (mut block, id) = (Vec::new(), arrival.id.text());
        arrival.event.encode_with(Some(id.as_str()), &mut block);
        let mut feeding = views.lock();
        feeding.push(Some(arrival.channel), place, [&block, &[]], came);
        self.sequence.reach(place);
        drop(feeding);
        self.views.extend(views.iter().cloned());
        None
    }
}

impl Sink for HubSink {
    fn begin_after(&mut self, id: Id) {
        self.sequence.change_runs(|runs| *runs = Runs::new(runs.newest(), id));
    }

    fn event(&mut self, arrival: &Arrival<'_>) {
        let came = self.came(arrival.age);
        let Some(hub) = self.hub.upgrade().map(Hub) else { return };
        let Some(place) = self.place(|runs| runs.push(arrival.id)) else { return };
        let channel = hub.channel_within(arrival.channel, CHANNELS);
        let Some(channel) = channel.or_else(|| self.leave_out(&hub, arrival, place, came)) else {
            return;
        };
        let id = arrival.id.text();
        let len = arrival.event.len_with(Some(id.as_str()));
        channel.0.log.arrive(&self.sequence, place, came, len, |out| {
            arrival.event.encode_with(Some(id.as_str()), out);
        });
        self.touch(channel);
    }

    fn loss(&mut self, loss: &Loss) {
        let came = self.came(Duration::ZERO);
        let Some(hub) = self.hub.upgrade().map(Hub) else { return };
        let from = self.sequence.id(self.sequence.newest()).to_string();
        let Some(place) = self.place(|runs| runs.lose(loss.through)) else { return };
        let to = loss.through.to_string();
        let Loss { missed, reason, .. } = *loss;
        let gap = Gap { id: to.clone(), from, to, resume: Cursor::default(), missed, reason };
        let content = gap.content();
        let mut names = hub.names();
        names.forgotten_through = place;
        let mut channels: Vec<Channel> = names.iter().map(|(_, channel)| channel.clone()).collect();
        channels.sort_unstable_by_key(|channel| channel.0.number);
        let views = names.all_views();
        {
            // All at once, as a stream that follows several must find it in each or in none.
            let mut logs: Vec<_> = channels.iter().map(Channel::log).collect();
            for (channel, log) in channels.iter().zip(&mut logs) {
                let write = |out: &mut Vec<u8>| out.extend_from_slice(&content);
                channel.0.log.lose(log, place, came, content.len(), write);
            }
            let mut feeding = views.lock();
            feeding.push(None, place, [&content, &[]], came);
            self.sequence.reach(place);
        }
        drop(names);
        self.views.extend(views.iter().cloned());
        channels.into_iter().for_each(|channel| self.touch(channel));
    }

    fn pass(&mut self) {
        let at = Moment::now();
        let mut views = std::mem::take(&mut self.views);
        let at = self.touched.drain(..).fold(at, |now, channel| {
            views.extend(channel.0.log.views().iter().cloned());
            channel.0.pass_alone(now)
        });
        Views::sorted(views).pass(at);
        if let Some(hub) = self.hub.upgrade().map(Hub) {
            hub.order().remote().into_iter().for_each(|remote| remote.arrived());
        }
    }
}

#[cfg(test)]
mod tests;
