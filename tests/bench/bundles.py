"""Times bundles: export and import of many small things, publish and import of a large one, each beside peers.

    python3 tests/bench/bundles.py [--runs N] [--megabytes M] [--only file|registry]

Run it from the project's folder after `cargo build --release --bin comfydock` and once `bash tests/run.sh`, which
fetches docker-registry, skopeo and oras into target/tools. It needs git, uv (COMFYDOCK_UV or PATH) and the network
once. Every push goes to a docker-registry on loopback that has nothing yet, so that nobody sends less than the whole;
every pull is from one that was filled before. What each figure means is in docs/performance.md.
"""
import argparse
import collections
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading

from bench import COMFYDOCK, PROJECT, Stage, put_models, run, templates

TOOLS = PROJECT / "target/tools/registries"
PACKS, WORKFLOWS, FILES = 20, 100, 50
ORAS = ("import sys, oras.client\n"
        "client = oras.client.OrasClient(insecure=True, tls_verify=False)\n"
        "if sys.argv[1] == 'push': client.push(target=sys.argv[2], files=sys.argv[3:], disable_path_validation=True)\n"
        "else: client.pull(target=sys.argv[2], outdir=sys.argv[3])\n")
# A process of its own, as Linux takes the memory of whoever starts a program for the program's: here about 10 MB.
MEASURE = """
import json, os, sys, time
marks, most, start = {}, 0, time.perf_counter()
for command in json.loads(sys.argv[1]):
    reader, writer = os.pipe()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, writer, 1), (os.POSIX_SPAWN_DUP2, writer, 2)])
    os.close(writer)
    said = []
    for line in open(reader, errors='replace'):
        marks.setdefault(line.split(' ')[0].strip(), time.perf_counter() - start)
        said.append(line)
    _, status, usage = os.wait4(child, 0)
    if status:
        sys.exit(print(f'{command}: {status}', *said[-20:]) or 1)
    most = max(most, usage.ru_maxrss / 1024)
marks['end'] = time.perf_counter() - start
print(json.dumps([marks, most]))
"""


def measured(commands, env):
    """When, in seconds, commands that run one after the other began a line with a word, and their end; and the
    megabytes of memory that one had at most."""
    os.sync()
    commands = [[str(word) for word in command] for command in commands]
    told = subprocess.run([sys.executable, "-S", "-E", "-c", MEASURE, json.dumps(commands)], env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True, check=False)
    if told.returncode:
        sys.exit(told.stdout)
    return json.loads(told.stdout)


def rounds(what, sides, env, runs, part=None):
    """sides: names and functions from the number of the round to commands, ours first. part: the name of what of
    ours is held against the others too, and the words of the lines between which it is done."""
    results = {name: [] for name in sides}
    for number in range(runs + 1):
        for name, commands in sides.items():
            result = measured(commands(number), env)
            if number:
                results[name].append(result)
    walls = {name: [marks["end"] for marks, _ in pairs] for name, pairs in results.items()}
    ours, *_ = sides
    if part:
        name, first, last = part
        parts = [marks[last] - marks[first] for marks, _ in results[ours]]
        print(f"| {what}: {ours}, {name} | {statistics.median(parts):.2f} s | | | |")
    for name in sides:
        ratio = lambda mine: f"{statistics.median(one / other for one, other in zip(mine, walls[name])):.2f}"
        memory = statistics.median(memory for _, memory in results[name])
        print(f"| {what}: {name} | {statistics.median(walls[name]):.2f} s | {memory:.0f} MB | {ratio(walls[ours])} "
              f"| {ratio(parts) if part else ''} |", flush=True)


def develop(stage, name, files):
    """A development pack with these files of so many bytes, no two alike and none that packs well."""
    folder = stage.environment / "ComfyUI/custom_nodes" / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("NODE_CLASS_MAPPINGS = {}\n")
    for number, size in enumerate(files):
        (folder / f"part{number}.dat").write_bytes(os.urandom(size))
    run(COMFYDOCK, "node", "add", name, "--dev", env=stage.env)
    return folder


def receiver(stage):
    """The variables of somebody who has nothing but uv's cache."""
    home = stage.root / "receiver"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    shutil.copy(stage.home / ".gitconfig", home)
    return {**stage.env, "HOME": str(home), "UV_CACHE_DIR": str(stage.home / "comfydock_workspace/uv_cache")}


def imported(stage, source, *more):
    """Imports as somebody who has nothing, each time anew."""
    def commands(_):
        env = receiver(stage)
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
    """A docker-registry on a port of its own, which has nothing."""

    def __init__(self, parent):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="registry-", dir=parent))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.host = "127.0.0.1:%d" % free.getsockname()[1]
        (self.root / "registry.yml").write_text(
            "version: 0.1\nlog: {level: info, accesslog: {disabled: true}}\n"
            f"storage: {{filesystem: {{rootdirectory: {self.root}/storage}}}}\nhttp: {{addr: \"{self.host}\", secret: bench}}\n")
        self.process = subprocess.Popen([TOOLS / "docker-registry", "serve", self.root / "registry.yml"], stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, env={**os.environ, "OTEL_TRACES_EXPORTER": "none"})
        said = []
        for line in self.process.stdout:
            said.append(line)
            if "listening on" in line:
                break
        else:
            sys.exit(f"docker-registry ended\n{''.join(said)}")
        # What it says from here on is read, or it would wait for that.
        threading.Thread(target=collections.deque, args=(self.process.stdout, 0), daemon=True).start()

    def end(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.root)


class Registries:
    """One after the other, so that a push finds none of what an earlier one left, on no port that its client knows."""

    def __init__(self, root):
        self.root, self.current = root, None

    def fresh(self):
        self.end()
        self.current = Registry(self.root)
        return f"{self.current.host}/bench/large:v1"

    def end(self):
        if self.current:
            self.current.end()
        self.current = None


def bench_registry(root, runs, megabytes):
    stage = Stage(root)
    folder = develop(stage, "large", [megabytes * 1_000_000 // FILES] * FILES)
    run(COMFYDOCK, "commit", "-m", "bench", "--yes", "--allow-issues", env=stage.env)
    kept, registries = Registry(root), Registries(root)
    try:
        policy = root / "policy.json"
        policy.write_text('{"default":[{"type":"insecureAcceptAnything"}]}')
        first, layout, packed, out = f"{kept.host}/bench/large:v1", root / "layout", root / "large.tar.gz", root / "out"
        env = {**stage.env, "PYTHONPATH": str(TOOLS / "oras")}
        skopeo = [TOOLS / "skopeo", "--policy", policy, "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false"]
        oras = [sys.executable, "-c", ORAS]
        publish = lambda to: [COMFYDOCK, "publish", f"oci://{to}", "--unsigned", "--yes", "--allow-issues"]
        pack = ["tar", "-czf", packed, "-C", folder.parent, folder.name]
        run(*publish(first), env=env)
        run(*skopeo, f"docker://{first}", f"oci:{layout}:v1", env=env)
        run(*pack, env=env)

        def to_fresh(commands):
            return lambda _: commands(registries.fresh())

        rounds(f"publish of {megabytes} MB", {
            "comfydock, packing too": to_fresh(lambda to: [publish(to)]),
            "tar -cz, oras push": to_fresh(lambda to: [pack, [*oras, "push", to, packed]]),
            "oras push, packed before": to_fresh(lambda to: [[*oras, "push", to, packed]]),
            "skopeo copy, packed before": to_fresh(lambda to: [[*skopeo, f"oci:{layout}:v1", f"docker://{to}"]]),
        }, env, runs, ("of it sending", "Sending", "end"))

        def emptied(command, *then):
            def commands(_):
                shutil.rmtree(out, ignore_errors=True)
                out.mkdir()
                return [command, *then]
            return commands

        layers = [out / blob.relative_to(layout) for blob in (layout / "blobs/sha256").iterdir() if blob.read_bytes()[:2] == b"\x1f\x8b"]
        unpack = [["tar", "-xzf", layer, "-C", out] for layer in layers]
        rounds(f"import of {megabytes} MB", {
            "comfydock, unpacking and building too": imported(stage, f"oci://{first}", "--allow-unsigned"),
            "oras pull": emptied([*oras, "pull", first, out]),
            "skopeo copy": emptied([*skopeo, f"docker://{first}", f"oci:{out}:v1"]),
            "skopeo copy, tar -xz": emptied([*skopeo, f"docker://{first}", f"oci:{out}:v1"], *unpack),
        }, env, runs, ("of it fetching", "Fetching", "Opening"))
    finally:
        registries.end()
        kept.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--only", choices=["file", "registry"])
    options = parser.parse_args()
    print("| what | time | memory | comfydock to it | that part to it |\n|---|--:|--:|--:|--:|")
    for name, bench in (("file", bench_file), ("registry", lambda *given: bench_registry(*given, options.megabytes))):
        if options.only in (None, name):
            with tempfile.TemporaryDirectory() as folder:
                bench(pathlib.Path(folder), options.runs)


if __name__ == "__main__":
    main()
