//! PostgreSQL (Suricata's "PGSQL Keywords").

use super::{Form, reader};
use crate::engine::rules::keyword::Entry;

pub(super) const KEYWORDS: &[Entry] =
    &[("pgsql.query", "pgsql-keywords", reader("pgsql", Form::Sticky("pgsql.query")))];
