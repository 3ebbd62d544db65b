//! *Pure*: events as entries of a stream in Redis, both ways.
