//! The journal: a folder of segments, each of which is an event stream.
#![allow(dead_code)]

pub(crate) mod block;
pub(crate) mod crc;
pub(crate) mod disk;
pub(crate) mod find;
pub(crate) mod folder;
pub(crate) mod reader;
pub(crate) mod scan;
#[cfg(test)]
pub(crate) mod sim;
pub(crate) mod walk;
