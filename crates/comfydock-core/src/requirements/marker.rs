//! Environment markers: `python_version < '3.9' and sys_platform == 'win32'`.

/// What may be asked of an environment, with the older spellings that uv reads too.
const VARIABLES: &[&str] = &[
    "python_version",
    "python_full_version",
    "os_name",
    "sys_platform",
    "platform_machine",
    "platform_python_implementation",
    "platform_release",
    "platform_system",
    "platform_version",
    "implementation_name",
    "implementation_version",
    "extra",
    "os.name",
    "sys.platform",
    "platform.version",
    "platform.machine",
    "platform.python_implementation",
    "python_implementation",
];

const OPERATORS: &[&str] = &["==", ">=", "<=", "!=", "~=", ">", "<"];

/// Deeper nesting is nothing that a person wrote.
const DEPTH: usize = 32;

/// Checks a marker.
pub(super) fn check(text: &str) -> Result<(), String> {
    let mut cursor = Cursor { rest: text };
    let fits = cursor.any(0).is_some() && cursor.rest.trim().is_empty();
    if fits { Ok(()) } else { Err(format!("`{}` is no marker", text.trim())) }
}

struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    /// Alternatives joined by `or`, of terms joined by `and`.
    fn any(&mut self, depth: usize) -> Option<()> {
        if depth > DEPTH {
            return None;
        }
        loop {
            self.term(depth)?;
            if !self.word("and") && !self.word("or") {
                return Some(());
            }
        }
    }

    fn term(&mut self, depth: usize) -> Option<()> {
        if self.symbol("(") {
            self.any(depth + 1)?;
            return self.symbol(")").then_some(());
        }
        let left = self.value()?;
        let operator = OPERATORS.iter().any(|operator| self.symbol(operator))
            || self.word("in")
            || (self.word("not") && self.word("in"));
        let right = if operator { self.value()? } else { return None };
        (left != right).then_some(())
    }

    /// A quoted text (true) or a variable (false).
    fn value(&mut self) -> Option<bool> {
        let rest = self.rest.trim_start();
        if let Some(quote) = rest.chars().next().filter(|first| matches!(first, '\'' | '"')) {
            let end = rest[1..].find(quote)? + 2;
            self.rest = &rest[end..];
            return Some(true);
        }
        let end = rest.find(|character: char| !super::name::is_part(character)).unwrap_or(rest.len());
        let known = VARIABLES.contains(&&rest[..end]);
        self.rest = &rest[end..];
        known.then_some(false)
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        let after = self.rest.trim_start().strip_prefix(symbol);
        self.take(after)
    }

    fn word(&mut self, word: &str) -> bool {
        let after = self.rest.trim_start().strip_prefix(word);
        let after = after.filter(|after| !after.starts_with(super::name::is_part));
        self.take(after)
    }

    fn take(&mut self, after: Option<&'a str>) -> bool {
        if let Some(after) = after {
            self.rest = after;
        }
        after.is_some()
    }
}
