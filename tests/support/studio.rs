//! Two machines, a hub between them, and a server of models: the stage of most tests.

use super::comfyui::ComfyUi;
use super::templates::{Named, Template};
use super::{Hub, Machine, ModelServer, STUDIO, Said, safetensors, write};

/// A has the environment `studio` and may push it; B is logged in and has nothing.
pub(crate) struct Studio {
    pub(crate) hub: Hub,
    pub(crate) server: ModelServer,
    pub(crate) comfyui: ComfyUi,
    pub(crate) a: Machine,
    pub(crate) b: Machine,
    /// Of A and of B.
    pub(crate) tokens: [String; 2],
}

impl Studio {
    pub(crate) fn new() -> Self {
        Self::with(Machine::new())
    }

    /// With B on a disk of its own.
    pub(crate) fn with(mut b: Machine) -> Self {
        let (hub, server, comfyui, mut a) = (Hub::start(), ModelServer::start(), ComfyUi::new(), Machine::new());
        // It stands for public hosts, which need no consent; that the hub is on this machine too says nothing of it.
        for machine in [&mut a, &mut b] {
            machine.allow(&server.address);
        }
        a.create(&comfyui);
        let tokens = [hub.admit(&a, "ann"), hub.admit(&b, "bob")];
        a.ok(&["remote", "add", "origin", STUDIO]);
        Self { hub, server, comfyui, a, b, tokens }
    }

    /// A workflow on A and the models it names, which the server has too.
    pub(crate) fn share(&self, name: &str, template: &Template, size: usize) -> Vec<Named> {
        let models = template.models();
        for model in &models {
            if !self.a.models().join(model.path()).exists() {
                // A model's bytes follow from its name.
                let seed =
                    model.path().bytes().fold(1, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
                let bytes = safetensors::model(seed, size);
                self.a.put_model(&model.path(), &bytes);
                self.server.put(&model.path(), bytes);
            }
        }
        write(&self.a.workflow("studio", name), &template.at(&self.server).text);
        models
    }

    /// A workflow with one model, committed and pushed.
    pub(crate) fn send_portrait(&self, size: usize) -> Named {
        let model = self.share("portrait", &super::templates::old("default"), size).remove(0);
        self.send("A portrait");
        model
    }

    /// A commits and pushes.
    pub(crate) fn send(&self, message: &str) -> Said {
        self.a.ok(&["commit", "-m", message, "--yes"]).says(message);
        self.a.ok(&["push"]).says("pushed")
    }

    /// B clones what A pushed.
    pub(crate) fn clone(&self) -> Said {
        self.b.run(&["clone", STUDIO, "--models-dir", self.b.models().to_str().unwrap(), "--yes"])
    }
}
