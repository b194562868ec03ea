//! What the hub does not take, and how it says so.

use crate::support::{Hub, MANIFEST, Repository, manifest_with_model};

struct Studio {
    hub: Hub,
    url: String,
    ann: Repository,
    tip: String,
}

impl Studio {
    fn new() -> Self {
        let hub = Hub::with_team();
        let url = hub.url(&hub.token("ann", "push"), "studio/portraits");
        let ann = hub.repository("ann");
        ann.git(&["push", "--quiet", &url, "main"]);
        let tip = ann.tip();
        Self { hub, url, ann, tip }
    }

    /// Commits, pushes, and expects every word in the refusal and the references as they were.
    fn refuses(&self, words: &[&str]) {
        self.ann.commit("bad");
        let said = self.ann.refused(&self.url, "main");
        for word in words {
            assert!(said.contains(word), "{word:?} is not in {said}");
        }
        let listed = self.ann.git(&["ls-remote", &self.url, "refs/heads/main"]);
        assert!(listed.starts_with(&self.tip), "{listed}");
        self.ann.git(&["reset", "--quiet", "--hard", &self.tip]);
    }
}

#[test]
fn a_bad_file_is_named_and_nothing_moves() {
    let studio = Studio::new();
    let ann = &studio.ann;
    ann.write("workflows/sub/hero.json", "{\"nodes\": [\n  {\"id\": 1,\n");
    studio.refuses(&["remote: error: workflows/sub/hero.json: ", "line 3", "remote: hint: "]);
    ann.write("pyproject.toml", "[tool.comfydock\n");
    studio.refuses(&["remote: error: pyproject.toml: "]);
    ann.write("pyproject.toml", MANIFEST.replace("schema_version = 1", "schema_version = 99"));
    studio.refuses(&["remote: error: pyproject.toml has schema_version 99"]);
    ann.write("pyproject.toml", "[project]\nname = \"x\"\n");
    studio.refuses(&["remote: error: pyproject.toml has no [tool.comfydock] table"]);
    ann.git(&["rm", "--quiet", "pyproject.toml"]);
    studio.refuses(&["remote: error: pyproject.toml is missing: this is not a ComfyDock environment"]);
    let outside = manifest_with_model(MANIFEST, '1', '1', 5, "https://example.org/a");
    ann.write("pyproject.toml", outside.replace("loras/a.safetensors", "loras/../../a.safetensors"));
    studio.refuses(&["remote: error: pyproject.toml: ", ".."]);
    std::os::unix::fs::symlink("/etc/passwd", ann.path().join("workflows/link.json")).unwrap();
    studio.refuses(&["remote: error: workflows/link.json is a symbolic link"]);
    ann.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{},pack", studio.tip)]);
    ann.git(&["commit", "--quiet", "-m", "submodule"]);
    let said = ann.refused(&studio.url, "main");
    assert!(said.contains("remote: error: pack is a submodule"), "{said}");
    let objects = studio.hub.bare_repositories()[0].join("objects");
    let left = std::fs::read_dir(objects)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("incoming"));
    assert_eq!(left.count(), 0, "no quarantine stays behind");
}

#[test]
fn every_bad_file_is_named_at_once() {
    let studio = Studio::new();
    for number in 0..30 {
        studio.ann.write(&format!("workflows/{number:02}.json"), "{");
    }
    studio.refuses(&["workflows/00.json: ", "workflows/19.json: ", "error: … and 10 more"]);
}

#[test]
fn other_branches_and_tags_are_judged_too() {
    let studio = Studio::new();
    studio.ann.write("workflows/hero.json", "{");
    studio.ann.commit("bad");
    studio.ann.git(&["tag", "-a", "v2", "-m", "bad"]);
    for reference in ["HEAD:refs/heads/idea", "v2"] {
        assert!(studio.ann.refused(&studio.url, reference).contains("workflows/hero.json: "), "{reference}");
    }
    let blob = studio.ann.git(&["rev-parse", "HEAD:pyproject.toml"]);
    assert!(studio.ann.refused(&studio.url, &format!("{blob}:refs/tags/blob")).contains("not a commit"));
}

#[test]
fn a_refused_first_push_leaves_nothing_to_be_seen() {
    let hub = Hub::with_team();
    let token = hub.token("ann", "push");
    let url = hub.url(&token, "studio/bad");
    let ann = hub.repository("ann");
    ann.write("workflows/hero.json", "{");
    ann.commit("bad");
    assert!(ann.refused(&url, "main").contains("workflows/hero.json"));
    assert_eq!(hub.get(&token, "/api/v1/environments").json()["environments"].as_array().unwrap().len(), 0);
    assert_eq!(hub.get(&token, "/studio/bad/info/refs?service=git-upload-pack").status, 404);
    ann.write("workflows/hero.json", "{\"nodes\":[],\"links\":[]}");
    ann.commit("good");
    ann.git(&["push", "--quiet", &url, "main"]);
    assert_eq!(hub.bare_repositories().len(), 1);
}
