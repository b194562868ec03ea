"""The main job with the real programs: machine A commits and pushes, the hub keeps, machine B clones and pulls.

Both machines are this computer with two home folders. Real: hub, client, git, uv, HTTP, the workflows. Generated: the model
files (small, but valid and named as the workflows name them). ComfyUI is the stand-in of the tests, which loads nodes and
finds models as ComfyUI does and reports the SHA-256 of every file that a workflow would load.
"""

import argparse
import json
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import models

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = ROOT / "tests/fixtures/comfyui"
# One flat workflow, one with a subgraph and two text encoders in one loader, one with several loaders and a LoRA.
WORKFLOWS = ["flux_schnell", "flux1_krea_dev", "image_qwen_image_2512_with_2steps_lora"]
# The first model of this list is on B under another name, the second in a folder where its loader does not look.
RENAMED, MISPLACED, BROKEN = "ae.safetensors", "clip_l.safetensors", "qwen_image_vae.safetensors"
LARGE = "flux1-schnell-fp8.safetensors"  # over 15 MiB: its quick hash reads samples


class Failed(Exception):
    """The walk cannot go on."""


class Machine:
    """A computer of the story: a home folder, and the commands run there."""

    def __init__(self, run, name, person):
        self.run, self.name, self.home = run, name, run / name.lower()
        self.home.mkdir()
        (self.home / ".gitconfig").write_text(f"[user]\n\tname = {person}\n\temail = {person.lower()}@studio.example\n")
        self.environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "COMFYDOCK_H", "COMFYDOCK_T", "GIT_"))
        }
        # Python itself comes before any shim of it: shims look into HOME, and each machine has its own.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment |= {"HOME": str(self.home), "PATH": path, "UV_CACHE_DIR": str(ROOT / ".quickstart/uv_cache"), "NO_COLOR": "1"}
        self.environment.setdefault("UV_LINK_MODE", "copy")

    def call(self, *words, stdin="", may_fail=False, **variables):
        """Runs a command, shows it and what it prints, and returns its stdout and whether it ended well."""
        words = [str(word) for word in words]
        print(f"\n{self.name} $ {short(self.run, shlex.join(words))}", flush=True)
        done = subprocess.run(
            [PROGRAMS / words[0], *words[1:]], input=stdin, env=self.environment | variables, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        for line in done.stdout.splitlines():
            print(f"    {short(self.run, line)}", flush=True)
        if done.returncode and not may_fail:
            raise Failed(f"`{words[0]} {words[1]}` on {self.name} ended with exit code {done.returncode}")
        return done.stdout, done.returncode == 0

    def ask(self, *words):
        """Runs `comfydock --json` quietly and returns the document."""
        done = subprocess.run([PROGRAMS / "comfydock", "--json", *words], env=self.environment, text=True, capture_output=True)
        if not done.stdout.strip():
            raise Failed(f"`comfydock {' '.join(words)}` on {self.name} said nothing: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def start_comfyui(self):
        """Starts ComfyUI of the active environment until it is up, and returns its report."""
        report = self.home / "comfyui-report.json"
        report.unlink(missing_ok=True)
        self.call("comfydock", "run", "--cpu", "--quick-test-for-ci", COMFYUI_REPORT=str(report))
        return json.loads(report.read_text())


def short(run, text):
    return text.replace(str(run) + "/", "").replace(str(run), ".")


def git(folder, *words, date="2025-10-09T12:00:00Z"):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {"HOME": str(folder), "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    identity = ["-c", "user.name=upstream", "-c", "user.email=upstream@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *words], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)


def make_repository(folder, tag):
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", tag)
    git(folder, "tag", tag)


def start_hub(run):
    """Starts the hub on a free port and returns its process and address once it says that it listens."""
    data, log = run / "hub", open(run / "hub.log", "w", encoding="utf-8")
    process = subprocess.Popen(
        [PROGRAMS / "comfydock-hub", "--data", data, "serve", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=log, text=True,
    )
    deadline = time.monotonic() + 60
    while select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
        line = process.stdout.readline()
        found = re.search(r"listening on (http://\S+)", line)
        if found:
            return process, found[1]
        if not line:
            break
    process.kill()
    raise Failed(f"the hub did not start:\n{(run / 'hub.log').read_text()}")


def accounts(run, machine):
    """Makes the team and its people as the hub's operator does, and returns a token for each."""
    def operate(*words):
        return machine.call("comfydock-hub", "--data", run / "hub", *words)[0].strip()

    operate("user", "add", "alice")
    operate("user", "add", "bob")
    operate("team", "add", "studio")
    operate("team", "member", "studio", "alice", "--role", "writer")
    operate("team", "member", "studio", "bob", "--role", "reader")
    tokens = []
    for person, scope in [("alice", "push"), ("bob", "read")]:
        words = ["--data", run / "hub", "token", "create", person, "--scope", scope, "--name", "quickstart"]
        print(f"\nhub $ comfydock-hub {short(run, shlex.join(map(str, words)))}\n    cdk_… (handed to {person}, not shown)")
        made = subprocess.run([PROGRAMS / "comfydock-hub", *words], text=True, capture_output=True, check=True)
        tokens.append(made.stdout.strip())
    return tokens


def read_templates(wheel, server):
    """The workflows as they are in the package, but that their models are to be had from this computer's server."""
    texts = {}
    with zipfile.ZipFile(wheel) as package:
        for name in WORKFLOWS:
            text = package.read(f"comfyui_workflow_templates_json/templates/{name}.json").decode()
            texts[name] = re.sub(r"https://huggingface\.co/(?=[^\"\s]+/resolve/)", f"http://{server.host}/", text)
    return texts


def walk_a(a, url, token, texts, server):
    """A: make an environment, work in it, commit, push."""
    wanted = {}
    for text in texts.values():
        wanted |= models.mentioned(json.loads(text))
    for name, (category, _) in wanted.items():
        path = a.home / "models" / category / name
        models.write(path, 20 * models.MIB if name == LARGE else models.MIB)
        server.files[name] = path
    comfyui = a.run / "upstream/ComfyUI"
    shutil.copytree(STAND_IN, comfyui, ignore=shutil.ignore_patterns("__pycache__"))
    make_repository(comfyui, "v0.3.64")

    a.call("comfydock", "init", "--models-dir", a.home / "models")
    a.call("comfydock", "hub", "login", url, stdin=token + "\n")
    a.call("comfydock", "create", "look", "--comfyui-url", comfyui)
    folder = a.home / "comfydock_workspace/environments/look/ComfyUI/user/default/workflows"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.json").write_text(text)
    print(f"\nA: an artist saves {len(texts)} workflows in ComfyUI and has the {len(wanted)} models they need")
    a.call("comfydock", "status")
    a.call("comfydock", "--yes", "commit", "-m", "First look")
    a.call("comfydock", "remote", "add", "origin", "studio/look")
    a.call("comfydock", "push")
    return folder


def walk_b(b, url, token, server):
    """B: has two of the models somewhere, and gets everything else. True if the clone says it is complete."""
    category = {name: path.parent.name for name, path in server.files.items()}
    (b.home / "archive" / category[RENAMED]).mkdir(parents=True)
    (b.home / "archive/downloads").mkdir()
    shutil.copyfile(server.files[RENAMED], b.home / "archive" / category[RENAMED] / "flux-vae-from-last-year.safetensors")
    shutil.copyfile(server.files[MISPLACED], b.home / "archive/downloads" / MISPLACED)
    (b.home / "models").mkdir()
    b.call("comfydock", "hub", "login", url, stdin=token + "\n")
    words = ["--models-dir", b.home / "models", "--models-dir", b.home / "archive", "--allow-host", server.host, "--yes"]
    return b.call("comfydock", "clone", "studio/look", *words, may_fail=True)[1]


def walk_change(a, b, folder):
    """A changes a workflow and adds a node pack; B pulls exactly that, and then both have nothing to do."""
    print("\nA: the artist changes a prompt and adds a node pack")
    path = folder / "flux_schnell.json"
    workflow = json.loads(path.read_text())
    prompt = next(node for node in workflow["nodes"] if node["type"] == "CLIPTextEncode" and node["widgets_values"][0])
    prompt["widgets_values"][0] = "a lighthouse in the fog, dawn"
    path.write_text(json.dumps(workflow, indent=2))
    pack = a.run / "upstream/ComfyUI-Fog"
    pack.mkdir()
    (pack / "__init__.py").write_text("class Fog:\n    pass\n\n\nNODE_CLASS_MAPPINGS = {\"Fog\": Fog}\n")
    make_repository(pack, "v1.0")
    a.call("comfydock", "node", "add", pack)
    a.call("comfydock", "commit", "-m", "Fog")
    a.call("comfydock", "push")
    b.call("comfydock", "pull", "--yes")
    quiet = b.ask("commit")["version"] is None and a.ask("pull", "--yes")["pulled"] == 0
    print(f"\nthen `commit` on B and `pull` on A: {'nothing to do on either side' if quiet else 'NOT QUIET'}")
    return quiet and "lighthouse" in (b.home / "comfydock_workspace/environments/look/ComfyUI/user/default/workflows/flux_schnell.json").read_text()


def compare(a, b, report_a, report_b, server):
    """Prints what arrived, by ComfyUI's own report on both sides. True if everything did."""
    def loads(report):
        return {
            (workflow, model["node_id"], model["category"], index): model
            for workflow, seen in report["workflows"].items()
            for index, model in enumerate(seen["models"])
        }

    on_a, on_b = loads(report_a), loads(report_b)
    print("\n" + "=" * 110 + "\nWhat arrived on B, as ComfyUI there reports it\n")
    print(f"  {'model':60} {'how':12} SHA-256 (file on A, loaded on B)")
    shown = set()
    for key, model in on_a.items():
        name = model["value"]
        if name in shown:
            continue
        shown.add(name)
        there = on_b.get(key) or {"sha256": None, "value": None}
        measured = models.sha256(server.files[name])
        if there["sha256"] is None:
            how, verdict = "MISSING", f"{measured[:12]}… nothing"
        else:
            how = "was there" if there["value"] != name else "linked" if name not in server.served else "downloaded"
            verdict = f"{measured[:12]}… {'equal' if measured == there['sha256'] == model['sha256'] else 'DIFFERS'}"
        print(f"  {name:60} {how:12} {verdict}")

    print(f"\n  {'workflow':60} {'state':12} models")
    complete = bool(on_a) and set(report_a["workflows"]) == set(report_b["workflows"])
    listed = {workflow["name"]: workflow for workflow in b.ask("workflow", "list")["workflows"]}
    for workflow in sorted(report_a["workflows"]):
        keys = [key for key in on_a if key[0] == workflow]
        equal = [key for key in keys if key in on_b and on_b[key]["sha256"] and on_b[key]["sha256"] == on_a[key]["sha256"]]
        said = listed.get(workflow.removesuffix(".json"), {"ready": False, "missing": ["the workflow"]})
        ready = said["ready"] and len(equal) == len(keys)
        complete = complete and ready
        lacks = "" if ready else f", lacks {', '.join(said['missing'])}"
        print(f"  {workflow:60} {'ready' if ready else 'NOT READY':12} {len(equal)} of {len(keys)} equal{lacks}")

    if report_a["nodes"]:
        print(f"\n  {'node pack':60} loaded by ComfyUI")
    for pack, seen in sorted(report_a["nodes"].items()):
        loaded = report_b["nodes"].get(pack, {}).get("loaded", False)
        complete = complete and loaded == seen["loaded"]
        print(f"  {pack:60} {'yes' if loaded else 'NO'}")
    return complete


def walk(run, options):
    """The whole walk. Returns the hub's process, its address, and whether B is complete."""
    server = models.Server()
    a, b, operator = Machine(run, "A", "Alice"), Machine(run, "B", "Bob"), Machine(run, "hub-operator", "Operator")
    operator.name = "hub"
    hub, url = start_hub(run)
    try:
        print(f"hub: serves {url}, its data in {short(run, str(run / 'hub'))}/ (SQLite and git repositories)")
        alice, bob = accounts(run, operator)
        folder = walk_a(a, url, alice, read_templates(options.templates, server), server)
        if options.break_source:
            server.broken = BROKEN
            print(f"\n--break-source: from now on the source of {BROKEN} sends other bytes than A had")
        complete = walk_b(b, url, bob, server)
        if complete:
            complete = walk_change(a, b, folder)
        complete &= compare(a, b, a.start_comfyui(), b.start_comfyui(), server)
    except BaseException:
        hub.terminate()
        hub.wait()
        raise
    return hub, url, complete


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=Path, required=True)
    parser.add_argument("--templates", type=Path, required=True)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--break-source", action="store_true")
    options = parser.parse_args()
    global PROGRAMS
    PROGRAMS = options.programs
    if not STAND_IN.is_dir():
        sys.exit(f"error: {STAND_IN} is missing; this needs a whole clone of the repository")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    run = Path(tempfile.mkdtemp(prefix=time.strftime("run-%Y%m%d-%H%M%S-"), dir=ROOT / ".quickstart"))
    print(f"ComfyDock quickstart: machine A -> hub -> machine B, in {run.relative_to(ROOT)}/\n", flush=True)
    hub, complete = None, False
    try:
        hub, url, complete = walk(run, options)
        print(f"\n{'B is complete.' if complete else 'B is NOT complete.'}")
        if not options.once and complete:
            print(f"\nThe hub is at {url}; its page shows studio/look to whoever signs in with a token:")
            print(f"    {options.programs.relative_to(ROOT) if options.programs.is_relative_to(ROOT) else options.programs}/comfydock-hub"
                  f" --data {(run / 'hub').relative_to(ROOT)} token create bob --scope read")
            print("Ctrl-C ends it.", flush=True)
            hub.wait()
        return 0 if complete else 1
    except Failed as failure:
        print(f"\nerror: {failure}\nWhat the hub said is in {run.relative_to(ROOT)}/hub.log", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nended")
        return 0 if complete else 130
    finally:
        if hub and hub.poll() is None:
            hub.terminate()
            hub.wait()


if __name__ == "__main__":
    sys.exit(main())
