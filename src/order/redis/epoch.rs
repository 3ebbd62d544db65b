//! What is asked of Redis beside events: what there is, and an epoch.
//!
//! ```text
//! XRANGE key A A, XRANGE key P P, XINFO STREAM key       what there is: rules::Known
//! XADD key [NOMKSTREAM] MAXLEN ~ N E-100000 lost [ID]    a mark: rules::Mark
//! ```

use std::time::Instant;

use super::greeting::{Trouble, known, milliseconds};
use super::link::Link;
use super::post::said;
use super::resp::command;
use super::rules::{Known, Reply};
use super::shared::Shared;
use super::{entry, resp};
use crate::log::id::Id;
use crate::random::random;

/// Somebody has added an entry under such an id.
const EXHAUSTED: &str = "has a stream whose ids have come to their end: delete its key, or choose \
     another --redis-name";

/// Appends the question what there is, and returns the id that it asks for.
pub(super) fn ask(out: &mut Vec<u8>, shared: &Shared) -> Id {
    let (asked, position) = {
        let rules = shared.rules();
        (rules.asked(), rules.position())
    };
    let key = shared.connector.key().as_bytes();
    for id in [asked, position] {
        let id = id.text();
        command(out, &[b"XRANGE", key, id.as_str().as_bytes(), id.as_str().as_bytes()]);
    }
    command(out, &[b"XINFO", b"STREAM", key]);
    asked
}

/// The answer to that.
pub(super) fn answer(link: &mut Link, asked: Id, by: Instant) -> Result<Known, Trouble> {
    let is_none = |reply| reply == resp::Reply::Array(Vec::new());
    let (has_asked, has_position) = (!is_none(link.good(by)?), !is_none(link.good(by)?));
    let known = known(link.reply(by)?).map_err(|trouble| link.at(trouble))?;
    Ok(Known { asked, has_asked, has_position, ..known })
}

/// Asks what there is, and begins an epoch if one has to begin. It may have to be tried again.
pub(super) fn begin(
    shared: &Shared,
    link: &mut Link,
    run: u64,
    by: Instant,
) -> Result<(), Trouble> {
    let mut out = Vec::new();
    command(&mut out, &[b"TIME"]);
    let asked = ask(&mut out, shared);
    link.send(&out, by)?;
    let time = milliseconds(&link.good(by)?).map_err(|trouble| link.at(trouble))?;
    let known = answer(link, asked, by)?;
    let Some(mark) = shared.rules().begin(run, &known, time, random()) else { return Ok(()) };
    let (id, lost) = (mark.id.text(), mark.lost.map(|lost| lost.to_string()).unwrap_or_default());
    let most = shared.connector.redis().length.to_string();
    let create = if mark.creates { &[][..] } else { &[&b"NOMKSTREAM"[..]] };
    let add = [&[b"XADD", shared.connector.key().as_bytes()], create].concat();
    let rest = [b"MAXLEN", &b"~"[..], most.as_bytes(), id.as_str().as_bytes()];
    out.clear();
    command(&mut out, &[&add[..], &rest, &[entry::LOST.as_bytes(), lost.as_bytes()]].concat());
    link.send(&out, by)?;
    match link.reply(by)? {
        resp::Reply::Error(error) if !super::post::is_too_small(&error) => {
            Err(link.at(Trouble::refused(&error)))
        }
        reply => {
            let reply = said(&reply).ok_or_else(|| link.at(super::greeting::senseless()))?;
            if reply == Reply::TooSmall && mark.id.epoch == u64::MAX {
                return Err(link.at(Trouble::lasting(EXHAUSTED)));
            }
            shared.rules().begun(&mark, reply);
            shared.remote.count(|stats| stats.epochs += u64::from(matches!(reply, Reply::Id(_))));
            Ok(())
        }
    }
}
