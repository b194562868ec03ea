//! What owners change on a hub: environments and tokens.

use comfydock_core::name::RepoPath;
use comfydock_core::wire;
use reqwest::Method;

use super::hub::Hub;
use super::{Error, block_on};

fn place(path: &RepoPath) -> String {
    format!("api/v1/environments/{path}")
}

impl Hub {
    /// The environments on the hub that one may see, or those that one may restore.
    ///
    /// # Errors
    /// When the hub cannot be reached or refuses; as with everything here.
    pub fn environments(&self, deleted: bool) -> Result<wire::EnvironmentList, Error> {
        let query = if deleted { "?deleted=true" } else { "" };
        block_on(self.ask::<(), _>(Method::GET, &format!("api/v1/environments{query}"), None))
    }

    /// An environment.
    ///
    /// # Errors
    /// As [`Self::environments`].
    pub fn environment(&self, path: &RepoPath) -> Result<wire::EnvironmentSummary, Error> {
        block_on(self.ask::<(), _>(Method::GET, &place(path), None))
    }

    /// Changes an environment's name or visibility.
    ///
    /// # Errors
    /// As [`Self::environments`].
    pub fn change(&self, path: &RepoPath, change: &wire::EnvironmentChange) -> Result<wire::EnvironmentSummary, Error> {
        block_on(self.ask(Method::PATCH, &place(path), Some(change)))
    }

    /// Deletes an environment; the answer says until when it can be restored.
    ///
    /// # Errors
    /// As [`Self::environments`].
    pub fn delete(&self, path: &RepoPath) -> Result<wire::EnvironmentSummary, Error> {
        block_on(self.ask::<(), _>(Method::DELETE, &place(path), None))
    }

    /// Takes the deletion of an environment back.
    ///
    /// # Errors
    /// As [`Self::environments`].
    pub fn restore(&self, path: &RepoPath) -> Result<wire::EnvironmentSummary, Error> {
        block_on(self.ask::<(), _>(Method::POST, &format!("{}/restore", place(path)), None))
    }

    /// One's tokens, without their text.
    ///
    /// # Errors
    /// As [`Self::environments`].
    pub fn tokens(&self) -> Result<wire::TokenList, Error> {
        block_on(self.ask::<(), _>(Method::GET, "api/v1/tokens", None))
    }

    /// Makes a token.
    ///
    /// # Errors
    /// As [`Self::environments`].
    pub fn create_token(&self, new: &wire::NewToken) -> Result<wire::CreatedToken, Error> {
        block_on(self.ask(Method::POST, "api/v1/tokens", Some(new)))
    }

    /// Ends a token at once.
    ///
    /// # Errors
    /// As [`Self::environments`].
    pub fn revoke_token(&self, id: i64) -> Result<(), Error> {
        block_on(self.send::<()>(Method::DELETE, &format!("api/v1/tokens/{id}"), None)).map(drop)
    }
}
