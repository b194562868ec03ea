//! Opening a SQLite database with the settings both ends rely on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

/// A database that cannot be opened or brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// SQLite refused.
    #[error("cannot open database `{}`", .path.display())]
    Sqlite {
        /// The database's file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// It was written by a newer program.
    #[error("database `{}` has version {found}; this program knows up to {known}", .path.display())]
    Newer {
        /// The database's file.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// The newest version known here.
        known: usize,
    },
}

/// Opens or makes the database and applies the migrations it lacks, each in a transaction of its
/// own. Migration N brings `user_version` from N to N+1; they only ever go forward.
///
/// # Errors
/// When it cannot be opened, is newer than `migrations`, or a migration fails (which leaves the
/// version before it).
pub fn open(path: &Path, migrations: &[&str]) -> Result<Connection, Error> {
    let fail = |source| Error::Sqlite { path: path.to_owned(), source };
    let mut connection = Connection::open(path).map_err(fail)?;
    connection.busy_timeout(Duration::from_secs(10)).map_err(fail)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(fail)?;
    if version(&connection).map_err(fail)? == migrations.len() {
        // The usual case writes nothing: journal mode is kept in the file.
        connection.pragma_update(None, "synchronous", "NORMAL").map_err(fail)?;
        return Ok(connection);
    }
    connection.pragma_update(None, "journal_mode", "WAL").map_err(fail)?;
    connection.pragma_update(None, "synchronous", "NORMAL").map_err(fail)?;
    loop {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
        // Read again inside the transaction: another process may have migrated meanwhile.
        let found = version(&transaction).map_err(fail)?;
        if found > migrations.len() {
            return Err(Error::Newer { path: path.to_owned(), found, known: migrations.len() });
        }
        let Some(migration) = migrations.get(found) else { break };
        transaction.execute_batch(migration).map_err(fail)?;
        transaction.pragma_update(None, "user_version", i64::try_from(found + 1).unwrap_or(i64::MAX)).map_err(fail)?;
        transaction.commit().map_err(fail)?;
    }
    Ok(connection)
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    connection
        .query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))
        .map(|found| usize::try_from(found).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_applied_once_and_keep_rows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let first = "CREATE TABLE t(a); INSERT INTO t VALUES (1);";
        open(&path, &[first]).unwrap();
        let connection = open(&path, &[first, "ALTER TABLE t ADD COLUMN b DEFAULT 2;"]).unwrap();
        let sum: i64 = connection.query_row("SELECT a + b FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(sum, 3);
        drop(connection);
        assert!(matches!(open(&path, &[first]), Err(Error::Newer { found: 2, known: 1, .. })));
    }

    #[test]
    fn a_failing_migration_leaves_the_version_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        assert!(open(&path, &["CREATE TABLE t(a);", "CREATE TABLE u(a); nonsense"]).is_err());
        let connection = open(&path, &["CREATE TABLE t(a);", "CREATE TABLE u(b);"]).unwrap();
        connection.execute("INSERT INTO u(b) VALUES (1)", []).unwrap();
    }
}
