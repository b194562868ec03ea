use std::collections::BTreeMap;

use super::*;
use crate::workflow::Workflow;

fn used(text: &str) -> Vec<UsedType> {
    used_types(&Workflow::parse_any(text.to_owned()).unwrap())
}

fn names(used: &[UsedType]) -> Vec<&str> {
    used.iter().map(|used| used.name.as_str()).collect()
}

#[test]
fn what_a_workflow_needs_besides_comfyui() {
    let found = used(
        r#"{"nodes": [
        {"id": 1, "type": "KSampler", "properties": {"Node name for S&R": "KSampler"}},
        {"id": 2, "type": "NewCoreNode", "properties": {"cnr_id": "comfy-core", "ver": "0.9.0"}},
        {"id": 3, "type": "Reroute"}, {"id": 4, "type": "Note"}, {"id": 5, "type": "MarkdownNote"}, {"id": 6, "type": "PrimitiveNode"},
        {"id": 7, "type": "FaceDetailer", "mode": 4, "properties": {"cnr_id": "ComfyUI-Impact-Pack", "ver": "8.8.1"}},
        {"id": 8, "type": "FaceDetailer", "properties": {"cnr_id": "comfyui-impact-pack", "ver": "8.8.1"}},
        {"id": 9, "type": "workflow/mine"}, {"id": 10, "type": "workflow>undefined"},
        {"id": 11, "type": "0a1b2c3d-0000-4000-8000-000000000001"},
        {"id": 12, "type": "0a1b2c3d-0000-4000-8000-0000000000ff"},
        {"id": 13, "type": "0a1b2c3d-0000-4000-8000-0000000000fe", "properties": {"Node name for S&R": "Renamed"}},
        {"id": 14, "type": "Rested", "mode": 2, "properties": {"aux_id": "U/R", "ver": "0123456789abcdef0123456789abcdef01234567"}},
        {"id": 15, "type": "KSampler", "properties": {"cnr_id": "overriding-pack"}}
        ],
        "extra": {"groupNodes": {"mine": {"nodes": [{"type": "InGroup"}, {"type": "KSampler"}, {"type": "Reroute"}]}}},
        "definitions": {"subgraphs": [{"id": "0a1b2c3d-0000-4000-8000-000000000001", "nodes": [
            {"id": 1, "type": "InSubgraph"}, {"id": 2, "type": "VAELoader"}]}]}}"#,
    );
    assert_eq!(names(&found), ["FaceDetailer", "InGroup", "InSubgraph", "KSampler", "Renamed", "Rested"]);
    let ids: Vec<_> = found[0].said.iter().map(|said| said.cnr_id.as_deref().unwrap()).collect();
    assert_eq!(ids, ["ComfyUI-Impact-Pack", "comfyui-impact-pack"]);
    assert_eq!((found[0].active, found[5].active), (true, false));
    assert_eq!(found[5].said[0].aux_id.as_deref(), Some("U/R"));
    assert!(found[1].said.is_empty());
    let api = used(r#"{"1": {"class_type": "KSampler", "inputs": {}}, "2": {"class_type": "Own", "inputs": {}}}"#);
    assert_eq!(names(&api), ["Own"]);
}

#[test]
fn what_python_declares() {
    for (text, expected) in [
        ("", &[][..]),
        ("x = {\"A\": 1}", &[]),
        ("NODE_CLASS_MAPPINGS = {}", &[]),
        ("NODE_CLASS_MAPPINGS = {'B': B, \"A\": A,}", &["A", "B"]),
        ("NODE_CLASS_MAPPINGS: dict[str, type] = {\n  'A': A, # 'X': X\n  # \"Y\": Y\n  'B': B\n}", &["A", "B"]),
        (
            "NODE_CLASS_MAPPINGS = {\n'A': {'inner': 1}, **more, 'B': f('x', {'y': 2}), C: 'd', 'E' if x else 'F': G}",
            &["A", "B"],
        ),
        ("NODE_CLASS_MAPPINGS = {'A' 'B': x, r'C\\d': y, u\"É\": z, f'{n}': w, b'raw': v}", &["AB", "C\\d", "É"]),
        ("NODE_CLASS_MAPPINGS = {'it\\'s \\u2764 \\x41': x, \"🎈\": y}", &["it's ❤ A", "🎈"]),
        ("NODE_CLASS_MAPPINGS.update({'A': A})\nNODE_CLASS_MAPPINGS.update(more)", &["A"]),
        ("NODE_CLASS_MAPPINGS.update(dict(A=Class, B=f(x=1)))", &["A", "B"]),
        ("NODE_CLASS_MAPPINGS = dict(A=Class)", &["A"]),
        ("NODE_CLASS_MAPPINGS |= {'A': A}", &["A"]),
        ("NODE_CLASS_MAPPINGS = {'A': A} | {'B': B} | c", &["A", "B"]),
        ("NODE_CLASS_MAPPINGS['A'] = A\nNODE_CLASS_MAPPINGS[name] = B\nif NODE_CLASS_MAPPINGS['C'] == c: pass", &["A"]),
        ("print(NODE_CLASS_MAPPINGS['A'])", &[]),
        ("VIDEO_NODE_CLASS_MAPPINGS = {'A': A}\nNODE_CLASS_MAPPINGS_2 = {'B': B}", &["A", "B"]),
        ("NODE_DISPLAY_NAME_MAPPINGS = {'A': 'The A'}\nNODE_CLASS_MAPPINGS = x", &[]),
        ("# NODE_CLASS_MAPPINGS = {'A': A}\n'''\nNODE_CLASS_MAPPINGS = {'B': B}\n'''", &[]),
        ("from .a import NODE_CLASS_MAPPINGS as x\n__all__ = ['NODE_CLASS_MAPPINGS']", &[]),
        ("io.Schema(\n  node_id=\"MyNode\",\n  inputs=[io.Int.Input('x', node_id='no')])", &["MyNode"]),
        ("Schema(node_id=NAME)", &[]),
        ("NODE_CLASS_MAPPINGS = {'A': A", &["A"]),
        ("NODE_CLASS_MAPPINGS = {'A", &[]),
        ("NODE_CLASS_MAPPINGS = {'A\n': A, 'B': B}", &[]),
        ("NODE_CLASS_MAPPINGS = \\\n{'A': A}", &["A"]),
        ("NODE_CLASS_MAPPINGS = {'': A, 'ok': B}", &["ok"]),
        ("NODE_CLASS_MAPPINGS", &[]),
        ("NODE_CLASS_MAPPINGS = {'A': lambda: {'B': 1}[',']}, 'C'", &["A"]),
    ] {
        assert_eq!(node_types(text), expected, "{text}");
    }
}

#[test]
fn a_file_takes_no_longer_than_its_length() {
    for part in
        ["NODE_CLASS_MAPPINGS = {", "NODE_CLASS_MAPPINGS = {} | ", "Schema(", "NODE_CLASS_MAPPINGS.update(", "{'a':"]
    {
        let text = format!("NODE_CLASS_MAPPINGS node_id {}", part.repeat(40_000));
        // Read anew from every table's start, this would take hours.
        assert_eq!(node_types(&text), Vec::<String>::new(), "{part}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_the_scanner(text in "(NODE_CLASS_MAPPINGS|[={}\\[\\]().:,|'\"\\\\#rfu\n]|'A'|x|é| ){0,40}") {
        node_types(&text);
    }
}

const MAP: &str = r#"{
    "https://github.com/a/Exact": [["TypeA", "Shared"], {"title_aux": "Exact"}],
    "https://github.com/b/Other.git": [["Shared", "Taken"], {"title_aux": "Other", "nodename_pattern": " \\(other\\)$"}],
    "https://github.com/c/First": [["Nothing"], {"title_aux": "First", "preemptions": ["Taken"]}],
    "https://gist.githubusercontent.com/x/raw/one.py": [["OneFile"], {"title_aux": "A file"}],
    "hhttps://github.com/t/Typo": [["Typed"], {}],
    "https://github.com/d/Ahead": [["D"], {"nodename_pattern": "(?=x)y"}],
    "https://github.com/e/Heavy": [["E"], {"nodename_pattern": "(a{1000}){1000}"}],
    "https://github.com/f/Odd": "nonsense",
    "https://github.com/g/Bare": [["G"]]
}"#;

fn shown(claims: &[Claim]) -> Vec<String> {
    claims.iter().map(|claim| format!("{} {}", claim.evidence.word(), claim.pack)).collect()
}

#[test]
fn the_managers_map() {
    let map = ManagerMap::parse(MAP).unwrap();
    for (node_type, expected) in [
        ("TypeA", &["manager_map https://github.com/a/Exact"][..]),
        ("Shared", &["manager_map https://github.com/a/Exact", "manager_map https://github.com/b/Other.git"]),
        ("Taken", &["manager_map_preempts https://github.com/c/First"]),
        ("Any node (other)", &["manager_map_pattern https://github.com/b/Other.git"]),
        ("OneFile", &["manager_map https://gist.githubusercontent.com/x/raw/one.py"]),
        ("Typed", &["manager_map hhttps://github.com/t/Typo"]),
        ("G", &["manager_map https://github.com/g/Bare"]),
        ("unheard of", &[]),
    ] {
        assert_eq!(shown(&map.claims(node_type)), expected, "{node_type}");
    }
    assert!(matches!(map.claims("OneFile")[0].pack, Pack::Elsewhere(_)), "a file is no repository");
    assert!(matches!(map.claims("Typed")[0].pack, Pack::Elsewhere(_)));
    assert_eq!(map.skipped.len(), 3, "{:?}", map.skipped);
    for text in ["", "[]", "{}", "{\"x\": 1}", "<html>"] {
        assert!(ManagerMap::parse(text).is_err(), "{text}");
    }
}

fn one(name: &str, cnr_id: Option<&str>, aux_id: Option<&str>, version: Option<&str>) -> UsedType {
    let own = |text: Option<&str>| text.map(str::to_owned);
    let said = Said { cnr_id: own(cnr_id), aux_id: own(aux_id), version: own(version) };
    let said = if cnr_id.or(aux_id).is_some() { vec![said] } else { Vec::new() };
    UsedType { name: name.to_owned(), said, active: true }
}

fn line(pack: &MissingPack) -> String {
    let types: Vec<&str> = pack.types.iter().map(|one| one.name.as_str()).collect();
    let version = pack.claims.first().and_then(|claim| claim.version.clone()).unwrap_or_default();
    format!(
        "{} <- {} {version} {}",
        types.join(","),
        shown(&pack.claims).join(" | "),
        pack.here.clone().unwrap_or_default()
    )
    .trim_end()
    .to_owned()
}

#[test]
fn the_surest_kind_of_evidence_counts_and_nothing_is_chosen() {
    let map = ManagerMap::parse(MAP).unwrap();
    let installed = [
        Installed { name: "Here".to_owned(), node_types: vec!["Declared".to_owned()], ..Installed::default() },
        Installed {
            name: "rgthree-comfy".to_owned(),
            registry_id: RegistryId::parse("rgthree-comfy").ok(),
            ..Installed::default()
        },
        Installed {
            name: "exact".to_owned(),
            repository: RepositoryUrl::parse("git@github.com:A/exact.git").ok(),
            ..Installed::default()
        },
    ];
    let chosen = [("Mine".to_owned(), Pack::of_url("https://github.com/me/mine"))].into();
    let knowledge = Knowledge { installed: &installed, chosen, manager_map: Some(&map) };
    for (types, expected) in [
        (vec![one("Declared", Some("other"), None, None)], vec![]),
        (vec![one("Mine", Some("other"), None, None)], vec!["Mine <- chosen https://github.com/me/mine"]),
        (vec![one("Shared", Some("Pack"), Some("U/R"), Some("1.2.3"))], vec!["Shared <- cnr_id Pack 1.2.3"]),
        (vec![one("Shared", Some("../bad"), Some("U/R"), None)], vec!["Shared <- aux_id https://github.com/U/R"]),
        (vec![one("Taken", None, Some("bad"), None)], vec!["Taken <- manager_map_preempts https://github.com/c/First"]),
        (
            vec![one("Shared", None, None, None)],
            vec![
                "Shared <- manager_map https://github.com/a/Exact | manager_map https://github.com/b/Other.git  exact",
            ],
        ),
        (vec![one("Asked", None, None, None)], vec!["Asked <- registry owner"]),
        (vec![one("Unheard", None, None, None), one("Of", None, None, None)], vec!["Of <-", "Unheard <-"]),
        (
            vec![one("B", Some("Pack"), None, Some("1.0.0")), one("A", Some("pack"), None, Some("1.0.0"))],
            vec!["A,B <- cnr_id pack 1.0.0"],
        ),
        (
            vec![one("A", Some("pack"), None, Some("1.0.0")), one("A", Some("PACK"), None, Some("2.0.0"))],
            vec!["A <- cnr_id pack"],
        ),
        (vec![one("A", Some("x"), None, None), one("A", Some("y"), None, None)], vec!["A <- cnr_id x | cnr_id y"]),
        (
            vec![one("Fast (rgthree)", Some("rgthree-comfy"), None, None)],
            vec!["Fast (rgthree) <- cnr_id rgthree-comfy  rgthree-comfy"],
        ),
        (vec![one("TypeA", None, None, None)], vec!["TypeA <- manager_map https://github.com/a/Exact  exact"]),
    ] {
        let workflows = BTreeMap::from([("w".to_owned(), types)]);
        let mut asked = Vec::new();
        let found = missing(&workflows, &knowledge, |name| {
            asked.push(name.to_owned());
            let pack = Pack::Registry(RegistryId::parse("owner").unwrap());
            let claim = Claim { pack, version: None, evidence: Evidence::Registry };
            if name == "Asked" { vec![claim] } else { Vec::new() }
        });
        assert_eq!(found.iter().map(line).collect::<Vec<_>>(), expected);
        assert!(asked.iter().all(|name| ["Asked", "Unheard", "Of"].contains(&name.as_str())), "{asked:?}");
    }
}

#[test]
fn every_workflow_that_needs_a_type_is_named() {
    let workflows = BTreeMap::from([
        ("b".to_owned(), vec![one("A", Some("x"), None, None)]),
        ("a".to_owned(), vec![UsedType { active: false, ..one("A", None, None, None) }]),
    ]);
    let found = missing(&workflows, &Knowledge::default(), |_| Vec::new());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].types[0].workflows, ["a", "b"]);
    assert!(found[0].types[0].active);
    assert_eq!(shown(&found[0].claims), ["cnr_id x"]);
}
