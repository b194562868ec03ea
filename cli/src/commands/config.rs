use std::process::ExitCode;

use comfydock_workspace::ops::config::{self, Kept, Setting};
use serde_json::{Value, json};

use crate::error::Failure;
use crate::printer::{DIM, paint, table};
use crate::session::Session;

/// See and change settings: consent to outside look-ups, shares, where the model sites are
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Show one setting
    Get {
        /// Its name, as `external_lookup` or `shares.nas`
        name: String,
    },
    /// Change a setting
    Set {
        /// Its name, as `external_lookup` or `shares.nas`
        name: String,
        /// Its value; without one the setting is as it always is
        value: Option<String>,
    },
    /// Show all settings
    List,
}

pub(crate) fn run(session: &Session, command: &Command) -> Result<ExitCode, Failure> {
    let mut workspace = session.workspace()?;
    match command {
        Command::Get { name } => {
            let setting = config::get(&workspace, name)?;
            let found = setting.value.is_some();
            session.print("config.get", describe(&setting), || setting.value.clone().into_iter().collect())?;
            Ok(if found { ExitCode::SUCCESS } else { ExitCode::from(1) })
        }
        Command::Set { name, value } => {
            let setting = config::set(&mut workspace, name, value.as_deref())?;
            session.print("config.set", describe(&setting), || table(&[row(&setting)]))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::List => {
            let settings = config::list(&workspace)?;
            let document = json!({ "settings": settings.iter().map(describe).collect::<Vec<_>>() });
            session.print("config.list", document, || table(&settings.iter().map(row).collect::<Vec<_>>()))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn place(setting: &Setting) -> &'static str {
    match setting.kept {
        Kept::Workspace => "workspace",
        Kept::User => "user",
    }
}

fn describe(setting: &Setting) -> Value {
    json!({ "name": setting.name, "value": setting.value, "kept": place(setting) })
}

fn row(setting: &Setting) -> Vec<String> {
    let value = setting.value.clone().unwrap_or_else(|| paint(DIM, "not set"));
    vec![setting.name.clone(), value, paint(DIM, place(setting))]
}
