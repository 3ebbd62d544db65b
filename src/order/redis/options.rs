//! Which Redis the hub uses, and how.
