//! Flags of the commands that speak to an OCI registry.

use comfydock_workspace::ops::registry::Access;

use crate::error::Failure;
use crate::prompt;
use crate::session::Session;

/// How a registry is reached.
#[derive(clap::Args, Default)]
#[group(id = "registry")]
pub(crate) struct Args {
    /// Read your token for the registry from standard input [default: COMFYDOCK_REGISTRY_TOKEN, docker's or podman's login]
    #[arg(long)]
    registry_token_stdin: bool,
    /// Speak plain http to a registry that is not this machine
    #[arg(long)]
    plain_http: bool,
}

impl Args {
    /// How the registry is reached. A token comes by standard input: what is an argument, everybody on the machine
    /// can read in the list of processes.
    ///
    /// # Errors
    /// When the token is to be read and there is none.
    pub(crate) fn access(&self, session: &Session) -> Result<Access, Failure> {
        let token =
            if self.registry_token_stdin { Some(prompt::secret(session, "Token for the registry")?) } else { None };
        Ok(Access { token, plain_http: self.plain_http })
    }
}
