//! An event for people: a line for each, or as many as its data has.
//!
//! ```text
//! 12:03:04.567Z headline [489621003417-17] rain
//!                                          and more rain
//! └── came ──┘  └ type ┘  └──── id ─────┘  └ data
//! ```
//!
//! The time is UTC, as std knows no time zones. The id is the last event ID, if there is one.

use std::time::{SystemTime, UNIX_EPOCH};

use tidings::{HttpDate, MessageEvent};

use crate::cli::paint::{Paint, Style};
use crate::cli::visible;

/// The lines of an event that came at this time, for so many columns.
pub(super) fn event(
    event: &MessageEvent,
    came: SystemTime,
    paint: Paint,
    columns: usize,
) -> String {
    let event_type = visible::line(&event.event_type);
    let id = match &*event.last_event_id {
        "" => String::new(),
        id => format!("[{}] ", visible::line(id)),
    };
    let time = time_of_day(came);
    let width =
        [&time, &event_type, &id].iter().map(|part| part.chars().count()).sum::<usize>() + 2;
    // A type or an id as long as a line must not push the data as far to the right.
    let width = width.min(columns * 3 / 4).min(60);
    let mut lines = event.data.split('\n').map(visible::line);
    let mut text = format!(
        "{} {} {}{}\n",
        paint.paint(Style::Aside, &time),
        paint.paint(Style::Name, &event_type),
        paint.paint(Style::Aside, &id),
        lines.next().unwrap_or_default(),
    );
    for line in lines {
        text.push_str(&format!("{:width$}{line}\n", ""));
    }
    text
}

/// `12:03:04.567Z`
fn time_of_day(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let date = HttpDate::from_unix(since.as_secs()).iso_8601();
    let seconds = date.split('T').nth(1).unwrap_or_default().trim_end_matches('Z').to_owned();
    format!("{seconds}.{:03}Z", since.subsec_millis())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use tidings::Parser;

    fn written(stream: &str) -> String {
        written_for(80, stream)
    }

    fn written_for(columns: usize, stream: &str) -> String {
        let mut parser = Parser::new();
        parser.feed(stream.as_bytes()).unwrap();
        let came = UNIX_EPOCH + Duration::from_millis(1_795_222_923_042);
        let mut events = parser.drain();
        let text = event(&events.next().expect("an event"), came, Paint::none(), columns);
        assert!(events.next().is_none());
        text
    }

    #[test]
    fn an_event_is_a_line() {
        assert_eq!(written("data: hello\n\n"), "01:02:03.042Z message hello\n");
        assert_eq!(written("id: 7\nevent: x\ndata\n\n"), "01:02:03.042Z x [7] \n");
    }

    #[test]
    fn data_of_several_lines_stays_in_its_column() {
        let expected = "01:02:03.042Z é [7] one\n\
                        \u{20}                   two\n\
                        \u{20}                   \n";
        assert_eq!(written("id: 7\nevent: é\ndata: one\ndata: two\ndata\n\n"), expected);
    }

    #[test]
    fn a_long_type_or_id_does_not_push_the_data_aside() {
        let long = "x".repeat(100_000);
        for (columns, column) in [(40, 30), (80, 60), (200, 60)] {
            let text = written_for(columns, &format!("event: {long}\ndata: 1\ndata: 2\n\n"));
            assert_eq!(text, format!("01:02:03.042Z {long} 1\n{:column$}2\n", ""));
        }
    }

    #[test]
    fn what_a_terminal_would_act_on_is_written_out() {
        let text = written("id: \u{1b}c\nevent: \u{7}\ndata: a\tb\u{1b}[2J\u{9b}\n\n");
        assert_eq!(text, "01:02:03.042Z \\u{7} [\\u{1b}c] a\\tb\\u{1b}[2J\\u{9b}\n");
    }
}
