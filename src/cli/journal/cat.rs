//! The events of a journal as an event stream: what clients were sent, with the channel and the
//! time of each, which clients ignore.
//!
//! ```text
//! id: 1795849075123-17
//! channel: news
//! time: 1795849076001
//! data: hello
//! ```

use std::mem;

use tidings::{JournalReader, JournalRecord};

use super::options::Options;
use super::{failed, since_1970};
use crate::cli::{Failure, Outcome, plural, print_sent, say};

/// How much is gathered before it is written.
const PIECE: usize = 64 * 1024;

pub(super) fn cat(reader: &JournalReader, options: &Options) -> Outcome {
    let wanted = |channel: &str| {
        options.channels.is_empty() || options.channels.iter().any(|name| name == channel)
    };
    let mut piece = Vec::with_capacity(PIECE);
    let mut places = 0;
    for found in reader.records(options.after.as_deref()).map_err(failed)? {
        match found {
            Ok(record) if wanted(&record.channel) => add(&record, &mut piece),
            Ok(_) => {}
            Err(end) if end.is_unfinished => {}
            Err(damage) => {
                places += 1;
                // After the events that come before it.
                print_sent(&mem::take(&mut piece))?;
                say(&damage.to_string());
            }
        }
        if piece.len() >= PIECE {
            print_sent(&piece)?;
            piece.clear();
        }
    }
    print_sent(&piece)?;
    match places {
        0 => Ok(()),
        places => {
            let places = plural(places, "place");
            Err(Failure::Failed(format!("the events at {places} of the journal are left out")))
        }
    }
}

/// Appends an event. Its first line is that of its id.
fn add(record: &JournalRecord, piece: &mut Vec<u8>) {
    let id = record.bytes.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let (id, event) = record.bytes.split_at(id);
    let time = since_1970(record).as_millis();
    piece.extend_from_slice(id);
    piece.extend_from_slice(format!("channel: {}\ntime: {time}\n", record.channel).as_bytes());
    piece.extend_from_slice(event);
}
