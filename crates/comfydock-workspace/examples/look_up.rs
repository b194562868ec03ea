//! Times what the index answers: `look_up WORKSPACE WORKFLOW…`, a JSON document in milliseconds. Called
//! by tests/bench/index.py.

#![allow(clippy::print_stdout, reason = "what it is for")]

use std::path::Path;
use std::time::Instant;

use comfydock_core::plan::library::Library;
use comfydock_core::resolve::{self, resolve};
use comfydock_core::workflow::{Workflow, model_refs};
use comfydock_workspace::models::index::Index;
use comfydock_workspace::models::roots::Roots;
use comfydock_workspace::workspace::Workspace;

fn since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let workspace = Workspace::open(Path::new(&arguments.next().ok_or("which workspace?")?))?;
    let texts: Vec<String> = arguments.map(std::fs::read_to_string).collect::<Result<_, _>>()?;
    let roots = Roots::of(&workspace, None)?;

    let start = Instant::now();
    let index = Index::open(&workspace)?;
    let open = since(start);
    let start = Instant::now();
    let models = index.models(&roots)?;
    let read = since(start);
    let hashes: Vec<String> =
        models.iter().step_by(models.len() / 100 + 1).map(|model| model.quick.to_string()).collect();
    let count = models.len();

    let start = Instant::now();
    let library = Library::new(models, None);
    let arranged = resolve::Index::new(&library.files);
    let arrange = since(start);
    let start = Instant::now();
    let mut references = 0;
    for text in texts {
        for reference in model_refs(&Workflow::parse(text)?) {
            std::hint::black_box(resolve(&arranged, &reference, None));
            references += 1;
        }
    }
    let resolved = since(start);

    let mut look_ups: Vec<f64> = Vec::new();
    for hash in &hashes {
        let start = Instant::now();
        let found = index.find(hash, &roots)?;
        look_ups.push(since(start));
        assert!(!found.is_empty());
    }
    look_ups.sort_by(f64::total_cmp);
    let at = |part: f64| look_ups[((look_ups.len() - 1) as f64 * part) as usize];
    println!(
        "{}",
        serde_json::json!({
            "models": count, "references": references, "open": open, "read": read, "arrange": arrange, "resolve": resolved,
            "look_up_median": at(0.5), "look_up_worst": at(1.0),
        })
    );
    Ok(())
}
