"""Times the everyday commands against a named peer, in turn: A B A B …, medians and their ratio.

Run it from the project's folder after `cargo build --release --bins`:

    python3 tests/bench/bench.py [--runs N] [--index-gigabytes G]

It needs git, uv (COMFYDOCK_UV or PATH) and the network once, for the template workflows and two small
Python packages. As root it also measures the index with cold caches. What each figure means and the
aims are in docs/performance.md.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile

PROJECT = pathlib.Path(__file__).resolve().parents[2]
COMFYDOCK = PROJECT / "target/release/comfydock"
TEMPLATES = "comfyui-workflow-templates-json==0.1.123"


def run(*command, **options):
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)


def timed(command, prepare=None, cwd=None, env=None):
    """Milliseconds of a command; a function gives another one each time."""
    if prepare:
        prepare()
    command = command() if callable(command) else command
    start = time.perf_counter()
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=cwd, env=env,
                   stdin=subprocess.DEVNULL)
    return (time.perf_counter() - start) * 1000


def compare(name, ours, peer, runs, aim=""):
    """ours and peer: dictionaries for timed(); prints one row of the table."""
    for side in (ours, peer):
        timed(**side)
    pairs = [(timed(**ours), timed(**peer)) for _ in range(runs)]
    mine, theirs = (statistics.median(side) for side in zip(*pairs))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"| {name} | {mine:.1f} ms | {theirs:.1f} ms | {ratio:.2f} | {aim} |", flush=True)


class Stage:
    """A home, a workspace and an environment of the stand-in, with other packages if they are named."""

    def __init__(self, root, requirements="", variables=(), create=()):
        self.root = pathlib.Path(root)
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.root / "home"), "LANG": "C.UTF-8"}
        for name in ("COMFYDOCK_UV", "SSL_CERT_FILE", "PIP_CERT"):
            if name in os.environ:
                self.env[name] = os.environ[name]
        self.env.update(variables)
        self.home = self.root / "home"
        self.home.mkdir()
        (self.home / ".gitconfig").write_text("[user]\n\tname = Bench\n\temail = bench@example.org\n")
        comfyui = self.root / "comfyui"
        shutil.copytree(PROJECT / "tests/fixtures/comfyui", comfyui)
        with open(comfyui / "requirements.txt", "a", encoding="utf-8") as file:
            file.write(requirements)
        for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"], ["tag", "v0.3.64"]):
            run("git", "-C", comfyui, *arguments, env=self.env)
        self.models = self.root / "models"
        self.models.mkdir()
        run(COMFYDOCK, "init", "--models-dir", self.models, env=self.env)
        run(COMFYDOCK, "create", "studio", "--comfyui-url", comfyui, *create, env=self.env)
        self.environment = self.home / "comfydock_workspace/environments/studio"
        self.workflows = self.environment / "ComfyUI/user/default/workflows"

    def command(self, *arguments):
        return {"command": [COMFYDOCK, *arguments], "env": self.env}

    def put_workflows(self, texts):
        shutil.rmtree(self.workflows, ignore_errors=True)
        self.workflows.mkdir(parents=True)
        for name, text in texts:
            (self.workflows / f"{name}.json").write_text(text, encoding="utf-8")


def templates(root, count):
    """Real template workflows, smallest name first."""
    run(sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", root, TEMPLATES)
    [wheel] = pathlib.Path(root).glob("*.whl")
    texts = []
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".json"):
                text = archive.read(name).decode()
                workflow = json.loads(text)
                if isinstance(workflow, dict) and "nodes" in workflow:
                    texts.append((pathlib.Path(name).stem, text))
    return texts if count is None else texts[:count]


def put_models(texts, folder):
    """A small file for every model that the workflows name in properties.models."""
    def visit(value):
        if isinstance(value, dict):
            for model in (value.get("properties") or {}).get("models", []) if isinstance(value.get("properties"), dict) else []:
                path = folder / model["directory"] / model["name"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(model["name"].encode())
            for item in value.values():
                visit(item)
        elif isinstance(value, list):
            for item in value:
                visit(item)
    for _, text in texts:
        visit(json.loads(text))


def bench_workflows(stage, runs, everything):
    for count, status_aim, commit_aim in ((3, "20 ms", "60 ms"), (100, "100 ms", "300 ms")):
        texts = everything[:count]
        put_models(texts, stage.models)
        stage.put_workflows(texts)
        run(COMFYDOCK, "commit", "-m", "bench", "--yes", "--allow-issues", env=stage.env)
        peer = stage.root / f"peer{count}"
        shutil.copytree(stage.environment / ".cec/workflows", peer)
        for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
            run("git", "-C", peer, *arguments, env=stage.env)
        compare(f"`status`, {count} workflows, peer `git status`", stage.command("status"),
                {"command": ["git", "status"], "cwd": peer, "env": stage.env}, runs, status_aim)
        turn = iter(range(10_000_000))

        def change(folder):
            for path in folder.glob("*.json"):
                text = path.read_text(encoding="utf-8")
                path.write_text(text.replace("{", '{ "bench": %d,' % next(turn), 1), encoding="utf-8")

        compare(f"`commit`, {count} changed workflows, peer `git commit -a`",
                {**stage.command("commit", "-m", "bench", "--allow-issues", "--yes"), "prepare": lambda: change(stage.workflows)},
                {"command": ["git", "commit", "-qam", "bench"], "cwd": peer, "env": stage.env, "prepare": lambda: change(peer)},
                runs, commit_aim)
        if count == 100:
            # The same change of values on both sides.
            for folder in (stage.workflows, peer):
                for path in folder.glob("*.json"):
                    text = path.read_text(encoding="utf-8")
                    path.write_text(re.sub(r'("widgets_values":\s*\[\s*)(\d)', r"\g<1>7\2", text), encoding="utf-8")
            compare(f"`diff`, {count} changed workflows, peer `git diff`", stage.command("diff"),
                    {"command": ["git", "diff"], "cwd": peer, "env": stage.env}, runs)
            compare(f"`diff --stat`, {count} changed workflows, peer `git diff --stat`", stage.command("diff", "--stat"),
                    {"command": ["git", "diff", "--stat"], "cwd": peer, "env": stage.env}, runs)


def bench_reading(stage, runs, everything):
    """All templates at once, outside any workspace: what reading and judging costs beside a JSON parser alone."""
    folder = stage.root / "templates"
    folder.mkdir()
    for name, text in everything:
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    files = sorted(folder.glob("*.json"))
    show = {"command": [COMFYDOCK, "--json", "workflow", "show", *files], "env": {**stage.env, "HOME": str(folder)}}
    parse = "import json, sys\nfor path in sys.argv[1:]:\n with open(path, encoding='utf-8') as file: json.load(file)"
    compare(f"`workflow show` of {len(files)} templates, peer Python's `json.load` of each", show,
            {"command": [sys.executable, "-c", parse, *files]}, runs, "")
    if shutil.which("jq"):
        compare(f"`workflow show` of {len(files)} templates, peer `jq empty`", show, {"command": ["jq", "empty", *files]}, runs, "")
    else:
        print("jq is not here: its row is left out", file=sys.stderr)


def bench_index(stage, runs, gigabytes):
    folder = stage.root / "library"
    (folder / "checkpoints").mkdir(parents=True)
    size = int(gigabytes * 1_000_000_000 / 200)
    block = os.urandom(1 << 20)
    for number in range(200):
        with open(folder / f"checkpoints/model-{number:03}.safetensors", "wb") as handle:
            handle.write(number.to_bytes(8, "little"))
            for _ in range(size // len(block)):
                handle.write(block)
    os.sync()
    samples = [sys.executable, "-c", """
import pathlib, sys
for path in pathlib.Path(sys.argv[1]).rglob('*.safetensors'):
    size = path.stat().st_size
    with open(path, 'rb') as handle:
        for offset in (0, size // 2 - 2621440, size - 5242880):
            handle.seek(max(offset, 0)); handle.read(5242880)
""", str(folder)]
    database = stage.home / "comfydock_workspace/comfydock_cache"

    def forget():
        for path in database.glob("models.db*"):
            path.unlink()

    def cold():
        forget()
        os.sync()
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")

    index = stage.command("models", "index", folder)
    if os.geteuid() == 0:
        try:
            compare(f"`models index`, 200 files/{gigabytes:g} GB, cold caches, peer reading the same samples", {**index, "prepare": cold},
                    {"command": samples, "prepare": cold}, 3, "bounded by reading the samples")
        except OSError as error:
            print(f"cold caches cannot be made here: {error}", file=sys.stderr)
    compare(f"`models index`, 200 files/{gigabytes:g} GB, warm, peer reading the same samples", {**index, "prepare": forget}, {"command": samples},
            max(3, runs // 4), "bounded by reading the samples")
    compare("rescan of 200 files, peer `find -newer` (a stat a file)", index,
            {"command": ["find", folder, "-newer", folder / "checkpoints/model-000.safetensors"]}, runs, "a stat a file")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=21)
    parser.add_argument("--index-gigabytes", type=float, default=6.0)
    options = parser.parse_args()
    print("| what, and the peer in the same run | comfydock | peer | ratio | aim |\n|---|--:|--:|--:|---|")
    with tempfile.TemporaryDirectory() as root:
        stage = Stage(root)
        compare("`--help`, peer `git --help`", stage.command("--help"), {"command": ["git", "--help"], "env": stage.env}, options.runs, "20 ms, below 10 better")
        wheels = pathlib.Path(root) / "wheels"
        wheels.mkdir()
        everything = templates(wheels, None)
        bench_reading(stage, options.runs, everything)
        bench_workflows(stage, options.runs, everything[:100])
        bench_index(stage, options.runs, options.index_gigabytes)


if __name__ == "__main__":
    main()
