//! What a site says instead of an answer, and what can be done about it.

use serde::{Deserialize, Serialize};

use super::Site;

/// Why a site gave no answer, or not the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// It does not know it, or no longer.
    Missing,
    /// Its owner wants to know who asks; what the site says about it.
    Login(Option<String>),
    /// One must accept its terms first.
    Gated,
    /// Who is logged in may not have it, or the client itself is shut out.
    Forbidden(Option<String>),
    /// Its owner lets nobody download it.
    Disabled,
    /// Only supporters may have it as yet; until when.
    EarlyAccess(Option<String>),
    /// Its owner has archived it.
    Archived,
    /// Too much was asked; come back in so many seconds.
    Busy(Option<u32>),
    /// It does not serve this region.
    Region,
    /// The site is out of order; the HTTP status.
    Broken(u16),
    /// Something else; the HTTP status.
    Odd(u16),
}

impl Refusal {
    /// Whether asking this site for other things in this run is of no use either.
    pub fn closes(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Region | Self::Broken(_) | Self::Odd(_))
    }

    /// Whether it may be different a moment later.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Broken(_))
    }

    /// What it says, as a clause.
    pub fn clause(&self, site: Site) -> String {
        let said = |said: &Option<String>| said.as_ref().map(|text| format!(" ({text})")).unwrap_or_default();
        match self {
            Self::Missing => format!("{site} does not know it"),
            Self::Login(text) => format!("{site} gives it only to who is logged in{}", said(text)),
            Self::Gated => format!("{site} gives it only to who has accepted its terms"),
            Self::Forbidden(text) => format!("{site} does not give it to you{}", said(text)),
            Self::Disabled if site == Site::HuggingFace => format!("{site} lets nobody download it any more"),
            Self::Disabled => format!("its owner on {site} lets nobody download it"),
            Self::EarlyAccess(Some(until)) => format!("it is in early access on {site} until {until}"),
            Self::EarlyAccess(None) => format!("it is in early access on {site}"),
            Self::Archived => format!("it was archived on {site}"),
            Self::Busy(Some(seconds)) => format!("{site} wants to be left alone for {seconds} s"),
            Self::Busy(None) => format!("{site} was asked too much"),
            Self::Region => format!("{site} does not serve the region you are in"),
            Self::Broken(status) => format!("{site} is out of order (HTTP status {status})"),
            Self::Odd(status) => format!("{site} answered with HTTP status {status}"),
        }
    }

    /// The clause, and what can be done about it.
    pub fn told(&self, site: Site) -> String {
        let remedy = self.remedy(site).map(|remedy| format!("; {remedy}")).unwrap_or_default();
        format!("{}{remedy}", self.clause(site))
    }

    /// What can be done about it.
    pub fn remedy(&self, site: Site) -> Option<String> {
        match (self, site) {
            (Self::Login(_) | Self::Forbidden(_), Site::Civitai) => {
                Some("set CIVITAI_API_TOKEN to a key of your account there".to_owned())
            }
            (Self::Login(_) | Self::Forbidden(_), Site::HuggingFace) => {
                Some("if the repository exists and you may see it, set HF_TOKEN".to_owned())
            }
            (Self::Gated, _) => Some("accept the terms on the repository's page and set HF_TOKEN".to_owned()),
            (Self::Busy(_) | Self::Broken(_), _) => Some("run the command again in a while".to_owned()),
            (Self::Disabled | Self::Archived | Self::EarlyAccess(_), _) => {
                Some("if you have the file elsewhere, put it into a models folder".to_owned())
            }
            _ => None,
        }
    }
}
