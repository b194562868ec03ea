//! The first lock: held to the versions that were installed, as far as that goes.

use comfydock_core::adoption::{Left, Package};
use comfydock_core::manifest::Document;
use comfydock_core::plan::adopt_install::Constraints;
use comfydock_core::plan::commit::plural;
use comfydock_core::python_lock::Lock;

use crate::Error;
use crate::ops::relock::Resolver;
use crate::process::uv::{self, Failure, Whose};

/// Locks a document. Versions that cannot be held are given up step by step; a pack whose
/// requirements contradict others' loses them, which is said.
///
/// # Errors
/// When ComfyUI's own requirements cannot be locked, or the network fails.
pub(super) fn first_lock(
    resolver: &Resolver<'_>,
    document: &mut Document,
    constraints: &mut Constraints,
    left: &mut Vec<Left>,
) -> Result<Vec<u8>, Error> {
    let mut asked = document.clone();
    let held = loop {
        let mut attempt = asked.clone();
        attempt.hold_to(&constraints.requirements());
        let error = match resolver.resolve(&mut attempt, None, true) {
            Ok(lock) => {
                *document = attempt;
                break lock;
            }
            Err(unresolved) => unresolved.error,
        };
        let before = constraints.given_up().len();
        if constraints.relax(&words(&error)) {
            let names: Vec<&str> = constraints.given_up()[before..].iter().map(|one| one.name.as_str()).collect();
            resolver.reporter.warn(format!(
                "the installed versions do not go together with what is asked for; not held: {}",
                shortened(&names)
            ));
            continue;
        }
        let Some(group) = contradicting(&error, &asked) else {
            // The last resort: what was installed hinders in a way that uv does not name.
            let is_about_versions = matches!(&error, Error::Uv(error) if matches!(error.failure(), Some(Failure::DependencyConflict { .. } | Failure::Other)));
            if is_about_versions && constraints.relax_all() {
                resolver
                    .reporter
                    .warn("the installed versions do not go together with what is asked for; none is held");
                continue;
            }
            return Err(error);
        };
        let pack = group.strip_prefix("node-").unwrap_or(&group).to_owned();
        resolver
            .reporter
            .warn(format!("the requirements of node pack {pack} contradict others; nothing is installed for it"));
        left.push(Left::new(
            format!("Python packages of node pack `{pack}`"),
            format!("they contradict what others ask for: {}", first_line(&error)),
        ));
        asked.set_group(&group, &[]);
    };
    document.hold_to(&[]);
    // What was locked is what uv prefers, so the versions stay although nothing holds them any more.
    let lock = resolver.resolve(document, Some(&held), true).map_err(|unresolved| unresolved.error)?;
    Ok(lock)
}

/// What differs from the old packages, a line for each, and one for those that nothing asks for.
pub(super) fn differences(lock: &[u8], packages: &[Package], constraints: &Constraints, left: &mut Vec<Left>) {
    let Ok(lock) = Lock::parse(&String::from_utf8_lossy(lock)) else { return };
    let versions = lock.versions();
    for given_up in constraints.given_up() {
        if let Some(now) = versions.get(&given_up.name).filter(|now| **now != given_up.version) {
            let what = format!("Python package `{}` {}", given_up.name, given_up.version);
            left.push(Left::new(
                what,
                format!("{now} is installed: the old version does not go together with the rest"),
            ));
        }
    }
    const TOOLS: &[&str] = &["pip", "setuptools", "uv", "wheel"];
    let unasked: Vec<&str> = packages
        .iter()
        .map(|package| package.name.as_str())
        .filter(|name| !versions.contains_key(*name) && !TOOLS.contains(name))
        .collect();
    if !unasked.is_empty() {
        left.push(Left::new(
            format!("{} that neither ComfyUI nor a node pack asks for", plural(unasked.len(), "Python package")),
            shortened(&unasked),
        ));
    }
}

/// uv's words.
fn words(error: &Error) -> String {
    match error {
        Error::Uv(uv::Error::Failed { output, .. }) => output.clone(),
        other => other.to_string(),
    }
}

/// The last of the packs that uv names as contradicting others.
fn contradicting(error: &Error, document: &Document) -> Option<String> {
    let Error::Uv(error) = error else { return None };
    let groups = document.groups();
    match error.failure()? {
        Failure::DependencyConflict { wishes } => wishes.iter().rev().find_map(|wish| match &wish.whose {
            Whose::Group(group) if groups.contains_key(group) => Some(group.clone()),
            _ => None,
        }),
        // Whoever asks for what does not exist.
        Failure::UnknownPackage { name } | Failure::BuildRefused { name } | Failure::NewerThanDate { name } => {
            let asks = |line: &String| {
                comfydock_core::requirements::Requirement::parse(line).is_ok_and(|wish| wish.package() == *name)
            };
            groups.into_iter().find(|(_, lines)| lines.iter().any(asks)).map(|(group, _)| group)
        }
        _ => None,
    }
}

fn first_line(error: &Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

fn shortened(names: &[&str]) -> String {
    let shown = names.iter().take(12).copied().collect::<Vec<_>>().join(", ");
    if names.len() > 12 { format!("{shown} and {} more", names.len() - 12) } else { shown }
}
