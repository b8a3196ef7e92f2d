//! EVE JSON: the records and their writers.
