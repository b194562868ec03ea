//! One key of two files.

use toml_edit::{DocumentMut, Item, TableLike, Value};

use super::Three;

/// The sections of the manifest that name models by key.
const MODELS: [&str; 3] = ["tool", "comfydock", "models"];
const WORKFLOWS: [&str; 3] = ["tool", "comfydock", "workflows"];
const SUBSTITUTIONS: [&str; 3] = ["tool", "comfydock", "substitutions"];

/// A quick hash may stand for two files, one on each side. The one that is new gets the key that tells
/// them apart (decision 4); where both are, ours does: what is published keeps its name.
pub(super) fn part(documents: &mut Three<DocumentMut>) {
    let found: Vec<(String, String, bool)> = {
        let [base, ours, theirs] = [&documents.base, &documents.ours, &documents.theirs].map(sha256_by_key);
        ours.iter()
            .filter_map(|(key, own)| {
                let other = theirs.iter().find(|(other, _)| other == key).map(|(_, sha256)| sha256)?;
                let before = base.iter().find(|(other, _)| other == key).map(|(_, sha256)| sha256);
                let ours_is_old = before == Some(own);
                let new = if ours_is_old { other } else { own };
                (own != other).then(|| (key.clone(), format!("{key}-{}", &new[..8.min(new.len())]), ours_is_old))
            })
            .collect()
    };
    for (key, new, in_theirs) in found {
        rename(if in_theirs { &mut documents.theirs } else { &mut documents.ours }, &key, &new);
    }
}

/// The keys without a suffix whose files were measured.
fn sha256_by_key(document: &DocumentMut) -> Vec<(String, String)> {
    let models = descend(document.as_item(), &MODELS).and_then(Item::as_table_like);
    let with_hash = models.into_iter().flat_map(TableLike::iter).filter(|(key, _)| !key.contains('-'));
    with_hash.filter_map(|(key, model)| Some((key.to_owned(), model.get("sha256")?.as_str()?.to_owned()))).collect()
}

fn descend<'a>(item: &'a Item, path: &[&str]) -> Option<&'a Item> {
    path.iter().try_fold(item, |item, key| item.as_table_like()?.get(key))
}

fn descend_mut<'a>(item: &'a mut Item, path: &[&str]) -> Option<&'a mut Item> {
    path.iter().try_fold(item, |item, key| item.as_table_like_mut()?.get_mut(key))
}

fn rename(document: &mut DocumentMut, key: &str, new: &str) {
    let root = document.as_item_mut();
    if let Some(models) = descend_mut(root, &MODELS).and_then(Item::as_table_like_mut)
        && let Some(model) = models.remove(key)
    {
        models.insert(new, model);
    }
    let workflows = descend_mut(root, &WORKFLOWS).and_then(Item::as_table_like_mut);
    for (_, workflow) in workflows.into_iter().flat_map(TableLike::iter_mut) {
        let Some(models) = workflow.as_table_like_mut().and_then(|workflow| workflow.get_mut("models")) else {
            continue;
        };
        match models {
            Item::ArrayOfTables(models) => models.iter_mut().for_each(|model| refer(model, "hash", key, new)),
            Item::Value(Value::Array(models)) => {
                for model in models.iter_mut().filter_map(Value::as_inline_table_mut) {
                    refer(model, "hash", key, new);
                }
            }
            _ => {}
        }
    }
    let substitutions = descend_mut(root, &SUBSTITUTIONS).and_then(Item::as_table_like_mut);
    for (_, substitution) in substitutions.into_iter().flat_map(TableLike::iter_mut) {
        if let Some(substitution) = substitution.as_table_like_mut() {
            refer(substitution, "with", key, new);
        }
    }
}

fn refer(table: &mut dyn TableLike, field: &str, key: &str, new: &str) {
    if table.get(field).and_then(Item::as_str) == Some(key) {
        table.insert(field, toml_edit::value(new));
    }
}
