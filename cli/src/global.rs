//! Flags that every command takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use comfydock_core::name::EnvironmentName;

/// Flags that every command takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct Global {
    /// The workspace to work in
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "COMFYDOCK_HOME",
        hide_env_values = true,
        help_heading = "Global options"
    )]
    pub(crate) workspace: Option<PathBuf>,
    /// The environment to work on instead of the active one
    #[arg(short, long, global = true, value_name = "NAME", help_heading = "Global options")]
    pub(crate) env: Option<EnvironmentName>,
    /// Print one JSON document to stdout instead of text
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,
    /// Say only results and what went wrong
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(crate) quiet: bool,
    /// Say when each step began, and where missing models are looked for
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    pub(crate) verbose: u8,
    /// Answer yes to every question that can lose nothing
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(crate) yes: bool,
    /// Never ask; a question without a flag that answers it is an error
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) no_interactive: bool,
    /// Use what is cached and never the network
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) offline: bool,
    /// Send the token to a hub without TLS on another machine
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) insecure_http: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Global options")]
    pub(crate) color: Color,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, ValueEnum)]
// No doc comments on the variants: clap would print a paragraph for each in every command's help.
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

impl Color {
    /// Makes it so for everything that is printed.
    pub(crate) fn apply(self) {
        let choice = match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}
