"""Times the hub against `git http-backend` behind nginx and against file://, in turn: A B C A B C …

Run it from the project's folder after `cargo build --release --bins`, on Debian with nginx and fcgiwrap:

    apt install nginx-light fcgiwrap
    python3 tests/bench/hub.py [--runs N] [--only push|clones|large|lookup]

What each figure means and the aims are in docs/performance.md.
"""
import argparse
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

PROJECT = pathlib.Path(__file__).resolve().parents[2]
HUB = PROJECT / "target/release/comfydock-hub"
MANIFEST = """[project]
name = "comfydock-environment"
version = "0.0.0"
requires-python = "==3.11.*"
dependencies = []

[tool.comfydock]
schema_version = 1

[tool.comfydock.environment]
comfyui_version = "v0.3.64"
comfyui_commit = "a125cd84a125cd84a125cd84a125cd84a125cd84"
comfyui_url = "https://github.com/comfyanonymous/ComfyUI"
python_version = "3.11"
platforms = ["linux-x86_64"]
"""
GIT = {
    "PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C",
    **{f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "Bench"), ("EMAIL", "bench@example.org"))},
}


def run(*command, **options):
    options.setdefault("env", GIT)
    return subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **options).stdout.strip()


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Peer:
    """git http-backend behind nginx and fcgiwrap; the same git, the same unpackLimit."""

    def __init__(self, root):
        self.root = root / "peer"
        self.root.mkdir()
        self.port = free_port()
        socket_path = root / "fcgi.sock"
        backend = pathlib.Path(run("git", "--exec-path")) / "git-http-backend"
        configuration = root / "nginx.conf"
        configuration.write_text(f"""
worker_processes 2; daemon off; pid {root}/nginx.pid; error_log {root}/nginx.log; user root;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_max_body_size 0; client_body_temp_path {root}/body; fastcgi_temp_path {root}/fastcgi;
  proxy_temp_path {root}/proxy; uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi; sendfile on; tcp_nodelay on;
  server {{
    listen 127.0.0.1:{self.port};
    location / {{
      fastcgi_pass unix:{socket_path}; fastcgi_request_buffering off; fastcgi_buffering off; fastcgi_read_timeout 600s;
      fastcgi_param SCRIPT_FILENAME {backend}; fastcgi_param GIT_HTTP_EXPORT_ALL 1; fastcgi_param GIT_PROJECT_ROOT {self.root};
      fastcgi_param PATH_INFO $uri; fastcgi_param QUERY_STRING $query_string; fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param CONTENT_TYPE $content_type; fastcgi_param CONTENT_LENGTH $content_length; fastcgi_param REMOTE_ADDR $remote_addr;
      fastcgi_param HTTP_CONTENT_ENCODING $http_content_encoding; fastcgi_param HTTP_GIT_PROTOCOL $http_git_protocol;
      fastcgi_param SERVER_PROTOCOL $server_protocol; fastcgi_param REMOTE_USER bench;
    }}
  }}
}}
""")
        # Each leads a group: fcgiwrap does not end its children by itself.
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
        self.processes = [subprocess.Popen(["fcgiwrap", "-c", "32", "-s", f"unix:{socket_path}"], env=GIT, **quiet),
                          subprocess.Popen(["nginx", "-c", str(configuration), "-p", str(root)], **quiet)]
        while subprocess.run(["curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{self.port}/"]).returncode:
            time.sleep(0.05)

    def url(self, name):
        self.make(name)
        return f"http://127.0.0.1:{self.port}/{name}.git"

    def make(self, name):
        path = self.root / f"{name}.git"
        if not path.exists():
            run("git", "init", "-q", "--bare", "-b", "main", path)
            for key, value in (("http.receivepack", "true"), ("receive.unpackLimit", "1"), ("receive.fsckObjects", "true")):
                run("git", "-C", path, "config", key, value)
        return path

    def stop(self):
        for process in self.processes:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


class Files(Peer):
    """Plain repositories, by file://."""

    def __init__(self, root):
        self.root = root / "files"
        self.root.mkdir()
        self.processes = []

    def url(self, name):
        return f"file://{self.make(name)}"


class Hub:
    def __init__(self, root, name="hub", rows=0):
        self.data = root / name
        self.env = {"PATH": os.environ["PATH"]}
        self.process = subprocess.Popen([HUB, "--data", self.data, "serve", "--listen", "127.0.0.1:0"], env=self.env, stdout=subprocess.PIPE,
                                        stderr=open(root / f"{name}.log", "w"), text=True)
        self.address = self.process.stdout.readline().split("http://")[1].strip()
        self.command("user", "add", "bench")
        self.token = self.command("token", "create", "bench")
        if rows:
            self.fill(rows)

    def command(self, *arguments):
        return run(HUB, "--data", self.data, *arguments, env=self.env)

    def url(self, name):
        return f"http://x:{self.token}@{self.address}/bench/{name}.git"

    def fill(self, rows):
        """A catalog of `rows` models in environments of a thousand each; every model has two sources."""
        with sqlite3.connect(self.data / "hub.db") as database:
            [owner] = database.execute("SELECT id FROM accounts WHERE name = 'bench'").fetchone()
            for number in range(rows // 1000):
                identity = f"{number:032x}"
                database.execute("INSERT INTO environments (id, owner_id, name, folded, created_at, tip, pushed_at, pushed_by, comfyui_version)"
                                 " VALUES (?, ?, ?, ?, 1, ?, 1, 'bench', 'v0.3.64')", (identity, owner, f"e{number}", f"e{number}", "0" * 40))
                models = [model(number * 1000 + index) for index in range(1000)]
                database.executemany("INSERT INTO environment_models (environment_id, key, sha256, blake3, quick, size, filename, category, sources)"
                                     " VALUES (?, ?, ?, ?, ?, ?, ?, 'checkpoints', ?)",
                                     [(identity, quick, sha256, sha256, quick, 1000, f"{quick[:8]}.safetensors",
                                       json.dumps([f"https://example.org/{position}/{quick}" for position in (0, 1)])) for sha256, quick in models])

    def memory(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])

    def stop(self):
        self.process.terminate()
        self.process.wait()


def model(number):
    generator = random.Random(number)
    return generator.randbytes(32).hex(), generator.randbytes(32).hex()


def environment(path, megabytes):
    path.mkdir()
    (path / "workflows").mkdir()
    (path / "pyproject.toml").write_text(MANIFEST)
    (path / "workflows/hero.json").write_text('{"nodes":[],"links":[]}')
    run("git", "-C", path, "init", "-q", "-b", "main")
    if megabytes:
        (path / "notes").mkdir()
        for number in range(megabytes // 4):
            (path / f"notes/{number}.dat").write_bytes(os.urandom(4_000_000))
        run("git", "-C", path, "add", "-A")
        run("git", "-C", path, "commit", "-qm", "large")
    else:
        for version in range(280):
            nodes = [{"id": index, "type": "KSampler", "pos": [index, version]} for index in range(40)]
            (path / f"workflows/shot-{version % 20}.json").write_text(json.dumps({"nodes": nodes, "links": []}))
            run("git", "-C", path, "add", "-A")
            run("git", "-C", path, "commit", "-qm", f"v{version}")
    run("git", "-C", path, "gc", "-q")
    return path


def compare(name, sides, once, runs, aim):
    """once(side, turn) gives seconds. The first side is ours."""
    for side in sides:
        once(side, "warm")
    rounds = [[once(side, turn) for side in sides] for turn in range(runs)]
    medians = [statistics.median(column) for column in zip(*rounds)]
    ratios = [statistics.median(row[0] / row[other] for row in rounds) for other in range(1, len(sides))]
    print(f"| {name} | " + " | ".join(f"{median:.2f} s" for median in medians) + " | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + f" | {aim} |", flush=True)


def seconds(*commands):
    start = time.perf_counter()
    processes = [subprocess.Popen([str(word) for word in command], env=GIT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for command in commands]
    if any(process.wait() for process in processes):
        sys.exit(f"failed: {commands[0]}")
    return time.perf_counter() - start


def bench_git(root, runs, only):
    sides = [Hub(root), Peer(root), Files(root)]
    turns = iter(range(1_000_000))
    try:
        print("| what | comfydock-hub | nginx + http-backend | file:// | ratio to nginx | ratio to file:// | aim |\n|---|--:|--:|--:|--:|--:|---|")
        if only in (None, "push", "large"):
            large = environment(root / "large", 200)
        if only in (None, "push"):
            compare("push 200 MB", sides, lambda side, _: seconds(("git", "-C", large, "push", "-q", side.url(f"push{next(turns)}"), "main")), runs, "1.0 / 1.2")
        clone = lambda side, name, count: timed_clones(root, side.url(name), count)
        if only in (None, "clones"):
            small = environment(root / "small", 0)
            for side in sides:
                run("git", "-C", small, "push", "-q", side.url("small"), "main")
            compare("16 clones at once", sides, lambda side, _: clone(side, "small", 16), runs, "1.0 / 1.2")
        if only in (None, "large"):
            for side in sides:
                run("git", "-C", large, "push", "-q", side.url("large"), "main")
            compare("2 clones of 200 MB at once", sides, lambda side, _: clone(side, "large", 2), runs, "1.0 / 1.2")
        print(f"\nThe hub itself had {sides[0].memory() // 1000} MB of memory at most.")
    finally:
        for side in sides:
            side.stop()


def timed_clones(root, url, count):
    targets = [root / f"clone-{number}" for number in range(count)]
    took = seconds(*(("git", "clone", "-q", "--bare", url, target) for target in targets))
    for target in targets:
        shutil.rmtree(target)
    return took


def bench_lookup(root, runs):
    print("\n| look-up of 1,000 SHA-256, 900 known | median | p99 | peer: the same rows by sqlite3 | ratio | aim |\n|---|--:|--:|--:|--:|---|")
    for rows in (100_000, 1_000_000):
        hub = Hub(root, f"catalog{rows}", rows)
        generator = random.Random(7)
        connection = http.client.HTTPConnection(hub.address)
        database = sqlite3.connect(hub.data / "hub.db")
        ours, theirs = [], []
        try:
            for turn in range(runs * 20 + 20):
                keys = [model(generator.randrange(rows))[0] for _ in range(900)] + [generator.randbytes(32).hex() for _ in range(100)]
                body = json.dumps({"keys": [f"sha256:{key}" for key in keys]})
                start = time.perf_counter()
                connection.request("POST", "/api/v1/models/lookup", body, {"Authorization": f"Bearer {hub.token}", "Content-Type": "application/json"})
                answer = connection.getresponse().read()
                took = time.perf_counter() - start
                found = sum(found is not None for found in json.loads(answer)["models"].values())
                assert found >= 880, answer[:300]
                start = time.perf_counter()
                for key in keys:
                    database.execute("SELECT * FROM environment_models WHERE sha256 = ?", (key,)).fetchall()
                if turn >= 20:
                    ours.append(took * 1000)
                    theirs.append((time.perf_counter() - start) * 1000)
            p99 = statistics.quantiles(ours, n=100)[98]
            median, peer = statistics.median(ours), statistics.median(theirs)
            print(f"| {rows:,} models | {median:.1f} ms | {p99:.1f} ms | {peer:.1f} ms | {median / peer:.2f} | p99 20 ms |", flush=True)
        finally:
            hub.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--only", choices=["push", "clones", "large", "lookup"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        root = pathlib.Path(root)
        if options.only != "lookup":
            bench_git(root, options.runs, options.only)
        if options.only in (None, "lookup"):
            bench_lookup(root, options.runs)


if __name__ == "__main__":
    main()
