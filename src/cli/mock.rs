//! `tidings mock`.

mod course;
mod lines;
mod script;
mod step;
mod tape;
mod tokens;
