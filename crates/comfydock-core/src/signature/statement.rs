//! The in-toto statement that a sigstore bundle signs, as cosign 3 writes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::claim::Carrier;
use super::{Claim, Place, Refusal, Signed, dsse};
use crate::digest::Sha256;

/// The type of a statement (in-toto attestation framework, v1).
pub const TYPE: &str = "https://in-toto.io/Statement/v1";

/// The predicate type that makes a statement a signature. cosign does not check it, so a statement about
/// how something was built passes there for a signature of it.
pub const PREDICATE_TYPE: &str = "https://sigstore.dev/cosign/sign/v1";

const WHAT: &str = "the signed statement";

#[derive(Serialize)]
struct Written<'a> {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: [Subject; 1],
    #[serde(rename = "predicateType")]
    predicate_type: &'static str,
    predicate: &'a Carrier,
}

#[derive(Serialize, Deserialize)]
struct Subject {
    #[serde(default)]
    digest: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Read {
    #[serde(rename = "_type")]
    kind: String,
    #[serde(default)]
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    #[serde(default)]
    predicate: serde_json::Value,
}

/// The statement that these bytes are signed, in the one form we write it.
pub fn write(subject: &Sha256, claim: Option<&Claim>) -> String {
    let digest = BTreeMap::from([("sha256".to_owned(), subject.to_string())]);
    let written = Written {
        kind: TYPE,
        subject: [Subject { digest }],
        predicate_type: PREDICATE_TYPE,
        predicate: &Carrier::of(claim),
    };
    serde_json::to_string(&written).unwrap_or_default()
}

/// Reads what an envelope carries and holds it to being a signature of `subject`, found at `place`; a file
/// has none.
///
/// # Errors
/// When it is something else, of something else, or of another version.
pub fn judge(payload_type: &str, payload: &[u8], subject: &Sha256, place: Option<&Place>) -> Result<Signed, Refusal> {
    if payload_type != dsse::PAYLOAD_TYPE {
        return Err(Refusal::PayloadType { found: payload_type.to_owned() });
    }
    let read: Read = serde_json::from_slice(payload).map_err(|error| Refusal::unreadable(WHAT, error))?;
    if read.kind != TYPE {
        return Err(Refusal::StatementType { found: read.kind });
    }
    if read.predicate_type != PREDICATE_TYPE {
        return Err(Refusal::PredicateType { found: read.predicate_type });
    }
    let signed: Vec<String> =
        read.subject.into_iter().filter_map(|mut subject| subject.digest.remove("sha256")).collect();
    if !signed.iter().any(|found| found == subject.as_str()) {
        let found = signed.iter().take(3).map(|found| format!("sha256:{found}")).collect();
        return Err(Refusal::Subject { found, wanted: subject.clone() });
    }
    // cosign's own says nothing.
    let carrier = match read.predicate {
        serde_json::Value::Null => Carrier::default(),
        predicate => serde_json::from_value(predicate)
            .map_err(|error| Refusal::unreadable("the predicate of the signed statement", error))?,
    };
    carrier.judge(place)
}
