//! Benches live in `benches/`; this library only makes the package a package.
