//! Container images as the scheduler sees them: names and sizes on nodes.

use crate::ground::{Bytes, Name};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// An image that a node has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ImageOnNode {
    /// Normalised name.
    pub name: Name,
    /// Size as the node reports it.
    pub size: Bytes,
}

/// The name under which images are compared: `:latest` is added where neither a tag nor a digest
/// follows the last slash (scheduler `plugins/imagelocality`, Kubernetes 1.34).
pub fn normalized_image(name: &str) -> Cow<'_, str> {
    let after_slash = name.rfind('/').map_or(0, |at| at + 1);
    if name[after_slash..].contains(':') {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(format!("{name}:latest"))
    }
}
