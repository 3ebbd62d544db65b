//! Publishing over Redis.
