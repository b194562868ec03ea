//! Whose signatures are believed, for which registries: `trust.toml`.

pub mod fingerprint;
pub mod scope;
mod verdict;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use fingerprint::Fingerprint;
pub use scope::Scope;
use serde::{Deserialize, Serialize};
pub use verdict::Verdict;

use crate::hint::Hint;

/// The version of the format that is written and read.
const VERSION: u32 = 1;

/// `trust.toml`.
///
/// A name that nobody here knows is refused rather than skipped: a misspelt `revoked` must not turn a revoked
/// key back into a good one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    version: u32,
    #[serde(default, rename = "key", skip_serializing_if = "Vec::is_empty")]
    keys: Vec<Key>,
}

/// How a key came to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Means {
    /// Its file was named in a command.
    Command,
    /// Its fingerprint was shown with something it had signed, and accepted.
    FirstUse,
}

/// A public key that is known here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Whose it is, in the user's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it is believed; nowhere once it is revoked.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub scopes: BTreeSet<Scope>,
    /// When it was first believed, RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added: Option<String>,
    /// How it came to be believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub means: Option<Means>,
    /// When it was revoked, RFC 3339 in UTC. Signatures with a key alone have no time that could be trusted, so
    /// it holds for those made before too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<String>,
    /// The key as PEM; absent only if it was revoked by its fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
}

/// A change of trust that cannot be made, or a file that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file is no trust file.
    #[error("it is not a file of trusted keys: {0}")]
    Unreadable(String),
    /// A newer comfydock wrote it.
    #[error("its version is {found}, and this comfydock knows {VERSION}")]
    Newer {
        /// Its version.
        found: u32,
    },
    /// The key is revoked, for good.
    #[error("the key {fingerprint}{} was revoked on {on}, and that is final", called(name.as_deref()))]
    Revoked {
        /// The key.
        fingerprint: Fingerprint,
        /// Whose it was.
        name: Option<String>,
        /// When it was revoked.
        on: String,
    },
    /// Nobody here knows the key.
    #[error("no trusted key is called `{0}` or has it as fingerprint")]
    Unknown(String),
    /// A name is of several keys.
    #[error("{count} keys are called `{name}`")]
    Ambiguous {
        /// The name.
        name: String,
        /// How many.
        count: usize,
    },
    /// The key is not believed there.
    #[error("the key {fingerprint} is not trusted for `{scope}`")]
    NotThere {
        /// The key.
        fingerprint: Fingerprint,
        /// Where it is not believed.
        scope: Scope,
    },
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unreadable(_) => "mend the file, or move it away and add the keys again",
            Self::Newer { .. } => "install a newer comfydock",
            Self::Revoked { .. } => "its owner needs a new key; trust that one",
            Self::Unknown(_) | Self::NotThere { .. } => {
                "`comfydock trust list` shows the keys and where they are trusted"
            }
            Self::Ambiguous { .. } => "name the key by its fingerprint",
        };
        Some(hint.to_owned())
    }
}

fn called(name: Option<&str>) -> String {
    name.map(|name| format!(" ({name})")).unwrap_or_default()
}

impl Default for Trust {
    fn default() -> Self {
        Self { version: VERSION, keys: Vec::new() }
    }
}

impl Trust {
    /// Reads `trust.toml`.
    ///
    /// # Errors
    /// When it is not what this version knows, to the last key.
    pub fn parse(text: &str) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let unreadable = |error: toml_edit::de::Error| Error::Unreadable(error.message().to_owned());
        let head: Head = toml_edit::de::from_str(text).map_err(unreadable)?;
        if head.version > VERSION {
            return Err(Error::Newer { found: head.version });
        }
        let trust: Self = toml_edit::de::from_str(text).map_err(unreadable)?;
        let mut seen = BTreeSet::new();
        for key in &trust.keys {
            if !seen.insert(&key.fingerprint) {
                return Err(Error::Unreadable(format!("the key {} stands there twice", key.fingerprint)));
            }
            if key.public_key.is_none() && key.revoked.is_none() {
                return Err(Error::Unreadable(format!("the key {} has no public_key", key.fingerprint)));
            }
        }
        Ok(trust)
    }

    /// The text of `trust.toml`.
    ///
    /// # Errors
    /// Never for what this module made.
    pub fn write(&self) -> Result<String, Error> {
        toml_edit::ser::to_string_pretty(self).map_err(|error| Error::Unreadable(error.to_string()))
    }

    /// All keys, revoked ones too, in the order they came.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The key with this fingerprint.
    pub fn find(&self, fingerprint: &Fingerprint) -> Option<&Key> {
        self.keys.iter().find(|key| key.fingerprint == *fingerprint)
    }

    /// Believes a key in a scope. A key that is known gets another scope, and the new name if one is given.
    ///
    /// # Errors
    /// When it is revoked.
    pub fn add(&mut self, key: Key) -> Result<(), Error> {
        let Some(known) = self.keys.iter_mut().find(|known| known.fingerprint == key.fingerprint) else {
            self.keys.push(key);
            return Ok(());
        };
        if let Some(on) = &known.revoked {
            let (fingerprint, name) = (known.fingerprint.clone(), known.name.clone());
            return Err(Error::Revoked { fingerprint, name, on: on.clone() });
        }
        known.scopes.extend(key.scopes);
        known.name = key.name.or(known.name.take());
        Ok(())
    }

    /// The fingerprint of the one key that is called so, or has this fingerprint.
    ///
    /// # Errors
    /// When none is, or several are.
    pub fn named(&self, text: &str) -> Result<Fingerprint, Error> {
        if let Ok(fingerprint) = text.parse::<Fingerprint>()
            && self.find(&fingerprint).is_some()
        {
            return Ok(fingerprint);
        }
        let called: Vec<&Key> = self.keys.iter().filter(|key| key.name.as_deref() == Some(text)).collect();
        match called.as_slice() {
            [key] => Ok(key.fingerprint.clone()),
            [] => Err(Error::Unknown(text.to_owned())),
            keys => Err(Error::Ambiguous { name: text.to_owned(), count: keys.len() }),
        }
    }

    /// No longer believes a key: in one scope, or anywhere. Returns where it was believed.
    ///
    /// # Errors
    /// When it is unknown, not believed there, or revoked: forgetting that would make it trustable again.
    pub fn remove(&mut self, fingerprint: &Fingerprint, scope: Option<&Scope>) -> Result<BTreeSet<Scope>, Error> {
        let at = self.keys.iter().position(|key| key.fingerprint == *fingerprint);
        let at = at.ok_or_else(|| Error::Unknown(fingerprint.to_string()))?;
        let key = &mut self.keys[at];
        if let Some(on) = &key.revoked {
            let (fingerprint, name) = (fingerprint.clone(), key.name.clone());
            return Err(Error::Revoked { fingerprint, name, on: on.clone() });
        }
        let removed = match scope {
            None => std::mem::take(&mut key.scopes),
            Some(scope) => {
                let taken = key.scopes.take(scope);
                BTreeSet::from([
                    taken.ok_or_else(|| Error::NotThere { fingerprint: fingerprint.clone(), scope: scope.clone() })?
                ])
            }
        };
        if key.scopes.is_empty() {
            self.keys.remove(at);
        }
        Ok(removed)
    }

    /// Revokes a key, known or not. Returns whether it was not revoked before.
    pub fn revoke(&mut self, fingerprint: &Fingerprint, on: &str) -> bool {
        let at = self.keys.iter().position(|key| key.fingerprint == *fingerprint).unwrap_or_else(|| {
            self.keys.push(Key {
                fingerprint: fingerprint.clone(),
                name: None,
                scopes: BTreeSet::new(),
                added: None,
                means: None,
                revoked: None,
                public_key: None,
            });
            self.keys.len() - 1
        });
        let key = &mut self.keys[at];
        key.scopes.clear();
        let first = key.revoked.is_none();
        key.revoked.get_or_insert_with(|| on.to_owned());
        first
    }
}
