//! *Pure*: posts as commands, and what Redis says to them.
//!
//! ```text
//! one event without a key   XADD stream NOMKSTREAM MAXLEN ~ N id  c news  d rain  t 1764…
//! else, all or none         EVAL script 2 stream stream:key:news:K NOMKSTREAM MAXLEN ~ N id digest
//!                                    6  c news  d rain  t 1764…  6  c news  d sun  t 1764…
//! ```
//!
//! Publishers encode them, each on its own thread, but for the id, whose epoch is known when the
//! post is sent. Under an idempotency key Redis keeps what a post came to,
//! `<digest> <first id> <count>`, for five minutes; and decides by it, for all hubs.

use super::entry;
use super::resp::{self, array, bulk};
use super::rules::Reply;
use crate::digits::Digits;
use crate::log::id::{Id, number};
use crate::order::Post;

/// Redis runs it as one step, and refuses the first `XADD` of it or none: without memory, too.
const SCRIPT: &str = "
local key, next, first, count = KEYS[2], 7, false, 0
local was = key and redis.call('GET', key)
if was then return was end
if key and not redis.acl_check_cmd('SET', key, '') then
  return redis.error_reply('NOPERM this user may not SET the key of a post')
end
while ARGV[next] do
  local add = {'XADD', KEYS[1], unpack(ARGV, 1, 5)}
  for i = 1, ARGV[next] do add[7 + i] = ARGV[next + i] end
  local got = redis.pcall(unpack(add))
  if not got or got.err then return got end
  first, next, count = first or got, next + 1 + ARGV[next], count + 1
end
if key then redis.call('SET', key, ARGV[6] .. ' ' .. first .. ' ' .. count, 'EX', 300) end
return first
";

/// A post, encoded.
#[derive(Debug)]
pub(crate) struct Posted {
    /// So many arguments of its command: all but the id, which belongs after so many bytes.
    arguments: Vec<u8>,
    before_id: usize,
    count: usize,
    pub(crate) events: usize,
    /// That of its idempotency key.
    digest: Option<u64>,
}

/// What Redis said to a post.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Now(Reply),
    /// The post was published under its key before: its first event had this id.
    Before(Id, usize),
    /// The key was used for another post.
    KeyReused,
    /// It was not published, for this reason.
    Error(String),
    /// Nothing that Redis says to such a command.
    Nonsense,
}

impl Posted {
    /// One for the channel of this name, at this time in milliseconds since 1970, in a stream of
    /// which Redis is to keep so many entries.
    pub(crate) fn new(
        stream: &str,
        length: u64,
        channel: &str,
        post: &Post<'_>,
        time: u64,
    ) -> Self {
        let data: usize = post.events.iter().map(|event| 256 + event.data().len()).sum();
        let (mut arguments, mut count) = (Vec::with_capacity(data), 0);
        let mut put = |argument: &[u8]| {
            bulk(&mut arguments, argument);
            count += 1;
            arguments.len()
        };
        let is_plain = post.events.len() == 1 && post.key.is_none();
        if is_plain {
            put(b"XADD");
        } else {
            put(b"EVAL");
            put(SCRIPT.as_bytes());
            put(if post.key.is_some() { b"2" } else { b"1" });
        }
        put(stream.as_bytes());
        if let Some(of) = post.key {
            put(format!("{stream}:key:{channel}:{}", of.key).as_bytes());
        }
        for argument in [b"NOMKSTREAM", &b"MAXLEN"[..], b"~"] {
            put(argument);
        }
        let before_id = put(Digits::decimal(length).as_bytes());
        if !is_plain {
            put(Digits::decimal(post.key.map_or(0, |of| of.digest)).as_bytes());
        }
        for event in post.events {
            let fields = entry::fields(channel, event, time, post.key.map(|of| of.key));
            if !is_plain {
                put(Digits::decimal(2 * fields.len() as u64).as_bytes());
            }
            for (name, value) in fields {
                put(name.as_bytes());
                put(value.as_bytes());
            }
        }
        let digest = post.key.map(|of| of.digest);
        Self { arguments, before_id, count, events: post.events.len(), digest }
    }

    /// How many bytes it takes, or a few more.
    pub(crate) fn len(&self) -> usize {
        self.arguments.len() + 64
    }

    /// Appends its command, with this for an id.
    pub(crate) fn write(&self, out: &mut Vec<u8>, id: &str) {
        array(out, self.count + 1);
        let (before, after) = self.arguments.split_at(self.before_id);
        out.extend_from_slice(before);
        bulk(out, id.as_bytes());
        out.extend_from_slice(after);
    }

    /// What the reply to its command means.
    pub(crate) fn read(&self, reply: resp::Reply) -> Said {
        let said = match reply {
            resp::Reply::Error(error) if !is_too_small(&error) => Some(Said::Error(error)),
            reply => match said(&reply) {
                Some(reply) => Some(Said::Now(reply)),
                None => reply.text().and_then(|text| self.known(text)),
            },
        };
        said.unwrap_or(Said::Nonsense)
    }

    fn known(&self, text: &str) -> Option<Said> {
        let mut words = text.split(' ');
        let digest = number(words.next()?)?;
        let (first, count) = (Id::parse(words.next()?)?, number(words.next()?)?);
        match self.digest == Some(digest) {
            // The digest is that of so many events.
            true => (count == self.events as u64).then_some(Said::Before(first, self.events)),
            false => Some(Said::KeyReused),
        }
    }
}

/// What Redis says to an `XADD`, if it is that.
pub(crate) fn said(reply: &resp::Reply) -> Option<Reply> {
    match reply {
        resp::Reply::Null => Some(Reply::Nil),
        resp::Reply::Error(error) => is_too_small(error).then_some(Reply::TooSmall),
        reply => Id::parse(reply.text()?).map(Reply::Id),
    }
}

pub(crate) fn is_too_small(error: &str) -> bool {
    error.starts_with("ERR The ID specified in XADD is equal or smaller")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::order::PostKey;

    fn id(text: &str) -> Id {
        Id::parse(text).unwrap()
    }

    fn posted(events: &[&str], key: Option<&str>) -> Posted {
        let events: Vec<Event> = events.iter().map(|data| Event::new(*data)).collect();
        let key = key.map(|key| PostKey { key, digest: 77 });
        Posted::new("tidings:hub", 1000, "news", &Post { events: &events, key }, 5)
    }

    /// The arguments of a command.
    fn arguments(posted: &Posted, id: &str) -> Vec<String> {
        let mut command = Vec::new();
        posted.write(&mut command, id);
        assert!(command.len() <= posted.len() + id.len() + 16);
        let text = String::from_utf8(command).unwrap();
        let mut lines = text.split("\r\n$");
        let count = lines.next().unwrap().strip_prefix('*').unwrap().parse().unwrap();
        let arguments: Vec<String> = lines
            .map(|line| {
                let (len, argument) = line.trim_end_matches("\r\n").split_once("\r\n").unwrap();
                assert_eq!(len.parse(), Ok(argument.len()));
                argument.to_owned()
            })
            .collect();
        assert_eq!(arguments.len(), count, "{arguments:?}");
        arguments
    }

    #[test]
    fn an_event_is_an_xadd_with_the_id_that_is_known_when_it_is_sent() {
        let posted = posted(&["rain"], None);
        assert_eq!(
            arguments(&posted, "7-*").join(" "),
            "XADD tidings:hub NOMKSTREAM MAXLEN ~ 1000 7-* c news d rain t 5"
        );
    }

    #[test]
    fn several_events_are_one_script_and_one_with_a_key_is_too() {
        let several = arguments(&posted(&["rain", "sun"], None), "7-*");
        assert_eq!((&*several[0], &*several[1]), ("EVAL", SCRIPT));
        assert_eq!(
            several[2..].join(" "),
            "1 tidings:hub NOMKSTREAM MAXLEN ~ 1000 7-* 0 6 c news d rain t 5 6 c news d sun t 5"
        );
        assert_eq!(
            arguments(&posted(&["rain"], Some("K")), "7-*")[2..].join(" "),
            "2 tidings:hub tidings:hub:key:news:K NOMKSTREAM MAXLEN ~ 1000 7-* 77 \
             8 c news d rain t 5 k K"
        );
    }

    #[test]
    fn a_reply_is_an_id_or_what_the_key_stands_for_or_a_reason() {
        let (plain, keyed) = (posted(&["rain"], None), posted(&["rain"], Some("K")));
        let text = |text: &str| resp::Reply::Text(text.into());
        let error = |error: &str| resp::Reply::Error(error.into());
        assert_eq!(plain.read(text("7-100000")), Said::Now(Reply::Id(id("7-100000"))));
        assert_eq!(keyed.read(resp::Reply::Null), Said::Now(Reply::Nil));
        let small =
            "ERR The ID specified in XADD is equal or smaller than the target stream top item";
        assert_eq!(keyed.read(error(small)), Said::Now(Reply::TooSmall));
        assert_eq!(keyed.read(text("77 7-1 1")), Said::Before(id("7-1"), 1));
        assert_eq!(keyed.read(text("78 7-1 3")), Said::KeyReused);
        assert_eq!(plain.read(error("OOM no")), Said::Error("OOM no".into()));
        let other_count = text("77 7-1 18446744073709551615");
        for senseless in [text("7-1-1"), text("77 x"), other_count, resp::Reply::Integer(1)] {
            assert_eq!(keyed.read(senseless), Said::Nonsense);
        }
    }
}
