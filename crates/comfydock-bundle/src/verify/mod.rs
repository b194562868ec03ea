//! Holding signatures against content, place and trust. Nothing is fetched here: bytes in, a report out.

#[cfg(test)]
mod tests;

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comfydock_core::digest::Sha256;
use comfydock_core::oci::MOST_REFERRERS;
use comfydock_core::signature::{MOST_BUNDLE_BYTES, Place, Refusal, Signed, dsse, simple_signing, statement};
use comfydock_core::trust::{Fingerprint, Trust, Verdict};
use comfydock_store::{file, hash};

use crate::envelope::Bundle;
use crate::key::PublicKey;
use crate::sign::beside;

/// A signature that was found, not believed yet.
#[derive(Debug, Clone, Copy)]
pub enum Candidate<'a> {
    /// A sigstore bundle, with the public key that its manifest carries.
    Bundle {
        /// The bundle's JSON.
        bytes: &'a [u8],
        /// The key, as PEM.
        public_key: Option<&'a str>,
    },
    /// One of the older form.
    SimpleSigning {
        /// What was signed.
        payload: &'a [u8],
        /// The signature in base64, from the layer's annotation.
        signature: &'a str,
        /// The key that came along, as PEM.
        public_key: Option<&'a str>,
    },
}

/// A signature that fits content, place and key. Whether its key is believed is another question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Good {
    /// Who signed.
    pub key: PublicKey,
    /// What was signed beside the content.
    pub signed: Signed,
}

/// What came of all signatures that were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Whether the content is to be believed.
    pub verdict: Verdict,
    /// Signatures that fit, in the order they were found.
    pub good: Vec<Good>,
    /// Those that do not count: which one it was, counted from nought, and why.
    pub refused: Vec<(usize, Refusal)>,
    /// Signatures beyond the bound, which nobody looked at.
    pub unseen: usize,
}

impl Report {
    /// The signature that the verdict rests on, if somebody is believed.
    pub fn trusted(&self) -> Option<&Good> {
        let Verdict::Trusted { fingerprint, .. } = &self.verdict else { return None };
        self.by(fingerprint)
    }

    /// The signature of this key, if it fits; whether it is believed is not asked.
    pub fn by(&self, signer: &Fingerprint) -> Option<&Good> {
        self.good.iter().find(|good| good.key.fingerprint() == *signer)
    }
}

/// Judges everything that was found beside content with this SHA-256, which lies at `place`; a file has none.
/// One signature that fits and is believed is enough; the others are reported.
pub fn verify(candidates: &[Candidate<'_>], subject: &Sha256, place: Option<&Place>, trust: &Trust) -> Report {
    let (mut good, mut refused) = (Vec::new(), Vec::new());
    for (at, candidate) in candidates.iter().take(MOST_REFERRERS).enumerate() {
        match check(candidate, subject, place, trust) {
            Ok(found) => good.push(found),
            Err(refusal) => refused.push((at, refusal)),
        }
    }
    let mut signers: Vec<Fingerprint> = Vec::new();
    for fingerprint in good.iter().map(|good| good.key.fingerprint()) {
        if !signers.contains(&fingerprint) {
            signers.push(fingerprint);
        }
    }
    let unseen = candidates.len().saturating_sub(MOST_REFERRERS);
    Report { verdict: trust.judge(place, &signers, refused.len()), good, refused, unseen }
}

/// Judges a file by the signature beside it; none if there is none.
///
/// # Errors
/// When the file or the signature cannot be read.
pub fn verify_file(path: &Path, trust: &Trust) -> Result<Option<Report>, file::Error> {
    let signature = beside(path);
    if signature.symlink_metadata().is_err() {
        return Ok(None);
    }
    let bytes = read_bounded(&signature)?;
    let (digests, _) = hash::full(path, |_| {})?;
    Ok(Some(verify(&[Candidate::Bundle { bytes: &bytes, public_key: None }], &digests.sha256, None, trust)))
}

/// Reads a file, one byte past the bound at most: that byte has it refused.
fn read_bounded(path: &Path) -> Result<Vec<u8>, file::Error> {
    use std::io::Read as _;
    let fail = file::Error::at("read", path);
    let mut bytes = Vec::new();
    let read =
        std::fs::File::open(path).and_then(|file| file.take(MOST_BUNDLE_BYTES as u64 + 1).read_to_end(&mut bytes));
    read.map_err(fail)?;
    Ok(bytes)
}

fn check(candidate: &Candidate<'_>, subject: &Sha256, place: Option<&Place>, trust: &Trust) -> Result<Good, Refusal> {
    match *candidate {
        Candidate::Bundle { bytes, public_key } => {
            let (hint, envelope) = Bundle::read(bytes)?;
            let payload = decode("the payload of the envelope", &envelope.payload)?;
            let signature = decode("the signature", &envelope.signatures[0].sig)?;
            let signed = statement::judge(&envelope.payload_type, &payload, subject, place)?;
            let message = dsse::pre_authentication_encoding(&envelope.payload_type, &payload);
            let named = match hint {
                Some(hint) => Some(
                    PublicKey::of_hint(&hint)
                        .ok_or_else(|| Refusal::unreadable("the hint at the key", "it is no SHA-256 in base64"))?,
                ),
                None => None,
            };
            let key = signer(&message, &signature, named, public_key, trust)?;
            Ok(Good { key, signed })
        }
        Candidate::SimpleSigning { payload, signature, public_key } => {
            Refusal::if_larger("the payload of the older signature", payload, MOST_BUNDLE_BYTES)?;
            let signed = simple_signing::judge(payload, subject, place)?;
            let key = signer(payload, &decode("the signature", signature)?, None, public_key, trust)?;
            Ok(Good { key, signed })
        }
    }
}

fn decode(what: &'static str, text: &str) -> Result<Vec<u8>, Refusal> {
    STANDARD.decode(text).map_err(|error| Refusal::unreadable(what, error))
}

/// The key that made a signature: one that is known here, or the one that came along.
///
/// A key that came along has to be the one that the signature names. A signature names its key so that it is
/// found; one that names none, or lies in the older form, is tried against all of them.
fn signer(
    message: &[u8],
    signature: &[u8],
    named: Option<Fingerprint>,
    came_along: Option<&str>,
    trust: &Trust,
) -> Result<PublicKey, Refusal> {
    let came_along = match came_along {
        Some(text) => Some(
            PublicKey::from_pem(text).map_err(|error| Refusal::unreadable("the public key that came along", error))?,
        ),
        None => None,
    };
    if let (Some(named), Some(key)) = (&named, &came_along)
        && key.fingerprint() != *named
    {
        return Err(Refusal::OtherKey { found: key.fingerprint(), named: named.clone() });
    }
    let known = trust.keys().iter().filter_map(|known| PublicKey::from_pem(known.public_key.as_ref()?).ok());
    let keys: Vec<PublicKey> = came_along
        .iter()
        .cloned()
        .chain(known)
        .filter(|key| named.as_ref().is_none_or(|named| key.fingerprint() == *named))
        .collect();
    // Where it is said whose signature it is, it has to fit that key.
    let mut outcome =
        if named.is_some() || came_along.is_some() { Refusal::Broken } else { Refusal::NoKey { named: None } };
    if keys.is_empty() {
        return Err(Refusal::NoKey { named });
    }
    for key in keys {
        match key.verify(message, signature) {
            Ok(()) => return Ok(key),
            Err(Refusal::Prehashed) => outcome = Refusal::Prehashed,
            Err(_) => {}
        }
    }
    Err(outcome)
}
