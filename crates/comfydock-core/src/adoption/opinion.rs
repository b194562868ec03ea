//! Where a snapshot says something else than the disk. The disk is believed: it is what ran last.

use super::found::{Found, Left, Origin, Pack};
use crate::name::NodeName;
use crate::repository_url::equivalent;

/// One line for each pack, and for ComfyUI, that the snapshot has otherwise.
pub fn differences(disk: &Found, snapshot: &Found) -> Vec<Left> {
    let mut found = Vec::new();
    if let (Some(here), Some(there)) = (&disk.comfyui.commit, &snapshot.comfyui.commit)
        && here != there
    {
        found.push(Left::new("ComfyUI", format!("the snapshot has {}, the disk {}", there.short(12), here.short(12))));
    }
    for told in &snapshot.packs {
        let what = format!("node pack `{}`", told.name);
        let Some(seen) = disk.packs.iter().find(|seen| same(seen, told)) else {
            found.push(Left::new(what, "the snapshot has it, the disk does not"));
            continue;
        };
        let (here, there) = (stands_at(seen), stands_at(told));
        if let (Some(here), Some(there)) = (here, there)
            && here != there
        {
            found.push(Left::new(what, format!("the snapshot has {there}, the disk {here}")));
        } else if seen.disabled && !told.disabled && matches!(told.origin, Origin::Git(_)) {
            found.push(Left::new(what, "the snapshot has it enabled, on disk it is disabled"));
        }
    }
    for seen in disk.packs.iter().filter(|seen| is_recorded(seen)) {
        if !snapshot.packs.iter().any(|told| same(seen, told)) {
            found.push(Left::new(format!("node pack `{}`", seen.name), "the snapshot does not have it"));
        }
    }
    found
}

/// Whether a snapshot would have it: packs of the registry that are disabled are not written down, nor
/// is what has no repository.
fn is_recorded(pack: &Pack) -> bool {
    match &pack.origin {
        Origin::Git(clone) => clone.url.is_some(),
        Origin::Registry(_) => !pack.disabled,
        Origin::Folder(_) => false,
    }
}

/// Whether two entries are one pack: by folder, or by id or repository where folders were renamed.
fn same(one: &Pack, other: &Pack) -> bool {
    let key = |pack: &Pack| NodeName::parse(&pack.name).map_or_else(|_| pack.name.clone(), |name| name.normalised());
    let url = |pack: &Pack| match &pack.origin {
        Origin::Git(clone) => clone.url.clone(),
        _ => None,
    };
    let same_repository = url(one).zip(url(other)).is_some_and(|(one, other)| equivalent(&one, &other));
    let id = |pack: &Pack| match &pack.origin {
        Origin::Registry(release) => Some(release.id.to_ascii_lowercase()),
        _ => None,
    };
    let same_id = id(one).zip(id(other)).is_some_and(|(one, other)| one == other);
    key(one) == key(other) || same_repository || same_id
}

fn stands_at(pack: &Pack) -> Option<String> {
    match &pack.origin {
        Origin::Git(clone) => clone.commit.as_ref().map(|commit| commit.short(12).to_owned()),
        Origin::Registry(release) => release.version.clone(),
        Origin::Folder(_) => None,
    }
}
