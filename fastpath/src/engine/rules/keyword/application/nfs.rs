//! NFS (Suricata's "NFS Keywords").

use super::{Form, reader, value};
use crate::engine::rules::keyword::{Entry, Reader};

const PAGE: &str = "nfs-keywords";
const NUMBER: Reader = reader("nfs", Form::Value(value::integer::<u32>));

pub(super) const KEYWORDS: &[Entry] =
    &[("nfs.version", PAGE, NUMBER), ("nfs_procedure", PAGE, NUMBER), ("nfs_version", PAGE, NUMBER)];
