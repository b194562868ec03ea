//! Reading the configuration: file, then environment variables.

use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

use super::Configuration;

/// How variables that set something begin: `COMFYDOCK_HUB_PUSH_AT_ONCE` sets `push.at_once`.
const PREFIX: &str = "COMFYDOCK_HUB_";
/// Variables of that form that belong to the command line.
const OTHERS: [&str; 2] = ["COMFYDOCK_HUB_DATA", "COMFYDOCK_HUB_CONFIG"];

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: {message}", path.display())]
    File { path: PathBuf, message: String },
    #[error("{name}: {message}")]
    Variable { name: String, message: String },
    #[error("the setting {setting} cannot work: {message}")]
    Setting { setting: &'static str, message: String },
}

/// Loads the file, if there is one, and lets `variables` win over it.
///
/// # Errors
/// When the file cannot be read or a setting is unknown or cannot be understood.
pub(crate) fn load(
    file: Option<&Path>,
    variables: impl Iterator<Item = (String, String)>,
) -> Result<Configuration, Error> {
    let mut document = file.map(read).transpose()?.unwrap_or_default();
    let known = known();
    for (name, text) in variables.filter(|(name, _)| name.starts_with(PREFIX) && !OTHERS.contains(&name.as_str())) {
        let (section, key) =
            known.iter().find(|(section, key)| variable(section.as_deref(), key) == name).ok_or_else(|| {
                let message = "is not a setting; `comfydock-hub check-config` prints all of them".to_owned();
                Error::Variable { name: name.clone(), message }
            })?;
        document = with_variable(&document, section.as_deref(), key, &text)
            .map_err(|message| Error::Variable { name: name.clone(), message })?;
    }
    let message = |error: toml_edit::de::Error| error.to_string();
    let configuration: Configuration = toml_edit::de::from_document(document)
        .map_err(|error| Error::Variable { name: "the environment".to_owned(), message: message(error) })?;
    configuration.check().map_err(|(setting, message)| Error::Setting { setting, message })?;
    Ok(configuration)
}

/// The document with one setting as a variable gives it: a TOML value where it can be read as one,
/// and a string elsewhere.
fn with_variable(document: &DocumentMut, section: Option<&str>, key: &str, text: &str) -> Result<DocumentMut, String> {
    let readings = text.parse::<Value>().into_iter().chain([Value::from(text)]);
    let mut complaint = String::new();
    for value in readings {
        let mut changed = document.clone();
        let table = match section {
            Some(section) => changed.entry(section).or_insert(Item::Table(Table::new())).as_table_like_mut(),
            None => Some(changed.as_table_mut() as &mut dyn TableLike),
        };
        table.ok_or("its section is not a table in the file")?.insert(key, Item::Value(value));
        match toml_edit::de::from_document::<Configuration>(changed.clone()) {
            Ok(_) => return Ok(changed),
            Err(error) => complaint = plain(error.message()),
        }
    }
    Err(complaint)
}

/// The library's words without the names of Rust's types.
fn plain(message: &str) -> String {
    ["usize", "u64", "u32", "u16"]
        .iter()
        .fold(message.to_owned(), |text, number| text.replace(&format!("expected {number}"), "expected a whole number"))
}

fn read(path: &Path) -> Result<DocumentMut, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let complain = |message: String| Error::File { path: path.to_owned(), message: plain(message.trim()) };
    // Read once for what it means, so that a complaint shows the file's own lines.
    toml_edit::de::from_str::<Configuration>(&text).map_err(|error| complain(error.to_string()))?;
    text.parse().map_err(|error: toml_edit::TomlError| complain(error.to_string()))
}

/// Every setting: its section, if it has one, and its key.
fn known() -> Vec<(Option<String>, String)> {
    let mut known = vec![(Some("metrics".to_owned()), "token".to_owned())];
    let defaults = toml_edit::ser::to_document(&Configuration::default()).unwrap_or_default();
    for (key, item) in defaults.iter() {
        match item.as_table_like() {
            Some(table) => known.extend(table.iter().map(|(inner, _)| (Some(key.to_owned()), inner.to_owned()))),
            None => known.push((None, key.to_owned())),
        }
    }
    known
}

fn variable(section: Option<&str>, key: &str) -> String {
    let section = section.map(|section| format!("{section}_")).unwrap_or_default();
    format!("{PREFIX}{section}{key}").to_ascii_uppercase()
}

impl Configuration {
    /// All of it as TOML, without what is secret.
    pub(crate) fn redacted(&self) -> String {
        toml_edit::ser::to_string_pretty(self).unwrap_or_else(|error| format!("# cannot be shown: {error}\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_with(text: &str, variables: &[(&str, &str)]) -> Result<Configuration, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        load(Some(file.path()), variables).map_err(|error| error.to_string())
    }

    #[test]
    fn variables_win_over_the_file_and_the_file_over_the_defaults() {
        let text = "listen = \"0.0.0.0:80\"\n[push]\nat_once = 3\nbody = \"1 MiB\"\n";
        let variables = [
            ("COMFYDOCK_HUB_PUSH_AT_ONCE", "4"),
            ("COMFYDOCK_HUB_METRICS_TOKEN", "12345"),
            ("COMFYDOCK_HUB_CONNECTIONS_IDLE", "5s"),
            ("COMFYDOCK_HUB_DATA", "/somewhere"),
            ("HOME", "/root"),
        ];
        let loaded = load_with(text, &variables).unwrap();
        assert_eq!((loaded.push.at_once, loaded.push.body.count()), (4, 1 << 20));
        assert_eq!((loaded.listen.port(), loaded.fetch.at_once), (80, Configuration::default().fetch.at_once));
        let shown = loaded.redacted();
        assert!(shown.contains("idle = \"5s\"") && shown.contains("(redacted)") && !shown.contains("12345"), "{shown}");
    }

    #[test]
    fn what_cannot_be_used_is_named_with_its_place() {
        for (text, variables, wanted) in [
            ("[push]\natonce = 3\n", [("A", "")], "line 2"),
            ("[push]\nbody = \"much\"\n", [("A", "")], "write it like `20 MiB`"),
            ("[push\n", [("A", "")], "line 1"),
            ("[push]\nat_once = 0\n", [("A", "")], "push.at_once"),
            ("[push]\nbody = \"0 B\"\n", [("A", "")], "push.body"),
            ("[fetch]\nbody = \"9999999999 GiB\"\n", [("A", "")], "fetch.body"),
            ("[connections]\nidle = \"99999999999999d\"\n", [("A", "")], "connections.idle"),
            ("[environments]\ngrace = \"99999999999999d\"\n", [("A", "")], "environments.grace"),
            ("[maintenance]\nprune_after = \"0s\"\n", [("A", "")], "longer than push.total"),
            ("[push]\ntotal = \"14d\"\n", [("A", "")], "maintenance.prune_after"),
            ("", [("COMFYDOCK_HUB_PUSH_ATONCE", "3")], "COMFYDOCK_HUB_PUSH_ATONCE: is not a setting"),
            (
                "",
                [("COMFYDOCK_HUB_PUSH_AT_ONCE", "many")],
                "COMFYDOCK_HUB_PUSH_AT_ONCE: invalid type: string \"many\", expected a whole number",
            ),
            ("[push]\nat_once = \"many\"\n", [("A", "")], "expected a whole number"),
        ] {
            let complaint = load_with(text, &variables).unwrap_err();
            assert!(complaint.contains(wanted), "{complaint}");
        }
    }

    #[test]
    fn what_is_printed_can_be_read_again() {
        let shown = Configuration::default().redacted();
        assert_eq!(load_with(&shown, &[]).unwrap().redacted(), shown);
    }

    /// `deploy/hub.example.toml` with every setting in force, and the settings it has.
    fn example() -> (String, Vec<(Option<String>, String)>) {
        let is_setting = |line: &str| {
            line.strip_prefix('#').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_lowercase()))
        };
        let (mut text, mut section, mut settings) = (String::new(), None, Vec::new());
        for line in include_str!("../../../deploy/hub.example.toml").lines() {
            if let Some(name) = line.strip_prefix('[') {
                section = name.strip_suffix(']').map(str::to_owned);
            } else if is_setting(line) {
                let key = line[1..].split(" = ").next().unwrap().to_owned();
                settings.push((section.clone(), key));
            }
            let line = if is_setting(line) { &line[1..] } else { line };
            text += &format!("{line}\n");
        }
        (text, settings)
    }

    #[test]
    fn the_example_has_every_setting_with_its_default() {
        let (text, mut settings) = example();
        let mut known = known();
        settings.sort();
        known.sort();
        assert_eq!(settings, known);
        // The one setting without a default: what stands there shows its form.
        let text: String =
            text.lines().filter(|line| !line.starts_with("token = ")).map(|line| format!("{line}\n")).collect();
        assert_eq!(load_with(&text, &[]).unwrap().redacted(), Configuration::default().redacted());
        let as_it_is = load_with(include_str!("../../../deploy/hub.example.toml"), &[]).unwrap();
        assert_eq!(as_it_is.redacted(), Configuration::default().redacted());
    }
}
