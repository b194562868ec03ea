//! One line of a requirements file: what it is, and what of it is taken.

use super::pep508::{Requirement, Where};
use super::{standard_library, url};

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// Nothing that is installed.
    Nothing,
    /// A requirement that uv can read.
    Requirement(String),
    /// Another file of requirements.
    Include(String),
}

/// A line, judged.
pub(super) struct Line {
    pub(super) what: Judged,
    /// Indexes it names.
    pub(super) indexes: Vec<String>,
    /// What of it is not taken, and why.
    pub(super) refused: Vec<(String, String)>,
}

/// Judges a line without comment.
pub(super) fn judge(text: &str) -> Line {
    let mut line = Line { what: Judged::Nothing, indexes: Vec::new(), refused: Vec::new() };
    if text.contains("${") {
        line.refused.push((text.to_owned(), "it reads a variable of the author's machine".to_owned()));
        return line;
    }
    let (requirement, options) = split_options(text);
    line.options(options);
    if requirement.is_empty() {
        return line;
    }
    match take(requirement) {
        Ok(requirement) => line.what = Judged::Requirement(requirement),
        Err(reason) => line.refused.push((requirement.to_owned(), reason)),
    }
    line
}

/// The requirement of a line, and the options that follow it or are all of it.
fn split_options(text: &str) -> (&str, &str) {
    if text.starts_with('-') {
        return ("", text);
    }
    let is_option = |rest: &str| {
        let rest = rest.trim_start();
        rest.starts_with("--") || ["-i ", "-f ", "-c ", "-r ", "-e "].iter().any(|option| rest.starts_with(option))
    };
    let start = text.char_indices().find(|(index, character)| character.is_whitespace() && is_option(&text[*index..]));
    start.map_or((text, ""), |(index, _)| (text[..index].trim_end(), text[index..].trim_start()))
}

impl Line {
    fn options(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            // An option and its value end where the next begins.
            let next = rest[1..].char_indices().find(|(index, character)| {
                character.is_whitespace() && rest[index + 1..].trim_start().starts_with('-')
            });
            let end = next.map_or(rest.len(), |(index, _)| index + 1);
            self.option(rest[..end].trim());
            rest = rest[end..].trim_start();
        }
    }

    fn option(&mut self, text: &str) {
        let (name, value) = if text.starts_with("--") {
            text.split_once(|character: char| character == '=' || character.is_whitespace()).unwrap_or((text, ""))
        } else {
            text.split_at_checked(2).unwrap_or((text, ""))
        };
        let value = value.trim_start_matches(['=', ' ', '\t']).trim();
        let reason = match name {
            // The lock has hashes of its own.
            "--hash" => return,
            "-r" | "--requirement" => {
                self.what = Judged::Include(value.to_owned());
                return;
            }
            "-i" | "--index-url" | "--extra-index-url" => match url::reason_against(value) {
                None => {
                    self.indexes.push(value.to_owned());
                    return;
                }
                Some(reason) => reason,
            },
            "-c" | "--constraint" => "constraints of one pack would bind all the others",
            "-e" | "--editable" => "editable installs are not supported",
            "-f" | "--find-links" => "packages are taken from indexes, not from lists of links",
            "--trusted-host" => "hosts are trusted by this machine, not by a node pack",
            "--pre" => "pre-releases are taken only where a requirement names one",
            _ => "this option has no meaning here",
        };
        self.refused.push((text.to_owned(), reason.to_owned()));
    }
}

/// A requirement as uv can read it.
fn take(text: &str) -> Result<String, String> {
    let lower = text.to_ascii_lowercase();
    let scheme = lower.split_once("://").map(|(scheme, _)| scheme);
    if scheme
        .is_some_and(|scheme| scheme.chars().all(|character| character.is_ascii_alphanumeric() || character == '+'))
    {
        return url::to_requirement(text).map(|requirement| requirement.to_string());
    }
    let is_path = text.starts_with(['.', '/', '~', '\\'])
        || lower.starts_with("file:")
        || lower.as_bytes().get(1..3) == Some(b":\\")
        || (!text.contains('@') && text.split([';', ' ']).next().unwrap_or(text).contains(['/', '\\']))
        || [".whl", ".tar.gz", ".zip"].iter().any(|ending| !text.contains('@') && lower.ends_with(ending));
    if is_path {
        return Err("a path on the author's machine".to_owned());
    }
    check(text)
}

/// Checks a requirement in PEP 508's form.
pub(super) fn check(text: &str) -> Result<String, String> {
    let requirement = Requirement::parse(text)?;
    if standard_library::is_standard(&requirement.name) {
        return Err(format!("`{}` is a part of Python itself", requirement.name));
    }
    match &requirement.which {
        Where::Versions(_) => Ok(text.trim().to_owned()),
        Where::Url(url) => match url::reason_against(url) {
            Some(reason) => Err(reason.to_owned()),
            None if url.contains("egg=") => Ok(url::without_egg(&requirement).to_string()),
            None => Ok(text.trim().to_owned()),
        },
    }
}
