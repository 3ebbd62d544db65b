//! The HTML standard, section 9.2.6, sentence by sentence, for a stream that is there as a whole.
//!
//! Two things are ours: the bounds, and that an event tells the reconnection time that it set.

use std::time::Duration;

use crate::event::parser::MessageEvent;

/// What a line, in bytes as they came, and the data of an event may be long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) line: usize,
    pub(super) event: usize,
}

#[derive(Default)]
pub(super) struct Standard {
    pub(super) dispatched: Vec<MessageEvent>,
    pub(super) last_event_id: String,
    pub(super) reconnection_time: Option<u64>,
    data_buffer: String,
    event_type_buffer: String,
    last_event_id_buffer: String,
    /// Not the standard's: the next event carries the reconnection time.
    retry_buffer: Option<u64>,
    pending: Option<u64>,
}

impl Standard {
    /// The stream of one connection. Gives which bound was passed, if one was.
    pub(super) fn read(&mut self, stream: &[u8], bounds: Bounds) -> Result<(), &'static str> {
        // "Streams must be decoded using the UTF-8 decode algorithm", which "strips one leading
        // BYTE ORDER MARK, if any".
        let decoded = String::from_utf8_lossy(stream);
        let decoded = decoded.strip_prefix('\u{feff}').unwrap_or(&decoded);
        // "When a stream is parsed, a data buffer, an event type buffer, and a last event ID
        // buffer must be associated with it."
        self.data_buffer.clear();
        self.event_type_buffer.clear();
        self.last_event_id_buffer.clone_from(&self.last_event_id);
        self.retry_buffer = None;

        // Which bytes end a line is the same before and after decoding.
        let as_sent = lines(&stream.iter().map(|&byte| char::from(byte)).collect::<String>());
        let mut lengths = as_sent.iter().map(|line| line.chars().count());
        let mut lines = lines(decoded);
        let unended = lines.pop();
        for line in lines {
            if lengths.next() > Some(bounds.line) {
                return Err("line");
            }
            self.process(&line);
            if self.data_buffer.len() > bounds.event.saturating_add(1) {
                return Err("event");
            }
        }
        // "Once the end of the file is reached, any pending data must be discarded."
        assert!(unended.is_some(), "after the last end there is at least an empty line");
        if lengths.next() > Some(bounds.line) { Err("line") } else { Ok(()) }
    }

    fn process(&mut self, line: &str) {
        if line.is_empty() {
            self.dispatch();
        } else if line.starts_with(':') {
            // "Ignore the line."
        } else if let Some((name, value)) = line.split_once(':') {
            // "If value starts with a U+0020 SPACE character, remove it from value."
            self.process_field(name, value.strip_prefix(' ').unwrap_or(value));
        } else {
            self.process_field(line, "");
        }
    }

    fn process_field(&mut self, name: &str, value: &str) {
        match name {
            "event" => self.event_type_buffer = value.into(),
            "data" => {
                self.data_buffer += value;
                self.data_buffer += "\n";
            }
            "id" if !value.contains('\0') => self.last_event_id_buffer = value.into(),
            "retry" if !value.is_empty() && value.chars().all(|c| c.is_ascii_digit()) => {
                self.reconnection_time = Some(value.parse().unwrap_or(u64::MAX));
                self.retry_buffer = self.reconnection_time;
            }
            _ => {}
        }
    }

    fn dispatch(&mut self) {
        self.last_event_id.clone_from(&self.last_event_id_buffer);
        if self.retry_buffer.is_some() {
            self.pending = self.retry_buffer.take();
        }
        let event_type = std::mem::take(&mut self.event_type_buffer);
        let mut data = std::mem::take(&mut self.data_buffer);
        if data.is_empty() {
            return;
        }
        assert_eq!(data.pop(), Some('\n'), "each line of the data has one after it");
        self.dispatched.push(MessageEvent {
            event_type: if event_type.is_empty() { "message".into() } else { event_type },
            data,
            last_event_id: self.last_event_id.clone(),
            retry: self.pending.take().map(Duration::from_millis),
        });
    }
}

/// "Lines must be separated by either a CRLF pair, a single LF character, or a single CR
/// character."
fn lines(text: &str) -> Vec<String> {
    text.replace("\r\n", "\n").split(['\n', '\r']).map(String::from).collect()
}
