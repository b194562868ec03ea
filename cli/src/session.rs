//! One run of the program: flags, the terminal, and the workspace when it is needed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use comfydock_core::name::EnvironmentName;
use comfydock_workspace::Error;
use comfydock_workspace::environment::Environment;
use comfydock_workspace::logs::{self, Log};
use comfydock_workspace::ops::Context;
use comfydock_workspace::remote::hub::Network;
use comfydock_workspace::reporter::Reporter;
use comfydock_workspace::workspace::Workspace;

use crate::error::Failure;
use crate::global::Global;
use crate::printer::{data, talk};
use crate::progress::Terminal;

/// One run of the program.
pub(crate) struct Session {
    /// The flags every command takes.
    pub(crate) global: Global,
    terminal: Terminal,
    log: Arc<Log>,
}

impl Session {
    pub(crate) fn new(global: Global, log: Log) -> Self {
        let log = Arc::new(log);
        let terminal = Terminal::new(global.quiet, global.verbose > 0, log.clone());
        Self { global, terminal, log }
    }

    /// The log of this run.
    pub(crate) fn log(&self) -> Arc<Log> {
        self.log.clone()
    }

    /// Says which environment the run is about, where it is not one that is opened.
    pub(crate) fn about(&self, workspace: &Path, name: &EnvironmentName) {
        self.log.open(&logs::of_environment(workspace, name));
    }

    /// Notes how the run ended. What is about no environment is about the workspace, if there is one.
    pub(crate) fn keep(&self, outcome: &Result<ExitCode, Failure>) {
        crate::record::end(&self.log, outcome);
        if let Ok(root) = self.workspace_path()
            && root.join(".metadata/workspace.json").is_file()
        {
            self.log.open(&logs::of_workspace(&root));
        }
    }

    /// Takes progress off the terminal.
    pub(crate) fn close(&self) {
        self.terminal.close();
    }

    /// Who is told of work that goes on.
    pub(crate) fn reporter(&self) -> &dyn Reporter {
        &self.terminal
    }

    /// What operations are given.
    pub(crate) fn context(&self, allow_hosts: &[String]) -> Context<'_> {
        let from_environment = std::env::var("COMFYDOCK_ALLOW_HOSTS").unwrap_or_default();
        let allow_hosts = allow_hosts.iter().cloned().chain(from_environment.split(',').map(str::to_owned)).collect();
        Context {
            reporter: &self.terminal,
            network: Network {
                offline: self.global.offline,
                insecure_http: self.global.insecure_http,
                allow_hosts,
                ..Network::default()
            },
        }
    }

    /// Where the workspace is or shall be.
    pub(crate) fn workspace_path(&self) -> Result<PathBuf, Error> {
        if let Some(path) = &self.global.workspace {
            return Ok(path.clone());
        }
        std::env::var_os("HOME")
            .map(|home| PathBuf::from(home).join("comfydock_workspace"))
            .ok_or_else(|| Error::refused("there is no home folder", "name the workspace with --workspace"))
    }

    /// Opens the workspace.
    pub(crate) fn workspace(&self) -> Result<Workspace, Error> {
        Workspace::open(&self.workspace_path()?)
    }

    /// Opens the workspace and the environment that is meant.
    pub(crate) fn environment(&self) -> Result<(Workspace, Environment), Error> {
        let workspace = self.workspace()?;
        let environment = workspace.environment(self.global.env.as_ref())?;
        self.about(workspace.root(), environment.name());
        Ok((workspace, environment))
    }

    /// Says something, unless told to be quiet.
    pub(crate) fn say(&self, text: &str) {
        if !self.global.quiet {
            talk(text);
        }
    }

    /// Prints the result: the document with `--json`, else the lines.
    pub(crate) fn print(
        &self,
        command: &str,
        mut document: serde_json::Value,
        lines: impl FnOnce() -> Vec<String>,
    ) -> Result<(), Failure> {
        self.close();
        let lines = lines();
        // What is about no environment may be a new token.
        if self.log.is_open() {
            lines.iter().for_each(|line| self.log.say(&format!("  {line}")));
        }
        if self.global.json {
            if let Some(object) = document.as_object_mut() {
                object.insert("schema".to_owned(), format!("comfydock.{command}/1").into());
            }
            return data(&document.to_string()).map_err(Failure::Output);
        }
        for line in &lines {
            data(line).map_err(Failure::Output)?;
        }
        Ok(())
    }
}
