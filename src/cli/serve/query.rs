//! What the query of a request asks for.
//!
//! The hub doesn't ignore what it doesn't understand. It refuses a parameter that is given twice
//! with two values, and a publish or a health check with an unknown parameter. A stream may have
//! unknown ones, since proxies and scripts add some against caches; but where it begins can be said
//! in any common spelling.

use tidings::{Request, Response};

use super::refuse::bad_request;

/// The id of the event to resume after, under any spelling of the field's name: `lastEventId`,
/// `Last-Event-ID`, `last_event_id`, ... An empty one is the same as none.
pub(super) fn last_event_id(request: &Request) -> Result<Option<String>, Response> {
    let id = one(&mut request.query_pairs().filter(|(given, _)| is_last_event_id(given)))?;
    Ok(id.filter(|id| !id.is_empty()))
}

fn is_last_event_id(name: &str) -> bool {
    let letters = name.bytes().filter(|byte| !b"-_".contains(byte));
    letters.map(|byte| byte.to_ascii_lowercase()).eq(*b"lasteventid")
}

/// What any request may have: the guard has read it where it matters, and nothing here quotes it.
const TOKEN: &str = "token";

/// The values of these parameters, in their order. Refuses a query that has any other, and then
/// says which `there_are`.
pub(super) fn only<const N: usize>(
    request: &Request,
    known: [&str; N],
    there_are: &str,
) -> Result<[Option<String>; N], Response> {
    let mut values = [const { None }; N];
    read(request, &known, &mut values, there_are)?;
    Ok(values)
}

/// The same for any number of them: it is compiled once.
fn read(
    request: &Request,
    known: &[&str],
    values: &mut [Option<String>],
    there_are: &str,
) -> Result<(), Response> {
    for (given, value) in request.query_pairs() {
        if given == TOKEN {
            continue;
        }
        let Some(at) = known.iter().position(|known| *known == given) else {
            return Err(bad_request(format_args!(
                "there is no parameter {given:?} here: {there_are}"
            )));
        };
        let earlier = values[at].take().map(|value| (given.clone(), value));
        values[at] = one(&mut earlier.into_iter().chain([(given, value)]))?;
    }
    Ok(())
}

/// The one value of all these; a value may be repeated.
pub(super) fn one(
    pairs: &mut dyn Iterator<Item = (String, String)>,
) -> Result<Option<String>, Response> {
    let Some((name, value)) = pairs.next() else { return Ok(None) };
    for (other_name, other) in pairs {
        if other != value {
            return Err(bad_request(format_args!(
                "{name} is {value:?} and {other_name} is {other:?}: give one of them"
            )));
        }
    }
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_event_id_is_known_in_any_spelling() {
        for name in [
            "last-event-id",
            "lastEventId",
            "lastEventID",
            "Last-Event-ID",
            "last_event_id",
            "LAST_EVENT_ID",
            "lasteventid",
        ] {
            assert!(is_last_event_id(name), "{name}");
        }
        for name in ["", "id", "last-event", "last.event.id", "last event id", "xlast-event-id"] {
            assert!(!is_last_event_id(name), "{name}");
        }
    }

    #[test]
    fn a_parameter_that_is_given_twice_must_be_the_same() {
        let pairs = |values: &[(&str, &str)]| {
            let pairs: Vec<_> =
                values.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            one(&mut pairs.into_iter())
        };
        assert_eq!(pairs(&[]).ok(), Some(None));
        assert_eq!(pairs(&[("a", "1"), ("A", "1")]).ok(), Some(Some("1".into())));
        assert!(pairs(&[("a", "1"), ("a", "1"), ("a", "2")]).is_err());
        assert!(pairs(&[("a", ""), ("a", "2")]).is_err());
    }
}
