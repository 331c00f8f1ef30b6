//! Data that is not part of the repository: tests that need it are skipped where it is absent.

use std::io::Write;
use std::path::PathBuf;

/// The path below `../shared`, or `None`, said on standard error, if it is not there.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared").join(path);
    if path.exists() {
        return Some(path);
    }
    // Past the test harness, which would keep it to itself.
    let mut stderr = std::io::stderr().lock();
    writeln!(stderr, "skipped: {} is not there", path.display()).unwrap();
    None
}

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
