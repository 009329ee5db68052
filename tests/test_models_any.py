"""Whatever lies in a model's folder, it is described or refused in a sentence: never a crash."""

import contextlib
import json
import shutil
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.errors import ModelError
from workbench.sources.models import describe

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
COUNTS = st.integers(0, 4) | st.integers(-1, 2**70)
TENSORS = st.dictionaries(
    st.sampled_from(["a.weight", "lm_head.weight", "wte.weight", "__metadata__", ""]),
    st.fixed_dictionaries(
        {
            "dtype": st.sampled_from(["F32", "BF16", "I64", "U8", "BOOL", "F4", "E8"]) | JSON,
            "shape": st.lists(COUNTS, max_size=3) | JSON,
            "data_offsets": st.tuples(COUNTS, COUNTS) | JSON,
        }
    )
    | JSON,
)


@st.composite
def near_safetensors(draw):
    """Bytes that are almost a weight file: the right frame around an odd header."""
    header = json.dumps(draw(TENSORS | JSON)).encode()
    length = draw(st.just(len(header)) | st.integers(0, 2**64 - 1))
    return struct.pack("<Q", length) + header + draw(st.binary(max_size=32))


SHARDS = st.sampled_from(
    ["model.safetensors", "one.safetensors", "../x", "/", ".", "\0", "a" * 999]
)
CONFIGS = st.fixed_dictionaries(
    {"model_type": st.just("llama") | JSON},
    optional={
        name: JSON
        for name in (
            "architectures",
            "auto_map",
            "is_encoder_decoder",
            "max_position_embeddings",
            "pad_token_id",
            "text_config",
            "tie_word_embeddings",
        )
    },
)


@pytest.fixture(scope="module")
def folder(tiny_llama, tmp_path_factory):
    """A copy of the tiny llama, whose files each example replaces."""
    return Path(shutil.copytree(tiny_llama, tmp_path_factory.mktemp("any") / "llama"))


@contextlib.contextmanager
def replaced(path, content):
    """Put something else in a file's place for a while."""
    before = path.read_bytes() if path.exists() else None
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    try:
        yield
    finally:
        path.unlink()
        if before is not None:
            path.write_bytes(before)


def described_or_refused(model):
    for verb in (describe.resolve, describe.facts):
        try:
            found = verb(model)
        except ModelError as error:
            assert str(error).endswith((".", "?"))
            assert "\n" not in str(error)
        else:
            assert verb is describe.resolve or found.parameters > 0


QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@QUICK
@given(content=st.binary(max_size=64) | near_safetensors())
def test_any_bytes_as_weights(folder, content):
    with replaced(folder / "model.safetensors", content):
        described_or_refused(folder)


@QUICK
@given(
    content=st.binary(max_size=64) | (JSON | CONFIGS).map(lambda value: json.dumps(value).encode())
)
@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "README.md"])
def test_any_bytes_as_a_small_file(folder, name, content):
    with replaced(folder / name, content):
        described_or_refused(folder)


@QUICK
@given(shards=st.dictionaries(st.text(max_size=8), SHARDS | JSON) | JSON)
def test_any_index_of_shards(folder, shards):
    weights, aside = folder / "model.safetensors", folder / "one.safetensors"
    weights.rename(aside)
    try:
        index = json.dumps({"weight_map": shards}).encode()
        with replaced(folder / "model.safetensors.index.json", index):
            described_or_refused(folder)
    finally:
        aside.rename(weights)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_json_too_deep_to_be_read(folder, name):
    with replaced(folder / name, b'{"model_type": ' + b"[" * 100_000):
        described_or_refused(folder)


@QUICK
@given(
    name=st.text() | st.sampled_from(["~nobody-of-this-name/x", "/" + "a" * 5000, "./\0", "\ud800"])
)
def test_any_name(name):
    described_or_refused(name)
