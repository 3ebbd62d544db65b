//! Tests of the logger: its lines, and what becomes of those that nobody reads.

use super::*;

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes like [`Shared`], but not before it may.
struct Shut {
    open: Arc<(Mutex<bool>, Condvar)>,
    shared: Shared,
}

impl Write for Shut {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (open, opened) = &*self.open;
        drop(opened.wait_while(open.lock().unwrap(), |open| !*open).unwrap());
        self.shared.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_log_that_nobody_reads_holds_nobody_up_and_tells_what_was_dropped() {
    let (open, printed) = (Arc::default(), Shared::default());
    let logger = Logger::to(Shut { open: Arc::clone(&open), shared: printed.clone() });
    let lines = ROOM / 2;
    for number in 0..lines {
        logger.line(format_args!("{number:09}"));
    }
    *open.0.lock().unwrap() = true;
    open.1.notify_all();
    drop(logger);
    let printed = String::from_utf8(printed.0.lock().unwrap().clone()).unwrap();
    let mut dropped = 0;
    let mut next = 0;
    for line in printed.lines() {
        match line.strip_prefix("dropped lines=") {
            Some(count) => {
                dropped += count.parse::<usize>().unwrap();
                next += count.parse::<usize>().unwrap();
            }
            None => {
                assert_eq!(line.parse(), Ok(next));
                next += 1;
            }
        }
    }
    assert_eq!(next, lines);
    // It may have taken the buffer once before it was held up.
    assert!(dropped >= lines - 2 * (ROOM / 10 + 1), "{dropped} of {lines}");
}

#[test]
fn what_is_dropped_at_the_end_does_not_wait_for_ever() {
    let logger = Logger::to(Shut { open: Arc::default(), shared: Shared::default() });
    logger.line(format_args!("nobody reads this"));
    drop(logger);
}

#[test]
fn row_48_the_logger_prints_one_line_for_each_call_and_masks_secrets() {
    let printed = Shared::default();
    let logger = Logger::to(printed.clone());
    let stream = StreamInfo {
        peer: Peer::Tcp("127.0.0.1:50412".parse().unwrap()),
        target: "/sse?channel=%0A&token=hunter2",
        user: None,
        bytes: 268,
        duration: Duration::from_millis(7204),
    };
    logger.opened(&stream);
    logger.event(&stream, 2, 72);
    logger.failed(stream.peer, stream.target, &Error::other("it is full"));
    logger.closed(&stream, CloseReason::Client);
    logger.opened(&StreamInfo { peer: Peer::Unix, ..stream });
    drop(logger);
    assert!(!format!("{stream:?}").contains("hunter2"));
    assert_eq!(
        String::from_utf8(printed.0.lock().unwrap().clone()).unwrap(),
        "open peer=127.0.0.1:50412 path=/sse?channel=%0A&token=...\n\
         event peer=127.0.0.1:50412 path=/sse?channel=%0A&token=... events=2 bytes=72 \
         duration=7.204s\n\
         failed peer=127.0.0.1:50412 path=/sse?channel=%0A&token=... error=\"it is full\"\n\
         close peer=127.0.0.1:50412 path=/sse?channel=%0A&token=... bytes=268 duration=7.204s \
         reason=\"the client closed the connection\"\n\
         open peer=unix path=/sse?channel=%0A&token=...\n",
    );
}

#[test]
fn no_name_of_a_user_breaks_a_line_or_moves_a_cursor() {
    let printed = Shared::default();
    let logger = Logger::to(printed.clone());
    let peer = Peer::Tcp("127.0.0.1:50412".parse().unwrap());
    let duration = Duration::from_millis(7);
    let anybody = StreamInfo { peer, target: "/sse", user: None, bytes: 9, duration };
    for user in ["ann", "", "a\"b\\", "é\r\nopen peer=", "\u{1b}[2J\u{7f}\u{202e}\u{2028}"] {
        logger.opened(&StreamInfo { user: Some(user), ..anybody });
    }
    logger.event(&StreamInfo { user: Some("ann"), ..anybody }, 1, 9);
    logger.closed(&StreamInfo { user: Some("ann"), ..anybody }, CloseReason::Expired);
    drop(logger);
    assert_eq!(
        String::from_utf8(printed.0.lock().unwrap().clone()).unwrap(),
        "open peer=127.0.0.1:50412 path=/sse user=\"ann\"\n\
         open peer=127.0.0.1:50412 path=/sse user=\"\"\n\
         open peer=127.0.0.1:50412 path=/sse user=\"a\\\"b\\\\\"\n\
         open peer=127.0.0.1:50412 path=/sse user=\"é\\r\\nopen peer=\"\n\
         open peer=127.0.0.1:50412 path=/sse user=\"\\u{1b}[2J\\u{7f}\\u{202e}\\u{2028}\"\n\
         event peer=127.0.0.1:50412 path=/sse user=\"ann\" events=1 bytes=9 duration=0.007s\n\
         close peer=127.0.0.1:50412 path=/sse user=\"ann\" bytes=9 duration=0.007s \
         reason=\"the stream's time was over\"\n",
    );
}
