//! The thread that reads the stream.
