//! How a model name is compared with the names of files.

use unicode_normalization::UnicodeNormalization as _;

/// A widget's value, spelled so that it can be compared. Only for looking up, never for writing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lookup {
    /// The name with `/` as separator, in Unicode's composed form.
    pub path: String,
    /// The value led out of the models folders (`..`, absolute, a drive, `~`): only its file name is
    /// kept, and only that may be compared.
    pub basename_only: bool,
}

impl Lookup {
    /// The last part of the name.
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// The name to look up for a widget's value: trimmed, `/` as separator, no empty or `.` segments,
/// composed (NFC).
pub fn normalise_for_lookup(value: &str) -> Lookup {
    let slashed = value.trim().replace('\\', "/");
    let drive = slashed.as_bytes().get(1) == Some(&b':') && slashed.as_bytes()[0].is_ascii_alphabetic();
    let outside = slashed.starts_with('/')
        || drive
        || slashed == "~"
        || slashed.starts_with("~/")
        || slashed.split('/').any(|segment| segment == "..");
    let segments: Vec<&str> = slashed.split('/').filter(|segment| !segment.is_empty() && *segment != ".").collect();
    let path = if outside {
        segments.last().copied().filter(|name| *name != "..").unwrap_or_default().to_owned()
    } else {
        segments.join("/")
    };
    Lookup { path: path.nfc().collect(), basename_only: outside }
}

#[cfg(test)]
mod tests {
    use super::normalise_for_lookup;

    #[test]
    fn names_are_compared_in_one_spelling() {
        for (value, path, basename_only) in [
            ("a.safetensors", "a.safetensors", false),
            (" sub\\a b.pt ", "sub/a b.pt", false),
            ("./x//y/./z.ckpt", "x/y/z.ckpt", false),
            ("e\u{301}.pt", "\u{e9}.pt", false),
            ("/abs/x.pt", "x.pt", true),
            ("\\\\nas\\share\\x.pt", "x.pt", true),
            ("C:\\models\\x.pt", "x.pt", true),
            ("c:x/y.pt", "y.pt", true),
            ("../loras/x.pt", "x.pt", true),
            ("~/x.pt", "x.pt", true),
            ("~x.pt", "~x.pt", false),
            ("a..b.pt", "a..b.pt", false),
            ("..", "", true),
            ("", "", false),
        ] {
            let lookup = normalise_for_lookup(value);
            assert_eq!((lookup.path.as_str(), lookup.basename_only), (path, basename_only), "{value}");
        }
    }
}
