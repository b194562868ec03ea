//! `extra_model_paths.yaml`: further folders that ComfyUI looks for models in.
//!
//! Source of the format: ComfyUI 0.3.64, `utils/extra_config.py` and `folder_paths.py`.

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, ScanError, YamlData, YamlLoader};
use saphyr_parser::Parser;

use crate::category;

/// What keeps ComfyUI, and this, from reading the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Error {
    /// Counted from 1.
    pub line: usize,
    reason: String,
}

/// One group of folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What the folders are relative to, unexpanded; without one, they are relative to the file.
    pub base_path: Option<String>,
    /// Whether its folders are searched before all others.
    pub is_default: bool,
    /// Category, in its present name, and folder.
    pub folders: Vec<(String, String)>,
    /// Further folders of node packs, which ComfyUI loads as well.
    pub node_folders: Vec<String>,
}

/// What a file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// Its groups, in order.
    pub groups: Vec<Group>,
    /// The line of a name that stands twice in one place, of which ComfyUI takes the last.
    pub named_twice: Option<usize>,
}

/// Reads the file. Node packs' folders (`custom_nodes`) are no category: they hold no models.
///
/// # Errors
/// When it is no YAML, or not of the form that ComfyUI can start with.
pub fn parse(text: &str) -> Result<Configuration, Error> {
    let (documents, named_twice) =
        load(text).map_err(|error| Error { line: error.marker().line().max(1), reason: error.info().to_owned() })?;
    let groups = match documents.first() {
        Some(document) if !is_null(document) => {
            let YamlData::Mapping(_) = &document.data else {
                return Err(fault(document, "there must be groups here, as in `comfyui:`"));
            };
            let groups = entries(document)?.into_iter().map(|(_, group)| group);
            groups.filter(|node| !is_null(node)).map(group).collect::<Result<_, _>>()?
        }
        _ => Vec::new(),
    };
    Ok(Configuration { groups, named_twice })
}

/// The documents, and the line of the first key that is there twice: YAML forbids it, PyYAML, which
/// ComfyUI reads with, takes the last.
fn load(text: &str) -> Result<(Vec<MarkedYaml<'_>>, Option<usize>), ScanError> {
    match MarkedYaml::load_from_str(text) {
        Err(error) if error.info() == "duplicated key in mapping" => {
            let mut loader = YamlLoader::default();
            loader.allow_duplicate_keys(true);
            Parser::new_from_str(text).load(&mut loader, true)?;
            match loader.error() {
                Some(error) => Err(error.clone()),
                None => Ok((loader.into_documents(), Some(error.marker().line()))),
            }
        }
        documents => Ok((documents?, None)),
    }
}

/// The keys and values of a mapping, with those that `<<` brings in before its own, as PyYAML does.
fn entries<'node, 'text>(node: &'node MarkedYaml<'text>) -> Result<Entries<'node, 'text>, Error> {
    let YamlData::Mapping(mapping) = &node.data else {
        return Err(fault(node, "only names with values can be taken in by `<<`"));
    };
    let mut own: Entries<'_, '_> = mapping.iter().collect();
    // One that is named twice has its value from the end and its place from the beginning.
    own.sort_by_key(|(key, _)| key.span.start.index());
    let mut found: Entries<'_, '_> = Vec::new();
    for (_, value) in own.iter().filter(|(key, _)| text(key) == Some("<<")) {
        let merged = match &value.data {
            YamlData::Sequence(several) => several.iter().collect(),
            _ => vec![*value],
        };
        // The first of several has the last word.
        for one in merged.into_iter().rev() {
            entries(one)?.into_iter().for_each(|entry| put(&mut found, entry));
        }
    }
    own.into_iter().filter(|(key, _)| text(key) != Some("<<")).for_each(|entry| put(&mut found, entry));
    Ok(found)
}

type Entries<'node, 'text> = Vec<(&'node MarkedYaml<'text>, &'node MarkedYaml<'text>)>;

fn put<'node, 'text>(found: &mut Entries<'node, 'text>, entry: (&'node MarkedYaml<'text>, &'node MarkedYaml<'text>)) {
    match found.iter_mut().find(|(key, _)| *key == entry.0) {
        Some((_, value)) => *value = entry.1,
        None => found.push(entry),
    }
}

fn group(node: &MarkedYaml<'_>) -> Result<Group, Error> {
    let YamlData::Mapping(_) = &node.data else {
        return Err(fault(node, "a group must name folders by category, as in `checkpoints: models/checkpoints`"));
    };
    let mut group = Group { base_path: None, is_default: false, folders: Vec::new(), node_folders: Vec::new() };
    for (key, value) in entries(node)? {
        // ComfyUI starts with a number or a date for a category too; no loader can ask for it.
        let Some(word) = text(key) else { continue };
        match word {
            "base_path" => {
                let base = text(value).ok_or_else(|| fault(value, "`base_path` must be a folder"))?;
                group.base_path = Some(base.to_owned());
            }
            "is_default" => group.is_default = truth(value),
            "custom_nodes" => {
                let lines = text(value).unwrap_or_default().split('\n').filter(|line| !line.is_empty());
                group.node_folders.extend(lines.map(str::to_owned));
            }
            _ => {
                let folders = text(value).ok_or_else(|| {
                    fault(value, &format!("`{word}` must be a folder, or one on each line behind `{word}: |`"))
                })?;
                let category = category::canonical(word);
                let lines = folders.split('\n').filter(|line| !line.is_empty());
                group.folders.extend(lines.map(|line| (category.to_owned(), line.to_owned())));
            }
        }
    }
    Ok(group)
}

fn fault(node: &MarkedYaml<'_>, reason: &str) -> Error {
    Error { line: node.span.start.line(), reason: reason.to_owned() }
}

fn is_null(node: &MarkedYaml<'_>) -> bool {
    matches!(node.data, YamlData::Value(Scalar::Null))
}

fn text<'node>(node: &'node MarkedYaml<'_>) -> Option<&'node str> {
    match &node.data {
        YamlData::Value(Scalar::String(text)) => Some(text),
        _ => None,
    }
}

/// What Python takes for true: ComfyUI's reader knows the words of YAML 1.1 too.
fn truth(node: &MarkedYaml<'_>) -> bool {
    match &node.data {
        YamlData::Value(Scalar::Boolean(truth)) => *truth,
        YamlData::Value(Scalar::Integer(number)) => *number != 0,
        YamlData::Value(Scalar::FloatingPoint(number)) => *number != 0.0,
        YamlData::Value(Scalar::String(text)) => {
            !text.is_empty() && !["no", "No", "NO", "off", "Off", "OFF", "False", "FALSE"].contains(&&**text)
        }
        _ => false,
    }
}

/// A path with `~` and `$VAR` or `${VAR}` replaced as Python's `expanduser` and `expandvars` do:
/// what has no value stays as it is written.
pub fn expand(path: &str, variable: impl Fn(&str) -> Option<String>) -> String {
    let home = || variable("HOME");
    let path = match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            home().map_or_else(|| path.to_owned(), |home| format!("{}{rest}", home.trim_end_matches('/')))
        }
        _ => path.to_owned(),
    };
    let mut expanded = String::with_capacity(path.len());
    let mut rest = path.as_str();
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        expanded.push_str(before);
        let word = |text: &str| text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        let (name, length) = match from[1..].strip_prefix('{').and_then(|inside| inside.split_once('}')) {
            Some((name, _)) => (name, name.len() + 3),
            None => (&from[1..=word(&from[1..])], word(&from[1..]) + 1),
        };
        match variable(name).filter(|_| !name.is_empty()) {
            Some(value) => expanded.push_str(&value),
            None => expanded.push_str(&from[..length]),
        }
        rest = &from[length..];
    }
    expanded.push_str(rest);
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap().groups.into_iter().flat_map(|group| group.folders).collect()
    }

    fn pair(category: &str, folder: &str) -> (String, String) {
        (category.to_owned(), folder.to_owned())
    }

    #[test]
    fn groups_are_read_as_comfyui_reads_them() {
        let text = "
# a comment
a111:
    base_path: ~/webui
    checkpoints: models/Stable-diffusion
    loras: |
        models/Lora

        models/LyCORIS
    clip: models/clip # older word
    custom_nodes: extensions
    ultralytics: models/ultralytics
empty:
other:
    is_default: yes
    unet: D:\\models
";
        let groups = parse(text).unwrap().groups;
        assert_eq!(groups.len(), 2);
        assert_eq!((groups[0].base_path.as_deref(), groups[0].is_default), (Some("~/webui"), false));
        assert_eq!(
            groups[0].folders,
            [
                pair("checkpoints", "models/Stable-diffusion"),
                pair("loras", "models/Lora"),
                pair("loras", "models/LyCORIS"),
                pair("text_encoders", "models/clip"),
                pair("ultralytics", "models/ultralytics"),
            ]
        );
        assert_eq!(groups[0].node_folders, ["extensions"]);
        assert_eq!((groups[1].base_path.as_deref(), groups[1].is_default), (None, true));
        assert_eq!(groups[1].folders, [pair("diffusion_models", "D:\\models")]);
    }

    #[test]
    fn a_file_without_groups_has_no_folders() {
        for text in ["", "# nothing\n", "---\n", "null\n", "a:\nb:\n"] {
            assert_eq!(folders(text), [], "{text:?}");
        }
    }

    #[test]
    fn what_is_named_twice_or_merged_is_what_pyyaml_makes_of_it() {
        let read = parse("g:\n  loras: a\n  vae: v\n  loras: b\n").unwrap();
        assert_eq!(read.groups[0].folders, [pair("loras", "b"), pair("vae", "v")]);
        assert_eq!(read.named_twice, Some(4));
        let read = parse("g:\n  loras: a\nh:\n  vae: x\ng:\n  loras: b\n").unwrap();
        let folders: Vec<_> = read.groups.iter().flat_map(|group| group.folders.clone()).collect();
        assert_eq!(folders, [pair("loras", "b"), pair("vae", "x")]);

        let text = "
one: &one
  base_path: /a
  loras: l
  vae: v
two: &two
  vae: w
  clip: c
three:
  base_path: /b
  <<: [*one, *two]
  loras: m
";
        let read = parse(text).unwrap();
        assert_eq!((read.groups[2].base_path.as_deref(), read.named_twice), (Some("/b"), None));
        assert_eq!(read.groups[2].folders, [pair("vae", "v"), pair("text_encoders", "c"), pair("loras", "m")]);
        assert!(parse("a:\n  <<: x\n").is_err());
    }

    #[test]
    fn truth_is_pythons() {
        for (word, expected) in [
            ("true", true),
            ("on", true),
            ("1", true),
            ("'false'", true),
            ("False", false),
            ("no", false),
            ("off", false),
            ("0", false),
            ("", false),
            ("''", false),
        ] {
            let group = &parse(&format!("g:\n  is_default: {word}\n  loras: x\n")).unwrap().groups[0];
            assert_eq!(group.is_default, expected, "{word}");
        }
    }

    #[test]
    fn what_comfyui_cannot_start_with_is_named_by_its_line() {
        for (text, line) in [
            ("a:\n  b: 'open\n", 2),
            ("a:\n  checkpoints: x\n  loras:\n    - x\n", 4),
            ("a:\n  checkpoints:\n", 2),
            ("a:\n  checkpoints: 5\n", 2),
            ("a: b\n", 1),
            ("- a\n", 1),
            ("a:\n\tb: c\n", 2),
            ("a:\n  base_path: [x]\n", 2),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.line >= line && error.line <= line + 1, "{text:?}: {error}");
        }
    }

    #[test]
    fn home_and_variables_are_expanded_as_python_does() {
        let variable = |name: &str| match name {
            "HOME" => Some("/home/ada".to_owned()),
            "DISK" => Some("/mnt/x".to_owned()),
            _ => None,
        };
        for (path, expected) in [
            ("~", "/home/ada"),
            ("~/m", "/home/ada/m"),
            ("~bob/m", "~bob/m"),
            ("a~", "a~"),
            ("$DISK/m", "/mnt/x/m"),
            ("${DISK}y/$DISK", "/mnt/xy//mnt/x"),
            ("$NONE/${NONE}/$", "$NONE/${NONE}/$"),
            ("${open", "${open"),
            ("ü$é", "ü$é"),
        ] {
            assert_eq!(expand(path, variable), expected, "{path}");
        }
    }
}
