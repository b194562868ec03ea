//! Sources that only mean something together with the model they stand at.

use crate::foreign::MANIFEST;
use crate::manifest::Manifest;
use crate::violation::Violation;
use crate::wire::hub_file;

/// Judges the sources of a manifest: a file on the hub is named by its SHA-256, and that must be the model's own.
/// Anything else would lead to another file, or to none.
pub fn judge_sources(manifest: &Manifest) -> Vec<Violation> {
    let hint = "`comfydock models upload` records the right source; take the wrong one out";
    let mut violations = Vec::new();
    for (key, model) in &manifest.models {
        for source in &model.sources {
            let problem = match hub_file(source) {
                None => continue,
                Some(Err(problem)) => problem,
                Some(Ok(sha256)) if model.sha256.as_ref() == Some(&sha256) => continue,
                Some(Ok(sha256)) => format!("`hub:sha256:{}…` is another file", sha256.short(12)),
            };
            let message = format!("model {} ({}…): {problem}", model.filename, &key[..key.len().min(12)]);
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
