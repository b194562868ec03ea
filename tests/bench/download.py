"""Times downloads with verification against aria2c and curl, over loopback, in turn: A B C A B C …

Run it from the project's folder after `cargo build --release --bin comfydock`:

    python3 tests/bench/download.py [--runs N] [--megabytes M] [--throttled MEGABYTES]

It needs nginx, curl and aria2c; as root it installs what is missing with apt-get, else it says what it
leaves out. All three end with a file whose SHA-256 was checked: comfydock as it comes, aria2c with
--checksum, curl followed by sha256sum and by openssl. Comfydock also measures BLAKE3, and syncs the file
before it gets its name, which of the others only the row with `sync` does. Before each run everything
that earlier ones left to be written is written. --throttled lets nginx send each connection so many MB a
second. What each figure means is in docs/performance.md.
"""
import argparse
import hashlib
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

PROJECT = pathlib.Path(__file__).resolve().parents[2]
COMFYDOCK = PROJECT / "target/release/comfydock"
PORT = 18734
CONFIGURATION = """
daemon off; worker_processes 1; pid {root}/pid; error_log {root}/error.log;
events {{}}
http {{
  access_log off; sendfile on; default_type application/octet-stream;
  client_body_temp_path {root}/a; proxy_temp_path {root}/b; fastcgi_temp_path {root}/c; uwsgi_temp_path {root}/d; scgi_temp_path {root}/e;
  server {{ listen 127.0.0.1:{port}; root {root}/files; {limit} }}
}}
"""


def have(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    if missing and os.geteuid() == 0:
        packages = {"aria2c": "aria2", "nginx": "nginx-light"}
        subprocess.run(["apt-get", "install", "-y", *(packages.get(name, name) for name in missing)], stdout=subprocess.DEVNULL, check=False)
    return [program for program in programs if shutil.which(program)]


class Server:
    def __init__(self, root, limit=""):
        (root / "files").mkdir(exist_ok=True)
        (root / "nginx.conf").write_text(CONFIGURATION.format(root=root, port=PORT, limit=limit))
        self.process = subprocess.Popen(["nginx", "-c", str(root / "nginx.conf"), "-e", str(root / "error.log")])
        deadline = time.time() + 10
        while subprocess.run(["curl", "-sf", "-o", "/dev/null", "-r", "0-0", url()], check=False).returncode and time.time() < deadline:
            pass

    def end(self):
        self.process.terminate()
        self.process.wait()


def url():
    return f"http://127.0.0.1:{PORT}/loras/model.safetensors"


def write_model(path, megabytes):
    path.parent.mkdir(parents=True)
    block = os.urandom(1 << 20)
    data = megabytes * (1 << 20)
    header = b'{"w":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}' % (data, data)
    digest = hashlib.sha256()
    with open(path, "wb") as handle:
        for number, piece in enumerate([len(header).to_bytes(8, "little") + header, *[block] * megabytes]):
            piece = piece if number == 0 else number.to_bytes(8, "little") + piece[8:]
            handle.write(piece)
            digest.update(piece)
    return digest.hexdigest()


def timed(commands, out, env):
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    # What an earlier run left dirty would be written during this one.
    os.sync()
    before, start = os.times(), time.perf_counter()
    for command in commands:
        subprocess.run([str(word) for word in command], check=True, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, os.times()
    return wall, after.children_user + after.children_system - before.children_user - before.children_system


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--megabytes", type=int, default=2048)
    parser.add_argument("--throttled", type=int, metavar="MEGABYTES")
    options = parser.parse_args()
    if "nginx" not in have("nginx", "curl"):
        sys.exit("there is no nginx here, and it cannot be installed without root")
    with tempfile.TemporaryDirectory(dir=os.environ.get("COMFYDOCK_BENCH_DIR")) as folder:
        root = pathlib.Path(folder)
        root.chmod(0o755)
        digest = write_model(root / "files/loras/model.safetensors", options.megabytes)
        out = root / "out"
        env = {"PATH": os.environ["PATH"], "HOME": str(root / "home"), "LANG": "C.UTF-8"}
        (root / "home").mkdir()
        out.mkdir()
        subprocess.run([COMFYDOCK, "init", "--models-dir", out], env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        model = out / "model"
        peers = {"comfydock": [[COMFYDOCK, "models", "download", url(), "--sha256", digest, "--allow-host", "127.0.0.1"]]}
        if "aria2c" in have("aria2c"):
            check = ["--checksum", f"sha-256={digest}", "-q", "-d", out, "-o", "model", "--file-allocation=falloc", url()]
            peers["aria2c -x1"] = [["aria2c", "-x1", *check]]
            peers["aria2c -x4"] = [["aria2c", "-x4", "-s4", "-k20M", *check]]
        else:
            print("aria2c is not here and is left out", file=sys.stderr)
        (root / "sums").write_text(f"{digest}  {model}\n")
        peers["curl, sha256sum"] = [["curl", "-sf", "-o", model, url()], ["sha256sum", "-c", root / "sums"]]
        peers["curl, openssl"] = [["curl", "-sf", "-o", model, url()], ["openssl", "dgst", "-sha256", model]]
        peers["curl, openssl, sync"] = [*peers["curl, openssl"], ["sync", model]]
        server = Server(root, f"limit_rate {options.throttled}m;" if options.throttled else "")
        try:
            results = {name: [] for name in peers}
            for run in range(options.runs + 1):
                for name, commands in peers.items():
                    result = timed(commands, out, env)
                    print(f"{name}: {result[0]:.2f} s" if run else f"{name}: warm", file=sys.stderr, flush=True)
                    if run:
                        results[name].append(result)
        finally:
            server.end()
    ours = results["comfydock"]
    print("| what | wall | processor | comfydock's wall to it |\n|---|--:|--:|--:|")
    for name, pairs in results.items():
        wall, cpu = (statistics.median(side) for side in zip(*pairs))
        ratio = statistics.median(mine[0] / theirs[0] for mine, theirs in zip(ours, pairs))
        print(f"| {name} | {wall:.2f} s | {cpu:.2f} s | {ratio:.2f} |")


if __name__ == "__main__":
    main()
