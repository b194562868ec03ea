//! Looks at everything the hub needs and keeps, and changes nothing.

mod contents;
mod machine;

use crate::configuration::Configuration;
use crate::data::DataFolder;
use crate::service::Error;

/// What one look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    Sound(String),
    Problem { text: String, remedy: String },
}

impl Finding {
    fn sound(text: impl Into<String>) -> Self {
        Self::Sound(text.into())
    }

    fn problem(text: impl Into<String>, remedy: impl Into<String>) -> Self {
        // One line each, so that lines can be counted and searched.
        let text = text.into().split_whitespace().collect::<Vec<_>>().join(" ");
        Self::Problem { text, remedy: remedy.into() }
    }
}

/// Takes what is found, at once: a look at many repositories is long.
pub(crate) type Tell<'a> = &'a mut dyn FnMut(Finding) -> Result<(), Error>;

/// Looks at everything. A configuration that cannot be read is a finding like others.
pub(crate) fn examine(
    data: &DataFolder,
    configuration: Result<Configuration, Error>,
    full: bool,
    tell: Tell<'_>,
) -> Result<(), Error> {
    let configuration = match configuration {
        Ok(configuration) => {
            tell(Finding::sound("the configuration"))?;
            configuration
        }
        Err(error) => {
            tell(Finding::problem(error.chain(), "correct it; `comfydock-hub check-config` reads it again"))?;
            Configuration::default()
        }
    };
    let git = machine::examine(data, tell)?;
    contents::examine(data, &configuration, git.as_ref(), full, tell)
}
