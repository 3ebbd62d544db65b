//! The channels that there are, for whoever may follow them all.
//!
//! ```text
//! GET /channels?after=news&limit=1 HTTP/1.1      Host: localhost:3000
//!
//! {"channels":[
//! {"name":"weather","streams":2,"kept":7,"bytes":431,"newest":"171-9","published":12}
//! ],"more":true}
//! ```
//!
//! The channels are sorted by their names, as bytes. When there are more than `limit`, the next
//! page begins `after` the last name of this one. Streams that follow a pattern of names count for
//! none of the channels. `newest` is null where a channel keeps no event, and `published` counts
//! since the hub made the channel, which it [forgets](tidings::Hub) when nobody needs it.

use std::fmt::Write;

use tidings::{Channel, Hub, Request, Response};

use super::query;
use super::refuse::bad_request;
use crate::cli::{digits, json};

/// How many channels a response has unless its request says otherwise, and at most: 200 KiB.
const LIMIT: usize = 1000;

pub(super) fn response(hub: &Hub, request: &Request) -> Result<Response, Response> {
    let [after, limit] = query::only(request, ["after", "limit"], "there are after and limit")?;
    let limit = match limit {
        None => LIMIT,
        Some(given) => {
            digits(&given).filter(|limit| (1..=LIMIT).contains(limit)).ok_or_else(|| {
                bad_request(format_args!("limit is 1 to {LIMIT} channels, and not {given:?}"))
            })?
        }
    };
    Ok(Response::json(list(hub, after.as_deref().unwrap_or_default(), limit)))
}

fn list(hub: &Hub, after: &str, limit: usize) -> String {
    let channels = hub.channels_after(after, limit + 1);
    let more = channels.len() > limit;
    let mut json = String::from("{\"channels\":[");
    for (at, (name, channel)) in channels.iter().take(limit).enumerate() {
        json.push_str(if at == 0 { "\n" } else { ",\n" });
        add(&mut json, name, channel);
    }
    json.push_str(if more { "\n],\"more\":true}\n" } else { "\n],\"more\":false}\n" });
    json
}

fn add(to: &mut String, name: &str, channel: &Channel) {
    let (streams, kept, bytes) = (channel.streams(), channel.kept(), channel.kept_bytes());
    let newest = channel.newest().map_or_else(|| "null".into(), |id| format!("\"{id}\""));
    let (name, published) = (json::string(name), channel.published());
    // Writing to a String cannot fail.
    let _ = write!(
        to,
        "{{\"name\":{name},\"streams\":{streams},\"kept\":{kept},\"bytes\":{bytes},\
         \"newest\":{newest},\"published\":{published}}}",
    );
}
