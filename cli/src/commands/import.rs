use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use comfydock_core::bundle::Description;
use comfydock_core::manifest::{Manifest, NodeSource};
use comfydock_core::name::EnvironmentName;
use comfydock_core::oci::Reference;
use comfydock_core::plan::acquire::{Strategy, Wanted, wanted};
use comfydock_workspace::Error;
use comfydock_workspace::ops::Context;
use comfydock_workspace::ops::arrive::{self, Choices};
use comfydock_workspace::ops::import::{self, Options, Published, Source};
use comfydock_workspace::ops::registry::Access;
use comfydock_workspace::trust;
use serde_json::json;

use super::arrive::{give_up, open_or_make};
use super::{install_scripts, look_up, registry, report, vouch};
use crate::error::Failure;
use crate::printer::{GREEN, YELLOW, paint};
use crate::prompt;
use crate::session::Session;
use crate::words::{bytes, count};

/// Build an environment from a bundle that somebody sent
///
/// Makes the workspace if there is none. Nothing of the bundle is run; what it takes and where its code comes
/// from is shown first.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The bundle: a .tar.gz that `comfydock export` wrote, or where `comfydock publish` put it: oci://HOST/REPOSITORY:VERSION
    #[arg(value_name = "FILE|REFERENCE")]
    source: String,
    /// What to call it here [default: its name in the bundle, with a number if that is taken]
    #[arg(long)]
    name: Option<EnvironmentName>,
    /// Which models to bring: all, flexible (required and flexible ones), required, or none [default: all]
    #[arg(long, value_name = "WHICH")]
    models: Option<Strategy>,
    /// Do not bring this model (can be given again)
    #[arg(long, value_name = "MODEL")]
    without_model: Vec<String>,
    /// Do not bring this node pack; it stays in the manifest as missing (can be given again)
    #[arg(long, value_name = "PACK")]
    without_node: Vec<String>,
    #[command(flatten)]
    arrive: super::arrive::Args,
    #[command(flatten)]
    vouch: vouch::Args,
    #[command(flatten)]
    registry: registry::Args,
    #[command(flatten)]
    arrival: report::Arrival,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let mut context = session.context(&args.arrival.allow_host);
    // Who made it comes before what it is: nothing of it is fetched or read for anything else until then.
    let access = args.registry.access();
    let published = look(args, &access, &context)?;
    let path = PathBuf::from(&args.source);
    let (source, vouched) = match &published {
        Some(found) => (Source::Registry(found, &access), vouch::published(session, found, &args.vouch)?),
        None => (Source::File(&path), vouch::file(session, &path, &args.vouch)?),
    };
    let (mut workspace, made) = open_or_make(session, &args.arrive.models_dir)?;
    let options = Options {
        name: args.name.clone(),
        torch: args.arrive.torch.clone().unwrap_or_default(),
        add_platform: args.arrive.add_platform,
        vouched,
    };
    let draft = match import::draft(&workspace, &source, &options, &context) {
        Ok(draft) => draft,
        Err(error) => {
            if made {
                workspace.unmake()?;
            }
            return Err(error.into());
        }
    };
    let import::Draft { mut arrival, description, taken } = draft;
    session.about(workspace.root(), arrival.name());
    let agreed = (|| {
        look_up::complete(session, &args.arrival.look_up, &mut workspace, arrival.models_mut(), &mut context)?;
        if args.arrive.scripts.run_install_script {
            arrival.with_install_scripts(&workspace)?;
        }
        if let Some(taken) = &taken {
            session.say(&format!(
                "{}: there is an environment `{taken}` already; this one becomes `{}`",
                paint(YELLOW, "note"),
                arrival.name()
            ));
        }
        for line in summary(&source.shown(), &description, arrival.route()) {
            session.say(&line);
        }
        let chosen = choose(args, arrival.route())?;
        arrival.choose(chosen);
        let added = arrival.added().cloned();
        session.say(&format!("environment {} takes:", arrival.name()));
        let lines = [report::plan(session, arrival.route()), report::platform(added.as_ref())].concat();
        lines.iter().for_each(|line| session.say(line));
        let flag = if arrival.route().plan.new_origins.is_empty() { "--yes" } else { "--accept-origins or --yes" };
        let agreed = args.arrive.accept_origins || prompt::confirm(session, "Build it?", flag)?;
        if !agreed {
            return Err(Failure::Cancelled);
        }
        report::settle(session, &args.arrival, context, &report::names(arrival.route())).map(|context| (context, added))
    })();
    let (context, added) = match agreed {
        Ok(agreed) => agreed,
        Err(failure) => return Err(give_up(workspace, arrival, made, failure)),
    };
    if made {
        session.say(&format!("made workspace {}", workspace.root().display()));
    }
    let name = arrival.name().clone();
    let outcome = arrive::apply(&mut workspace, arrival, args.arrive.activate, &context)?;
    if let Some(found) = &published {
        vouch::note(found)?;
    }
    let environment = workspace.environment(Some(&name))?;
    let runs = args.arrive.scripts.run(&workspace, &environment, &context);
    let unresolved = super::workflow::unresolved(&outcome.route_target.manifest);
    let complete = report::is_complete(&outcome.models) && outcome.missing_nodes.is_empty();
    let document = json!({
        "environment": name, "commit": outcome.route_target.commit, "content_digest": description.content_digest,
        "active": outcome.active, "complete": complete, "models": report::document(&outcome.models),
        "missing_nodes": report::missing_nodes(&outcome.missing_nodes),
        "platform_added": added.as_ref().map(|added| &added.platform), "install_scripts": install_scripts::left(&environment),
        "install_scripts_run": install_scripts::document(&runs),
    });
    session.print("import", document, || {
        let active = if outcome.active { ", now active" } else { "" };
        let workflows = outcome.route_target.workflows.len();
        let mut lines = vec![format!(
            "{} environment {name} with {}{active}",
            paint(GREEN, "imported"),
            count(workflows, "workflow")
        )];
        lines.extend(report::without(&outcome.missing_nodes));
        lines.extend(install_scripts::lines(&runs));
        lines.extend(report::outcome(&outcome.models, &unresolved));
        lines
    })?;
    let code = report::ending(session, &outcome.models, args.arrival.allow_issues);
    let code = if outcome.missing_nodes.is_empty() { code } else { super::complete(false, args.arrival.allow_issues) };
    let code = if install_scripts::ending(session, &environment, &runs, &[]) { code } else { ExitCode::FAILURE };
    report::say_added(session, added.as_ref());
    session.say("next: `comfydock run` starts ComfyUI");
    Ok(code)
}

/// What lies in the registry, where a reference is named.
fn look(args: &Args, access: &Access, context: &Context<'_>) -> Result<Option<Published>, Failure> {
    if !args.source.starts_with("oci://") {
        return Ok(None);
    }
    let reference = Reference::parse(&args.source).map_err(Error::from)?;
    Ok(Some(import::look(&reference, access, &trust::load()?, context)?))
}

/// What the bundle is.
fn summary(source: &str, description: &Description, route: &comfydock_workspace::ops::reach::Route) -> Vec<String> {
    let manifest = &route.target.manifest;
    let of = |kind: NodeSource| manifest.nodes.values().filter(|node| node.source == kind).count();
    let models = wanted(manifest, &route.models);
    vec![
        format!("bundle {source}"),
        format!(
            "  of {} (exported {} by comfydock {})",
            description.environment_name, description.timestamp, description.comfydock_version
        ),
        format!(
            "  ComfyUI {}, Python {}, locked for {}",
            description.comfyui_version, description.python_version, description.platform
        ),
        format!("  {}", count(description.workflows.len(), "workflow")),
        format!(
            "  {} ({} development, {} registry, {} git)",
            count(manifest.nodes.len(), "node pack"),
            of(NodeSource::Development),
            of(NodeSource::Registry),
            of(NodeSource::Git)
        ),
        format!("  {} ({})", count(models.len(), "model"), bytes(models.iter().map(|model| model.size).sum())),
    ]
}

/// What is left out.
fn choose(args: &Args, route: &comfydock_workspace::ops::reach::Route) -> Result<Choices, Failure> {
    let manifest = &route.target.manifest;
    let models = wanted(manifest, &route.models);
    let mut without_models = args.models.unwrap_or_default().leaves_out(&models);
    for word in &args.without_model {
        without_models.insert(key_of(&models, word)?);
    }
    Ok(Choices { without_nodes: nodes(manifest, &args.without_node)?, without_models })
}

fn key_of(models: &[Wanted], word: &str) -> Result<String, Failure> {
    let found = models.iter().find(|model| model.filename == word || model.key.starts_with(word));
    found.map(|model| model.key.clone()).ok_or_else(|| {
        let known: Vec<&str> = models.iter().map(|model| model.filename.as_str()).collect();
        Error::refused(format!("the bundle needs no model `{word}`"), format!("it needs: {}", known.join(", "))).into()
    })
}

fn nodes(manifest: &Manifest, words: &[String]) -> Result<BTreeSet<String>, Failure> {
    let mut found = BTreeSet::new();
    for word in words {
        let node =
            manifest.nodes.iter().find(|(key, node)| *key == word || node.name.as_str().eq_ignore_ascii_case(word));
        let Some((_, node)) = node else {
            let known: Vec<&str> = manifest.nodes.values().map(|node| node.name.as_str()).collect();
            let hint = format!("it has: {}", known.join(", "));
            return Err(Error::refused(format!("the bundle has no node pack `{word}`"), hint).into());
        };
        found.insert(node.name.to_string());
    }
    Ok(found)
}
