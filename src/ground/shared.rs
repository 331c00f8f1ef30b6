//! Data beside the repository for tests, which are skipped where it is absent.

use std::io::Write;
use std::path::PathBuf;

/// The path below `../shared`, or `None` if it is not there. That is said on standard error, past
/// the test harness, which would keep it to itself.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")).join(path);
    if path.exists() {
        return Some(path);
    }
    let _ = writeln!(std::io::stderr(), "skipped: {} is not there", path.display());
    None
}
