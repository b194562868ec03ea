//! How a bundle's files are spread over the layers of an OCI artifact (design/bundles.md).

use super::Part;

/// The artifact's type.
pub const ARTIFACT_TYPE: &str = "application/vnd.comfydock.bundle.v1";
/// The type of its config, which is the description.
pub const CONFIG_TYPE: &str = "application/vnd.comfydock.bundle.config.v1+json";

/// A layer: a `.tar.gz` with some of the files, at their paths in the bundle. The order is the one they have
/// in the artifact; files that stay the same from version to version stand apart from those that change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The manifest, the lock of the Python packages, and what is derived from them.
    Lock,
    /// The workflows.
    Workflows,
    /// One development node, by its folder.
    DevNode(String),
}

impl Layer {
    /// Where a file goes; none for the description, which is no layer's.
    pub fn of(part: Part<'_>) -> Option<Self> {
        match part {
            Part::Description => None,
            Part::Environment => Some(Self::Lock),
            Part::Workflow(_) => Some(Self::Workflows),
            Part::DevNode(name, _) => Some(Self::DevNode(name.to_owned())),
        }
    }

    /// Its media type.
    pub fn media_type(&self) -> &'static str {
        match self {
            Self::Lock => "application/vnd.comfydock.bundle.lock.v1.tar+gzip",
            Self::Workflows => "application/vnd.comfydock.bundle.workflows.v1.tar+gzip",
            Self::DevNode(_) => "application/vnd.comfydock.bundle.devnode.v1.tar+gzip",
        }
    }

    /// The name of the file that other programs make of it (`org.opencontainers.image.title`).
    pub fn title(&self) -> String {
        match self {
            Self::Lock => "lock.tar.gz".to_owned(),
            Self::Workflows => "workflows.tar.gz".to_owned(),
            Self::DevNode(name) => format!("dev_nodes-{name}.tar.gz"),
        }
    }
}
