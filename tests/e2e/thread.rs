//! The shortest way from A through a hub to B.

use crate::support::{Studio, report, sha256_of, templates};

#[test]
fn an_environment_travels_from_one_machine_to_another() {
    let studio = Studio::new();
    let Studio { a, b, .. } = &studio;
    let model = studio.share("portrait", &templates::old("default"), 3_000_000).remove(0);
    let file = a.workflow("studio", "portrait");
    let before = (std::fs::read(&file).unwrap(), file.metadata().unwrap().modified().unwrap());
    a.ok(&["commit", "-m", "A portrait", "--yes"]).says("v2: A portrait");
    let after = (std::fs::read(&file).unwrap(), file.metadata().unwrap().modified().unwrap());
    assert_eq!(before, after, "a commit does not touch ComfyUI's file");
    a.ok(&["push"]).says("pushed v2");

    studio.clone().ok().line(&["downloaded", &model.name]);
    let report = report::start(b, "studio");
    let [loaded] = report.workflows().remove("portrait").unwrap().try_into().unwrap();
    assert_eq!(loaded.sha256, Some(sha256_of(&a.models().join(model.path()))));
    assert!(report.python().starts_with(b.environment("studio").to_str().unwrap()), "{}", report.python());
}
