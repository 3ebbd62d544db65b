//! *Pure*: epochs and gaps.
