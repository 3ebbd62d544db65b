//! Where a hub's events get their ids, and what of them outlives the hub.

#[cfg(feature = "journal")]
pub(crate) mod journal;
pub(crate) mod keys;
