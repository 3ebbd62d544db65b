//! Event streams: the wire, and their life from open to end.
