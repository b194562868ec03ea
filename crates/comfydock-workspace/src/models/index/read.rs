//! What the index knows, read in a few queries however many models there are.

use std::collections::HashMap;

use comfydock_core::digest::{Blake3, QuickHash, Sha256};
use comfydock_core::plan::library::{KnownModel, Place};
use comfydock_core::source::Source;
use comfydock_store::hash::Stamp;
use rusqlite::{OptionalExtension, Row};

use super::record::key;
use super::{Index, Location};
use crate::Error;
use crate::models::roots::{Root, Roots};

/// Where a model's files lie.
#[derive(Default)]
struct Places {
    seen: Vec<Place>,
    elsewhere: Vec<Place>,
}

impl Index {
    /// Everything remembered below one folder, by the path below it.
    ///
    /// # Errors
    /// When the query fails.
    pub fn locations(&self, root: &Root) -> Result<HashMap<String, Location>, Error> {
        let (base, category) = key(root);
        let mut statement = self.connection.prepare_cached(
            "SELECT relative_path, model_id, device, inode, size, mtime_ns, ctime_ns, offline, links
             FROM model_locations WHERE base_directory = ?1 AND category = ?2",
        )?;
        let rows = statement.query_map([base.as_str(), category], |row| Ok((row.get(0)?, location(row)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What is remembered of one file.
    ///
    /// # Errors
    /// When the query fails.
    pub fn location(&self, root: &Root, path: &str) -> Result<Option<Location>, Error> {
        let (base, category) = key(root);
        let mut statement = self.connection.prepare_cached(
            "SELECT relative_path, model_id, device, inode, size, mtime_ns, ctime_ns, offline, links
             FROM model_locations WHERE base_directory = ?1 AND category = ?2 AND relative_path = ?3",
        )?;
        Ok(statement.query_row([base.as_str(), category, path], location).optional()?)
    }

    /// Every model below the given folders, which are in the order ComfyUI searches.
    ///
    /// # Errors
    /// When a query fails.
    pub fn models(&self, roots: &Roots) -> Result<Vec<KnownModel>, Error> {
        let mut places = self.places(roots)?;
        let mut sources = self.sources()?;
        let mut claims = self.claims_of(None)?;
        let mut models = Vec::new();
        let mut statement = self
            .connection
            .prepare_cached("SELECT id, quick_hash, file_size, sha256, blake3 FROM models ORDER BY id")?;
        for row in statement.query_map([], model)? {
            let Some(mut model) = row? else { continue };
            let Some(Places { seen, elsewhere }) = places.remove(&model.id) else { continue };
            model.places = seen;
            model.elsewhere = elsewhere;
            model.sources = sources.remove(&model.id).unwrap_or_default();
            model.claims = claims.remove(&model.id).unwrap_or_default();
            models.push(model);
        }
        Ok(models)
    }

    /// The models with a hash that begins so, wherever they lie: a look-up by index, however many
    /// there are. `start` is lower-case hexadecimal.
    ///
    /// # Errors
    /// When a query fails.
    pub fn find(&self, start: &str, roots: &Roots) -> Result<Vec<KnownModel>, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id FROM models WHERE sha256 >= ?1 AND sha256 < ?2
             UNION SELECT id FROM models WHERE quick_hash >= ?1 AND quick_hash < ?2
             UNION SELECT id FROM models WHERE blake3 >= ?1 AND blake3 < ?2 ORDER BY 1",
        )?;
        // No hexadecimal digit comes after `f`.
        let found = statement.query_map([start, &format!("{start}g")], |row| row.get(0))?;
        self.placed(&found.collect::<Result<Vec<_>, _>>()?, roots)
    }

    /// The models with a file of this name below the given folders.
    ///
    /// # Errors
    /// When a query fails.
    pub fn called(&self, filename: &str, roots: &Roots) -> Result<Vec<KnownModel>, Error> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT DISTINCT model_id FROM model_locations WHERE filename = ?1 ORDER BY 1")?;
        let found = statement.query_map([filename], |row| row.get(0))?;
        self.placed(&found.collect::<Result<Vec<_>, _>>()?, roots)
    }

    /// The models of these rows that lie below the given folders.
    fn placed(&self, ids: &[i64], roots: &Roots) -> Result<Vec<KnownModel>, Error> {
        let order: HashMap<(String, &str), (usize, &Root)> =
            roots.iter().enumerate().map(|(position, root)| (key(root), (position, root))).collect();
        let mut models = Vec::new();
        for id in ids {
            let Some(mut model) = self.model(*id)? else { continue };
            let mut statement = self.connection.prepare_cached(
                "SELECT base_directory, category, relative_path FROM model_locations WHERE model_id = ?1 AND offline = 0",
            )?;
            let rows = statement.query_map([model.id], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
            })?;
            for row in rows {
                let (base, category, path) = row?;
                let Some((position, root)) = order.get(&(base, category.as_str())) else { continue };
                let place = Place { root: *position, relative_path: root.place_path(&path) };
                if root.is_seen() { &mut model.places } else { &mut model.elsewhere }.push(place);
            }
            for list in [&mut model.places, &mut model.elsewhere] {
                list.sort_by(|one, other| (one.root, &one.relative_path).cmp(&(other.root, &other.relative_path)));
            }
            if !model.places.is_empty() || !model.elsewhere.is_empty() {
                models.push(model);
            }
        }
        Ok(models)
    }

    /// A model by its row, without its places.
    pub(super) fn model(&self, id: i64) -> Result<Option<KnownModel>, Error> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT id, quick_hash, file_size, sha256, blake3 FROM models WHERE id = ?1")?;
        let Some(mut model) = statement.query_row([id], model).optional()?.flatten() else { return Ok(None) };
        model.sources = self.sources_of(id)?;
        model.claims = self.claims_of(Some(id))?.remove(&id).unwrap_or_default();
        Ok(Some(model))
    }

    fn sources_of(&self, model: i64) -> Result<Vec<Source>, Error> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT locator FROM model_sources WHERE model_id = ?1 ORDER BY added_at, locator")?;
        let rows = statement.query_map([model], |row| row.get::<_, String>(0))?;
        let locators: Vec<String> = rows.collect::<Result<_, _>>()?;
        Ok(locators.iter().filter_map(|locator| Source::parse(locator).ok()).collect())
    }

    /// The files of each model that can be reached: those ComfyUI sees, and those elsewhere.
    fn places(&self, roots: &Roots) -> Result<HashMap<i64, Places>, Error> {
        let order: HashMap<(String, &str), (usize, &Root)> =
            roots.iter().enumerate().map(|(position, root)| (key(root), (position, root))).collect();
        let mut places: HashMap<i64, Places> = HashMap::new();
        let mut statement = self.connection.prepare_cached(
            "SELECT model_id, relative_path FROM model_locations WHERE base_directory = ?1 AND category = ?2 AND offline = 0",
        )?;
        for ((base, category), (position, root)) in &order {
            let rows = statement
                .query_map([base.as_str(), category], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
            for row in rows {
                let (model, path) = row?;
                let place = Place { root: *position, relative_path: root.place_path(&path) };
                let Places { seen, elsewhere } = places.entry(model).or_default();
                if root.is_seen() { seen } else { elsewhere }.push(place);
            }
        }
        for Places { seen, elsewhere } in places.values_mut() {
            for list in [seen, elsewhere] {
                list.sort_by(|one, other| (one.root, &one.relative_path).cmp(&(other.root, &other.relative_path)));
            }
        }
        Ok(places)
    }

    fn sources(&self) -> Result<HashMap<i64, Vec<Source>>, Error> {
        let mut sources: HashMap<i64, Vec<Source>> = HashMap::new();
        let mut statement =
            self.connection.prepare_cached("SELECT model_id, locator FROM model_sources ORDER BY added_at, locator")?;
        for row in statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))? {
            let (model, locator) = row?;
            // A source in a form this version does not know stays in the table and is not offered.
            if let Ok(source) = Source::parse(&locator) {
                sources.entry(model).or_default().push(source);
            }
        }
        Ok(sources)
    }
}

fn location(row: &Row<'_>) -> rusqlite::Result<Location> {
    let ctime_ns: Option<i64> = row.get(6)?;
    let links: Option<i64> = row.get(8)?;
    let stamp = Stamp {
        device: row.get::<_, i64>(2)?.cast_unsigned(),
        inode: row.get::<_, i64>(3)?.cast_unsigned(),
        size: row.get::<_, i64>(4)?.cast_unsigned(),
        mtime_ns: row.get(5)?,
        ctime_ns: ctime_ns.unwrap_or_default(),
        links: links.unwrap_or_default().cast_unsigned(),
    };
    Ok(Location { model: row.get(1)?, stamp, undated: ctime_ns.is_none() || links.is_none(), offline: row.get(7)? })
}

fn model(row: &Row<'_>) -> rusqlite::Result<Option<KnownModel>> {
    let quick: String = row.get(1)?;
    let sha256: Option<String> = row.get(3)?;
    let blake3: Option<String> = row.get(4)?;
    let Ok(quick) = QuickHash::parse(&quick) else { return Ok(None) };
    Ok(Some(KnownModel {
        id: row.get(0)?,
        quick,
        size: row.get::<_, i64>(2)?.cast_unsigned(),
        sha256: sha256.and_then(|text| Sha256::parse(&text).ok()),
        blake3: blake3.and_then(|text| Blake3::parse(&text).ok()),
        sources: Vec::new(),
        claims: Vec::new(),
        places: Vec::new(),
        elsewhere: Vec::new(),
    }))
}
