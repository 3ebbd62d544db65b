//! Which hubs a hub follows, one after the other, so that none follows itself.
//!
//! ```text
//! leaf ──► hub ──► root          GET /feed            Tidings-Hubs: leaf
//!                                200 OK               Tidings-Hubs: hub, root
//!
//! Tidings-Hubs = name *( OWS "," OWS name )           the hub itself, then those it follows
//! name         = 1*64( ALPHA / DIGIT / "-" / "_" )
//! ```
//!
//! Each hub has a name, which it draws anew with each start. A hub refuses the feed, and publishes
//! that are passed on to it, to a hub that it follows or that it is itself (508): those would go
//! round for ever. And it follows none whose response names itself. Where two hubs begin to follow
//! each other in the same moment, neither knows that yet. So a hub ends the streams of its feed
//! when the names change that it follows: its followers come again, and see.

use std::sync::{Arc, Mutex, PoisonError};

use crate::http::ResponseHead;
use crate::random::random;

/// The field with the names, in requests and responses.
pub(crate) const FIELD: &str = "Tidings-Hubs";

/// The field in which a hub says with which event its feed has caught up.
pub(crate) const NEWEST: &str = "Tidings-Newest";

/// How many hubs may follow one another: each adds to the time that an event takes.
const MOST: usize = 16;

const LONGEST_NAME: usize = 64;

/// A hub, and those that it follows.
pub(crate) struct Chain {
    own: Box<str>,
    /// That which it follows itself comes first. No other lock is taken while this one is held.
    followed: Mutex<Arc<[Box<str>]>>,
}

impl Chain {
    /// That of a hub which follows none.
    pub(crate) fn new() -> Self {
        Self { own: format!("{:016x}", random()).into(), followed: Mutex::new([].into()) }
    }

    pub(crate) fn own(&self) -> &str {
        &self.own
    }

    pub(crate) fn followed(&self) -> Arc<[Box<str>]> {
        Arc::clone(&self.followed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The field's value for a response.
    pub(crate) fn text(&self) -> String {
        let followed = self.followed();
        let followed = followed.iter().flat_map(|name| [", ", name]);
        [&*self.own].into_iter().chain(followed).collect()
    }

    /// Whether one of these names, of a field of a request, is one of the chain.
    pub(crate) fn has_any(&self, names: &str) -> bool {
        let followed = self.followed();
        let is_known = |name: &str| name == &*self.own || followed.iter().any(|of| **of == *name);
        names.split(',').any(|name| is_known(name.trim_matches([' ', '\t'])))
    }

    /// It follows these now; returns whether it has followed others, or none.
    pub(crate) fn follow(&self, names: Arc<[Box<str>]>) -> bool {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = *followed != names;
        *followed = names;
        changes
    }

    /// The names of a response by a hub that this one may follow; or why it may not.
    pub(crate) fn read(&self, head: &ResponseHead) -> Result<Arc<[Box<str>]>, String> {
        let names = head.elements(FIELD).take(MOST + 1).map(name);
        let names: Arc<[Box<str>]> = names.collect::<Option<_>>().unwrap_or_default();
        if names.is_empty() {
            return Err(format!("it is no tidings hub: it has no names in {FIELD}"));
        }
        if names.contains(&self.own) {
            return Err("this hub would follow itself: that hub follows this one".into());
        }
        if names.len() > MOST {
            return Err(format!("it follows {MOST} hubs, and no more may follow one another"));
        }
        Ok(names)
    }
}

fn name(element: &[u8]) -> Option<Box<str>> {
    let is_good = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    let name = element.get(..element.len().min(LONGEST_NAME + 1))?;
    let is_name = (1..=LONGEST_NAME).contains(&name.len()) && name.iter().all(is_good);
    is_name.then(|| String::from_utf8_lossy(name).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::ResponseHeadParser;

    fn head(field: &str) -> ResponseHead {
        let bytes = format!("HTTP/1.1 200 OK\r\n{field}\r\n");
        ResponseHeadParser::new(8192).parse(bytes.as_bytes()).unwrap().unwrap().0
    }

    #[test]
    fn a_hub_names_itself_and_those_that_it_follows() {
        let chain = Chain::new();
        assert_eq!((chain.text(), chain.own().len()), (chain.own().to_owned(), 16));
        let names = chain.read(&head("Tidings-Hubs: hub, root\r\n")).unwrap();
        assert!(chain.follow(Arc::clone(&names)));
        assert_eq!(chain.text(), format!("{}, hub, root", chain.own()));
        assert!(!chain.follow(names), "they are the same");
        assert_ne!(Chain::new().own(), chain.own());
    }

    #[test]
    fn row_60_a_hub_refuses_itself_and_those_that_it_follows() {
        let chain = Chain::new();
        chain.follow(["hub".into(), "root".into()].into());
        for names in [chain.own(), "root", "a,hub", &format!("a , {}\t", chain.own())] {
            assert!(chain.has_any(names), "{names}");
        }
        assert!(!chain.has_any("leaf, roo") && !chain.has_any(""));
    }

    #[test]
    fn row_60_a_hub_does_not_follow_one_that_follows_it_or_too_many() {
        let chain = Chain::new();
        let why = |field: &str| chain.read(&head(field)).unwrap_err();
        let own = format!("Tidings-Hubs: a\r\nTidings-Hubs: b, {}\r\n", chain.own());
        assert_eq!(why(&own), "this hub would follow itself: that hub follows this one");
        let names = |count: usize| vec!["a"; count].join(", ");
        assert!(chain.read(&head(&format!("Tidings-Hubs: {}\r\n", names(16)))).is_ok());
        let many = "it follows 16 hubs, and no more may follow one another";
        assert_eq!(why(&format!("Tidings-Hubs: {}\r\n", names(17))), many);
        for bad in ["", "Tidings-Hubs: \r\n", "Tidings-Hubs: a b\r\n", "Tidings-Hubs: a;b, c\r\n"] {
            assert_eq!(why(bad), "it is no tidings hub: it has no names in Tidings-Hubs");
        }
        let long = format!("Tidings-Hubs: {}\r\n", "a".repeat(65));
        assert_eq!(why(&long), "it is no tidings hub: it has no names in Tidings-Hubs");
    }
}
