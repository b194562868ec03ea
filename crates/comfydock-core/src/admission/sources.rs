//! Sources that only mean something together with the model they stand at.

use crate::foreign::MANIFEST;
use crate::manifest::Manifest;
use crate::source::Source;
use crate::violation::Violation;

/// Judges the sources of a manifest: a file on the hub is named by its SHA-256, and that must be the model's own.
/// Anything else would lead to another file, or to none.
pub fn judge_sources(manifest: &Manifest) -> Vec<Violation> {
    let hint = "`comfydock models upload` records the right source; take the wrong one out";
    let mut violations = Vec::new();
    for model in manifest.models.values() {
        for source in &model.sources {
            let Source::Hub(sha256) = source else { continue };
            if model.sha256.as_ref() == Some(sha256) {
                continue;
            }
            let message = format!("model {} names another file as its own: {source}", model.filename);
            violations.push(Violation::new(MANIFEST, message, Some(hint)));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_hub_is_the_model_itself() {
        let [own, other] = ["ab", "cd"].map(|pair| pair.repeat(32));
        let problems = |sha256: &str, source: &str| {
            let text = format!(
                "[project]\nname = \"comfydock-environment\"\nversion = \"0.0.0\"\nrequires-python = \"==3.11.*\"\n\
                 dependencies = []\n[tool.comfydock]\nschema_version = 1\n[tool.comfydock.environment]\n\
                 comfyui_version = \"v1\"\ncomfyui_commit = \"{}\"\ncomfyui_url = \"https://example.org/c\"\n\
                 python_version = \"3.11\"\n[tool.comfydock.models.\"{}\"]\nfilename = \"a.safetensors\"\nsize = 1\n\
                 relative_path = \"loras/a.safetensors\"\ncategory = \"loras\"\n{sha256}sources = [\"{source}\"]\n",
                "a1".repeat(20),
                "11".repeat(32)
            );
            judge_sources(&Manifest::parse(&text).unwrap()).len()
        };
        let known = format!("sha256 = \"{own}\"\n");
        for (sha256, source, count) in [
            (&*known, format!("hub:sha256:{own}"), 0),
            (&known, "https://example.org/a".to_owned(), 0),
            (&known, format!("hub:sha256:{other}"), 1),
            ("", format!("hub:sha256:{own}"), 1),
        ] {
            assert_eq!(problems(sha256, &source), count, "{sha256} {source}");
        }
    }
}
