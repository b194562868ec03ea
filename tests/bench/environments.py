"""Times what changes an environment: generations of a large venv, and a node pack that comes.

    python3 tests/bench/environments.py [--runs N] [--files N] [--torch FOLDER] [--only swap|node]

Run it from the project's folder after `cargo build --release --bin comfydock`. The venv has so many files
in generated wheels; with --torch it is that of ComfyUI with the real torch instead (7 GB; FOLDER is uv's
cache, which is filled the first time and must be on the file system of the temporary folder). It needs
git, uv (COMFYDOCK_UV or PATH) and the network once. What each figure means is in docs/performance.md.
"""
import argparse
import base64
import hashlib
import itertools
import pathlib
import shutil
import sys
import tempfile
import zipfile

from bench import COMFYDOCK, Stage, compare, run

UV = shutil.which("uv")
# As ComfyUI of October 2025 asks for them, without its own templates and frontend.
TORCH = """torch
torchvision
torchaudio
torchsde
numpy>=1.25.0
einops
transformers>=4.37.2
tokenizers>=0.13.3
sentencepiece
safetensors>=0.4.2
aiohttp>=3.11.8
yarl>=1.18.0
Pillow
scipy
tqdm
psutil
alembic
SQLAlchemy
av>=14.2.0
kornia>=0.7.1
spandrel
soundfile
pydantic~=2.0
pydantic-settings~=2.0
"""
PACKAGES = 10


def wheel(folder, name, files):
    """A package of so many modules of four kilobytes, none like another."""
    records = []
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        def put(path, text):
            data = text.encode()
            archive.writestr(path, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            records.append(f"{path},sha256={digest},{len(data)}")
        for number in range(files):
            put(f"{name}/part{number // 100}/module{number}.py", f"# {name} {number}\n" + "x = 1  # some code\n" * 200)
        about = f"{name}-1.0.dist-info"
        put(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        put(f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "\n".join([*records, f"{about}/RECORD,,"]) + "\n")


def pack(root, stage, name, requirement):
    """A git repository with a node pack."""
    folder = root / name
    folder.mkdir()
    (folder / "__init__.py").write_text("NODE_CLASS_MAPPINGS = {}\n")
    (folder / "requirements.txt").write_text(requirement)
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        run("git", "-C", folder, *arguments, env=stage.env)
    return folder


def by_hand(stage):
    """The same project without comfydock: its history, and one venv in it, filled."""
    folder = stage.root / "by-hand"
    shutil.copytree(stage.environment / ".cec", folder, symlinks=True)
    env = {**stage.env, "UV_OFFLINE": "1", "UV_CACHE_DIR": stage.env.get("UV_CACHE_DIR", str(stage.home / "comfydock_workspace/uv_cache"))}
    run(UV, "sync", "--frozen", "--all-groups", "--no-build", cwd=folder, env=env)
    return folder, env


def bench_swap(root, stage, runs, what):
    source = pack(root, stage, "comfyui-bench", "six==1.15.0\n")
    for version in ("1.15.0", "1.16.0", "1.17.0"):
        (source / "requirements.txt").write_text(f"six=={version}\n")
        run("git", "-C", source, "commit", "-qam", version, "--allow-empty", env=stage.env)
        run(COMFYDOCK, "node", *(["add", f"file://{source}"] if version == "1.15.0" else ["update"]), env=stage.env)
        run(COMFYDOCK, "commit", "-m", version, "--yes", env=stage.env)
    folder, env = by_hand(stage)
    turn = {"ours": itertools.cycle((3, 4)), "in place": itertools.cycle((3, 4)), "all": itertools.cycle((2, 3, 4)), "anew": itertools.cycle((2, 3, 4))}
    # Version 4 is the newest; counted from it by hand.
    to = lambda which: f"HEAD~{4 - next(turn[which])}"
    rollback = lambda which: {"command": lambda: [COMFYDOCK, "--offline", "rollback", f"v{next(turn[which])}", "--yes"], "env": stage.env}
    sync = f"'{UV}' sync --frozen --all-groups --no-build"
    run("git", "-C", folder, "tag", "newest", env=env)
    shell = lambda which, then: {"command": lambda: ["sh", "-ec", f"git checkout -q {to(which).replace('HEAD', 'newest')} && {then}"], "cwd": folder, "env": env}
    compare(f"`rollback` to the version before, {what}; peer `git checkout` and `uv sync` in place", rollback("ours"), shell("in place", sync), runs)
    anew = f"UV_PROJECT_ENVIRONMENT=.venv-new {sync} && rm -rf .venv-old && mv .venv .venv-old && mv .venv-new .venv"
    compare(f"`rollback` to a version whose venv is gone, {what}; peer `git checkout`, `uv sync` into a new venv, the oldest removed",
            rollback("all"), shell("anew", anew), runs)
    compare(f"`repair --rebuild`, {what}; peer `uv sync` into a new venv, the old one removed",
            {"command": [COMFYDOCK, "--offline", "repair", "--rebuild", "--yes"], "env": stage.env}, {"command": ["sh", "-ec", anew], "cwd": folder, "env": env}, runs)


def bench_node(root, stage, runs):
    source = pack(root, stage, "comfyui-small", "iniconfig==2.0.0\n")
    folder, env = by_hand(stage)
    resolutions = stage.home / "comfydock_workspace/comfydock_cache/resolutions"
    add = [COMFYDOCK, "--offline", "node", "add", f"file://{source}"]
    run(COMFYDOCK, "node", "add", f"file://{source}", env=stage.env)

    def gone():
        run(COMFYDOCK, "--offline", "node", "remove", "comfyui-small", env=stage.env)

    def unresolved():
        gone()
        shutil.rmtree(resolutions, ignore_errors=True)

    def back():
        run("git", "-C", folder, "checkout", "-q", "--", ".", env=env)
        shutil.rmtree(folder / "nodes", ignore_errors=True)
        run(UV, "sync", "--frozen", "--all-groups", "--no-build", cwd=folder, env=env)

    script = (f"git clone -q 'file://{source}' nodes/comfyui-small && "
              "sed -i '/^dependencies = \\[/a \"iniconfig==2.0.0\",' pyproject.toml && "
              f"'{UV}' lock -q --no-build && '{UV}' sync -q --frozen --all-groups --no-build")
    peer = {"command": ["sh", "-ec", script], "cwd": folder, "env": env, "prepare": back}
    compare("`node add` of a small git pack, peer `git clone`, `uv lock`, `uv sync` in place",
            {"command": add, "env": stage.env, "prepare": unresolved}, peer, runs)
    compare("`node add` of a pack that was there before, same peer", {"command": add, "env": stage.env, "prepare": gone}, peer, runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--files", type=int, default=25_000)
    parser.add_argument("--torch", type=pathlib.Path)
    parser.add_argument("--only", choices=["swap", "node"])
    options = parser.parse_args()
    if not UV:
        sys.exit("uv has to be on PATH")
    print("| what, and the peer in the same run | comfydock | peer | ratio | aim |\n|---|--:|--:|--:|---|")
    with tempfile.TemporaryDirectory() as temporary:
        root = pathlib.Path(temporary)
        if options.only != "swap":
            (root / "small").mkdir()
            bench_node(root, Stage(root / "small"), options.runs)
        if options.only == "node":
            return
        (root / "large").mkdir()
        if options.torch:
            options.torch.mkdir(parents=True, exist_ok=True)
            # The stand-in's commit is of today, and so would the packages be.
            stage = Stage(root / "large", TORCH, {"UV_CACHE_DIR": str(options.torch.resolve()), "GIT_COMMITTER_DATE": "2025-10-15T12:00:00Z"})
        else:
            wheels = root / "wheels"
            wheels.mkdir()
            names = [f"bulk{number}" for number in range(PACKAGES)]
            for name in names:
                wheel(wheels, name, options.files // PACKAGES)
            stage = Stage(root / "large", "".join(f"{name}\n" for name in names), {"UV_FIND_LINKS": str(wheels)}, ["--no-exclude-newer"])
        venv = (stage.environment / ".venv").resolve()
        files = [path.stat().st_size for path in venv.rglob("*") if path.is_file() and not path.is_symlink()]
        bench_swap(root, stage, options.runs, f"{len(files):,} files/{sum(files) / 1e9:.1f} GB")


if __name__ == "__main__":
    main()
