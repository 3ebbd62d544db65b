//! One connection to Redis.
