//! What ComfyUI says when it starts, as far as it is read.

use std::collections::BTreeMap;

/// The node packs that could not be imported, with the reason where one is given.
///
/// ComfyUI says it twice: `Cannot import PATH module for custom nodes: REASON`, and in the list of import
/// times `0.1 seconds (IMPORT FAILED): PATH`.
pub fn failed_imports(text: &str) -> BTreeMap<String, Option<String>> {
    let mut failed: BTreeMap<String, Option<String>> = BTreeMap::new();
    for line in text.lines() {
        let line = clean(line);
        if let Some((_, rest)) = line.split_once("Cannot import ")
            && let Some((path, reason)) = rest.split_once(" module for custom nodes")
        {
            let reason = reason.trim_start_matches(':').trim();
            let said = (!reason.is_empty()).then(|| reason.to_owned());
            failed.entry(pack(path)).and_modify(|known| *known = known.take().or(said.clone())).or_insert(said);
        } else if let Some((before, rest)) = line.split_once("(IMPORT FAILED)") {
            // Either the path follows, or a name stands before it.
            match rest.trim_start().strip_prefix(':') {
                Some(path) => {
                    failed.entry(pack(path)).or_insert(None);
                }
                None => {
                    let Some(name) = before.trim_end().strip_suffix(':') else { continue };
                    let name = name.rsplit(' ').next().unwrap_or(name);
                    failed.insert(name.to_owned(), Some(rest.trim().to_owned()));
                }
            }
        }
    }
    failed.remove("");
    failed
}

/// The folder or file in `custom_nodes` that a path leads to.
fn pack(path: &str) -> String {
    let path = path.trim().replace('\\', "/");
    let below = path.rsplit_once("custom_nodes/").map_or(path.as_str(), |(_, below)| below);
    below.split('/').next().unwrap_or(below).to_owned()
}

/// A line as a file keeps it: what a progress bar wrote over is gone, and so are colours.
pub fn clean(line: &str) -> String {
    let line = line.trim_end_matches('\r');
    let last = line.rsplit('\r').find(|part| !part.trim().is_empty()).unwrap_or_default();
    let mut clean = String::with_capacity(last.len());
    let mut characters = last.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, characters.peek()) {
            // A control sequence ends with its first letter (ECMA-48, CSI).
            ('\x1b', Some('[')) => {
                characters.next();
                while characters.next().is_some_and(|inside| !('\u{40}'..='\u{7e}').contains(&inside)) {}
            }
            // A title and the like ends with a bell or another escape.
            ('\x1b', Some(']')) => {
                while characters.next().is_some_and(|inside| inside != '\x07' && inside != '\x1b') {}
            }
            (character, _) if character.is_control() && character != '\t' => {}
            (character, _) => clean.push(character),
        }
    }
    clean.truncate(clean.trim_end().len());
    clean
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn packs_that_failed_are_found_in_every_form() {
        let text = "\
Traceback (most recent call last):
ModuleNotFoundError: No module named 'six'
\x1b[33mCannot import /ws/environments/a/ComfyUI/custom_nodes/one module for custom nodes: No module named 'six'\x1b[0m
Import times for custom nodes:
   0.0 seconds: /ws/environments/a/ComfyUI/custom_nodes/fine
   0.1 seconds (IMPORT FAILED): /ws/environments/a/ComfyUI/custom_nodes/one
   0.2 seconds (IMPORT FAILED): C:\\ws\\ComfyUI\\custom_nodes\\two
   0.2 seconds (IMPORT FAILED): /ws/ComfyUI/custom_nodes/loose.py
custom node three: (IMPORT FAILED) ImportError: libx
";
        let said = |reason: &str| Some(reason.to_owned());
        let expected = [
            ("loose.py", None),
            ("one", said("No module named 'six'")),
            ("three", said("ImportError: libx")),
            ("two", None),
        ];
        assert_eq!(failed_imports(text), expected.map(|(name, reason)| (name.to_owned(), reason)).into());
    }

    #[test]
    fn lines_are_as_they_were_seen_last() {
        for (line, expected) in [
            ("plain", "plain"),
            ("  0%|   |\r 50%|█  |\r100%|███|", "100%|███|"),
            ("100%\r\r\n", "100%"),
            ("\x1b[1;32mgreen\x1b[0m end\x1b[K", "green end"),
            ("\x1b]0;title\x07text", "text"),
            ("a\tb\x07", "a\tb"),
            ("\r", ""),
        ] {
            assert_eq!(clean(line.trim_end_matches('\n')), expected, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_fail(text in any::<String>()) {
            failed_imports(&text);
            prop_assert!(!clean(&text).contains('\x1b'));
        }
    }
}
