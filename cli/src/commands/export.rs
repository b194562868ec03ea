use std::path::PathBuf;
use std::process::ExitCode;

use comfydock_core::admission::Rule;
use comfydock_core::manifest::{Manifest, NodeSource};
use comfydock_core::plan::ready::{Ready, What};
use comfydock_core::source::Source;
use comfydock_workspace::Error;
use comfydock_workspace::environment::Environment;
use comfydock_workspace::ops::Context;
use comfydock_workspace::ops::commit::describe as describe_open;
use comfydock_workspace::ops::export::{self, Draft, Options, Prepared};
use comfydock_workspace::workspace::Workspace;
use serde_json::{Value, json};

use crate::error::Failure;
use crate::printer::{BOLD, GREEN, YELLOW, paint};
use crate::prompt;
use crate::session::Session;
use crate::words::{bytes, count, list};

/// Write the environment's last commit into one file that others can import
///
/// It holds the manifest, the locks, the workflows and the source of development nodes. Models, node packs of
/// the registry or of git, and Python packages are named in it and are fetched by whoever imports it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The file to write [default: NAME_export_DATE.tar.gz in this folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
    /// The key that signs it, beside it as FILE.sigstore.json; its password is asked for, or COSIGN_PASSWORD
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    content: Content,
}

/// Flags of the commands that make a bundle.
#[derive(clap::Args)]
#[group(id = "content")]
pub(crate) struct Content {
    /// These workflows alone, and what they need (can be given again)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    workflows: Vec<String>,
    /// Where a model can be had that nobody else can download yet (can be given again)
    #[arg(long, value_name = "MODEL=URL", value_parser = super::workflow::resolve::pair)]
    source: Vec<(String, String)>,
    /// Leave models without a source as they are, and do not ask
    #[arg(long)]
    no_sources: bool,
    /// Do not measure models that have no full hash yet
    #[arg(long)]
    no_full_hash: bool,
    /// Export although models of workflows are not found or not clear, or nobody can download them
    #[arg(long)]
    allow_issues: bool,
    /// Export in spite of what a rule about secrets finds, as printed: `secret:openai-key`; may be repeated
    #[arg(long, value_name = "RULE", value_parser = super::push::secret_rule)]
    allow_secret: Vec<Rule>,
}

/// A bundle that was prepared, and what was recorded for it.
pub(crate) struct Made {
    pub(crate) prepared: Prepared,
    /// The version that holds what was recorded.
    pub(crate) recorded: Option<usize>,
    /// Models whose file is not on this machine any more.
    gone: Vec<String>,
    /// Node packs with changed files that the bundle does not hold.
    modified: Vec<Value>,
}

/// Looks, asks, records and gathers: everything that comes before a bundle is written or sent.
///
/// # Errors
/// When there is work that no commit has, something may not leave, or a question is broken off.
pub(crate) fn prepare(
    session: &Session,
    args: &Content,
    workspace: &Workspace,
    environment: &Environment,
    context: &Context<'_>,
) -> Result<Made, Failure> {
    let draft = export::draft(workspace, environment, &args.workflows, context)?;
    let draft = settle(session, args, workspace, environment, draft, context)?;
    let sources = sources(session, args, &draft)?;
    let gone: Vec<String> = draft.gone().into_keys().map(str::to_owned).collect();
    let modified: Vec<Value> =
        draft.modified().into_iter().map(|(name, files)| json!({ "name": name, "files": files })).collect();
    let measure = measure(session, args, &draft)?;
    let recorded = export::record(workspace, environment, draft, &sources, measure, context)?;
    if let Some(version) = recorded {
        session.say(&format!("recorded hashes and sources of models in v{version}"));
    }
    let options = Options { workflows: &args.workflows, allow: &args.allow_secret };
    let prepared = export::prepare(workspace, environment, &options, context)?;
    tell(session, &prepared);
    Ok(Made { prepared, recorded, gone, modified })
}

/// Models nobody can download.
fn without_source(manifest: &Manifest) -> Vec<&str> {
    let models = manifest.models.values().filter(|model| model.sources.is_empty());
    models.map(|model| model.filename.as_str()).collect()
}

/// How it ends: not everyone may be able to get all it needs.
pub(crate) fn ending(session: &Session, args: &Content, made: &Made) -> ExitCode {
    let manifest = made.prepared.manifest();
    let whole =
        without_source(manifest).is_empty() && super::workflow::unresolved(manifest).values().all(Vec::is_empty);
    if !whole && !args.allow_issues {
        session.say(&format!(
            "{} the bundle is whole, but not everyone can get all it needs: {}",
            paint(BOLD, "note:"),
            "`comfydock models source add NAME URL` says where a model can be had; --allow-issues takes it as it is"
        ));
    }
    super::complete(whole, args.allow_issues)
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let (workspace, environment) = session.environment()?;
    let context = session.context(&[]);
    // Whoever answers questions for a file that cannot be written answers them twice.
    if let Some(path) = &args.output {
        export::check_free(path, args.force)?;
    }
    let key = super::key::signing(session, args.key.as_deref())?;
    let made = prepare(session, &args.content, &workspace, &environment, &context)?;
    let Made { prepared, recorded, .. } = &made;
    let path = args.output.clone().unwrap_or_else(|| PathBuf::from(export::default_name(prepared.description())));
    export::check_free(&path, args.force)?;
    let question = format!("Write {} ({} before packing)?", path.display(), bytes(prepared.bytes()));
    if !prompt::confirm(session, &question, "--yes")? {
        return Err(Failure::Cancelled);
    }
    let outcome = export::write(&environment, prepared, &path, args.force, &context)?;
    let signature = match &key {
        Some(key) => Some(export::sign(key, prepared, &outcome.path)?),
        None => None,
    };
    if outcome.bytes > comfydock_core::bundle::LARGE_BUNDLE {
        let note = "a bundle should hold no data: is something in a development node that belongs into its .gitignore?";
        session.say(&format!("{}: {} is large; {note}", paint(YELLOW, "warning"), bytes(outcome.bytes)));
    }
    let manifest = prepared.manifest();
    let without = without_source(manifest);
    let mut unresolved = super::workflow::unresolved(manifest);
    unresolved.retain(|_, names| !names.is_empty());
    let document = json!({
        "path": outcome.path, "size": outcome.bytes, "content_digest": outcome.content_digest,
        "commit": prepared.description().environment_commit, "recorded": recorded,
        "workflows": prepared.description().workflows,
        "nodes": manifest.nodes.len(), "dev_nodes": prepared.dev_nodes().iter().map(|node| json!({
            "name": node.name, "files": node.files, "size": node.bytes, "modified": node.modified,
            "left_out": node.left_out.iter().map(|(path, why)| json!({ "path": path, "reason": why })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "models": manifest.models.len(), "without_source": without, "missing_models": made.gone,
        "modified_nodes": made.modified, "unresolved": unresolved, "allowed": prepared.allowed(), "signature": signature,
    });
    session.print("export", document, || {
        let mut lines =
            vec![format!("{} {} ({})", paint(GREEN, "exported"), outcome.path.display(), bytes(outcome.bytes))];
        lines.extend(summary(prepared, without.len()));
        lines.extend(signature.iter().map(|path| format!("  signed: {}", path.display())));
        lines.push(format!("  content sha256:{}", outcome.content_digest));
        lines
    })?;
    session.say("next: send the file; `comfydock import FILE` builds the environment from it");
    Ok(ending(session, &args.content, &made))
}

/// What stays open in workflows: settled now, on a terminal, or taken as it is.
fn settle(
    session: &Session,
    args: &Content,
    workspace: &Workspace,
    environment: &Environment,
    draft: Draft,
    context: &Context<'_>,
) -> Result<Draft, Failure> {
    let mut draft = draft;
    loop {
        validation(session, &draft);
        if draft.open().is_empty() || args.allow_issues {
            return Ok(draft);
        }
        let details = draft.open().iter().map(describe_open).collect();
        let mut workflows: Vec<String> = draft.open().iter().map(|open| open.workflow.clone()).collect();
        workflows.dedup();
        let first = workflows.first().cloned().unwrap_or_default();
        if !prompt::interactive(session) || session.global.json {
            return Err(Error::Refused {
                message: "models of workflows are not settled; nothing was exported".to_owned(),
                details,
                hint: Some(format!("`comfydock workflow resolve {first}`, or --allow-issues to export as it is")),
            }
            .into());
        }
        let options = vec!["settle them now", "export as it is", "cancel"];
        match prompt::choose("Models of workflows are not settled", options)? {
            0 => {}
            1 => return Ok(draft),
            _ => return Err(Failure::Cancelled),
        }
        for workflow in &workflows {
            super::workflow::resolve::ask(session, workflow)?;
        }
        if let Some(version) = export::keep(workspace, environment, context)? {
            session.say(&format!("recorded what was settled in v{version}"));
        }
        draft = export::draft(workspace, environment, &args.workflows, context)?;
    }
}

/// Each workflow, and whether it is settled; then what others may miss although it is.
fn validation(session: &Session, draft: &Draft) {
    let manifest = draft.manifest();
    session.say("checked:");
    for ready in draft.workflows() {
        let name = &ready.workflow;
        let models = manifest.workflows.get(name).map_or(0, Vec::len);
        let open = draft.open().iter().filter(|open| open.workflow == *name).count();
        let nodes = count(draft.node_count(name), "node");
        session.say(&if open == 0 {
            format!("  {} workflow {name} ({nodes}, {}, all settled)", paint(GREEN, "ready"), count(models, "model"))
        } else {
            format!(
                "  {} workflow {name} ({nodes}, {open} of {} not settled)",
                paint(YELLOW, "not ready"),
                count(models, "model")
            )
        });
    }
    for open in draft.open() {
        session.say(&format!("    {}", describe_open(open)));
    }
    let warn = |text: String| session.say(&format!("{}: {text}", paint(YELLOW, "warning")));
    let unknown_types = |ready: &Ready| {
        let lacks = ready.lacks.iter().filter(|lack| matches!(lack.what, What::NodeType { .. }));
        lacks.map(|lack| lack.name.clone()).collect::<Vec<_>>()
    };
    let unknown = draft.workflows().iter().map(|ready| (&ready.workflow, unknown_types(ready)));
    let unknown: Vec<_> = unknown.filter(|(_, types)| !types.is_empty()).collect();
    for (workflow, types) in &unknown {
        warn(format!("workflow {workflow}: no node pack here is known to have nodes of type {}", list(types)));
    }
    if !unknown.is_empty() {
        session.say("  `comfydock node missing` tells which node packs claim them");
    }
    for (name, workflows) in draft.gone() {
        warn(format!(
            "model {name}, needed by {}, is not on this machine any more: the bundle names it as it was; {}",
            list(&workflows),
            "`comfydock models index` finds a file that was moved"
        ));
    }
    for (pack, files) in draft.modified() {
        warn(format!("node pack {pack} has changed files that the bundle does not hold: {}", list(files)));
    }
}

/// Where models can be had that have no source: by flag, typed, or left.
fn sources(session: &Session, args: &Content, draft: &Draft) -> Result<Vec<(String, Source)>, Failure> {
    let mut found = Vec::new();
    for (word, url) in &args.source {
        let source = Source::given(url).map_err(Error::from)?;
        let named =
            draft.without_source().iter().find(|named| named.filename == *word || named.key.starts_with(word.as_str()));
        let known = draft
            .manifest()
            .models
            .iter()
            .find(|(key, model)| model.filename == *word || key.starts_with(word.as_str()));
        let Some(key) = named.map(|named| named.key.clone()).or_else(|| known.map(|(key, _)| key.clone())) else {
            let names: Vec<&str> = draft.without_source().iter().map(|named| named.filename.as_str()).collect();
            let hint = if names.is_empty() {
                "every model has a source".to_owned()
            } else {
                format!("without a source: {}", names.join(", "))
            };
            return Err(Error::refused(format!("no workflow needs a model `{word}`"), hint).into());
        };
        found.push((key, source));
    }
    if args.no_sources || session.global.yes || !prompt::interactive(session) {
        return Ok(found);
    }
    for named in draft.without_source() {
        if found.iter().any(|(key, _)| *key == named.key) {
            continue;
        }
        let Some(model) = draft.manifest().models.get(&named.key) else { continue };
        session.say(&format!(
            "model {} ({}, {}), needed by {}",
            model.relative_path.as_str(),
            bytes(model.size),
            model.category,
            list(&named.workflows)
        ));
        if let Some(sha256) = &model.sha256 {
            session.say(&format!("  SHA-256 {}…", sha256.short(16)));
        }
        if !draft.is_here(&named.key) {
            session.say(&format!("  {}: its file is not on this machine any more", paint(YELLOW, "warning")));
        }
        let question = "Nobody can download it. Its URL (Enter leaves it so):";
        if let Some(source) = prompt::source(session, question, "")? {
            found.push((named.key.clone(), source));
        }
    }
    Ok(found)
}

fn measure(session: &Session, args: &Content, draft: &Draft) -> Result<bool, Failure> {
    let unmeasured = draft.unmeasured();
    if unmeasured.is_empty() || args.no_full_hash {
        return Ok(false);
    }
    let question = super::commit::measuring(unmeasured.len(), unmeasured.iter().map(|file| file.size).sum());
    prompt::confirm(session, &question, "--yes or --no-full-hash")
}

/// What goes into it that deserves a word.
fn tell(session: &Session, prepared: &Prepared) {
    let warn = |text: String| session.say(&format!("{}: {text}", paint(YELLOW, "warning")));
    for node in prepared.dev_nodes() {
        session.say(&format!("development node {} ({}, {})", node.name, count(node.files, "file"), bytes(node.bytes)));
        if node.bytes > comfydock_core::bundle::LARGE_DEV_NODE {
            warn(format!("development node {} is large; its .gitignore says what stays out", node.name));
        }
        if !node.modified.is_empty() {
            warn(format!(
                "development node {} goes with changes that no commit of it has: {}",
                node.name,
                list(&node.modified)
            ));
        }
        for (path, why) in &node.left_out {
            warn(format!("{}/{path} stays behind: {why}", node.name));
        }
    }
    for found in prepared.allowed() {
        warn(format!("packed all the same: {found}"));
    }
}

fn summary(prepared: &Prepared, without_source: usize) -> Vec<String> {
    let manifest = prepared.manifest();
    let development = manifest.nodes.values().filter(|node| node.source == NodeSource::Development).count();
    let models = manifest.models.len();
    vec![
        format!("  {}", count(prepared.description().workflows.len(), "workflow")),
        format!(
            "  {} ({development} development, {} from registry or git)",
            count(manifest.nodes.len(), "node pack"),
            manifest.nodes.len() - development
        ),
        format!("  {} ({} with a source, {without_source} without)", count(models, "model"), models - without_source),
    ]
}
