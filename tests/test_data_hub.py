"""Data from the hub, read over HTTP from a small hub of our own, then from its cache alone."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pytest

NOWHERE = "http://127.0.0.1:9"  # the port for what is to be discarded: nobody listens
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SETS = {
    "owner/plain": {
        "README.md": "# Rows\n",
        "train.csv": "text,label\nfine,x\nbad,y\n",
        "test.csv": "text,label\nnew,y\n",
    },
    "owner/two": {
        "README.md": (
            "---\nconfigs:\n"
            "- config_name: main\n  data_files:\n"
            "  - {split: train, path: main.jsonl}\n  - {split: dev, path: dev.jsonl}\n"
            "- config_name: other\n  data_files:\n  - {split: train, path: other.jsonl}\n"
            "---\n"
        ),
        "main.jsonl": '{"question": "a", "answer": "b"}\n',
        "dev.jsonl": '{"question": "c", "answer": "d"}\n',
        "other.jsonl": '{"question": "e", "answer": "f"}\n',
    },
    "owner/odd": {
        "README.md": "---\nconfigs:\n- config_name: default\n  data_files:\n"
        "  - {split: first, path: a.csv}\n  - {split: second, path: b.csv}\n---\n",
        "a.csv": "text\na\n",
        "b.csv": "text\nb\n",
    },
}


class Hub(BaseHTTPRequestHandler):
    """As much of the hub's HTTP interface as the library asks for."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        if parts[0] == "api" and "/".join(parts[2:4]) in SETS:
            name = "/".join(parts[2:4])
            files = SETS[name]
            if parts[4] == "revision":
                siblings = [{"rfilename": file} for file in files]
                self.answer({"id": name, "sha": COMMIT, "siblings": siblings})
            elif parts[4] == "tree" and len(parts) == 6:
                self.answer([self.entry(file, files[file]) for file in files])
            else:
                self.refuse("EntryNotFound")
        elif parts[0] == "datasets" and "/".join(parts[1:3]) in SETS:
            files = SETS["/".join(parts[1:3])]
            revision, file = parts[4], "/".join(parts[5:])
            if revision not in ("main", COMMIT):
                self.refuse("RevisionNotFound")
            elif file in files:
                self.answer(files[file].encode())
            else:
                self.refuse("EntryNotFound")
        else:
            self.refuse("RepoNotFound")

    def entry(self, file, content):
        oid = hashlib.sha1(content.encode()).hexdigest()
        return {"type": "file", "path": file, "size": len(content.encode()), "oid": oid}

    def answer(self, body):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def refuse(self, code):
        self.send_response(404)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format, *args):
        """Stay quiet."""


@pytest.fixture(scope="module")
def hub():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


CODE = """
import json, sys
from workbench.sources.datasets.load import DataError, load
for args, kwargs in json.loads(sys.argv[1]):
    try:
        table = load(*args, **kwargs)
        source = {name: value for name, value in vars(table.source).items() if value != ()}
        print(json.dumps([source, table.train, table.eval]))
    except DataError as error:
        print(json.dumps(str(error)))
"""


def call(*args, **kwargs):
    return args, kwargs


def load(home, endpoint, *calls):
    """Load data sets in a fresh process, as the library reads its settings only once."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    environment |= {"HF_HOME": str(home), "HF_ENDPOINT": endpoint, "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-c", CODE, json.dumps(calls)],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    assert done.stderr == "", "nothing may be printed from what is often a thread"
    return [json.loads(line) for line in done.stdout.splitlines()]


PLAIN = {
    "format": "hub",
    "train": "owner/plain",
    "eval": "test",
    "train_split": "train",
    "revision": COMMIT,
    "card": None,
    "config": None,
}
PLAIN_ROWS = [
    [{"text": "fine", "label": "x"}, {"text": "bad", "label": "y"}],
    [{"text": "new", "label": "y"}],
]
TWO = {**PLAIN, "train": "owner/two", "eval": "dev", "config": "main"}
TWO_ROWS = [[{"question": "a", "answer": "b"}], [{"question": "c", "answer": "d"}]]


def test_online_and_then_from_the_cache_alone(hub, tmp_path):
    wanted = [call("owner/plain", "classify"), call("owner/two:main", "instruct")]
    online = load(tmp_path, hub, *wanted)
    assert online == [[PLAIN, *PLAIN_ROWS], [TWO, *TWO_ROWS]]

    pinned = call("owner/plain", "classify", revision=COMMIT)
    other = call("owner/plain", "classify", revision="f" * 40)
    started = time.monotonic()
    *again, refused = load(tmp_path, NOWHERE, *wanted, pinned, other)
    assert again == [*online, online[0]]
    assert refused.startswith(f"Revision {'f' * 40} of 'owner/plain' is not available without")
    # The library alone tries for half a minute, for each of these four.
    assert time.monotonic() - started < 60


REFUSED = [
    (
        call("owner/two", "instruct"),
        "'owner/two' must be given with one of its configurations ('main', 'other'): write it",
    ),
    (call("owner/two:mian", "instruct"), "a colon, such as 'owner/two:main'."),
    (
        call("owner/odd", "lm"),
        "'owner/odd' must have a split called 'train', but its splits are 'first', 'second': load",
    ),
    (call("owner/none", "lm"), "'owner/none' cannot be loaded from the Hugging Face hub (Dataset"),
    (call("owner/plain", "lm", revision="v9"), "(Revision 'v9' doesn't exist for dataset"),
    (
        call("owner/plain", "lm", eval_data="tst"),
        "a split of 'owner/plain' other than 'train', but is 'tst': did you mean 'test'?",
    ),
    (
        call("owner/plain", "lm", text_column="body"),
        "text_column must be a column of owner/plain (train split) ('text', 'label'), but is",
    ),
]


def test_what_cannot_be_had_is_one_sentence(hub, tmp_path):
    sentences = load(tmp_path, hub, *(wanted for wanted, _ in REFUSED))
    for sentence, (_, said) in zip(sentences, REFUSED, strict=True):
        assert said in sentence
        assert "\n" not in sentence


def test_no_network_and_nothing_downloaded(tmp_path):
    said = load(tmp_path, NOWHERE, call("owner/plain", "lm"), call("imdb", "classify"))
    assert said == [
        f"The Hugging Face hub cannot be reached, and {name!r} was not downloaded before: go "
        "online, or use a bundled data set or a file."
        for name in ("owner/plain", "stanfordnlp/imdb")
    ]
