//! `comfydock-hub audit`.

use clap::Args;

use super::output;
use crate::db::Database;
use crate::service::visitor::Visitor;
use crate::service::{Error, audit};

#[derive(Args)]
pub(super) struct Audit {
    /// Only what was done to this, spelt as in the list: `studio/look`, `ann`, `ann#3`
    #[arg(long)]
    subject: Option<String>,
    /// How many entries
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// Only entries before this one
    #[arg(long, value_name = "ID")]
    before: Option<i64>,
}

pub(super) fn run(command: &Audit, database: &Database) -> Result<(), Error> {
    let question =
        audit::Question { subject: command.subject.as_deref(), before: command.before, limit: command.limit };
    let page = audit::page(database, &Visitor::Operator, &question)?;
    // Each entry is one line, whatever was written into it.
    let one_line = |text: String| text.escape_debug().to_string().replace("\\n", "; ");
    let rows: Vec<_> = page
        .entries
        .into_iter()
        .map(|entry| {
            [entry.id.to_string(), entry.at, entry.actor, entry.action, one_line(entry.subject), one_line(entry.detail)]
        })
        .collect();
    output::table(["ID", "AT", "BY", "WHAT", "TO", "DETAIL"], &rows)
}
