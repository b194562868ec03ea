//! The shortest way from A through a hub to B.

use crate::support::comfyui::ComfyUi;
use crate::support::{Hub, Machine, ModelServer, STUDIO, report, safetensors, sha256_of, templates, write};

#[test]
fn an_environment_travels_from_one_machine_to_another() {
    let (hub, server, comfyui) = (Hub::start(), ModelServer::start(), ComfyUi::new());
    let template = templates::old("default").at(&server);
    let model = &template.models()[0];

    let a = Machine::new();
    a.create(&comfyui);
    a.put_model(&model.path(), &safetensors::model(1, 3_000_000));
    server.put(&model.path(), std::fs::read(a.models().join(model.path())).unwrap());
    write(&a.workflow("studio", "portrait"), &template.text);
    a.ok(&["commit", "-m", "A portrait", "--yes"]).says("v2: A portrait");
    hub.admit(&a, "ann");
    a.ok(&["remote", "add", "origin", STUDIO]);
    a.ok(&["push"]).says("pushed v2");

    let b = Machine::new();
    hub.admit(&b, "bob");
    b.ok(&["clone", STUDIO, "--models-dir", b.models().to_str().unwrap(), "--yes"]).line(&["downloaded", &model.name]);
    let report = report::start(&b, "studio");
    let [loaded] = report.workflows().remove("portrait").unwrap().try_into().unwrap();
    assert_eq!(loaded.sha256, Some(sha256_of(&a.models().join(model.path()))));
    assert!(report.python().starts_with(b.environment("studio").to_str().unwrap()), "{}", report.python());
}
