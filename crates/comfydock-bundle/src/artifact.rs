//! A bundle as an OCI artifact: which bytes become which blob, and which artifacts are taken for bundles
//! (design/bundles.md, As an OCI artifact).

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use comfydock_core::bundle::{ARTIFACT_TYPE, CONFIG_TYPE, Description, FileFact, Layer, TOTAL_LIMIT, part};
use comfydock_core::hint::Hint;
use comfydock_core::oci::{Descriptor, Digest, ImageManifest};
use comfydock_store::file;
use comfydock_store::hash::{Sha256Hasher, sha256_of};

use crate::pack::{self, Item, pack};

/// The annotation that names the file which other programs make of a layer.
pub const TITLE: &str = "org.opencontainers.image.title";
/// The annotation of a layer with a development node: its folder.
pub const NODE: &str = "dev.comfydock.node";
/// Bytes of a description.
pub const LARGEST_DESCRIPTION: usize = 16 * 1024 * 1024;
/// Layers of an artifact: the two that always are, and one for each development node.
const MOST_LAYERS: usize = 1_002;

/// An artifact that is not taken for a bundle.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its manifest cannot be read.
    #[error("the artifact's manifest cannot be read: {0}")]
    Unreadable(String),
    /// It is something else.
    #[error("the artifact is `{0}`, no bundle of ComfyDock")]
    Other(String),
    /// It is no bundle as this program makes them.
    #[error("the artifact is refused: {0}")]
    Refused(String),
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Other(_) => "is the reference right? `comfydock inspect` shows what lies there".to_owned(),
            Self::Unreadable(_) | Self::Refused(_) => {
                "whoever published it has to publish it again, with this version of comfydock".to_owned()
            }
        })
    }
}

/// A layer, packed into a file.
#[derive(Debug, Clone)]
pub struct LayerFile {
    /// Which one it is.
    pub layer: Layer,
    /// The file.
    pub path: PathBuf,
    /// What the artifact says of it.
    pub descriptor: Descriptor,
}

/// Packs files that were measured before into one file a layer, in `folder`; `progress` is told the bytes of
/// each. They come back in the order that they have in the artifact.
///
/// # Errors
/// As [`pack`].
pub fn write_layers(
    items: Vec<Item<'_>>,
    facts: &[FileFact],
    folder: &Path,
    mut progress: impl FnMut(u64),
) -> Result<Vec<LayerFile>, pack::Error> {
    let mut layers: BTreeMap<Layer, Vec<Item<'_>>> = BTreeMap::new();
    for item in items {
        if let Some(layer) = part(&item.path).and_then(Layer::of) {
            layers.entry(layer).or_default().push(item);
        }
    }
    let mut written = Vec::new();
    for (layer, items) in layers {
        let path = folder.join(layer.title());
        let file = fs::File::create(&path).map_err(file::Error::at("create", &path))?;
        let to = Measured { to: io::BufWriter::new(file), hasher: Sha256Hasher::default(), size: 0 };
        let Measured { to, hasher, size } = pack(&items, facts, to, &mut progress)?;
        to.into_inner().map_err(|error| file::Error::at("write", &path)(error.into_error()))?;
        let mut descriptor = Descriptor::new(layer.media_type(), Digest::from(hasher.finish()), size);
        descriptor.annotations.insert(TITLE.to_owned(), layer.title());
        if let Layer::DevNode(name) = &layer {
            descriptor.annotations.insert(NODE.to_owned(), name.clone());
        }
        written.push(LayerFile { layer, path, descriptor });
    }
    Ok(written)
}

/// Counts and hashes what goes through.
struct Measured<W> {
    to: W,
    hasher: Sha256Hasher,
    size: u64,
}

impl<W: Write> Write for Measured<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.to.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// The artifact's manifest. It says nothing of when and where it was made, so the same content gives the same
/// bytes.
pub fn manifest(config: &[u8], layers: &[LayerFile], annotations: BTreeMap<String, String>) -> ImageManifest {
    let config = Descriptor::new(CONFIG_TYPE, Digest::from(sha256_of(config)), config.len() as u64);
    let layers = layers.iter().map(|layer| layer.descriptor.clone()).collect();
    ImageManifest { annotations, ..ImageManifest::new(ARTIFACT_TYPE, config, layers) }
}

/// Annotations that every bundle has, from its description.
pub fn annotations(description: &Description, version: &str) -> BTreeMap<String, String> {
    let said = [
        (TITLE, description.environment_name.as_str()),
        ("org.opencontainers.image.version", version),
        ("org.opencontainers.image.revision", description.environment_commit.as_str()),
        ("org.opencontainers.image.created", &description.timestamp),
        ("dev.comfydock.content-digest", &format!("sha256:{}", description.content_digest)),
    ];
    said.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Reads the manifest of an artifact that shall be a bundle.
///
/// # Errors
/// When it is none, or has other layers than bundles have.
pub fn read(bytes: &[u8]) -> Result<ImageManifest, Error> {
    let manifest: ImageManifest =
        serde_json::from_slice(bytes).map_err(|error| Error::Unreadable(error.to_string()))?;
    if manifest.kind() != ARTIFACT_TYPE {
        return Err(Error::Other(manifest.kind().chars().take(200).collect()));
    }
    let refused = |text: String| Err(Error::Refused(text));
    if manifest.config.media_type != CONFIG_TYPE {
        return refused(format!("its config is `{}`", manifest.config.media_type.escape_debug()));
    }
    if manifest.layers.len() > MOST_LAYERS {
        return refused(format!("it has {} layers; at most {MOST_LAYERS} are allowed", manifest.layers.len()));
    }
    let known = [Layer::Lock, Layer::Workflows, Layer::DevNode(String::new())].map(|layer| layer.media_type());
    if let Some(layer) = manifest.layers.iter().find(|layer| !known.contains(&layer.media_type.as_str())) {
        return refused(format!("it has a layer of type `{}`", layer.media_type.escape_debug()));
    }
    let total = manifest.layers.iter().fold(0_u64, |sum, layer| sum.saturating_add(layer.size));
    if total > TOTAL_LIMIT {
        return refused(format!("its layers have {total} bytes; at most {TOTAL_LIMIT} are allowed"));
    }
    Ok(manifest)
}
