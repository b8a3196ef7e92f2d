//! `domain`, `tld`: by the public suffix list (publicsuffix.org).

/// The public suffix and the label before it; nothing when there is no such label.
pub(super) fn registrable(name: &[u8]) -> &[u8] {
    psl::domain(name).map_or(&[], |domain| domain.as_bytes())
}

/// The public suffix of a name that has a label before it.
pub(super) fn suffix(name: &[u8]) -> &[u8] {
    match psl::domain(name) {
        None => &[],
        Some(_) => psl::suffix(name).map_or(&[], |suffix| suffix.as_bytes()),
    }
}
