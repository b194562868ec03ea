//! What our signatures say beyond "these bytes": where they were published, as which version, and when.

use serde::{Deserialize, Serialize};

use super::{Place, Refusal};

/// What was signed about a publication. cosign signs none of this, so each may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The repository it was published to: `host/repo`.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The tag it was published under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When the content was made, RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
}

/// Whether a signature was made for the place where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// For this place, or it does not say.
    Here,
    /// For another repository, of which this is a mirror.
    MirrorOf(Place),
}

/// What a signature that is one of this content says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// What was signed beside the content.
    pub claim: Claim,
    /// Whether it was signed for this place.
    pub origin: Origin,
}

/// The name under which a claim stands in a predicate, or among the optional fields of simple signing.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Carrier {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comfydock: Option<Claim>,
}

impl Carrier {
    pub(super) fn of(claim: Option<&Claim>) -> Self {
        Self { comfydock: claim.cloned() }
    }

    /// What it says, held against where it was found.
    pub(super) fn judge(self, found_at: Option<&Place>) -> Result<Signed, Refusal> {
        let claim = self.comfydock.unwrap_or_default();
        let origin = claim.judge(found_at)?;
        Ok(Signed { claim, origin })
    }
}

impl Claim {
    /// Holds the claim against where the signature was found. Without a place, in a file, nothing is expected.
    ///
    /// # Errors
    /// When it is another version of the same repository: an old one that was put under a new tag.
    pub(super) fn judge(&self, found_at: Option<&Place>) -> Result<Origin, Refusal> {
        let Some(place) = found_at else { return Ok(Origin::Here) };
        let reference = self.reference.as_deref().map(Place::read);
        let version = self.version.clone().or_else(|| reference.as_ref()?.tag.clone());
        if let Some(Place { repository, .. }) = reference.filter(|signed| signed.repository != place.repository) {
            return Ok(Origin::MirrorOf(Place { repository, tag: version }));
        }
        match (version, &place.tag) {
            (Some(signed), Some(wanted)) if signed != *wanted => {
                Err(Refusal::OtherVersion { repository: place.repository.clone(), signed, wanted: wanted.clone() })
            }
            _ => Ok(Origin::Here),
        }
    }
}
