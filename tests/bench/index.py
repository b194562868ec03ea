"""Times the model index: hashing against sha256sum, openssl and b3sum, scans, look-ups.

Run it from the project's folder after

    cargo build --release --bins
    cargo build --release -p comfydock-workspace --example look_up
    python3 tests/bench/index.py [--runs N] [--gigabytes G] [--only hash|library|entries|fifty|lookup]

Every run of a comparison is A B A B …; the ratio is the median of the rounds' ratios. As root the page
cache is dropped before cold runs; otherwise the files' pages are given up with posix_fadvise. What each
figure means and the aims are in docs/performance.md.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

PROJECT = pathlib.Path(__file__).resolve().parents[2]
COMFYDOCK = PROJECT / "target/release/comfydock"
LOOK_UP = PROJECT / "target/release/examples/look_up"
WORKFLOWS = sorted((PROJECT / "tests/fixtures/workflows").glob("*.json"))
MIB = 1 << 20


def timed(command, prepare=None, env=None):
    if prepare:
        prepare()
    start = time.perf_counter()
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=env)
    return time.perf_counter() - start


def compare(name, ours, peers, runs, aim=""):
    """Prints a row for each peer; ours and peers are dictionaries for timed()."""
    rounds = [(timed(**ours), *(timed(**peer) for peer in peers.values())) for _ in range(runs)]
    mine = statistics.median(round[0] for round in rounds)
    for position, peer in enumerate(peers, 1):
        theirs = statistics.median(round[position] for round in rounds)
        ratio = statistics.median(round[0] / round[position] for round in rounds)
        print(f"| {name}, peer {peer} | {mine * 1000:.0f} ms | {theirs * 1000:.0f} ms | {ratio:.2f} | {aim} |", flush=True)


def random_file(path, size):
    with open(path, "wb") as file:
        while size > 0:
            count = min(size, 16 * MIB)
            file.write(os.urandom(count))
            size -= count


def sampled_file(path, size):
    """A sparse file whose three samples are random: it scans like a full one and takes 15 MiB."""
    sample = 5 * MIB
    with open(path, "wb") as file:
        file.truncate(size)
        for offset in (0, size // 2 - sample // 2, size - sample):
            file.seek(offset)
            file.write(os.urandom(sample))


class Workspace:
    """A home with a workspace whose models lie in one folder."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.models = self.root / "models"
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.root), "LANG": "C.UTF-8"}
        self.models.mkdir(parents=True)
        self.run("init", "--models-dir", self.models)
        self.path = self.root / "comfydock_workspace"

    def run(self, *words):
        return json.loads(subprocess.run([str(COMFYDOCK), "--json", *map(str, words)], check=True, env=self.env, capture_output=True).stdout or "{}")

    def index(self, *words, prepare=None):
        return {"command": [COMFYDOCK, "models", "index", *words], "env": self.env, "prepare": prepare}

    def forget(self):
        for file in (self.path / "comfydock_cache").glob("models.db*"):
            file.unlink()

    def cold(self):
        os.sync()
        try:
            pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")
        except OSError:
            for path in self.models.rglob("*"):
                if path.is_file():
                    with open(path, "rb") as file:
                        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def hashing(folder, runs, gigabytes):
    place = Workspace(folder / "hash")
    (place.models / "checkpoints").mkdir()
    file = place.models / "checkpoints/large.safetensors"
    random_file(file, int(gigabytes * (1 << 30)))
    peers = {"openssl dgst -sha256": ["openssl", "dgst", "-sha256", file], "sha256sum": ["sha256sum", file]}
    if shutil.which("b3sum"):
        peers["b3sum --num-threads 1"] = ["b3sum", "--num-threads", "1", file]
        peers["b3sum"] = ["b3sum", file]
    else:
        print("b3sum is not here: its rows are left out")
    peers = {name: {"command": command} for name, command in peers.items()}
    ours = place.index("--full", prepare=place.forget)
    compare(f"SHA-256 and BLAKE3 of {gigabytes:g} GiB, warm (`models index --full`)", ours, peers, runs, "1.1 of SHA-256 alone")


def library(folder, runs):
    place = Workspace(folder / "library")
    (place.models / "loras").mkdir()
    for number in range(200):
        random_file(place.models / f"loras/{number}.safetensors", (100 if number < 40 else 12) * MIB)
    samples = place.root / "samples.py"
    samples.write_text(
        "import os,sys,concurrent.futures as c\nM=1<<20\n"
        "def read(p):\n s=os.stat(p).st_size\n f=os.open(p,os.O_RDONLY)\n"
        " for o,n in ([(0,s)] if s<=15*M else [(0,5*M),(s//2-5*M//2,5*M),(s-5*M,5*M)]):\n"
        "  while n>0: k=len(os.pread(f,min(n,M),o)); o+=k; n-=k\n os.close(f)\n"
        "list(c.ThreadPoolExecutor(2).map(read,[e.path for e in os.scandir(sys.argv[1])]))\n")
    peer = {"command": ["python3", samples, place.models / "loras"]}

    def forget_cold():
        place.forget()
        place.cold()

    compare("`models index`, 200 files/6 GB, cold", place.index(prepare=forget_cold), {"reading the same samples": {**peer, "prepare": place.cold}}, runs, "bounded by the samples")
    compare("`models index`, 200 files/6 GB, warm", place.index(prepare=place.forget), {"reading the same samples": peer}, runs, "bounded by the samples")


def fifty(folder, runs):
    place = Workspace(folder / "fifty")
    (place.models / "checkpoints").mkdir()
    for number in range(25):
        sampled_file(place.models / f"checkpoints/{number}.safetensors", 2 * 1000**3)

    def forget_cold():
        place.forget()
        place.cold()

    for name, prepare in (("cold", forget_cold), ("warm", place.forget)):
        took = statistics.median(timed(**place.index(prepare=prepare)) for _ in range(runs))
        print(f"| `models index`, 25 files/50 GB, {name} | {took * 1000:.0f} ms | | | 30 s |", flush=True)


def entries(folder, runs, look_up=True):
    place = Workspace(folder / "entries")
    count = 100_000
    for group in range(100):
        below = place.models / "loras" / str(group)
        below.mkdir(parents=True)
        for number in range(count // 100):
            text = f"{group} {number}"
            (below / f"{number}.safetensors").write_text(text)
            # Every tenth has what Civitai Helper writes beside it: claims are looked up too.
            if number % 10 == 0:
                (below / f"{number}.civitai.info").write_text(json.dumps({"id": number + 1, "files": [
                    {"id": number + 1, "name": f"{number}.safetensors", "sizeKB": len(text) / 1024, "hashes": {"SHA256": "ab" * 32}}]}))
    first = timed(**place.index())
    print(f"| `models index`, {count} small files, first time | {first * 1000:.0f} ms | | | |", flush=True)
    peer = {"command": ["find", place.models, "-newer", place.path, "-name", "x"]}
    compare(f"rescan of {count} files", place.index(), {"`find -newer` (a stat a file)": peer}, runs, "1 s")
    if look_up:
        answers(place, "100,000 models", runs)


def answers(place, name, runs):
    rounds = [json.loads(subprocess.run([str(LOOK_UP), str(place.path), *map(str, WORKFLOWS)], check=True, env=place.env, capture_output=True).stdout) for _ in range(runs)]
    median = {key: statistics.median(round[key] for round in rounds) for key in rounds[0]}
    print(f"| look-up by hash, {name} | {median['look_up_median']:.3f} ms (worst of 100: {median['look_up_worst']:.3f}) | | | 1 ms |")
    whole = sum(median[key] for key in ("open", "read", "arrange", "resolve"))
    print(f"| {median['references']:.0f} references of {len(WORKFLOWS)} workflows resolved, {name} | {whole:.1f} ms (reading the index {median['read']:.1f}, arranging {median['arrange']:.1f}, resolving {median['resolve']:.1f}) | | | 100 ms |", flush=True)


def lookup(folder, runs):
    place = Workspace(folder / "lookup")
    for group in ("checkpoints", "loras", "vae", "text_encoders", "diffusion_models"):
        (place.models / group).mkdir()
        for number in range(200):
            (place.models / group / f"{number}.safetensors").write_text(f"{group} {number}")
    timed(**place.index())
    answers(place, "1,000 models", runs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--gigabytes", type=float, default=2)
    parser.add_argument("--only", choices=["hash", "library", "entries", "fifty", "lookup"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=PROJECT / "target") as name:
        folder = pathlib.Path(name)
        print("| what | comfydock | peer | ratio | aim |\n|---|--:|--:|--:|---|")
        for word, bench in (("hash", lambda: hashing(folder, options.runs, options.gigabytes)), ("library", lambda: library(folder, options.runs)),
                            ("fifty", lambda: fifty(folder, options.runs)), ("entries", lambda: entries(folder, options.runs)),
                            ("lookup", lambda: lookup(folder, options.runs))):
            if options.only in (None, word):
                bench()
                shutil.rmtree(folder / word, ignore_errors=True)


if __name__ == "__main__":
    main()
