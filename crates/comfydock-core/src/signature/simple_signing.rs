//! The older form, which cosign 2 looks for: a payload that names a manifest, signed as it stands.

use serde::{Deserialize, Serialize};

use super::claim::Carrier;
use super::{Claim, Place, Refusal, Signed};
use crate::digest::Sha256;

/// The type a payload has to have. cosign does not check it.
pub const TYPE: &str = "cosign container image signature";

const WHAT: &str = "the payload of the older signature";

#[derive(Serialize, Deserialize)]
struct Payload {
    critical: Critical,
    optional: Option<Carrier>,
}

#[derive(Serialize, Deserialize)]
struct Critical {
    identity: Identity,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Serialize, Deserialize)]
struct Identity {
    #[serde(rename = "docker-reference")]
    reference: String,
}

#[derive(Serialize, Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

/// The payload for a manifest in a repository (`host/repo`), in cosign's own form.
pub fn write(repository: &str, subject: &Sha256, claim: Option<&Claim>) -> String {
    let critical = Critical {
        identity: Identity { reference: repository.to_owned() },
        image: Image { digest: format!("sha256:{subject}") },
        kind: TYPE.to_owned(),
    };
    let payload = Payload { critical, optional: claim.map(|claim| Carrier::of(Some(claim))) };
    serde_json::to_string(&payload).unwrap_or_default()
}

/// Reads a payload and holds it to being a signature of `subject` at this place.
///
/// The repository it names has to be this one: cosign never looks at it, so a signature made for one
/// repository would pass in any other. Where a mirror is meant, the newer form says so.
///
/// # Errors
/// When it is something else, or of something else, or for another place.
pub fn judge(payload: &[u8], subject: &Sha256, place: Option<&Place>) -> Result<Signed, Refusal> {
    let read: Payload = serde_json::from_slice(payload).map_err(|error| Refusal::unreadable(WHAT, error))?;
    if read.critical.kind != TYPE {
        return Err(Refusal::CriticalType { found: read.critical.kind });
    }
    if read.critical.image.digest != format!("sha256:{subject}") {
        let found = vec![read.critical.image.digest];
        return Err(Refusal::Subject { found, wanted: subject.clone() });
    }
    if let Some(place) = place {
        let signed = Place::read(&read.critical.identity.reference);
        if signed.repository != place.repository {
            return Err(Refusal::OtherRepository { signed: signed.to_string(), wanted: place.repository.clone() });
        }
    }
    // `cosign sign --sign-container-identity` may have put the tag there.
    Claim { reference: Some(read.critical.identity.reference), ..Claim::default() }.judge(place)?;
    read.optional.unwrap_or_default().judge(place)
}
