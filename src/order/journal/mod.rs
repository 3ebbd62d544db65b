//! The journal: a folder of segments, each of which is an event stream.
#![allow(dead_code)]

pub(crate) mod disk;
