//! The models of this machine, under the keys an environment knows them by.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use crate::category;
use crate::digest::{Blake3, QUICK_HASH_SAMPLE, QuickHash, Sha256};
use crate::manifest::Manifest;
use crate::resolve::IndexedFile;
use crate::sidecar::Claim;
use crate::source::Source;

/// A file of a model below one of the machine's models folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Position of the models folder in the order ComfyUI searches.
    pub root: usize,
    /// Path below it, `/` between segments, the category's folder first.
    pub relative_path: String,
}

/// A model as the index knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownModel {
    /// The row in the index.
    pub id: i64,
    /// Finds candidates.
    pub quick: QuickHash,
    /// Bytes.
    pub size: u64,
    /// The identity, once measured.
    pub sha256: Option<Sha256>,
    /// Measured in the same pass.
    pub blake3: Option<Blake3>,
    /// Where it can be had.
    pub sources: Vec<Source>,
    /// What files of other programs say of it; never its identity (decision 62).
    pub claims: Vec<Claim>,
    /// Where it lies.
    pub places: Vec<Place>,
    /// Where else it lies: ComfyUI does not look there, but it can be linked in from there.
    pub elsewhere: Vec<Place>,
}

/// The models of this machine under an environment's keys.
#[derive(Debug, Clone, Default)]
pub struct Library {
    models: Vec<KnownModel>,
    keys: Vec<Arc<str>>,
    by_key: HashMap<Arc<str>, Vec<usize>>,
    /// What names in workflows are resolved against.
    pub files: Vec<IndexedFile>,
}

impl Library {
    /// Gives every model its key (decision 4): the manifest's where the SHA-256 is known there,
    /// else its quick hash, with a suffix where a different model already has that.
    pub fn new(mut models: Vec<KnownModel>, manifest: Option<&Manifest>) -> Self {
        // Measured models first: their identity decides who keeps the plain key.
        models.sort_by_key(|model| (model.sha256.is_none(), model.id));
        let keys = keys(&models, manifest);
        let mut by_key: HashMap<Arc<str>, Vec<usize>> = HashMap::with_capacity(models.len());
        let mut files = Vec::with_capacity(models.len());
        for (index, (model, key)) in models.iter().zip(&keys).enumerate() {
            by_key.entry(key.clone()).or_default().push(index);
            for place in &model.places {
                let Some((folder, name)) = place.relative_path.split_once('/') else { continue };
                files.push(IndexedFile {
                    key: key.clone(),
                    category: category::of_folder(folder).to_owned(),
                    name: name.to_owned(),
                    root: place.root,
                    sha256: model.sha256.as_ref().map(ToString::to_string),
                });
            }
        }
        Self { models, keys, by_key, files }
    }

    /// Every row of the index that carries this key: more than one while some are unmeasured.
    pub fn rows(&self, key: &str) -> impl Iterator<Item = &KnownModel> {
        self.by_key.get(key).into_iter().flatten().map(|index| &self.models[*index])
    }

    /// Whether the key is a model of this machine.
    pub fn has(&self, key: &str) -> bool {
        self.by_key.contains_key(key)
    }

    /// Rows that must be measured before it can be said which of them are one model: they share size
    /// and samples with another, and the samples are not all of the file.
    pub fn undecided(&self) -> impl Iterator<Item = &KnownModel> {
        let mut alike: HashMap<(&str, u64), usize> = HashMap::new();
        for model in &self.models {
            *alike.entry((model.quick.as_str(), model.size)).or_default() += 1;
        }
        self.models.iter().filter(move |model| {
            model.sha256.is_none()
                && model.size > 3 * QUICK_HASH_SAMPLE
                && alike.get(&(model.quick.as_str(), model.size)).is_some_and(|count| *count > 1)
        })
    }

    /// Every model with its key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &KnownModel)> {
        self.keys.iter().map(AsRef::as_ref).zip(&self.models)
    }
}

/// The key of each model; measured models come first.
fn keys(models: &[KnownModel], manifest: Option<&Manifest>) -> Vec<Arc<str>> {
    let recorded = || manifest.into_iter().flat_map(|manifest| &manifest.models);
    let named: HashMap<&str, &str> =
        recorded().filter_map(|(key, model)| Some((model.sha256.as_ref()?.as_str(), key.as_str()))).collect();
    // Whose key it is, by SHA-256 where that is known.
    let mut taken: HashMap<Cow<'_, str>, Option<&str>> =
        recorded().map(|(key, model)| (key.as_str().into(), model.sha256.as_ref().map(Sha256::as_str))).collect();
    let mut keys = Vec::with_capacity(models.len());
    for model in models {
        let plain = model.quick.as_str();
        let sha256 = model.sha256.as_ref().map(Sha256::as_str);
        let known = sha256.and_then(|sha256| named.get(sha256).copied());
        let key: Cow<'_, str> = match (&model.sha256, known, taken.get(plain)) {
            (_, Some(known), _) => known.into(),
            (Some(sha256), None, Some(Some(other))) if *other != sha256.as_str() => {
                format!("{plain}-{}", sha256.short(8)).into()
            }
            _ => plain.into(),
        };
        keys.push(Arc::from(key.as_ref()));
        if sha256.is_some() || !taken.contains_key(&key) {
            taken.insert(key, sha256);
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(id: i64, quick: &str, sha256: Option<&str>) -> KnownModel {
        KnownModel {
            id,
            quick: QuickHash::parse(&quick.repeat(32)).unwrap(),
            size: 1,
            sha256: sha256.map(|text| Sha256::parse(&text.repeat(32)).unwrap()),
            blake3: None,
            sources: vec![],
            claims: vec![],
            elsewhere: vec![],
            places: vec![Place { root: 0, relative_path: format!("checkpoints/{id}.safetensors") }],
        }
    }

    #[test]
    fn two_models_that_share_a_quick_hash_have_two_keys() {
        let library = Library::new(vec![model(2, "aa", Some("22")), model(1, "aa", Some("11"))], None);
        let keys: Vec<_> = library.iter().map(|(key, model)| (model.id, key.len())).collect();
        assert_eq!(keys, [(1, 64), (2, 64 + 9)]);
        assert!(library.has(&format!("{}-{}", "aa".repeat(32), "22222222")));
    }

    #[test]
    fn an_unmeasured_model_never_takes_a_measured_ones_key_away() {
        let library = Library::new(vec![model(1, "aa", None), model(2, "aa", Some("22"))], None);
        assert_eq!(library.rows(&"aa".repeat(32)).count(), 2, "one key until the first is measured");
    }

    #[test]
    fn what_shares_size_and_samples_is_undecided_until_it_is_measured() {
        let large = |id, quick, sha256| KnownModel { size: 16 << 20, ..model(id, quick, sha256) };
        let undecided = |models: Vec<KnownModel>| {
            let mut ids: Vec<i64> = Library::new(models, None).undecided().map(|model| model.id).collect();
            ids.sort_unstable();
            ids
        };
        assert_eq!(undecided(vec![large(1, "aa", None), large(2, "aa", None), large(3, "bb", None)]), [1, 2]);
        assert_eq!(undecided(vec![large(1, "aa", Some("11")), large(2, "aa", None)]), [2]);
        assert_eq!(undecided(vec![large(1, "aa", Some("11")), large(2, "aa", Some("22"))]), [0_i64; 0]);
        assert_eq!(
            undecided(vec![model(1, "aa", None), model(2, "aa", None)]),
            [0_i64; 0],
            "samples are all of a small file"
        );
        assert_eq!(
            undecided(vec![large(1, "aa", None), model(2, "aa", None)]),
            [0_i64; 0],
            "another size is another file"
        );
    }
}
