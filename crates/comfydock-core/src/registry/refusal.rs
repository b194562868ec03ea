//! What the registry says instead of an answer.

use serde_json::Value;

/// Why the registry gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The pack is banned.
    Banned,
    /// It does not know what was asked for.
    Missing,
    /// It does not understand the question; what it says.
    Misunderstood(Option<String>),
    /// Too much was asked; come back in so many seconds.
    Busy(Option<u32>),
    /// It is out of order; the HTTP status, and what it says.
    Broken(u16, Option<String>),
    /// Something else; the HTTP status, and what it says.
    Odd(u16, Option<String>),
}

impl Refusal {
    /// What an answer means; nothing if it is a success. `wait` are the seconds that its headers ask to
    /// stay away.
    pub fn of(status: u16, wait: Option<u32>, body: &[u8]) -> Option<Self> {
        Some(match status {
            200..=299 => return None,
            400 => Self::Misunderstood(said(body)),
            // A page comes from a proxy, not from the registry.
            403 if !body.trim_ascii_start().starts_with(b"<") => Self::Banned,
            404 => Self::Missing,
            429 => Self::Busy(wait),
            500..=599 => Self::Broken(status, said(body)),
            _ => Self::Odd(status, said(body)),
        })
    }

    /// Whether it may be different a moment later.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Broken(..))
    }

    /// What it says of `what` that was asked for (a noun: "node pack `x`").
    pub fn told(&self, what: &str) -> String {
        let words = |said: &Option<String>| said.as_ref().map(|said| format!(": {said}")).unwrap_or_default();
        match self {
            Self::Banned => format!("{what} is banned"),
            Self::Missing => format!("there is no {what}"),
            Self::Misunderstood(said) => format!("it does not understand the question for {what}{}", words(said)),
            Self::Busy(Some(seconds)) => format!("it wants to be left alone for {seconds} s"),
            Self::Busy(None) => "it was asked too much".to_owned(),
            Self::Broken(status, said) => format!("it is out of order (HTTP status {status}{})", words(said)),
            Self::Odd(status, said) => format!("it answered with HTTP status {status}{}", words(said)),
        }
    }

    /// What can be done about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Banned => "look for another pack; the registry bans what harms, and comfydock does not install it",
            Self::Missing => "check the spelling at registry.comfy.org, or give the pack's git URL",
            Self::Misunderstood(_) => "check the id and the version; a version is three numbers, as in 1.2.3",
            Self::Busy(_) | Self::Broken(..) => "run the command again in a while",
            Self::Odd(..) => "is COMFYDOCK_REGISTRY_URL right, and does no proxy stand in between?",
        }
        .to_owned()
    }
}

/// What it says, on one short line: `message`, else `error`.
fn said(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    ["message", "error"].iter().find_map(|key| {
        let text = value.get(key)?.as_str()?;
        let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let line: String = line.chars().filter(|letter| !letter.is_control()).take(160).collect();
        (!line.is_empty()).then_some(line)
    })
}
