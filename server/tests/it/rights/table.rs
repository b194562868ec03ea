//! The table: what each caller is answered, in the order of [`super::CALLERS`].

/// A question; a status for each caller.
pub(super) struct Row {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: &'static str,
    pub(super) expected: Vec<u16>,
}

/// Every row, in the order in which they are to be asked.
pub(super) fn rows() -> impl Iterator<Item = Row> {
    rows_about("", "")
}

/// The same, with the SHA-256 of a file that `studio/look` has, and of one that `other/look` has.
pub(super) fn rows_about(kept: &str, other: &str) -> impl Iterator<Item = Row> {
    [READING, REFUSED, DONE].into_iter().flat_map(str::lines).filter_map(move |line| {
        let line = line.split('#').next().unwrap().trim();
        let (mut words, mut expected) = (line.split_whitespace().peekable(), Vec::new());
        while let Some(status) = words.next_if(|word| word.starts_with(|first: char| first.is_ascii_digit())) {
            expected.push(status.parse().unwrap());
        }
        let (method, path) = (words.next()?, words.next()?);
        let path = path.replace("KEPT", kept).replace("OTHER", other);
        Some(Row { method, path, body: words.next().unwrap_or_default(), expected })
    })
}

/// Questions that change nothing.
const READING: &str = r#"
# anon read_ write chief forgn strng hub__ hubpu read_ push_ studi other look_ disab revok expir
401   200   200   200   200   200   200   200   200   200   200   200   200   401   401   401   GET /api/v1/whoami
# `studio/open` is public, so that there is something for everybody.
200   200   200   200   200   200   200   200   200   200   200   200   200   401   401   401   GET /api/v1/environments
401   200   200   200   200   200   200   200   200   200   200   200   200   401   401   401   GET /api/v1/environments?deleted=true
# Private.
401   200   200   200   404   404   200   200   200   200   200   404   200   401   401   401   GET /api/v1/environments/studio/look
401   200   200   200   404   404   200   200   200   200   200   404   200   401   401   401   GET /studio/look/info/refs?service=git-upload-pack
401   403   200   200   404   404   200   200   403   200   200   404   200   401   401   401   GET /studio/look/info/refs?service=git-receive-pack
# Public.
200   200   200   200   200   200   200   200   200   200   200   404   404   401   401   401   GET /api/v1/environments/studio/open
200   200   200   200   200   200   200   200   200   200   200   404   404   401   401   401   GET /studio/open/info/refs?service=git-upload-pack
401   403   200   200   403   403   200   200   403   200   200   404   404   401   401   401   GET /studio/open/info/refs?service=git-receive-pack
# Deleted.
401   404   404   404   404   404   404   404   404   404   404   404   404   401   401   401   GET /api/v1/environments/studio/gone
401   404   404   404   404   404   404   404   404   404   404   404   404   401   401   401   GET /studio/gone/info/refs?service=git-upload-pack
401   403   409   409   404   404   409   409   403   409   409   404   404   401   401   401   GET /studio/gone/info/refs?service=git-receive-pack
# Under its old name, and under the new one.
401   200   200   200   404   404   200   200   200   200   200   404   404   401   401   401   GET /api/v1/environments/studio/before
401   200   200   200   404   404   200   200   200   200   200   404   404   401   401   401   GET /studio/before/info/refs?service=git-upload-pack
401   403   200   200   404   404   200   200   403   200   200   404   404   401   401   401   GET /studio/Before.git/info/refs?service=git-receive-pack
401   200   200   200   404   404   200   200   200   200   200   404   404   401   401   401   GET /studio/after/info/refs?service=git-upload-pack
# Never pushed to.
401   404   404   404   404   404   404   404   404   404   404   404   404   401   401   401   GET /api/v1/environments/studio/new
401   403   200   200   404   404   200   200   403   200   200   404   404   401   401   401   GET /studio/new/info/refs?service=git-receive-pack
# Git's own requests; without its media type they are refused only once they would be allowed.
401   415   415   415   404   404   415   415   415   415   415   404   415   401   401   401   POST /studio/look/git-upload-pack
401   403   415   415   404   404   415   415   403   415   415   404   415   401   401   401   POST /studio/look/git-receive-pack
415   415   415   415   415   415   415   415   415   415   415   404   404   401   401   401   POST /studio/open/git-upload-pack
401   403   415   415   403   403   415   415   403   415   415   404   404   401   401   401   POST /studio/open/git-receive-pack
401   403   409   409   404   404   409   409   403   409   409   404   404   401   401   401   POST /studio/gone/git-receive-pack
# The catalog.
200   200   200   200   200   200   200   200   200   200   200   200   200   401   401   401   POST /api/v1/models/lookup {"keys":[]}
401   404   404   404   404   404   404   404   404   404   404   404   404   401   401   401   GET /api/v1/models/sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
200   200   200   200   200   200   200   200   200   200   200   200   200   401   401   401   GET /api/v1/models/changes
# Whoever is signed in may tell of what they see; to add a source is as good as a push.
401   200   200   200   200   200   200   200   200   200   200   200   200   401   401   401   POST /api/v1/observations {"observations":[]}
401   403   200   200   404   404   200   200   403   200   200   404   200   401   401   401   POST /api/v1/models {"environment":"studio/look","models":[]}
401   403   200   200   403   403   200   200   403   200   200   404   404   401   401   401   POST /api/v1/models {"environment":"studio/open","models":[]}
401   403   409   409   404   404   409   409   403   409   409   404   404   401   401   401   POST /api/v1/models {"environment":"studio/gone","models":[]}
# Files that the hub keeps: what nobody has, and, for the private environment, one that it has. `blobs.rs` has more.
401   404   404   404   404   404   404   404   404   404   404   404   404   401   401   401   GET /api/v1/blobs/sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
401   200   200   200   404   404   200   200   200   200   200   404   200   401   401   401   GET /api/v1/blobs/sha256:KEPT
401   200   200   200   404   404   200   200   200   200   200   404   200   401   401   401   HEAD /api/v1/blobs/sha256:KEPT
# Without a range they are refused only once they would be allowed.
401   403   422   422   404   404   422   422   403   422   422   404   422   401   401   401   PUT /api/v1/blobs/sha256:KEPT?environment=studio/look
401   403   422   422   403   403   422   422   403   422   422   404   404   401   401   401   PUT /api/v1/blobs/sha256:KEPT?environment=studio/open
401   403   409   409   404   404   409   409   403   409   409   404   404   401   401   401   PUT /api/v1/blobs/sha256:KEPT?environment=studio/gone
# With one they are told where to go on: what the environment has is there, what one reads elsewhere must be sent.
401   403   201   201   404   404   201   201   403   201   201   404   201   401   401   401   PUT /api/v1/blobs/sha256:KEPT?environment=studio/look */10000
401   403   202   202   404   404   202   202   403   202   202   404   202   401   401   401   PUT /api/v1/blobs/sha256:OTHER?environment=studio/look */10001
401   403   422   422   403   403   422   422   403   422   422   404   404   401   401   401   PUT /api/v1/blobs/sha256:KEPT?environment=studio/open */10000
401   404   404   404   200   404   200   200   404   404   404   404   404   401   401   401   GET /api/v1/blobs/sha256:OTHER
# People.
401   200   200   200   200   200   200   200   200   200   200   200   200   401   401   401   GET /api/v1/teams
401   200   200   200   404   404   200   200   200   200   200   200   200   401   401   401   GET /api/v1/teams/studio/members
401   404   404   404   404   404   404   404   404   404   404   404   404   401   401   401   GET /api/v1/teams/nobody/members
401   403   403   403   403   403   200   403   403   403   403   403   403   401   401   401   GET /api/v1/users
401   403   403   403   403   403   200   403   403   403   403   403   403   401   401   401   GET /api/v1/audit
401   200   200   200   200   200   200   200   200   200   200   200   200   401   401   401   GET /api/v1/tokens
401   200   403   403   403   403   200   403   403   403   403   403   403   401   401   401   GET /api/v1/tokens?user=reader
"#;

/// Changes, asked for so that nobody's succeeds: what is allowed fails for another reason.
const REFUSED: &str = r#"
# anon read_ write chief forgn strng hub__ hubpu read_ push_ studi other look_ disab revok expir
401   403   403   409   404   404   409   403   403   403   409   404   409   401   401   401   PATCH /api/v1/environments/studio/look {"name":"open"}
401   403   403   409   403   403   409   403   403   403   409   404   404   401   401   401   PATCH /api/v1/environments/studio/open {"name":"before"}
401   404   404   404   404   404   404   404   404   404   404   404   404   401   401   401   PATCH /api/v1/environments/studio/gone {"name":"x"}
401   403   403   409   404   404   409   403   403   403   409   404   404   401   401   401   PATCH /api/v1/environments/studio/before {"name":"gone","visibility":"public"}
401   404   404   404   404   404   404   404   404   404   404   404   404   401   401   401   DELETE /api/v1/environments/studio/gone
401   403   403   409   404   404   409   403   403   403   409   404   409   401   401   401   POST /api/v1/environments/studio/look/restore
401   404   404   404   404   404   404   404   404   404   404   404   404   401   401   401   POST /api/v1/environments/studio/new/restore
401   422   422   422   422   422   422   403   403   403   422   403   403   401   401   401   POST /api/v1/tokens {"scope":"admin","environments":"studio/*","expires":"2001-01-01T00:00:00Z"}
401   422   422   422   422   422   422   403   403   403   403   403   403   401   401   401   POST /api/v1/tokens {"scope":"read","expires":"2001-01-01T00:00:00Z"}
401   404   404   404   404   404   404   404   404   404   404   404   404   401   401   401   DELETE /api/v1/tokens/999999
401   403   403   403   403   403   409   403   403   403   403   403   403   401   401   401   POST /api/v1/teams {"name":"studio"}
401   403   403   404   404   404   404   403   403   403   403   403   403   401   401   401   PUT /api/v1/teams/studio/members/nobody {"role":"admin"}
401   403   403   404   404   404   404   403   403   403   403   403   403   401   401   401   DELETE /api/v1/teams/studio/members/stranger
401   403   403   403   403   403   409   403   403   403   403   403   403   401   401   401   POST /api/v1/users {"name":"Studio"}
401   403   403   403   403   403   404   403   403   403   403   403   403   401   401   401   POST /api/v1/users/nobody/disable
401   403   403   403   403   403   404   403   403   403   403   403   403   401   401   401   POST /api/v1/users/nobody/enable
"#;

/// Changes that succeed for those who may.
const DONE: &str = r#"
# anon read_ write chief forgn strng hub__ hubpu read_ push_ studi other look_ disab revok expir
401   403   403   200   404   404   200   403   403   403   200   404   200   401   401   401   PATCH /api/v1/environments/studio/look {"visibility":"private"}
# The team's admin deletes it; from then on it is not there.
401   403   403   200   404   404   404   404   404   404   404   404   404   401   401   401   DELETE /api/v1/environments/studio/look
# The team's admin restores it; for those who could have, it is not deleted any more.
401   404   404   200   404   404   409   403   403   403   409   404   409   401   401   401   POST /api/v1/environments/studio/look/restore
401   403   403   200   404   403   200   403   403   403   403   403   403   401   401   401   PUT /api/v1/teams/studio/members/stranger {"role":"reader"}
"#;
