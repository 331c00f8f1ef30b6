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

/// When an image is pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PullPolicy {
    /// At each start; of an image that is there, only its manifest is asked for.
    Always,
    /// If it is not there.
    IfNotPresent,
    /// Never; the container waits until somebody brings it.
    Never,
}

impl PullPolicy {
    /// The policy of a container that names none: Always for the tag `latest` or no tag.
    pub fn default_for(image: &str) -> PullPolicy {
        let after_slash = image.rfind('/').map_or(0, |at| at + 1);
        let (name, digest) = match image[after_slash..].split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (&image[after_slash..], None),
        };
        let tag = name.split_once(':').map(|(_, tag)| tag);
        match (tag, digest) {
            (Some("latest"), _) | (None, None) => PullPolicy::Always,
            (Some(_), _) | (None, Some(_)) => PullPolicy::IfNotPresent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_of_containers_that_name_none() {
        use PullPolicy::{Always, IfNotPresent};
        for (image, policy) in [
            ("nginx", Always),
            ("nginx:latest", Always),
            ("nginx:1.27", IfNotPresent),
            ("registry:5000/team/app", Always),
            ("registry:5000/team/app:v3", IfNotPresent),
            ("app@sha256:0123", IfNotPresent),
        ] {
            assert_eq!(PullPolicy::default_for(image), policy, "{image}");
        }
    }
}
