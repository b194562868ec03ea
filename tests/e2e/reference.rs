//! What others build on: the words of `--help` and the shape of `--json`. Both are held as files
//! and as tables here; a change is a decision, not an accident.

use serde_json::Value;

use crate::support::nodes::NodePack;
use crate::support::{Machine, STUDIO, Studio, project, write};

/// The commands below one, as its help lists them: none can be forgotten here.
pub(crate) fn commands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = listed
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next().filter(|_| !line.starts_with("   ")));
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// What a command says of itself, and what those below it do.
fn describe(machine: &Machine, command: &str, text: &mut String) {
    let words: Vec<&str> = command.split(' ').filter(|word| !word.is_empty()).chain(["--help"]).collect();
    let said = machine.ok(&words).stdout;
    // Global options come with every command; once is enough.
    let own = if command.is_empty() { said.as_str() } else { said.split("Global options:").next().unwrap_or_default() };
    let own: Vec<&str> = own.lines().map(str::trim_end).collect();
    text.push_str(
        &format!("\n## `comfydock {command}`\n\n```text\n{}\n```\n", own.join("\n").trim_end())
            .replace("comfydock `", "comfydock`"),
    );
    for below in commands(&said) {
        describe(machine, format!("{command} {below}").trim_start(), text);
    }
}

#[test]
fn the_reference_is_what_the_program_says() {
    let machine = Machine::new();
    let mut text = "# Command line\n\nWhat `comfydock` says of itself. Written by the end-to-end tests with `COMFYDOCK_UPDATE=1`.\n".to_owned();
    describe(&machine, "", &mut text);
    assert!(text.contains("## `comfydock workflow resolve`"), "commands below commands are told too");
    let path = project().join("docs/cli.md");
    if std::env::var_os("COMFYDOCK_UPDATE").is_some() {
        write(&path, &text);
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == text,
        "docs/cli.md is not what --help says; run the test with COMFYDOCK_UPDATE=1"
    );
}

/// The keys of a document, with those inside lists and objects.
pub(crate) fn shape(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<String> = members.iter().map(|(key, value)| format!("{key}{}", shape(value))).collect();
            format!("{{{}}}", members.join(" "))
        }
        Value::Array(items) => format!("[{}]", items.first().map(shape).unwrap_or_default()),
        _ => String::new(),
    }
}

#[test]
fn json_documents_keep_their_shape() {
    let studio = Studio::new();
    let model = studio.share("portrait", &crate::support::templates::old("default"), 20_000).remove(0);
    let (a, b) = (&studio.a, &studio.b);
    let models = b.models();
    let repository = NodePack::new();
    let pack = repository.url();
    let model_keys = "blake3 claims[] offline[] paths[] quick_hash sha256 size sources[]";
    studio.hub.run(&["team", "member", "team", "ann", "--role", "admin"]);
    a.login(&studio.hub.url(), &studio.hub.token("ann", "admin")).ok();
    let facts = "kept{bytes files} may model_bytes models name nodes owner pushed_at pushed_by";
    let on_hub = format!("comfyui_version {facts} tip visibility workflows");
    let changed = format!("comfyui_version {facts} schema tip visibility workflows");
    let arrived = "category filename name reason sha256 size state workflows[]";
    let bundle = a.root().join("studio.tar.gz");
    let table: Vec<(&Machine, Vec<&str>, String)> = vec![
        (a, vec!["list"], "{environments[{active comfyui_version name path version}] schema}".into()),
        (
            a,
            vec!["status"],
            "{ahead behind clean comfyui_moved comfyui_version duplicate_nodes[] environment install_scripts[] linked_folders[] loose_files[] misnamed[] missing_models[] missing_nodes[] modified_nodes[] more_sources[] \
             other_changes[] schema settled strange_nodes[] unknown_folders[] unlocked[] unresolved[] untracked_nodes[] version workflows[{change name}]}"
                .into(),
        ),
        (a, vec!["workflow", "list"], "{schema workflows[{misnamed[] missing[] name ready skipped[] state}]}".into()),
        (a, vec!["--yes", "commit"], "{changes[{change workflow}] commit nodes_added[] schema summary unlocked[] unresolved[] version}".into()),
        (a, vec!["push"], "{allowed[] commit measured remote schema sent uncommitted[] unresolved[] vendored[] version without_source[]}".into()),
        (
            a,
            vec!["export", "--yes", "--output", bundle.to_str().unwrap()],
            "{allowed[] commit content_digest dev_nodes[] missing_models[] models modified_nodes[] nodes path recorded schema signature size unresolved{} \
             without_source[] workflows[]}"
                .into(),
        ),
        (
            b,
            vec!["import", bundle.to_str().unwrap(), "--yes", "--name", "sent", "--models-dir", models.to_str().unwrap()],
            format!(
                "{{active commit complete content_digest environment install_scripts[] install_scripts_run[] left_out_nodes[] missing_nodes[] \
                 models[{{{arrived}}}] nodes[] platform_added schema substituted_in workflows[{{lacks[] name ready}}]}}"
            ),
        ),
        (b, vec!["delete", "sent", "--force"], "{environment kept models[] schema was was_active work[]}".into()),
        (a, vec!["log"], "{schema versions[{author commit email message time version}]}".into()),
        (
            a,
            vec!["diff", "v1"],
            "{environment[] files[] from{commit version} models[{change fields[{after before field}] filename key sha256 sources_added[] sources_removed[]}] \
             packages[] packs[] requirements[] schema settings[] substitutions[] to \
             workflows[{change layout[] links[] models[{after{criticality key sha256 status} before category change filename}] name node_count nodes[] parts[] \
             properties[] was}]}"
                .into(),
        ),
        (a, vec!["models", "index"], "{bytes files gone learned measured offline[] schema unmeasured unreachable}".into()),
        (a, vec!["models", "list"], format!("{{models[{{{model_keys}}}] offline schema}}")),
        (a, vec!["models", "show", &model.name], "{blake3 claims[] header{architecture file_size tensor_hash tensors title} offline[] paths[] quick_hash schema sha256 size sources[]}".into()),
        (a, vec!["models", "source", "list"], format!("{{models[{{{model_keys}}}] schema}}")),
        (a, vec!["doctor"], "{environment findings[] packages packs schema sound}".into()),
        (a, vec!["gc", "--older-than", "0"], "{bytes items[{about bytes kind path}] kept[] pruned schema}".into()),
        (a, vec!["completion", "bash"], "{schema script shell}".into()),
        (a, vec!["man"], "{page pages[] schema}".into()),
        (a, vec!["config", "list"], "{schema settings[{kept name value}]}".into()),
        (a, vec!["remote", "list"], "{remotes[{name url}] schema}".into()),
        (a, vec!["hub", "whoami"], "{admin schema scope teams[{may role team}] user}".into()),
        (a, vec!["hub", "environments"], format!("{{environments[{{{on_hub}}}] schema}}")),
        (a, vec!["hub", "rename", STUDIO, "renamed"], format!("{{{changed}}}")),
        (a, vec!["hub", "visibility", STUDIO, "public"], format!("{{{changed}}}")),
        (a, vec!["hub", "delete", STUDIO, "--yes"], changed.replace("comfyui_version", "{comfyui_version deleted{at by until}") + "}"),
        (a, vec!["hub", "restore", STUDIO], format!("{{{changed}}}")),
        (a, vec!["hub", "token", "create", "--name", "ci"], "{id schema token}".into()),
        (a, vec!["hub", "token", "list"], "{schema tokens[{created_at current id last_used_at name scope user}]}".into()),
        (
            b,
            vec!["clone", STUDIO, "--yes", "--models-dir", models.to_str().unwrap()],
            format!("{{active commit complete environment install_scripts[] install_scripts_run[] missing_nodes[] models[{{{arrived}}}] platform_added schema}}"),
        ),
        (b, vec!["pull", "--yes"], "{environment merged pulled questions[] schema}".into()),
        (b, vec!["node", "add", &pack], "{install_scripts[] install_scripts_run[] kept[] lock_is_behind nodes[{commit group name repository requested_ref requirements_sha256 source}] packages_changed schema}".into()),
        (b, vec!["node", "list"], "{nodes[{node{commit group name repository requested_ref requirements_sha256 source} state vendored}] schema untracked[]}".into()),
        (b, vec!["node", "update"], "{install_scripts[] install_scripts_run[] kept[] lock_is_behind nodes[] packages_changed schema}".into()),
        (b, vec!["comfyui", "update"], "{commit environment from kept[] schema to}".into()),
        (b, vec!["repair"], "{environment kept[] repaired schema}".into()),
        (b, vec!["rollback", "--yes"], "{backup changed development[] environment kept[] missing_models[] schema version}".into()),
        (b, vec!["models", "download", "--missing"], format!("{{complete environment models[{{{arrived}}}] schema}}")),
        (b, vec!["delete", "studio", "--force"], "{environment kept models[] schema was was_active work[]}".into()),
    ];
    for (machine, arguments, expected) in table {
        let document = machine.json(&arguments);
        let words: Vec<&str> = arguments.iter().copied().filter(|word| !word.starts_with("--")).take(2).collect();
        let name = document["schema"].as_str().unwrap();
        assert!(name.starts_with("comfydock.") && name.ends_with("/1") && name.contains(words[0]), "{name}");
        assert_eq!(shape(&document), expected, "{arguments:?}");
    }
}
