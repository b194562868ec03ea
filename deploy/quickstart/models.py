"""Model files for the walk: small, valid .safetensors under the names that real workflows use, and a server for them."""

import hashlib
import http.server
import json
import random
import re
import struct
import threading
from pathlib import Path

MIB = 1024 * 1024


def mentioned(workflow):
    """The models that a workflow's loaders name in `properties.models`, subgraphs included: {name: (category, url)}."""
    nodes = list(workflow.get("nodes", []))
    for subgraph in (workflow.get("definitions") or {}).get("subgraphs", []):
        nodes += subgraph.get("nodes", [])
    models = [model for node in nodes for model in (node.get("properties") or {}).get("models") or []]
    return {model["name"]: (model["directory"], model["url"]) for model in models}


def write(path, size):
    """Writes a .safetensors file with one tensor whose bytes follow from the file's name."""
    data = random.Random(path.name).randbytes(size)
    header = json.dumps({"weight": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    header += b" " * (-len(header) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


class Server:
    """Serves files by name, in ranges too. `served` says what was asked for; `broken` is sent with other bytes."""

    def __init__(self):
        self.files, self.served, self.broken = {}, set(), None
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                server.answer(self)

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @property
    def host(self):
        return f"127.0.0.1:{self.http.server_port}"

    def answer(self, request):
        name = request.path.split("?")[0].rsplit("/", 1)[-1]
        if name not in self.files:
            request.send_error(404)
            return
        self.served.add(name)
        body = self.files[name].read_bytes()
        if name == self.broken:
            body = body[:-1] + bytes([body[-1] ^ 1])
        total, begin = len(body), 0
        wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        if wanted and int(wanted[1]) < total:
            begin = int(wanted[1])
        request.send_response(206 if begin else 200)
        if begin:
            request.send_header("Content-Range", f"bytes {begin}-{total - 1}/{total}")
        request.send_header("Content-Type", "application/octet-stream")
        request.send_header("Accept-Ranges", "bytes")
        request.send_header("Content-Length", str(total - begin))
        request.end_headers()
        request.wfile.write(body[begin:])
