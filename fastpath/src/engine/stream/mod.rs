//! TCP: sessions, and the data that their receivers will read.
