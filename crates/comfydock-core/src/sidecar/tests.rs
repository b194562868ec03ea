//! Files as the programs write them, and what is taken from them.

use super::{About, Claim, Trust, comfygit, huggingface, is_sidecar, read, stem, webui};

const GIB: u64 = 1 << 30;

fn about(name: &str, size: u64) -> About<'_> {
    About { name, size, mtime_ns: 1_700_000_000_250_000_000 }
}

fn hex(pair: &str) -> String {
    pair.repeat(32)
}

/// Trust, SHA-256 and sources, in short.
fn shown(claim: Option<Claim>) -> Option<(Trust, Option<String>, Vec<String>)> {
    claim.map(|claim| {
        let sources = claim.sources.iter().map(ToString::to_string).collect();
        (claim.trust, claim.sha256.map(|sha256| sha256.short(2).to_owned()), sources)
    })
}

fn civitai_info(files: &str) -> String {
    format!(r#"{{"id":4384,"modelId":99,"name":"v1","files":[{files}],"downloadUrl":"x"}}"#)
}

fn civitai_file(id: u64, name: &str, kilobytes: &str, hash: &str, primary: bool) -> String {
    format!(
        r#"{{"id":{id},"name":"{name}","sizeKB":{kilobytes},"primary":{primary},"hashes":{{"SHA256":"{}","BLAKE3":"{}"}}}}"#,
        hex(hash).to_uppercase(),
        hex("BB")
    )
}

#[test]
fn a_file_of_a_civitai_version_is_picked_by_size_and_name_never_because_it_is_primary() {
    let pruned = civitai_file(1, "model.safetensors", "2097152.0", "AA", true);
    let full = civitai_file(2, "model-full.safetensors", "4194304.4", "CC", false);
    let twin = civitai_file(3, "model-twin.safetensors", "4194304.0", "DD", false);
    let unsized_file = r#"{"id":9,"name":"x.pt","hashes":{}}"#;
    let of = |files: &[&str], name: &str, size: u64| {
        shown(read("m.civitai.info", &civitai_info(&files.join(",")), &about(name, size), "o"))
    };
    let hint = |hash: &str, id: u64| Some((Trust::Hint, Some(hash.to_owned()), vec![format!("civitai:4384/{id}")]));
    assert_eq!(of(&[&pruned, &full], "renamed.safetensors", 4 * GIB), hint("cc", 2));
    assert_eq!(of(&[&pruned, &full], "model.safetensors", 2 * GIB), hint("aa", 1));
    assert_eq!(of(&[&pruned, &full], "model.safetensors", 3 * GIB), None, "it is about another file");
    assert_eq!(of(&[&full, &twin], "model-twin.safetensors", 4 * GIB), hint("dd", 3));
    assert_eq!(of(&[&full, &twin], "renamed.safetensors", 4 * GIB), None, "either could be meant");
    assert_eq!(of(&[unsized_file], "x.pt", 5), Some((Trust::Hint, None, vec!["civitai:4384/9".to_owned()])));
}

#[test]
fn stability_matrix_names_the_file_it_downloaded() {
    let info = |source: &str| {
        format!(
            r#"{{"ModelId":1,"VersionId":4384,"RemoteFileId":"77","Hashes":{{"SHA256":"{}","CRC32":"x"}},{source}"ImportedAt":"2025"}}"#,
            hex("AA")
        )
    };
    let of = |source: &str| shown(read("m.cm-info.json", &info(source), &about("m.pt", 1), "o"));
    let civitai = Some((Trust::Hint, Some("aa".to_owned()), vec!["civitai:4384/77".to_owned()]));
    for source in ["", r#""Source":0,"#, r#""Source":"Civitai","#, r#""Source":null,"#] {
        assert_eq!(of(source), civitai, "{source}");
    }
    let elsewhere = r#""Source":1,"SourceUrl":"https://example.org/m.pt","#;
    assert_eq!(of(elsewhere).unwrap().2, ["https://example.org/m.pt"]);
    assert_eq!(of(r#""Source":"Other","SourceUrl":"file:///m.pt","#).unwrap().2, [""; 0]);
}

#[test]
fn lora_manager_is_believed_while_size_and_time_are_those_it_saw() {
    let text = |size: u64, modified: &str| {
        format!(
            r#"{{"file_name":"m","size":{size},"modified":{modified},"sha256":"{}","civitai":{{"id":5,"files":[
               {{"id":1,"primary":true,"hashes":{{"SHA256":"{}"}}}},{{"id":2,"hashes":{{"SHA256":"{}"}}}}]}}}}"#,
            hex("aa"),
            hex("bb"),
            hex("AA")
        )
    };
    let of = |size: u64, modified: &str| shown(read("m.metadata.json", &text(size, modified), &about("m.pt", 10), "o"));
    let sources = vec!["civitai:5/2".to_owned()];
    assert_eq!(of(10, "1700000000.25"), Some((Trust::Claimed, Some("aa".to_owned()), sources.clone())));
    assert_eq!(of(10, "1700000001.25"), Some((Trust::Hint, Some("aa".to_owned()), sources)));
    assert_eq!(of(11, "1700000000.25"), None, "another file");
}

#[test]
fn other_files_of_these_names_say_nothing() {
    for text in ["", "[]", "{}", "null", "{\"sha256\":5}", "{\"files\":[null]}", "{\"files\":{}}", "not json"] {
        for name in ["m.civitai.info", "m.cm-info.json", "m.metadata.json"] {
            assert_eq!(read(name, text, &about("m.pt", 1), "o"), None, "{name}: {text}");
        }
    }
    for (name, expected) in
        [("a.civitai.info", Some("a")), ("a.b.cm-info.json", Some("a.b")), (".metadata.json", None), ("a.json", None)]
    {
        assert_eq!((stem(name), is_sidecar(name)), (expected, expected.is_some()), "{name}");
    }
}

#[test]
fn the_web_uis_hashes_are_of_whole_files_only() {
    let text = format!(
        r#"{{"hashes":{{"checkpoint/sd\\v1.ckpt":{{"mtime":1.5,"sha256":"{0}"}},"lora/x":{{"mtime":2,"sha256":"{0}"}},
            "lora/bad":{{"mtime":2,"sha256":null}},"odd/x":{{"mtime":2,"sha256":"{0}"}},"none":{{}}}},
            "hashes-addnet":{{"lora/y":{{"mtime":2,"sha256":"{0}"}}}}}}"#,
        hex("ab")
    );
    let found: Vec<_> = webui::read(&text).into_iter().map(|entry| (entry.category, entry.name, entry.mtime)).collect();
    assert_eq!(found, [("checkpoints", "sd/v1.ckpt".to_owned(), 1.5), ("loras", "x".to_owned(), 2.0)]);
    assert_eq!(webui::read("{"), []);
}

#[test]
fn hugging_faces_cache_names_repository_commit_and_hash() {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let path = format!("models--org--a--b/snapshots/{commit}/unet/x.safetensors");
    let sources = vec![format!("hf:org/a--b@{commit}/unet/x.safetensors")];
    assert_eq!(shown(huggingface::cached(&path, &hex("ab"))), Some((Trust::Claimed, Some("ab".to_owned()), sources)));
    assert_eq!(huggingface::cached(&path, commit), None, "a small file, named by git");
    assert_eq!(huggingface::cached("models--org--a/blobs/x", &hex("ab")), None);
    assert_eq!(huggingface::cached(&format!("datasets--o--a/snapshots/{commit}/x"), &hex("ab")), None);
}

#[test]
fn a_download_note_holds_for_the_file_that_was_written_just_before_it() {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let note = |time: &str| format!("{commit}\n{}\n{time}\n", hex("ab"));
    let of = |text: &str| shown(huggingface::downloaded(text, &about("x", 1))).map(|shown| shown.0);
    assert_eq!(of(&note("1700000000.3")), Some(Trust::Claimed));
    assert_eq!(of(&note("1700000059.0")), Some(Trust::Claimed));
    assert_eq!(of(&note("1700000100.0")), Some(Trust::Hint), "an older file that was put in its place");
    assert_eq!(of(&note("1699999990.0")), Some(Trust::Hint), "changed since");
    assert_eq!(of(&format!("{commit}\n\"{commit}\"\n1700000000\n")), None, "a small file, named by git");
    assert_eq!(of("x"), None);
}

#[test]
fn comfygits_models_bring_their_sources() {
    let text = format!(
        "[tool.comfygit.models.\"0123456789abcdef\"]\nfilename = \"x.pt\"\nsize = 5\nsources = [\"https://example.org/x.pt\", \"civitai:9\"]\n\
         [tool.comfygit.models.\"1123456789abcdef\"]\nfilename = \"y.pt\"\nsize = 6\n\
         [tool.comfydock.models.\"{}\"]\nfilename = \"z.pt\"\nsize = 7\nsources = [\"https://example.org/z.pt\"]\n",
        hex("ab")
    );
    let found: Vec<_> =
        comfygit::read(&text).into_iter().map(|entry| (entry.filename, entry.size, entry.sources.len())).collect();
    assert_eq!(found, [("x.pt".to_owned(), 5, 1)]);
    assert_eq!(comfygit::read("not = toml = at all"), []);
}
