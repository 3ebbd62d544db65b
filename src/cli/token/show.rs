//! What a token allows, in lines for a person; and whether many hold, in a line each.

use std::io::{self, BufRead, BufReader};

use tidings::HttpDate;

use super::options::REFUSED;
use crate::cli::access::{Claims, Keys, Names, Refused, claimed};
use crate::cli::{Failure, Outcome, even_if_unread, json, plural, print};

/// In place of a token.
pub(super) const STANDARD_INPUT: &str = "-";

/// Shows what a token claims, also if it does not hold.
pub(super) fn show(token: &str, keys: Option<&Keys>) -> Outcome {
    let now = super::now();
    let claims = claimed(token).map_err(refused)?;
    even_if_unread(print(&lines(&claims, now)))?;
    let holds = match keys {
        Some(keys) => keys.check(token, now).map(|_| "yes"),
        None => claims
            .check(now)
            .map(|()| "yes, if one of the hub's keys signed it: --key-file FILE checks that too"),
    };
    print(&format!("holds:       {}\n", holds.map_err(refused)?))
}

fn refused(why: Refused) -> Failure {
    Failure::Ended { status: REFUSED, said: format!("refused: {why}") }
}

fn lines(claims: &Claims, now: u64) -> String {
    let mut lines = format!(
        "may follow:  {}\nmay publish: {}\n",
        names(&claims.subscribe),
        names(&claims.publish)
    );
    let end = Some(claims.expires.map_or("never".into(), |end| moment(end, now)));
    let rows = [
        ("whose:       ", claims.subject.as_deref().map(json::string)),
        ("made:        ", claims.issued.map(|made| moment(made, now))),
        ("not before:  ", claims.not_before.map(|begin| moment(begin, now))),
        ("ends:        ", end),
    ];
    for (name, value) in rows.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        lines.extend([name, &value, "\n"]);
    }
    lines
}

fn names(names: &Names) -> String {
    let all: Vec<_> = names.iter().collect();
    if all.is_empty() { "nothing".into() } else { all.join(", ") }
}

/// A moment in UTC, and how far it is from now.
fn moment(at: u64, now: u64) -> String {
    let date = HttpDate::from_unix(at).iso_8601();
    let span = span(at.abs_diff(now));
    if at > now { format!("{date}, in {span}") } else { format!("{date}, {span} ago") }
}

/// A number of seconds in its two largest units.
fn span(seconds: u64) -> String {
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let mut largest = parts.into_iter().skip_while(|(n, unit)| *n == 0 && *unit != "s");
    let first = largest.next().map(|(n, unit)| format!("{n}{unit}")).unwrap_or_default();
    match largest.next() {
        Some((n @ 1.., unit)) => format!("{first} {n}{unit}"),
        _ => first,
    }
}

/// Says for each token on standard input, one a line, whether it holds.
pub(super) fn show_all(keys: &Keys) -> Outcome {
    let [mut all, mut bad] = [0, 0];
    let mut input = BufReader::new(io::stdin().lock());
    let mut said = String::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        let failed = |error| Failure::Failed(format!("can't read standard input: {error}"));
        if input.read_until(b'\n', &mut line).map_err(failed)? == 0 {
            break;
        }
        // Bytes that are not UTF-8 become a character that is in no token.
        let token = line.strip_suffix(b"\n").unwrap_or(&line);
        let token = String::from_utf8_lossy(token.strip_suffix(b"\r").unwrap_or(token));
        all += 1;
        match keys.check(&token, super::now()) {
            Ok(_) => said.push_str("ok\n"),
            Err(why) => {
                bad += 1;
                said.push_str(&format!("refused: {why}\n"));
            }
        }
        // Whoever waits for a response sends no more before it has come.
        if input.buffer().is_empty() {
            print(&said)?;
            said.clear();
        }
    }
    print(&said)?;
    match bad {
        0 => Ok(()),
        _ => {
            let said = format!("{bad} of {} refused", plural(all, "token"));
            Err(Failure::Ended { status: REFUSED, said })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_222_923;

    #[test]
    fn a_token_is_shown_line_by_line() {
        let mut claims = Claims::default();
        assert_eq!(
            lines(&claims, NOW),
            "may follow:  nothing\nmay publish: nothing\nends:        never\n"
        );
        claims.subscribe.push("news").expect("a name");
        claims.subscribe.push("room.*").expect("a pattern");
        claims.publish.push("*").expect("a pattern");
        claims.subject = Some("ann\n\u{1b}[2J".into());
        claims.issued = Some(NOW - 300);
        claims.not_before = Some(NOW);
        claims.expires = Some(NOW + 3601);
        let expected = "may follow:  news, room.*\n\
                        may publish: *\n\
                        whose:       \"ann\\n\\u001b[2J\"\n\
                        made:        2026-11-21T00:57:03Z, 5m ago\n\
                        not before:  2026-11-21T01:02:03Z, 0s ago\n\
                        ends:        2026-11-21T02:02:04Z, in 1h\n";
        assert_eq!(lines(&claims, NOW), expected);
    }

    #[test]
    fn a_span_has_its_two_largest_units() {
        for (seconds, expected) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (61, "1m 1s"),
            (3599, "59m 59s"),
            (3600, "1h"),
            (3661, "1h 1m"),
            (86_399, "23h 59m"),
            (86_400, "1d"),
            (90_061, "1d 1h"),
        ] {
            assert_eq!(span(seconds), expected);
        }
    }
}
