//! The multi-pattern matcher.
