//! Model files that the hub keeps: sent in pieces, read in ranges, by those who may and nobody else.

use sha2::{Digest as _, Sha256};

use crate::support::{Answer, Hub, MANIFEST, Repository, noise, read_answer, send, send_raw, wait_for};

/// A file that an environment names.
pub(crate) struct File {
    pub(crate) bytes: Vec<u8>,
    pub(crate) sha256: String,
}

impl File {
    pub(crate) fn new(size: u32) -> Self {
        let bytes = noise(size);
        let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { bytes, sha256 }
    }

    fn path(&self) -> String {
        format!("/api/v1/blobs/sha256:{}", self.sha256)
    }

    /// A manifest that names it.
    pub(crate) fn manifest(&self, sources: &str) -> String {
        format!(
            "{MANIFEST}\n[tool.comfydock.models.\"{}\"]\nfilename = \"own.safetensors\"\nsize = {}\n\
             relative_path = \"loras/own.safetensors\"\ncategory = \"loras\"\nsha256 = \"{}\"\nsources = [{sources}]\n",
            "1".repeat(64),
            self.bytes.len(),
            self.sha256
        )
    }

    /// Sends bytes of it from `first` on.
    pub(crate) fn put(&self, hub: &Hub, token: &str, environment: &str, first: usize, bytes: &[u8]) -> Answer {
        let range = match bytes.len() {
            0 => format!("bytes */{}", self.bytes.len()),
            count => format!("bytes {first}-{}/{}", first + count - 1, self.bytes.len()),
        };
        let path = format!("{}?environment={environment}", self.path());
        let headers = [("Authorization", &*format!("Bearer {token}")), ("Content-Range", &*range)];
        send(&hub.address, "PUT", &path, &headers, bytes)
    }

    pub(crate) fn ask(&self, hub: &Hub, token: &str, environment: &str) -> Answer {
        self.put(hub, token, environment, 0, b"")
    }

    pub(crate) fn upload(&self, hub: &Hub, token: &str, environment: &str) -> Answer {
        self.put(hub, token, environment, 0, &self.bytes)
    }

    pub(crate) fn read(&self, hub: &Hub, method: &str, token: &str, headers: &[(&str, &str)]) -> Answer {
        let authorization = format!("Bearer {token}");
        let all = [&[("Authorization", &*authorization)], headers].concat();
        send(&hub.address, method, &self.path(), &all, b"")
    }
}

/// Pushes an environment that names the file, and returns its repository.
pub(crate) fn push(hub: &Hub, user: &str, path: &str, file: &File) -> Repository {
    let repository = hub.repository(&path.replace('/', "-"));
    repository.write("pyproject.toml", file.manifest(""));
    repository.commit("a private LoRA");
    repository.git(&["push", "--quiet", &hub.url(&hub.token(user, "push"), path), "main"]);
    repository
}

fn uploads(hub: &Hub) -> usize {
    std::fs::read_dir(hub.data().join("blobs/uploads")).map_or(0, Iterator::count)
}

#[test]
fn a_file_arrives_in_pieces_and_is_read_in_ranges() {
    let hub = Hub::with_team();
    let file = File::new(3_000_000);
    push(&hub, "ann", "studio/look", &file);
    let (ann, rea) = (hub.token("ann", "push"), hub.token("rea", "read"));
    let asked = file.ask(&hub, &ann, "studio/look");
    assert_eq!((asked.status, asked.header("upload-offset")), (202, "0"), "{}", asked.text());
    assert_eq!(file.read(&hub, "HEAD", &rea, &[]).status, 404);
    let first = file.put(&hub, &ann, "studio/look", 0, &file.bytes[..1_000_000]);
    assert_eq!((first.status, first.header("upload-offset")), (202, "1000000"), "{}", first.text());
    for wrong in [0, 999_999, 1_000_001] {
        let refused = file.put(&hub, &ann, "studio/look", wrong, &file.bytes[wrong..]);
        assert_eq!((refused.status, refused.header("upload-offset")), (409, "1000000"), "{}", refused.text());
    }
    let last = file.put(&hub, &ann, "studio/look", 1_000_000, &file.bytes[1_000_000..]);
    assert_eq!(last.status, 201, "{}", last.text());
    assert_eq!((last.json()["sha256"].as_str(), last.json()["size"].as_u64()), (Some(&*file.sha256), Some(3_000_000)));
    assert_eq!(uploads(&hub), 0);
    // Whoever may read the environment may read the file.
    let head = file.read(&hub, "HEAD", &rea, &[]);
    let tag = format!("\"{}\"", file.sha256);
    let found = ["content-length", "accept-ranges", "etag"].map(|name| head.header(name).to_owned());
    assert_eq!((head.status, found), (200, ["3000000".to_owned(), "bytes".to_owned(), tag.clone()]));
    assert!(head.body.is_empty());
    // A question about the whole knows no ranges.
    let part = file.read(&hub, "HEAD", &rea, &[("Range", "bytes=0-9")]);
    assert_eq!((part.status, part.header("content-length"), part.header("content-range")), (200, "3000000", ""));
    let whole = file.read(&hub, "GET", &rea, &[]);
    assert!(whole.status == 200 && whole.body == file.bytes);
    for (headers, status, bytes, range) in [
        (vec![("Range", "bytes=2999990-")], 206, &file.bytes[2_999_990..], "bytes 2999990-2999999/3000000"),
        (vec![("Range", "bytes=-5")], 206, &file.bytes[2_999_995..], "bytes 2999995-2999999/3000000"),
        (vec![("Range", "bytes=100-299")], 206, &file.bytes[100..300], "bytes 100-299/3000000"),
        (vec![("Range", "bytes=100-299"), ("If-Range", &tag)], 206, &file.bytes[100..300], "bytes 100-299/3000000"),
        (vec![("Range", "bytes=100-299"), ("If-Range", "\"x\"")], 200, &file.bytes[..], ""),
        (vec![("Range", "bytes=3000000-")], 416, b"", "bytes */3000000"),
        (vec![("If-None-Match", &tag)], 304, b"", ""),
    ] {
        let answer = file.read(&hub, "GET", &rea, &headers);
        assert_eq!((answer.status, answer.header("content-range")), (status, range), "{headers:?}");
        assert!(answer.body == bytes, "{headers:?}: {} bytes", answer.body.len());
    }
    // Who has it is told so; nothing is sent again.
    assert_eq!(file.ask(&hub, &ann, "studio/look").status, 201);
    let record = hub.run(&["audit", "--subject", "studio/look"]);
    assert!(record.contains("blob.upload") && record.contains(&file.sha256), "{record}");
}

#[test]
fn what_is_cut_off_goes_on_where_it_was_even_after_the_hub_was_killed() {
    let mut hub = Hub::with_team();
    let file = File::new(5_000_000);
    push(&hub, "ann", "studio/look", &file);
    let ann = hub.token("ann", "push");
    let offset = |hub: &Hub| file.ask(hub, &ann, "studio/look").header("upload-offset").parse::<usize>().ok();
    let path = format!("{}?environment=studio/look", file.path());
    let begin = |hub: &Hub, from: usize, to: usize| {
        let range = format!("bytes {from}-{}/{}", file.bytes.len() - 1, file.bytes.len());
        let headers = [("Authorization", &*format!("Bearer {ann}")), ("Content-Range", &*range)];
        send_raw(&hub.address, "PUT", &path, &headers, &file.bytes[from..to], file.bytes.len() - from)
    };
    // The client goes away.
    drop(begin(&hub, 0, 2_000_000));
    let begun = wait_for("what arrived", || offset(&hub).filter(|offset| *offset > 0));
    assert!(begun <= 2_000_000);
    // Two at once: the second is told to come back.
    let slow = begin(&hub, begun, begun + 1_000_000);
    wait_for("the other one to be busy", || {
        let asked = file.ask(&hub, &ann, "studio/look");
        (asked.status == 503 && !asked.header("retry-after").is_empty()).then_some(())
    });
    // The hub goes away.
    hub.kill();
    drop(slow);
    hub.begin();
    let begun = offset(&hub).unwrap();
    assert!(begun > 0 && begun < file.bytes.len(), "{begun}");
    let last = file.put(&hub, &ann, "studio/look", begun, &file.bytes[begun..]);
    assert_eq!(last.status, 201, "{}", last.text());
    assert!(file.read(&hub, "GET", &ann, &[]).body == file.bytes);
}

#[test]
fn other_bytes_are_thrown_away_and_two_who_send_the_same_both_succeed() {
    let hub = Hub::with_team();
    let file = File::new(2_000_000);
    push(&hub, "ann", "studio/look", &file);
    push(&hub, "sam", "sam/own", &file);
    let (ann, sam) = (hub.token("ann", "push"), hub.token("sam", "push"));
    let mut wrong = file.bytes.clone();
    wrong[1_500_000] ^= 1;
    let refused = file.put(&hub, &ann, "studio/look", 0, &wrong);
    assert_eq!((refused.status, refused.json()["error"]["code"].as_str()), (422, Some("wrong_bytes")));
    assert_eq!((uploads(&hub), file.ask(&hub, &ann, "studio/look").header("upload-offset")), (0, "0"));
    let answers: Vec<u16> = std::thread::scope(|scope| {
        let one = scope.spawn(|| file.upload(&hub, &ann, "studio/look").status);
        let other = scope.spawn(|| file.upload(&hub, &sam, "sam/own").status);
        [one, other].map(|thread| thread.join().unwrap()).into()
    });
    assert_eq!(answers, [201, 201]);
    for token in [&ann, &sam] {
        assert!(file.read(&hub, "GET", token, &[]).body == file.bytes);
    }
    assert_eq!(uploads(&hub), 0);
}

#[test]
fn to_name_a_hash_gives_nobody_its_bytes() {
    let hub = Hub::with_team();
    let file = File::new(1_000_000);
    push(&hub, "ann", "studio/look", &file);
    let (ann, sam) = (hub.token("ann", "push"), hub.token("sam", "admin"));
    assert_eq!(file.upload(&hub, &ann, "studio/look").status, 201);
    // Sam knows the hash, and an environment of his own names it.
    push(&hub, "sam", "sam/own", &file);
    let nowhere = File { bytes: file.bytes.clone(), sha256: "f".repeat(64) };
    for (method, headers) in [("GET", vec![]), ("HEAD", vec![]), ("GET", vec![("Range", "bytes=0-9")])] {
        let [real, made_up] = [&file, &nowhere].map(|it| it.read(&hub, method, &sam, &headers));
        assert_eq!((real.status, made_up.status), (404, 404), "{method}");
        assert_eq!(real.text().replace(&file.sha256, ""), made_up.text().replace(&nowhere.sha256, ""));
    }
    // The last byte is not the file: every byte must come, whatever the hub has.
    let asked = file.ask(&hub, &sam, "sam/own");
    assert_eq!((asked.status, asked.header("upload-offset")), (202, "0"));
    let end = file.put(&hub, &sam, "sam/own", 999_999, &file.bytes[999_999..]);
    assert_eq!((end.status, end.header("upload-offset")), (409, "0"));
    assert_eq!(file.ask(&hub, &sam, "studio/look").status, 404);
    let key = format!("sha256:{}", file.sha256);
    let found = hub.post_json(&sam, "/api/v1/models/lookup", &serde_json::json!({ "keys": [key] }));
    assert!(found.status == 200 && !found.text().contains("hub:"), "{}", found.text());
    // Who sends all of it has it: it was his all the time.
    assert_eq!(file.upload(&hub, &sam, "sam/own").status, 201);
    assert_eq!(file.read(&hub, "GET", &sam, &[]).status, 200);
    let found = hub.post_json(&sam, "/api/v1/models/lookup", &serde_json::json!({ "keys": [key] }));
    assert!(found.text().contains(&format!("hub:{key}")) && !found.text().contains("studio"), "{}", found.text());
}

#[test]
fn what_a_history_does_not_name_is_not_taken_and_what_one_may_read_need_not_be_sent() {
    let hub = Hub::with_team();
    let file = File::new(1_000_000);
    let look = push(&hub, "ann", "studio/look", &file);
    let ann = hub.token("ann", "push");
    let stray = File::new(1_000_001);
    let refused = stray.ask(&hub, &ann, "studio/look");
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("names no model"), "{}", refused.text());
    assert_eq!(file.ask(&hub, &ann, "studio/new").status, 409);
    assert_eq!(file.upload(&hub, &ann, "studio/look").status, 201);
    // Another environment of those who may read it.
    push(&hub, "ann", "studio/other", &file);
    assert_eq!(file.ask(&hub, &ann, "studio/other").status, 201);
    // A file of the past can still be read; one of another branch too.
    look.write("pyproject.toml", MANIFEST);
    look.commit("without it");
    look.git(&["push", "--quiet", &hub.url(&ann, "studio/look"), "main"]);
    hub.run(&["environment", "delete", "studio/other"]);
    assert_eq!(file.read(&hub, "GET", &hub.token("rea", "read"), &[]).status, 200);
    look.git(&["checkout", "--quiet", "-b", "side"]);
    look.write("pyproject.toml", stray.manifest(""));
    look.commit("another");
    look.git(&["push", "--quiet", &hub.url(&ann, "studio/look"), "side"]);
    assert_eq!(stray.upload(&hub, &ann, "studio/look").status, 201);
    look.git(&["push", "--quiet", &hub.url(&ann, "studio/look"), ":side"]);
    assert_eq!(stray.read(&hub, "GET", &ann, &[]).status, 404);
}

#[test]
fn quota_size_and_disk_are_looked_at_before_anything_is_sent() {
    let settings = "[blobs]\nquota = \"3 MiB\"\nmax_size = \"2 MiB\"\n";
    let mut hub = Hub::start_with("hub", settings);
    hub.make_team();
    let files = [File::new(2_000_000), File::new(2_000_001), File::new(3_000_000)];
    let mut manifest = String::new();
    for (index, file) in files.iter().enumerate() {
        manifest += &file.manifest("").replace(MANIFEST, "").replace(&"1".repeat(64), &index.to_string().repeat(64));
    }
    let repository = hub.repository("ann");
    repository.write("pyproject.toml", format!("{MANIFEST}{manifest}"));
    repository.commit("models");
    let ann = hub.token("ann", "push");
    repository.git(&["push", "--quiet", &hub.url(&ann, "studio/look"), "main"]);
    let code = |answer: &Answer| (answer.status, answer.json()["error"]["code"].as_str().unwrap().to_owned());
    assert_eq!(code(&files[2].ask(&hub, &ann, "studio/look")), (413, "too_large".to_owned()));
    // What only was begun counts too, or ten at once would have ten quotas.
    assert_eq!(files[0].put(&hub, &ann, "studio/look", 0, &files[0].bytes[..1]).status, 202);
    assert_eq!(code(&files[1].ask(&hub, &ann, "studio/look")), (507, "quota".to_owned()));
    assert_eq!(files[0].put(&hub, &ann, "studio/look", 1, &files[0].bytes[1..]).status, 201);
    assert_eq!(code(&files[1].ask(&hub, &ann, "studio/look")), (507, "quota".to_owned()));
    hub.stop();
    std::fs::write(hub.data().join("hub.toml"), "[push]\nfree_space = \"1000000 GiB\"\n").unwrap();
    hub.begin();
    assert_eq!(code(&files[1].ask(&hub, &ann, "studio/look")), (507, "no_room".to_owned()));
    assert_eq!(files[0].read(&hub, "GET", &ann, &[]).status, 200);
}

#[test]
fn a_client_that_goes_quiet_keeps_nobody_out() {
    let hub = Hub::start_with("hub", "[connections]\nidle = \"1s\"\n[blobs]\nuploads = 1\ndownloads = 1\n");
    hub.make_team();
    let file = File::new(30_000_000);
    push(&hub, "ann", "studio/look", &file);
    let ann = hub.token("ann", "push");
    let authorization = format!("Bearer {ann}");
    let range = format!("bytes 0-{}/{}", file.bytes.len() - 1, file.bytes.len());
    let headers = [("Authorization", &*authorization), ("Content-Range", &*range)];
    let path = format!("{}?environment=studio/look", file.path());
    let mut quiet = send_raw(&hub.address, "PUT", &path, &headers, &file.bytes[..100_000], file.bytes.len());
    assert_eq!(read_answer(&mut quiet).status, 408);
    let begun = file.ask(&hub, &ann, "studio/look");
    assert_eq!((begun.status, begun.header("upload-offset")), (202, "100000"));
    assert_eq!(file.put(&hub, &ann, "studio/look", 100_000, &file.bytes[100_000..]).status, 201);
    // It asks for all and takes nothing.
    let greedy = send_raw(&hub.address, "GET", &file.path(), &headers[..1], b"", 0);
    let busy = || file.read(&hub, "GET", &ann, &[("Range", "bytes=0-9")]).status;
    wait_for("its place to come free", || (busy() == 206).then_some(()));
    drop(greedy);
}

#[test]
fn a_backup_has_the_files_and_a_restore_puts_them_back() {
    let hub = Hub::with_team();
    let file = File::new(1_000_000);
    push(&hub, "ann", "studio/look", &file);
    let ann = hub.token("ann", "push");
    assert_eq!(file.upload(&hub, &ann, "studio/look").status, 201);
    let place = format!("blobs/{}/{}", &file.sha256[..2], file.sha256);
    for (how, is_there) in [("copy", true), ("link", true), ("leave", false)] {
        let [backup, data] = ["backup", "restored"].map(|name| hub.scratch(&format!("{name}-{how}")));
        hub.run(&["backup", backup.to_str().unwrap(), "--models", how]);
        assert_eq!(backup.join(&place).exists(), is_there, "{how}");
        let restored = hub.command_on(&data).arg("restore").arg(&backup).output().unwrap();
        let said = crate::support::text(&restored.stdout) + &crate::support::text(&restored.stderr);
        assert!(restored.status.success(), "{said}");
        assert_eq!(said.contains("1 model file did not come along"), !is_there, "{said}");
        assert_eq!(std::fs::read(data.join(&place)).ok(), is_there.then(|| file.bytes.clone()), "{how}");
        let doctor = hub.command_on(&data).args(["doctor", "--full"]).output().unwrap();
        assert_eq!(crate::support::text(&doctor.stdout).contains("1 model file\n"), is_there);
    }
    // A file that rots is found, told, and carried along as it is.
    let kept = hub.data().join(&place);
    std::fs::write(&kept, vec![0; file.bytes.len()]).unwrap();
    let found = hub.try_run(&["doctor"]);
    assert!(!crate::support::text(&found.stdout).contains(&file.sha256));
    let found = hub.try_run(&["doctor", "--full"]);
    assert!(crate::support::text(&found.stdout).contains(&format!("{}: its SHA-256 is", file.sha256)));
    let backup = hub.scratch("backup-rotten");
    let output = hub.try_run(&["backup", backup.to_str().unwrap()]);
    assert!(!output.status.success() && backup.exists(), "{}", crate::support::text(&output.stderr));
    std::fs::remove_file(&kept).unwrap();
    assert!(crate::support::text(&hub.try_run(&["doctor"]).stdout).contains(&file.sha256));
}

#[test]
fn a_file_that_was_lost_on_the_hub_is_sent_again() {
    let hub = Hub::with_team();
    let file = File::new(1_000_000);
    push(&hub, "ann", "studio/look", &file);
    let ann = hub.token("ann", "push");
    assert_eq!(file.upload(&hub, &ann, "studio/look").status, 201);
    let place = hub.data().join("blobs").join(&file.sha256[..2]).join(&file.sha256);
    // Gone, cut short, and gone rotten: then moved away, as doctor says.
    for broken in [None, Some(&file.bytes[..1000]), Some(&[7; 1_000_000])] {
        match broken {
            Some(bytes) => std::fs::write(&place, bytes).unwrap(),
            None => std::fs::remove_file(&place).unwrap(),
        }
        let found = hub.try_run(&["doctor", "--full"]);
        assert!(crate::support::text(&found.stdout).contains(&file.sha256));
        if broken.is_some_and(|bytes| bytes.len() == file.bytes.len()) {
            std::fs::rename(&place, hub.scratch("rotten")).unwrap();
        }
        let asked = file.ask(&hub, &ann, "studio/look");
        assert_eq!((asked.status, asked.header("upload-offset")), (202, "0"), "{}", asked.text());
        assert_eq!(file.upload(&hub, &ann, "studio/look").status, 201);
        assert!(file.read(&hub, "GET", &ann, &[]).body == file.bytes);
        hub.run(&["doctor", "--full"]);
    }
    // It was there all the time for all others.
    assert_eq!(file.ask(&hub, &ann, "studio/look").status, 201);
}
