"""Background threads import large libraries without spoiling an import in the notebook."""

import os
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from workbench import imports

# A module that takes a while to import, and knows when that began and ended.
SLOW = """\
import time
began = time.monotonic()
time.sleep(0.4)
ended = time.monotonic()
"""


@pytest.fixture
def slow(tmp_path, monkeypatch):
    """Return a function that makes a module by this name."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(name, source=SLOW):
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.delitem(sys.modules, name, raising=False)
        return name

    return make


def in_thread(act):
    """Run a function in a thread; return the thread and the list that gets its exception."""
    problems = []

    def work():
        try:
            act()
        except Exception as error:  # noqa: BLE001
            problems.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread, problems


def wait_for(module):
    while module not in sys.modules:
        time.sleep(0.01)


def test_no_thread_begins_an_import_during_one_in_the_background(slow):
    first, second = slow("slow_and_first"), slow("slow_and_second")
    thread, problems = in_thread(lambda: imports.load(first))
    wait_for(first)
    __import__(second)
    thread.join(20)
    assert problems == []
    assert sys.modules[second].began >= sys.modules[first].ended


def test_an_import_in_the_background_waits_for_one_that_has_begun(slow):
    first, second = slow("slow_and_begun"), slow("slow_and_waiting")
    thread, problems = in_thread(lambda: __import__(first))
    wait_for(first)
    imports.load(second)
    thread.join(20)
    assert problems == []
    assert sys.modules[second].began >= sys.modules[first].ended


def test_waiting_for_another_import_ends(slow):
    endless = slow("imports_until_told", "import threading\ngo = threading.Event()\ngo.wait(20)\n")
    thread, problems = in_thread(lambda: __import__(endless))
    wait_for(endless)
    name = slow("slow_meanwhile")
    imports.load(name, patience=0.2)
    assert sys.modules[name].ended
    assert thread.is_alive()
    sys.modules[endless].go.set()
    thread.join(20)
    assert problems == []


def test_a_module_within_a_module_can_be_loaded(slow):
    inner = slow("slow_inside")
    outer = slow("loads_inside", f"from workbench import imports\nimports.load({inner!r})\n")
    imports.load(outer)
    assert sys.modules[inner].ended


def test_what_cannot_be_imported_leaves_imports_free(slow):
    with pytest.raises(ModuleNotFoundError, match="there_is_no_such_module"):
        imports.load("there_is_no_such_module")
    thread, problems = in_thread(lambda: __import__(slow("slow_afterwards")))
    thread.join(20)
    assert not thread.is_alive() and problems == []


SHOW_A_BENCH = """\
import threading
import workbench as wb
from workbench.panels.kernel import preload
loaded = threading.Event()
preload.load(loaded.set)
"""
CELLS = {
    "AutoModel": "from transformers import AutoModel",
    "attribute": "import transformers\ntransformers.get_scheduler",
    "many": "from transformers import Trainer, AutoModelForCausalLM, pipeline",
    "peft": "from peft import LoraConfig, get_peft_model",
    "anatomy": "wb.Anatomy(wb.Recipe(technique='dora'))",
    "forecast": "wb.forecast(wb.Recipe())",
    "adapt": """\
import torch
wb.adapt(torch.nn.Sequential(torch.nn.Linear(8, 8)), "lora", target_modules=["0"])""",
    "compatible": "wb.compatible('lora', wb.Recipe().model)",
    "train": """\
import tempfile
run = wb.train(wb.Recipe(max_steps=1, max_train_samples=8, max_eval_samples=8, max_length=32),
               runs=tempfile.mkdtemp(), wait=False)
from transformers import AutoModel, Trainer
run.wait()""",
}
# What the notebook's own thread does beside a thread of the notebook that uses the workbench.
THREADS = """\
import threading
problems = []
def in_thread(code):
    def work():
        try:
            exec(code, {"wb": wb})
        except BaseException as error:
            problems.append(error)
    thread = threading.Thread(target=work)
    thread.start()
    return thread
"""


def run_script(code):
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(  # noqa: PLW1510 (its own words are shown if it fails)
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=300
    )
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "turn"),
    # The first failed each time before imports were kept apart.
    [("anatomy", turn) for turn in range(10)]
    + [(cell, turn) for cell in CELLS if cell != "anatomy" for turn in (0, 3)],
)
def test_a_cell_right_after_the_bench_can_import_anything(cell, turn):
    pause = f"import time\ntime.sleep({0.25 * turn})\n"
    end = "\nassert loaded.wait(120) and not preload.problem, preload.problem"
    run_script(SHOW_A_BENCH + pause + CELLS[cell] + end)


@pytest.mark.slow
@pytest.mark.parametrize("turn", [0, 3])
@pytest.mark.parametrize("cell", ["anatomy", "forecast", "adapt", "compatible", "train"])
def test_the_workbench_in_a_thread_leaves_imports_alone(cell, turn):
    code = textwrap.dedent(f"""\
        import time
        import workbench as wb
        {{threads}}
        thread = in_thread({CELLS[cell]!r})
        time.sleep({0.25 * turn})
        from transformers import AutoModel, Trainer, get_scheduler
        thread.join()
        assert not problems, problems
        """).format(threads=THREADS)
    run_script(code)
