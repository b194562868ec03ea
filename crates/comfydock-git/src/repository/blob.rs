//! Writing a file's bytes into an environment's history.

use std::io::{BufWriter, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use comfydock_core::stored;
use simd_adler32::Adler32;

use super::{Error, Repository};

impl Repository {
    /// Writes a blob unless it is there. What is packed already is stored as it is, as git itself does with
    /// `core.looseCompression=0`; gix would try to pack it, which takes longer than all the rest.
    pub(super) fn write_blob(&self, bytes: &[u8]) -> Result<gix::ObjectId, Error> {
        if self.is_in_memory || !stored::is_packed(bytes) {
            return Ok(self.gix.write_blob(bytes).map_err(|error| self.fault(error))?.detach());
        }
        let id = gix::objs::compute_hash(self.gix.object_hash(), gix::objs::Kind::Blob, bytes)
            .map_err(|error| self.fault(error))?;
        if self.gix.has_object(id) {
            return Ok(id);
        }
        self.store(&id.to_string(), bytes).map_err(|error| self.fault(error))?;
        Ok(id)
    }

    /// A loose object appears whole or not at all.
    fn store(&self, id: &str, bytes: &[u8]) -> std::io::Result<()> {
        let objects = self.gix.objects.store_ref().path();
        let (folder, name) = id.split_at(2);
        let folder = objects.join(folder);
        std::fs::create_dir_all(&folder)?;
        let file = tempfile::Builder::new().prefix("tmp_obj_").tempfile_in(&folder)?;
        let head = format!("blob {}\0", bytes.len()).into_bytes();
        let mut to = BufWriter::with_capacity(1 << 20, &file);
        // RFC 1950: deflate with a window of 32 KiB, the fastest way; the check comes last.
        to.write_all(&[0x78, 0x01])?;
        let mut check = Adler32::new();
        for (block_head, block) in stored::blocks(&head, false).chain(stored::blocks(bytes, true)) {
            to.write_all(&block_head)?;
            to.write_all(block)?;
            check.write(block);
        }
        to.write_all(&check.finish().to_be_bytes())?;
        to.flush()?;
        drop(to);
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o444))?;
        file.persist(folder.join(name))?;
        Ok(())
    }
}
