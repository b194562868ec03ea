//! One requirement in PEP 508's form, taken only if uv would take it.

use std::fmt;

use super::{marker, name, version};

/// A requirement that uv can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The package, as written.
    pub name: String,
    /// Its extras, as written.
    pub extras: Vec<String>,
    /// Which versions, or from where.
    pub which: Where,
    /// When it applies.
    pub marker: Option<String>,
}

/// Which versions of a package are wanted, or where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Where {
    /// From an index: the clauses as written, empty when any will do.
    Versions(String),
    /// From this place.
    Url(String),
}

impl Requirement {
    /// Reads a requirement.
    ///
    /// # Errors
    /// When it is none; the words say what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let end = text.find(|character| !name::is_part(character)).unwrap_or(text.len());
        let (package, mut rest) = text.split_at(end);
        if !name::is_valid(package) {
            return Err("it does not start with the name of a package".to_owned());
        }
        rest = rest.trim_start();
        let mut extras = Vec::new();
        if let Some(after) = rest.strip_prefix('[') {
            let (list, after) = after.split_once(']').ok_or("its `[` has no end")?;
            extras.extend(list.split(',').map(str::trim).filter(|extra| !extra.is_empty()).map(str::to_owned));
            if let Some(wrong) = extras.iter().find(|extra| !name::is_valid(extra)) {
                return Err(format!("`{wrong}` is no extra"));
            }
            rest = after.trim_start();
        }
        if let Some(place) = rest.strip_prefix('@') {
            let (url, condition) = split_url(place.trim());
            if url.is_empty() || ::url::Url::parse(url).is_err() {
                return Err(format!("`{url}` is no URL"));
            }
            let marker = condition.map(checked).transpose()?;
            return Ok(Self { name: package.to_owned(), extras, which: Where::Url(url.to_owned()), marker });
        }
        let (versions, condition) =
            rest.split_once(';').map_or((rest, None), |(versions, condition)| (versions, Some(condition)));
        let mut versions = versions.trim();
        if let Some(inner) = versions.strip_prefix('(') {
            versions = inner.strip_suffix(')').ok_or("its `(` has no end")?.trim();
        }
        version::check_clauses(versions)?;
        let marker = condition.map(checked).transpose()?;
        Ok(Self { name: package.to_owned(), extras, which: Where::Versions(versions.to_owned()), marker })
    }

    /// The package in the one spelling.
    pub fn package(&self) -> String {
        name::normalised(&self.name)
    }

    /// The same package with the same extras and marker, in any version from an index.
    #[must_use]
    pub fn of_any_version(&self) -> Self {
        Self { which: Where::Versions(String::new()), ..self.clone() }
    }

    /// Whether this version of the package would do; none where that is hard to say.
    pub fn allows(&self, version: &str) -> Option<bool> {
        match &self.which {
            Where::Versions(clauses) => version::allows(clauses, version),
            Where::Url(_) => None,
        }
    }

    /// What follows name and extras: clauses, or ` @ URL`.
    pub fn wish(&self) -> String {
        match &self.which {
            Where::Versions(versions) => versions.clone(),
            Where::Url(url) => format!(" @ {url}"),
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)?;
        if !self.extras.is_empty() {
            write!(formatter, "[{}]", self.extras.join(","))?;
        }
        formatter.write_str(&self.wish())?;
        match &self.marker {
            Some(marker) => write!(formatter, " ; {marker}"),
            None => Ok(()),
        }
    }
}

fn checked(condition: &str) -> Result<String, String> {
    marker::check(condition)?;
    Ok(condition.trim().to_owned())
}

/// A URL ends at white space or, as uv reads it, at a `;` with a space after it.
fn split_url(text: &str) -> (&str, Option<&str>) {
    let end = text.find(char::is_whitespace);
    match end {
        None => (text, None),
        Some(end) if text[..end].ends_with(';') => (&text[..end - 1], Some(&text[end..])),
        Some(end) => {
            let (url, rest) = text.split_at(end);
            let rest = rest.trim_start();
            // Anything else after a URL is a marker that cannot be read.
            (url, Some(rest.strip_prefix(';').unwrap_or(rest)))
        }
    }
}
