//! Questions to the person at the terminal. Each has a flag that answers it.

use std::io::IsTerminal;

use comfydock_core::source::Source;
use comfydock_workspace::Error;
use comfydock_workspace::ops::keys;

use crate::error::Failure;
use crate::printer::tame;
use crate::session::Session;

/// Asks yes or no; yes is what Enter says.
///
/// # Errors
/// Without a terminal, when no flag has answered; names the flag.
pub(crate) fn confirm(session: &Session, question: &str, flag: &str) -> Result<bool, Failure> {
    if session.global.yes {
        return Ok(true);
    }
    if !interactive(session) {
        return Err(Error::Unanswered {
            question: format!("there is a question and nobody to answer it: {question}"),
            flag: flag.to_owned(),
        }
        .into());
    }
    yes_or_no(question, true)
}

/// Asks whether something dangerous may be; no is what Enter says, and `--yes` says nothing to it.
///
/// # Errors
/// When the question is broken off.
pub(crate) fn consent(question: &str) -> Result<bool, Failure> {
    yes_or_no(question, false)
}

/// Asks yes or no; `enter` is what Enter says.
///
/// # Errors
/// When the question is broken off.
pub(crate) fn yes_or_no(question: &str, enter: bool) -> Result<bool, Failure> {
    inquire::Confirm::new(&tame(question)).with_default(enter).prompt().map_err(|_| Failure::Cancelled)
}

/// Asks which of some things; returns its position. The first is what Enter says.
///
/// # Errors
/// When the question is broken off.
pub(crate) fn choose(question: &str, options: Vec<&str>) -> Result<usize, Failure> {
    choose_from(question, options, 0)
}

/// Asks which of some things; returns its position. The one at `enter` is what Enter says.
///
/// # Errors
/// When the question is broken off.
pub(crate) fn choose_from<S: AsRef<str>>(question: &str, options: Vec<S>, enter: usize) -> Result<usize, Failure> {
    let (question, options) = (tame(question), options.iter().map(|option| tame(option.as_ref())).collect());
    let select = inquire::Select::new(&question, options).with_starting_cursor(enter);
    Ok(select.raw_prompt().map_err(|_| Failure::Cancelled)?.index)
}

/// Asks for a line, which begins as `before`; none when it is left empty.
///
/// # Errors
/// When the question is broken off.
pub(crate) fn text(question: &str, before: &str) -> Result<Option<String>, Failure> {
    let question = tame(question);
    let asked = inquire::Text::new(&question).with_initial_value(before);
    let answer = asked.prompt().map_err(|_| Failure::Cancelled)?;
    Ok(Some(answer.trim().to_owned()).filter(|answer| !answer.is_empty()))
}

/// Asks where a model can be had until that is a source; none when it is left empty. `before` is what was
/// answered the last time.
///
/// # Errors
/// When the question is broken off.
pub(crate) fn source(session: &Session, question: &str, before: &str) -> Result<Option<Source>, Failure> {
    while let Some(url) = text(question, before)? {
        match Source::given(&url) {
            Ok(source) => return Ok(Some(source)),
            Err(error) => session.say(&format!("  {error}")),
        }
    }
    Ok(None)
}

/// Asks for a name to be typed: what it is about cannot be answered by Enter. Returns whether it was this one.
///
/// # Errors
/// When the question is broken off.
pub(crate) fn typed(question: &str, name: &str) -> Result<bool, Failure> {
    inquire::Text::new(question).prompt().map(|answer| answer.trim() == name).map_err(|_| Failure::Cancelled)
}

/// Asks for a secret without showing it; without a terminal it is the first line of stdin.
///
/// # Errors
/// When there is none.
pub(crate) fn secret(session: &Session, question: &str) -> Result<String, Failure> {
    if interactive(session) {
        return inquire::Password::new(question).without_confirmation().prompt().map_err(|_| Failure::Cancelled);
    }
    let mut line = String::new();
    let _ = std::io::stdin().read_line(&mut line);
    let secret = line.trim().to_owned();
    if secret.is_empty() {
        return Err(Error::Unanswered {
            question: "no token was given".to_owned(),
            flag: "the token on standard input, or a variable (COMFYDOCK_TOKEN for a hub, COMFYDOCK_REGISTRY_TOKEN for a registry)".to_owned(),
        }
        .into());
    }
    Ok(secret)
}

/// The password of a key that is there: COSIGN_PASSWORD, or typed.
///
/// # Errors
/// As [`new_password`].
pub(crate) fn password(session: &Session, question: &str) -> Result<String, Failure> {
    a_password(session, question, |typed| typed.without_confirmation())
}

/// The password for a key that is to be made: COSIGN_PASSWORD, or typed twice.
///
/// # Errors
/// Without either; names the variable. A password on stdin is nobody's habit, and would end up in scripts.
pub(crate) fn new_password(session: &Session, question: &str) -> Result<String, Failure> {
    a_password(session, question, |typed| typed)
}

fn a_password(
    session: &Session,
    question: &str,
    asked: impl FnOnce(inquire::Password<'_>) -> inquire::Password<'_>,
) -> Result<String, Failure> {
    if let Some(password) = keys::password_from_environment() {
        return Ok(password);
    }
    if !interactive(session) {
        return Err(Error::Unanswered {
            question: "there is no password for the key, and nobody to ask for one".to_owned(),
            flag: keys::PASSWORD_VARIABLE.to_owned(),
        }
        .into());
    }
    asked(inquire::Password::new(question)).prompt().map_err(|_| Failure::Cancelled)
}

/// Whether somebody can answer.
pub(crate) fn interactive(session: &Session) -> bool {
    !session.global.no_interactive && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}
