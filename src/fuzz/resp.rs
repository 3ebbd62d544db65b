//! What Redis sends, and the commands that are sent to it.

use std::io::{self, ErrorKind, Read};

use super::random::{Random, cuts};
use crate::order::redis::resp::{Replies, Reply, command};

/// No line is too long in so few bytes.
const LONGEST: usize = 64 * 1024;

/// Gives how many whole replies the bytes begin with.
pub fn resp(bytes: &[u8]) -> usize {
    let bytes = &bytes[..bytes.len().min(LONGEST)];
    let mut random = Random::of(bytes);
    let most = [0, 100, 1000, usize::MAX][random.below(4)];
    let (replies, end) = read([bytes], most);
    for pieces in cuts(bytes) {
        assert_eq!(read(pieces.iter().copied(), most), (replies.clone(), end), "cut: {pieces:?}");
    }
    let mut rest = bytes;
    for reply in &replies {
        let plain = plain(&mut rest, 8).expect("both readers see a reply");
        assert!(is_same(reply, &plain, most), "{reply:?} is no {plain:?}");
        assert!(size(reply) <= most, "a reply takes more memory than it may");
    }
    let held = replies.iter().map(size).sum::<usize>();
    assert!(held <= bytes.len() * size_of::<Reply>(), "memory for what has not come");
    assert_eq!(plain(&mut rest, 8), Err(end), "what ends one reader ends the other");
    check_command(bytes, &mut random);
    replies.len()
}

/// All the replies that there are in these pieces, and what ends them.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, most: usize) -> (Vec<Reply>, ErrorKind) {
    let mut from = Replies::new(Pieces(pieces.into_iter().filter(|piece| !piece.is_empty())));
    let mut replies = Vec::new();
    loop {
        match from.reply(most) {
            Ok(reply) => replies.push(reply),
            Err(error) => return (replies, error.kind()),
        }
    }
}

/// One piece with each read. None is larger than a read asks for.
struct Pieces<I>(I);

impl<'a, I: Iterator<Item = &'a [u8]>> Read for Pieces<I> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.0.next().map_or(Ok(0), |mut piece| piece.read(room))
    }
}

/// A reply, read without a bound but for the depth, and taken off the rest.
fn plain(rest: &mut &[u8], deeper: usize) -> Result<Reply, ErrorKind> {
    let end = rest.iter().position(|byte| *byte == b'\n').ok_or(ErrorKind::UnexpectedEof)?;
    let (line, after) = rest.split_at(end + 1);
    *rest = after;
    let line = line.strip_suffix(b"\r\n").ok_or(ErrorKind::InvalidData)?;
    if line.is_empty() || line.contains(&b'\r') {
        return Err(ErrorKind::InvalidData);
    }
    let text = String::from_utf8_lossy(&line[1..]).into_owned();
    let digits = text.strip_prefix('-').unwrap_or(&text);
    let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
    let number = text.parse::<i64>().ok().filter(|_| is_number).ok_or(ErrorKind::InvalidData);
    Ok(match line[0] {
        b'+' => Reply::Text(line[1..].into()),
        b'-' => Reply::Error(text),
        b':' => Reply::Integer(number?),
        b'$' | b'*' if number? == -1 => Reply::Null,
        b'$' | b'*' if number? < 0 => return Err(ErrorKind::InvalidData),
        b'$' => {
            let length = number? as usize;
            let after = rest.get(length..).ok_or(ErrorKind::UnexpectedEof)?;
            let end = after.get(..2).ok_or(ErrorKind::UnexpectedEof)?;
            let bulk = &rest[..length];
            *rest = &after[2..];
            if end != b"\r\n" {
                return Err(ErrorKind::InvalidData);
            }
            Reply::Text(bulk.into())
        }
        b'*' if deeper == 0 => return Err(ErrorKind::InvalidData),
        b'*' => {
            Reply::Array((0..number?).map(|_| plain(rest, deeper - 1)).collect::<Result<_, _>>()?)
        }
        _ => return Err(ErrorKind::InvalidData),
    })
}

/// Whether these are the same but for what is left out: of an error, only its beginning is kept.
fn is_same(found: &Reply, plain: &Reply, most: usize) -> bool {
    match (found, plain) {
        (Reply::Oversized, Reply::Text(_) | Reply::Error(_) | Reply::Array(_)) => most < usize::MAX,
        (Reply::Array(found), Reply::Array(plain)) => {
            let mut pairs = found.iter().zip(plain);
            found.len() == plain.len() && pairs.all(|(found, plain)| is_same(found, plain, most))
        }
        (Reply::Error(found), Reply::Error(plain)) => {
            let whole = found.trim_end_matches('\u{FFFD}');
            plain.starts_with(whole) && (found == plain || found.len() >= 240)
        }
        _ => found == plain,
    }
}

/// What a reply takes in memory, beside its own place.
fn size(reply: &Reply) -> usize {
    match reply {
        Reply::Text(text) => text.len(),
        Reply::Error(error) => error.len(),
        Reply::Array(parts) => parts.iter().map(|part| size_of::<Reply>() + size(part)).sum(),
        Reply::Integer(_) | Reply::Null | Reply::Oversized => 0,
    }
}

/// A command is read as an array of its arguments, whatever these are.
fn check_command(bytes: &[u8], random: &mut Random) {
    let arguments = random.cut(bytes, 1 + bytes.len() / 2);
    let mut sent = Vec::new();
    command(&mut sent, &arguments);
    let texts = arguments.iter().map(|argument| Reply::Text(argument.to_vec())).collect();
    let read = read([&sent[..]], usize::MAX);
    assert_eq!(read, (vec![Reply::Array(texts)], ErrorKind::UnexpectedEof));
}
