//! What comes of the signatures that were found.

use super::{Fingerprint, Key, Trust};
use crate::signature::Place;

/// Whether something is to be believed, given who signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Somebody signed it who is believed there.
    Trusted {
        /// The signer.
        fingerprint: Fingerprint,
        /// Whose key it is, in the user's words.
        name: Option<String>,
    },
    /// A signer's key was revoked, and nobody who is believed has signed too.
    Revoked {
        /// The signer.
        fingerprint: Fingerprint,
        /// When it was revoked.
        on: String,
    },
    /// The signatures fit, and nobody here believes those who made them, there.
    Unknown {
        /// The signers.
        fingerprints: Vec<Fingerprint>,
    },
    /// There are signatures, and none of them counts.
    Refused,
    /// There is no signature.
    Unsigned,
}

impl Trust {
    /// Judges who signed something that lies at `place`; a file lies nowhere, and there whoever is believed
    /// anywhere is believed.
    ///
    /// `signers` are those whose signatures fit, `refused` is how many signatures do not count. One believed
    /// signer is enough; where none is, a revoked one weighs more than an unknown one.
    pub fn judge(&self, place: Option<&Place>, signers: &[Fingerprint], refused: usize) -> Verdict {
        let known: Vec<&Key> = signers.iter().filter_map(|signer| self.find(signer)).collect();
        if let Some(key) = known.iter().find(|key| self.believes(key, place)) {
            return Verdict::Trusted { fingerprint: key.fingerprint.clone(), name: key.name.clone() };
        }
        if let Some((key, on)) = known.iter().find_map(|key| Some((key, key.revoked.clone()?))) {
            return Verdict::Revoked { fingerprint: key.fingerprint.clone(), on };
        }
        match (signers, refused) {
            ([], 0) => Verdict::Unsigned,
            ([], _) => Verdict::Refused,
            _ => Verdict::Unknown { fingerprints: signers.to_vec() },
        }
    }

    /// Whether a key is believed there: it has the narrowest scope that any key has for it.
    fn believes(&self, key: &Key, place: Option<&Place>) -> bool {
        if key.revoked.is_some() {
            return false;
        }
        let Some(place) = place else { return !key.scopes.is_empty() };
        let narrowest = |keys: &[Key]| {
            let scopes = keys.iter().filter(|key| key.revoked.is_none()).flat_map(|key| &key.scopes);
            scopes.filter(|scope| scope.covers(&place.repository)).map(|scope| scope.narrowness()).max()
        };
        let own = narrowest(std::slice::from_ref(key));
        own.is_some() && own == narrowest(&self.keys)
    }
}
