//! What happens while a stream joins its channel: after it has opened, and before the channel knows
//! of it.

use tidings::{Channel, Hooks, Limits, Server, SseWriter, StreamInfo};

use super::site;
use crate::support::stream::{End, EventStream};
use crate::support::{Notes, until};

/// Does something when a stream has opened, which is before it joins its channels.
struct AtOpening<F>(F);

impl<F: Fn() + Send + Sync + 'static> Hooks for AtOpening<F> {
    fn opened(&self, _stream: &StreamInfo<'_>) {
        (self.0)();
    }
}

fn with(at_opening: impl Fn() + Send + Sync + 'static) -> Server {
    site(Limits::default()).hooks(AtOpening(at_opening))
}

#[test]
fn an_event_that_is_published_while_a_stream_joins_is_sent_to_it_once() {
    let channel = Channel::new();
    let (published, followed) = (channel.clone(), channel.clone());
    let server = with(move || drop(published.send("meanwhile").expect("it is open")))
        .sse("/events", move |stream, _request| {
            stream.subscribe(&followed)?;
            followed.send("afterwards")
        })
        .start()
        .unwrap();
    let mut stream = EventStream::open(server.address(), "/events");
    assert_eq!((&*stream.data(), &*stream.data()), ("meanwhile", "afterwards"));
    channel.close();
    assert_eq!(stream.next().unwrap_err(), End::Whole);
}

#[test]
fn a_channel_that_closes_while_a_stream_joins_it_ends_the_stream() {
    let channel = Channel::new();
    let (closed, followed) = (channel.clone(), channel.clone());
    let close = move || {
        closed.send("the last").expect("it is open");
        closed.close();
    };
    let server = with(close)
        .sse("/events", move |stream, _request| stream.subscribe(&followed))
        .start()
        .unwrap();
    let mut stream = EventStream::open(server.address(), "/events");
    assert_eq!(stream.data(), "the last");
    assert_eq!(stream.next().unwrap_err(), End::Whole);
    assert_eq!(channel.streams(), 0);
    until("the stream's place", || server.stats().streams == 0);
}

#[test]
fn a_stream_that_ends_while_it_joins_its_channel_stays_in_no_list() {
    let channel = Channel::new();
    let (writers, joined) = (Notes::<SseWriter>::new(), Notes::new());
    let (held, noted, followed) = (writers.clone(), joined.clone(), channel.clone());
    let server = with(move || writers.first().close())
        .sse("/events", move |stream, _request| {
            held.add(stream.clone());
            // Whether it is told of the end or not is a matter of who was first.
            let _ = stream.subscribe(&followed);
            noted.add(followed.streams());
            Ok(())
        })
        .start()
        .unwrap();
    let mut stream = EventStream::open(server.address(), "/events");
    assert_eq!(stream.next().unwrap_err(), End::Whole);
    assert_eq!(joined.first(), 0);
    channel.send("nobody is there").unwrap();
}
