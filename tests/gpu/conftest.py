"""The tests that need a CUDA GPU: who skips them, how long each may take, and the figures they print.

``pytest -m gpu tests/gpu`` runs them where PyTorch finds a GPU. With ``--gpu-dry-run`` they run on the
CPU, all but what only CUDA has, such as the figures of its allocator.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# Seconds for one test, and how much longer it may hang where Python is not reached any more.
LIMIT, PATIENCE = 90, 30
FIGURE = "figure"


def pytest_addoption(parser):
    parser.addoption(
        "--gpu-dry-run", action="store_true", help="run tests/gpu on the CPU, to try them out"
    )


def pytest_configure(config):
    if is_dry(config):
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


def pytest_collection_modifyitems(config, items):
    items_here = [item for item in items if HERE in Path(item.path).parents]
    if not items_here:
        return
    for item in items_here:
        item.add_marker(pytest.mark.gpu)
    if is_dry(config):
        return
    import torch

    if not torch.cuda.is_available():
        reason = "needs a CUDA GPU, and PyTorch finds none here (--gpu-dry-run uses the CPU)"
        for item in items_here:
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter):
    reports = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        if getattr(report, "when", None) == "call"
    ]
    figures = [
        f"{report.nodeid.rpartition('/')[2]}: {text}"
        for report in reports
        for name, text in report.user_properties
        if name == FIGURE
    ]
    if figures:
        terminalreporter.section("figures of the GPU tests")
        terminalreporter.write_line("\n".join(sorted(figures)))


def is_dry(config) -> bool:
    return config.getoption("--gpu-dry-run", default=False)


@pytest.fixture
def note(record_property, request):
    """Print a figure at the end, whether the test passes or not: takes a text.

    The file that ``WORKBENCH_GPU_FIGURES`` names gets it at once: a run that is cut short prints none.
    """

    def keep(text):
        record_property(FIGURE, text)
        if file := os.environ.get("WORKBENCH_GPU_FIGURES"):
            with Path(file).open("a", encoding="utf-8") as figures:
                figures.write(f"{request.node.name}: {text}\n")

    return keep


@pytest.fixture(scope="session")
def device(request):
    """The type of the device that runs use: cuda, or cpu in a dry run."""
    return "cpu" if is_dry(request.config) else "cuda"


@pytest.fixture
def on_cuda(device):
    """Skip in a dry run what only CUDA has."""
    if device != "cuda":
        pytest.skip("only CUDA has these figures")


@pytest.fixture(autouse=True)
def time_limit(request):
    """End a test that hangs: by an exception, and where Python is not reached by ending the process.

    With pytest-xdist the other workers go on, and another one takes the place of this one.
    """
    marker = request.node.get_closest_marker("limit")
    limit = marker.args[0] if marker else LIMIT

    def stop(*_):
        raise TimeoutError(f"the test took longer than {limit} s")

    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread:
        before = signal.signal(signal.SIGALRM, stop)
        signal.alarm(limit)
    faulthandler.dump_traceback_later(limit + PATIENCE, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        if in_main_thread:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def clean_up(time_limit):
    """Stop what a failed test has left running, and give back the GPU's memory."""
    yield
    from workbench.runs.run import _STARTED

    for run in list(_STARTED):
        if run.state not in ("finished", "stopped", "failed"):
            run.stop()
            run.join(10)
    from tests.gpu.helpers import release

    gc.collect()
    release()


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """The folder of a llama of two layers whose weights pass something on, with biases."""
    from tests.conftest import save_architecture

    folder = tmp_path_factory.mktemp("models") / "wide-llama"
    return str(save_architecture(folder, "llama", attention_bias=True))


@pytest.fixture(scope="session")
def vit(tmp_path_factory):
    """The folder of a vision transformer of two layers."""
    import transformers

    from tests.tiny import ARCHITECTURES

    folder = tmp_path_factory.mktemp("models") / "vit"
    ARCHITECTURES["vit"]().save_pretrained(folder)
    size = {"height": 16, "width": 16}
    transformers.ViTImageProcessorPil(size=size).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def t5(tmp_path_factory):
    """The folder of a T5 of two layers on either side."""
    from tests.conftest import save_architecture

    return str(save_architecture(tmp_path_factory.mktemp("models") / "t5", "t5"))


@pytest.fixture(scope="session")
def middle(tmp_path_factory):
    """The folder of a llama of 9 M parameters that reads 4,096 tokens."""
    from tests.conftest import save_tiny

    return str(
        save_tiny(
            tmp_path_factory.mktemp("models") / "middle-llama",
            "LlamaConfig",
            "LlamaForCausalLM",
            vocab=8192,
            hidden_size=256,
            intermediate_size=704,
            num_hidden_layers=6,
            num_attention_heads=4,
            max_position_embeddings=4096,
        )
    )


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """A file with what each text task reads; rows are of different lengths."""
    from tests.gpu.helpers import write_rows

    return write_rows(tmp_path_factory.mktemp("data") / "rows.jsonl")


@pytest.fixture(scope="session")
def recipe(model, data):
    """LoRA with dropout on the tiny llama, as a classifier."""
    from tests.gpu.helpers import recipe_for

    dropout = {"technique_args": {"lora_dropout": 0.1}}
    return recipe_for("lora", model, data, task="classify", **dropout)
