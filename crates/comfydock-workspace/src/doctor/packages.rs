//! The Python packages of the venv in force.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use comfydock_core::foreign;
use comfydock_core::manifest::Manifest;
use comfydock_core::plan::commit::plural;
use comfydock_core::plan::doctor::overlaps;
use comfydock_core::python_lock::{self, Lock};
use comfydock_store::file;

use super::venv::{Damage, Depth, FaultKind, Installed};
use super::{Finding, Severity, some};
use crate::Error;
use crate::environment::Environment;
use crate::machine::Machine;
use crate::ops::{Context, install_scripts};
use crate::process::uv::Uv;
use crate::python;
use crate::reporter::Event;
use crate::workspace::Workspace;

const REPAIR: &str = "`comfydock repair` builds the packages anew";
/// What was written into has its size, and `repair` by itself reads no bytes.
const REBUILD: &str = "`comfydock repair --rebuild` builds the packages anew";

/// What was found, and how many packages there are.
pub(super) fn examine(
    workspace: &Workspace,
    environment: &Environment,
    deep: bool,
    context: &Context<'_>,
) -> (Vec<Finding>, usize) {
    let mut found = Vec::new();
    let generation = match environment.generation() {
        Ok(Some(id)) => id,
        Ok(None) => return (vec![Finding::error("packages", "no Python packages are installed", REPAIR)], 0),
        Err(error) => return (vec![Finding::failed("packages", "the Python packages", &error)], 0),
    };
    let venv = environment.generation_folder(&generation);
    found.extend(interpreter(&venv));
    let installed = match Installed::read(&venv) {
        Ok(installed) => installed,
        Err(error) => {
            found.push(Finding::failed("packages", "the venv", &error));
            return (found, 0);
        }
    };
    match files(workspace, &installed, deep, context) {
        Ok(more) => found.extend(more),
        Err(error) => found.push(Finding::failed("package-files", "the packages' files", &error)),
    }
    found.extend(overlaps(&installed.records()).into_iter().map(|overlap| {
        let packages: Vec<String> = overlap.packages.into_iter().collect();
        let text = format!("{} write over each other's files", packages.join(" and "));
        let hint = format!(
            "keep one: leave {} out with override-dependencies of [tool.uv] in .cec/pyproject.toml",
            packages[1..].join(", ")
        );
        Finding::warning("package-overlap", text, hint).with(some(overlap.files))
    }));
    let ran = install_scripts::ran(environment);
    if !ran.is_empty() {
        let text = format!("install scripts of {} were run on these packages", plural(ran.len(), "node pack"));
        let hint = "what they installed or changed is in no lock, and goes when other packages are installed";
        found.push(Finding::new("install-scripts", Severity::Note, text, hint).with(some(ran)));
    }
    match against_lock(workspace, environment, &venv, &generation, context) {
        Ok(more) => found.extend(more),
        Err(error) => found.push(Finding::failed("lock", "uv.lock", &error)),
    }
    (found, installed.count())
}

fn interpreter(venv: &Path) -> Option<Finding> {
    let python = venv.join("bin/python");
    let mut command = Command::new(&python);
    for name in ["PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"] {
        command.env_remove(name);
    }
    let said = match command.args(["-c", "import encodings"]).stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => return None,
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    let text = format!("Python of the environment does not start: `{}`", python.display());
    Some(Finding::error("python", text, REPAIR).with(some(said.lines().map(str::to_owned))))
}

fn files(
    workspace: &Workspace,
    installed: &Installed,
    deep: bool,
    context: &Context<'_>,
) -> Result<Vec<Finding>, Error> {
    let mut damages = installed.damage()?;
    let depth = if deep { Depth::Whole } else { Depth::Touched };
    let label = "the packages' files".to_owned();
    let suspects = installed.suspects(depth);
    context.reporter.report(Event::BytesStart { label: label.clone(), total: Some(suspects.bytes()) });
    let changed = suspects.changed(|count| context.reporter.report(Event::Bytes { label: label.clone(), count }));
    context.reporter.report(Event::BytesEnd { label });
    damages.extend(changed?);
    let poisoned: BTreeSet<&str> =
        damages.iter().filter(|damage| damage.is_shared()).map(|damage| damage.package.as_str()).collect();
    let cure = if poisoned.is_empty() { String::new() } else { cure(workspace, &poisoned, context) };
    Ok(damages.iter().map(|damage| damaged(damage, &cure)).collect())
}

/// The commands that bring poisoned packages in order, one after the other. What is in uv's cache too would
/// be there again in a new venv; the rest of the cache stays.
fn cure(workspace: &Workspace, poisoned: &BTreeSet<&str>, context: &Context<'_>) -> String {
    let packages: Vec<&str> = poisoned.iter().copied().collect();
    let clean = match Uv::find(workspace, true, context.reporter) {
        Ok(uv) => uv.cleaning(&packages),
        Err(_) => format!("UV_CACHE_DIR={} uv cache clean {}", Uv::cache_of(workspace).display(), packages.join(" ")),
    };
    format!("first `{clean}`, then `comfydock repair --rebuild`, in every environment that has them")
}

/// A damaged package.
fn damaged(damage: &Damage, cure: &str) -> Finding {
    let Damage { package, version, faults } = damage;
    let is_poisoned = damage.is_shared();
    let what = match &faults[0].kind {
        FaultKind::Missing => "is damaged: files are missing",
        _ if is_poisoned => "was written into, in uv's cache and every environment that shares it",
        FaultKind::Size { .. } => "is damaged: files have another size",
        FaultKind::Content => "was written into",
    };
    let hint = match (is_poisoned, &faults[0].kind) {
        (true, _) => cure,
        (false, FaultKind::Content) => REBUILD,
        (false, _) => REPAIR,
    };
    let lines = faults.iter().map(|fault| match fault.kind {
        FaultKind::Missing => format!("{} is missing", fault.path),
        FaultKind::Size { expected, found } => format!("{} has {found} bytes and had {expected}", fault.path),
        FaultKind::Content => format!("{} has other bytes than were installed", fault.path),
    });
    let check = if is_poisoned { "package-poisoned" } else { "package-damaged" };
    Finding::error(check, format!("package {package} {version} {what}"), hint).with(some(lines))
}

/// Whether lock, manifest and venv belong together.
fn against_lock(
    workspace: &Workspace,
    environment: &Environment,
    venv: &Path,
    generation: &str,
    context: &Context<'_>,
) -> Result<Vec<Finding>, Error> {
    let mut found = Vec::new();
    let bytes = file::read(&environment.cec().join(foreign::PYTHON_LOCK))?;
    let document = environment.manifest()?;
    // A manifest that cannot be taken is told elsewhere.
    let Ok(manifest) = document.manifest() else { return Ok(found) };
    found.extend(another_generation(environment, &manifest, &bytes, generation)?);
    // Without uv there is nobody to ask, which is told elsewhere too.
    let Ok(uv) = Uv::find(workspace, true, context.reporter) else { return Ok(found) };
    let text = String::from_utf8_lossy(&bytes);
    let lock = Lock::parse(&text).map_err(|message| Error::refused(message, "lock the packages again"))?;
    match python::complaints(&uv, venv, &lock) {
        Ok(complaints) if complaints.is_empty() => {}
        Ok(complaints) => found.push(
            Finding::warning(
                "package-requirements",
                "packages lack what they ask for",
                format!("{REPAIR}; if it stays, the node pack that brings them asks for too little"),
            )
            .with(some(complaints)),
        ),
        Err(error) => found.push(Finding::failed("package-requirements", "what packages ask for", &error)),
    }
    let is_current = match uv.is_lock_current(&environment.cec(), &venv.join("bin/python")) {
        Ok(is_current) => is_current,
        // Offline uv cannot always tell; what the hub would refuse can be told without it.
        Err(_) => python_lock::disagreements(&document.text(), &text).is_ok_and(|found| found.is_empty()),
    };
    if !is_current {
        let cec = environment.cec();
        found.push(Finding::warning(
            "lock",
            "uv.lock is not what the manifest asks for",
            format!(
                "`uv lock --no-build --directory {}` locks anew, `comfydock repair` installs it, `comfydock commit` keeps it",
                cec.display()
            ),
        ));
    }
    Ok(found)
}

fn another_generation(
    environment: &Environment,
    manifest: &Manifest,
    lock: &[u8],
    generation: &str,
) -> Result<Option<Finding>, Error> {
    let machine = Machine::load(environment)?;
    let wanted = python::generation_id(lock, &manifest.environment.python_version, &machine);
    let text = "the installed packages are not those of uv.lock";
    Ok((wanted != generation).then(|| Finding::warning("packages", text, "`comfydock repair` installs them")))
}
