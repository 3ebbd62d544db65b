//! *Pure*: RESP2.
