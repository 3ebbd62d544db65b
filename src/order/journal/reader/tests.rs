//! Tests of the reader, on folders of files.

use std::path::PathBuf;

use super::*;
use crate::order::journal::walk::tests::block;

/// A folder that is removed in the end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tidings-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.join(name), bytes).unwrap();
    }

    fn open(&self) -> JournalReader {
        JournalReader::open(&self.0).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn segment(epoch: u64, sequences: Range<u64>) -> Vec<u8> {
    let before = Id { epoch, sequence: sequences.start - 1 };
    let after = if sequences.start == 1 { Id::default() } else { before };
    let mut out = Header::line(after).into_bytes();
    for sequence in sequences {
        block(Id { epoch, sequence }, "news", 20, &mut out);
    }
    out
}

/// The ids of records, and the damage that is told.
fn found(journal: &JournalReader, after: Option<&str>) -> Vec<String> {
    let text = |found: std::result::Result<JournalRecord, JournalDamage>| match found {
        Ok(record) => {
            assert_eq!(journal.segments()[record.segment].epoch, record.epoch);
            record.id.to_string()
        }
        Err(damage) => damage.to_string(),
    };
    journal.records(after).unwrap().map(text).collect()
}

#[test]
fn events_come_in_their_order_from_all_segments_and_after_any_id() {
    let place = Place::new("order");
    place.put("9-1.sse", &segment(9, 1..3));
    place.put("10-1.sse", &segment(10, 1..2));
    place.put("9-3.sse", &segment(9, 3..5));
    place.put("lock", b"17\n");
    let journal = place.open();
    let files: Vec<&str> = journal.segments().iter().map(|of| of.file.as_str()).collect();
    assert_eq!(files, ["9-1.sse", "9-3.sse", "10-1.sse"]);
    assert_eq!(journal.segments()[2].bytes, segment(10, 1..2).len() as u64);
    let after = journal.segments().iter().map(|of| of.after.as_ref().map(EventId::as_str));
    assert_eq!(after.collect::<Vec<_>>(), [Some("0-0"), Some("9-2"), Some("0-0")]);
    let all = ["9-1", "9-2", "9-3", "9-4", "10-1"];
    assert_eq!(found(&journal, None), all);
    for (after, from) in [("0-0", 0), ("9-0", 0), ("9-1", 1), ("9-2", 2), ("9-3", 3), ("9-9", 4)] {
        assert_eq!(found(&journal, Some(after)), all[from..], "{after}");
    }
    assert!(found(&journal, Some("10-1")).is_empty());
    assert!(journal.records(Some("17")).unwrap_err().is_invalid());
}

#[test]
fn a_record_says_what_the_journal_knows_of_its_event() {
    let place = Place::new("record");
    place.put(
        "5-1.sse",
        concat!(
            ": tidings journal 1, after 0-0\n",
            "id: 5-1\nchannel: a b\ntime: 1764314275123\nbatch: 2\nevent: x\ndata: hi\n",
            "crc: 86d6fd66\n\n"
        )
        .as_bytes(),
    );
    let journal = place.open();
    let record = journal.records(None).unwrap().next().unwrap().unwrap();
    let since = record.time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!((record.channel.as_str(), since.as_millis()), ("a b", 1_764_314_275_123));
    assert_eq!((record.batch, record.len), (Some(2), journal.segments()[0].bytes - 31));
    assert_eq!(record.bytes, b"id: 5-1\nevent: x\ndata: hi\n\n");
}

#[test]
fn damage_is_told_once_where_it_is_and_the_rest_is_read() {
    let place = Place::new("damage");
    let mut bytes = segment(5, 1..8);
    let at = |count| segment(5, 1..count).len();
    bytes[at(2) + 38] ^= 1;
    bytes[at(3) + 38] ^= 1;
    place.put("5-1.sse", &bytes);
    let torn = segment(6, 1..3);
    place.put("6-1.sse", &torn[..torn.len() - 5]);
    let journal = place.open();
    let all = found(&journal, None);
    let (second, fourth) = (at(2), at(4));
    let first = format!("5-1.sse: {} bytes from byte {second} on are no event", fourth - second);
    assert!(all[1].starts_with(&first), "{}", all[1]);
    assert!(all[1].contains("its crc says"), "{}", all[1]);
    assert_eq!(all[2..7], ["5-4", "5-5", "5-6", "5-7", "6-1"]);
    assert!(all[7].ends_with("can be read: it ends within an event"), "{}", all[7]);
    let is_unfinished: Vec<bool> = journal
        .records(None)
        .unwrap()
        .filter_map(|found| found.err())
        .map(|damage| damage.is_unfinished)
        .collect();
    assert_eq!(is_unfinished, [false, true]);
    assert_eq!(all.len(), 8);
}

#[test]
fn a_large_event_is_read_whole() {
    let place = Place::new("large");
    let mut bytes = segment(5, 1..2);
    block(Id { epoch: 5, sequence: 2 }, "news", 2_000_000, &mut bytes);
    let block = Block::parse(&bytes[segment(5, 1..2).len()..]).unwrap();
    let expected = [block.id_line, block.event, b"\n"].concat();
    place.put("5-1.sse", &bytes);
    let journal = place.open();
    let record = journal.records(Some("5-1")).unwrap().next().unwrap().unwrap();
    assert!(record.bytes == expected && record.id.as_str() == "5-2");
}

#[test]
fn files_that_are_no_segments_of_this_format_are_told() {
    let place = Place::new("foreign");
    place.put("5-1.sse", b": tidings journal 2\nid: 5-1\n");
    place.put("6-1.sse", b"<html>");
    place.put("7-1.sse", b"");
    place.put("8-1.sse", &segment(8, 1..2));
    let all = found(&place.open(), None);
    assert_eq!(
        all,
        [
            "5-1.sse: 28 bytes from byte 0 on are no event that can be read: it has the format 2, \
             which this version of tidings does not know",
            "6-1.sse: 6 bytes from byte 0 on are no event that can be read: the line at its byte 0 \
             is none that may stand there",
            "8-1",
        ]
    );
    assert!(JournalReader::open(place.0.join("none")).is_err());
    let removed = place.open();
    std::fs::remove_file(place.0.join("8-1.sse")).unwrap();
    assert!(found(&removed, None)[2].ends_with("as a running hub does with its oldest"));
}
