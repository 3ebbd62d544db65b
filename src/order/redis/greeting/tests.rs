//! What is read of a greeting.
