//! Flags of the commands that speak to an OCI registry.

use comfydock_workspace::ops::registry::Access;

/// How a registry is reached.
#[derive(clap::Args, Default)]
#[group(id = "registry")]
pub(crate) struct Args {
    /// Your token for the registry [default: COMFYDOCK_REGISTRY_TOKEN, docker's or podman's login]
    #[arg(long, value_name = "TOKEN", env = "COMFYDOCK_REGISTRY_TOKEN", hide_env_values = true)]
    registry_token: Option<String>,
    /// Speak plain http to a registry that is not this machine
    #[arg(long)]
    plain_http: bool,
}

impl Args {
    pub(crate) fn access(&self) -> Access {
        Access { token: self.registry_token.clone(), plain_http: self.plain_http }
    }
}
