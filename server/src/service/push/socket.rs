//! The socket on which git's hook asks about a push.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

use super::judge::{Case, Judgement, judge};
use super::pending::{Update, written};
use super::undo;
use crate::barrier::Passage;
use crate::bridge::blocking;
use crate::clock;
use crate::db::pushes;
use crate::hook::{Question, Verdict};
use crate::service::{Error, access};
use crate::state::{App, Hub};

/// Bytes of one question at most: some ten thousand references.
const QUESTION_LIMIT: u64 = 4 * 1024 * 1024;
/// Bytes beyond that which are read and thrown away.
const DRAIN_LIMIT: u64 = 1024 * 1024 * 1024;
/// A hook asks at once or is none.
const PATIENCE: Duration = Duration::from_secs(30);

/// What nobody hears any more.
const TOO_LATE: &str = "the push ended before it was judged";

/// Answers hooks for as long as the hub runs.
pub(crate) async fn answer_hooks(hub: App, listener: UnixListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let hub = hub.clone();
                tokio::spawn(async move {
                    if let Err(error) = answer(hub, stream).await {
                        tracing::warn!(%error, "a hook was not answered");
                    }
                });
            }
            Err(error) => {
                tracing::error!(%error, "the hook's socket does not accept");
                // Out of file descriptors, most likely: others must finish first.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn answer(hub: App, mut stream: UnixStream) -> std::io::Result<()> {
    let mut text = Vec::new();
    let mut limited = (&mut stream).take(QUESTION_LIMIT);
    tokio::time::timeout(PATIENCE, limited.read_to_end(&mut text)).await??;
    if text.len() as u64 == QUESTION_LIMIT {
        // A hook that is still writing would not hear the answer.
        let mut rest = (&mut stream).take(DRAIN_LIMIT);
        tokio::time::timeout(PATIENCE, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await??;
    }
    let verdict = match serde_json::from_slice(&text) {
        _ if text.len() as u64 == QUESTION_LIMIT => {
            let limit = hub.configuration.push.references;
            refusal(&format!("the push changes too many references; at most {limit} at a time"))
        }
        Ok(question) => blocking(move || decide(&hub, question)).await.unwrap_or_else(|error| {
            tracing::error!(error = error.chain(), "a push could not be judged");
            refusal("the hub failed while judging this push; its log says why")
        }),
        Err(_) => refusal("the hook's question is not one the hub understands"),
    };
    stream.write_all(&serde_json::to_vec(&verdict)?).await?;
    stream.shutdown().await
}

fn refusal(message: &str) -> Verdict {
    Verdict { accepted: false, lines: vec![format!("error: {message}")] }
}

fn decide(hub: &Hub, question: Question) -> Result<Verdict, Error> {
    let Some(push) = hub.pushes.take_question(&question.secret) else {
        return Ok(refusal("this push is not one the hub is waiting for"));
    };
    let repository = hub.data.repository(&push.environment.id);
    let mut folders = Vec::new();
    if let Some(quarantine) = &question.quarantine {
        let failed = |error| Error::system("cannot open the quarantine", error);
        let quarantine = quarantine.canonicalize().map_err(failed)?;
        if !quarantine.starts_with(repository.join("objects")) {
            return Ok(refusal("the quarantine is not in the repository"));
        }
        folders.push(quarantine);
    }
    folders.push(repository.join("objects"));
    let Some(updates) = question.updates.iter().map(|line| Update::parse(line)).collect::<Option<Vec<_>>>() else {
        return Ok(refusal("the hook's question is not one the hub understands"));
    };
    let case = Case {
        repository: &repository,
        folders: &folders,
        updates: &updates,
        options: &question.options,
        is_over: &push.is_over,
        protected: &hub.configuration.push.protected,
        most_references: hub.configuration.push.references,
    };
    let owner = || access::ownership(&hub.database, &push.caller, &push.environment);
    let Judgement { verdict, allowed } = match judge(&case, owner) {
        // Its permit is another's now, and its quarantine may be gone.
        Err(_) if push.is_over.load(Ordering::Relaxed) => return Ok(refusal(TOO_LATE)),
        outcome => outcome?,
    };
    if verdict.accepted {
        // Before the row: a backup shall hold neither or both.
        let passage = Passage::enter(&hub.data)?;
        match access::check_again(&hub.database, &push.caller, &push.environment) {
            Ok(()) => {}
            Err(error @ (Error::NotFound(_) | Error::Conflict { .. } | Error::Forbidden { .. })) => {
                let mut verdict = refusal(&error.to_string());
                verdict.lines.extend(error.hint().map(|hint| format!("hint: {hint}")));
                return Ok(verdict);
            }
            Err(error) => return Err(error),
        }
        let lines = written(&updates);
        let noting = hub.pushes.note();
        undo::make_good(hub, &push.environment, &passage, &noting)?;
        let journal = hub.database.write(|transaction| {
            pushes::begin(transaction, &push.environment.id, &push.caller.user, clock::now(), &lines)
        })?;
        if !hub.pushes.accept(&question.secret, updates, allowed, journal, passage) {
            // A row that stayed would take back the next push of the same, which its client is told of.
            hub.database.write(|transaction| pushes::end(transaction, journal))?;
            return Ok(refusal(TOO_LATE));
        }
    } else {
        let environment = push.environment.path();
        tracing::info!(environment, user = push.caller.user, reason = verdict.lines.first(), "push refused");
    }
    Ok(verdict)
}
