//! One connection, with a real server and with scripted ones.
