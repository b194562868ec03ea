"""Times bundles: export and import of many small things, publish and import of a large one, each beside peers.

    python3 tests/bench/bundles.py [--runs N] [--megabytes M] [--only file|registry]

Run it from the project's folder after `cargo build --release --bin comfydock` and once `bash tests/run.sh`, which
fetches docker-registry, skopeo and oras into target/tools. It needs git, uv (COMFYDOCK_UV or PATH) and the network
once. All use one registry on loopback; each round pushes to a repository that is new. What each figure means is in
docs/performance.md.
"""
import argparse
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from bench import COMFYDOCK, PROJECT, Stage, put_models, run, templates

TOOLS = PROJECT / "target/tools/registries"
PACKS, WORKFLOWS, FILES = 20, 100, 50
ORAS = ("import sys, oras.client\n"
        "client = oras.client.OrasClient(insecure=True, tls_verify=False)\n"
        "if sys.argv[1] == 'push': client.push(target=sys.argv[2], files=sys.argv[3:], disable_path_validation=True)\n"
        "else: client.pull(target=sys.argv[2], outdir=sys.argv[3])\n")


def measured(commands, env):
    """Seconds, and megabytes of memory at most, of commands one after the other."""
    os.sync()
    start, most = time.perf_counter(), 0
    for command in commands:
        with tempfile.TemporaryFile() as said:
            child = subprocess.Popen([str(word) for word in command], env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = status
            if status:
                said.seek(0)
                sys.exit(f"{command}: {status}\n{said.read().decode(errors='replace')}")
        most = max(most, usage.ru_maxrss / 1024)
    return time.perf_counter() - start, most


def rounds(what, sides, env, runs):
    """sides: names and functions from the number of the round to commands, ours first."""
    results = {name: [] for name in sides}
    for number in range(runs + 1):
        for name, commands in sides.items():
            result = measured(commands(number), env)
            if number:
                results[name].append(result)
    ours = next(iter(results.values()))
    for name, pairs in results.items():
        wall, memory = (statistics.median(side) for side in zip(*pairs))
        ratio = statistics.median(mine[0] / theirs[0] for mine, theirs in zip(ours, pairs))
        print(f"| {what}: {name} | {wall:.2f} s | {memory:.0f} MB | {ratio:.2f} |", flush=True)


def develop(stage, name, files):
    """A development pack with these files of so many bytes, no two alike and none that packs well."""
    folder = stage.environment / "ComfyUI/custom_nodes" / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("NODE_CLASS_MAPPINGS = {}\n")
    for number, size in enumerate(files):
        (folder / f"part{number}.dat").write_bytes(os.urandom(size))
    run(COMFYDOCK, "node", "add", name, "--dev", env=stage.env)
    return folder


def receiver(stage, name):
    """The variables of somebody who has nothing but uv's cache."""
    home = stage.root / name
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    shutil.copy(stage.home / ".gitconfig", home)
    return {**stage.env, "HOME": str(home), "UV_CACHE_DIR": str(stage.home / "comfydock_workspace/uv_cache")}


def imported(stage, source, *more):
    """Imports as somebody who has nothing, each time anew."""
    def commands(number):
        env = receiver(stage, f"receiver{number}")
        words = [f"{name}={env[name]}" for name in ("HOME", "UV_CACHE_DIR")]
        return [["env", *words, COMFYDOCK, "import", source, "--models-dir", stage.models, "--yes", "--allow-issues", "--no-lookup", *more]]
    return commands


def bench_file(root, runs):
    stage = Stage(root)
    texts = templates(root, WORKFLOWS)
    put_models(texts, stage.models)
    stage.put_workflows(texts)
    for number in range(PACKS):
        develop(stage, f"mine-{number}", [2_000] * 20)
    run(COMFYDOCK, "commit", "-m", "bench", "--yes", "--allow-issues", env=stage.env)
    bundle, packed = root / "studio.tar.gz", root / "peer.tar.gz"
    export = [COMFYDOCK, "export", "--output", bundle, "--force", "--yes", "--allow-issues", "--no-sources", "--no-full-hash"]
    tar = ["tar", "-czf", packed, "-C", stage.environment, ".cec/pyproject.toml", ".cec/uv.lock", ".cec/workflows", "ComfyUI/custom_nodes"]
    what = f"{WORKFLOWS} workflows, {PACKS} development packs"
    rounds(f"export of {what}", {"comfydock": lambda _: [export], "tar -cz": lambda _: [tar]}, stage.env, runs)

    def by_hand(number):
        folder = root / f"hand{number}"
        folder.mkdir()
        project = folder / ".cec"
        sync = ["env", f"UV_CACHE_DIR={stage.home / 'comfydock_workspace/uv_cache'}", "UV_OFFLINE=1", shutil.which("uv") or os.environ["COMFYDOCK_UV"],
                "sync", "--frozen", "--all-groups", "--no-build", "--project", project]
        return [["tar", "-xzf", packed, "-C", folder], ["git", "clone", "-q", stage.root / "comfyui", folder / "there"], sync]

    sides = {"comfydock": imported(stage, bundle), "tar -xz, git clone, uv sync": by_hand}
    rounds(f"import of {what}", sides, stage.env, runs)


class Registry:
    def __init__(self, root):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.host = "127.0.0.1:%d" % free.getsockname()[1]
        (root / "registry.yml").write_text(
            "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
            f"storage: {{filesystem: {{rootdirectory: {root}/registry}}}}\nhttp: {{addr: \"{self.host}\", secret: bench}}\n")
        log = open(root / "registry.log", "wb")
        self.process = subprocess.Popen([TOOLS / "docker-registry", "serve", root / "registry.yml"], stdout=log, stderr=log,
                                        env={**os.environ, "OTEL_TRACES_EXPORTER": "none"})
        deadline = time.time() + 20
        while time.time() < deadline:
            try:
                socket.create_connection(tuple(self.host.rsplit(":", 1)), 1).close()
                return
            except OSError:
                time.sleep(0.02)

    def end(self):
        self.process.terminate()
        self.process.wait()


def bench_registry(root, runs, megabytes):
    stage = Stage(root)
    folder = develop(stage, "large", [megabytes * 1_000_000 // FILES] * FILES)
    run(COMFYDOCK, "commit", "-m", "bench", "--yes", "--allow-issues", env=stage.env)
    registry = Registry(root)
    try:
        policy = root / "policy.json"
        policy.write_text('{"default":[{"type":"insecureAcceptAnything"}]}')
        layout, packed, out = root / "layout", root / "large.tar.gz", root / "out"
        env = {**stage.env, "PYTHONPATH": str(TOOLS / "oras")}
        skopeo = [TOOLS / "skopeo", "--policy", policy, "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false"]
        oras = [sys.executable, "-c", ORAS]
        target = lambda who, number: f"{registry.host}/bench/{who}{number}:v1"
        ours = lambda number: [[COMFYDOCK, "publish", f"oci://{target('ours', number)}", "--unsigned", "--yes", "--allow-issues"]]
        measured(ours("first"), env)
        run(*skopeo, f"docker://{target('ours', 'first')}", f"oci:{layout}:v1", env=env)
        pack = ["tar", "-czf", packed, "-C", folder.parent, folder.name]
        run(*pack, env=env)
        what = f"publish of {megabytes} MB"
        rounds(what, {
            "comfydock, packing too": ours,
            "tar -cz, oras push": lambda number: [pack, [*oras, "push", target("oras", number), packed]],
            "oras push, packed before": lambda number: [[*oras, "push", target("packed", number), packed]],
            "skopeo copy, packed before": lambda number: [[*skopeo, f"oci:{layout}:v1", f"docker://{target('skopeo', number)}"]],
        }, env, runs)

        def emptied(commands):
            shutil.rmtree(out, ignore_errors=True)
            return commands

        first = target("ours", "first")
        rounds(f"import of {megabytes} MB", {
            "comfydock, unpacking and building too": imported(stage, f"oci://{first}", "--allow-unsigned"),
            "oras pull": lambda _: emptied([[*oras, "pull", first, out]]),
            "skopeo copy": lambda _: emptied([[*skopeo, f"docker://{first}", f"oci:{out}:v1"]]),
        }, env, runs)
    finally:
        registry.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--only", choices=["file", "registry"])
    options = parser.parse_args()
    print("| what | time | memory | comfydock's time to it |\n|---|--:|--:|--:|")
    for name, bench in (("file", bench_file), ("registry", lambda *given: bench_registry(*given, options.megabytes))):
        if options.only in (None, name):
            with tempfile.TemporaryDirectory() as folder:
                bench(pathlib.Path(folder), options.runs)


if __name__ == "__main__":
    main()
