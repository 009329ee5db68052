"""Importing the workbench leaves other libraries' warnings and loggers as they were, and runs put them back."""

import logging
import subprocess
import sys
import threading
import warnings

import pytest
import transformers

from tests.test_private_names import run_python
from workbench.quiet import CHATTER, WARNINGS, quiet_loggers, quiet_warnings
from workbench.training.runtime.quiet_loading import quiet_thread, quiet_transformers

STATE = """
import importlib, logging, pkgutil, warnings
import accelerate, anywidget, bitsandbytes, datasets, IPython, ipywidgets, matplotlib.pyplot, peft
import safetensors.torch, torch, torchao.quantization, transformers, transformers.quantizers
import peft.optimizers, sklearn, torch._subclasses.fake_tensor
transformers.utils.logging.get_logger()
def state():
    loggers = {"": logging.getLogger(), **logging.Logger.manager.loggerDict}
    return warnings.filters[:], {
        name: (logger.level, logger.filters[:], [(h, h.filters[:]) for h in logger.handlers])
        for name, logger in loggers.items() if isinstance(logger, logging.Logger)
    }
filters, before = state()
import workbench
for module in pkgutil.walk_packages(workbench.__path__, "workbench."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
        assert warnings.filters == filters, module.name
        after = state()[1]
        assert {name: after[name] for name in before} == before, module.name
assert "workbench.training.prepare" in importlib.sys.modules
"""


@pytest.mark.slow
def test_importing_every_module_changes_no_logger_and_no_filter():
    run_python(STATE)


NET = "net = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.Linear(4, 2))"
CONV1D = """
from transformers.pytorch_utils import Conv1D
conv = torch.nn.Sequential(Conv1D(4, 8), Conv1D(2, 4))
"""
FIRST_CALLS = {
    "adapt": f"{NET}\nwb.adapt(net, 'lora', r=2)",
    "adapt, with a warning of peft": f"{CONV1D}\nwb.adapt(conv, 'lora', r=2, target_modules=['0'])",
    "ModuleRun": f"{NET}\nwb.ModuleRun(net, (torch.ones(8, 8), torch.ones(8, 2)), torch.dist)",
    "compatible": "wb.compatible('village-3m', 'lora')",
    "compatibility_table": "next(iter(wb.compatibility_table('village-3m')))",
    "forecast": "wb.forecast(wb.Recipe(max_steps=1))",
}


@pytest.mark.slow
@pytest.mark.parametrize("call", FIRST_CALLS)
def test_a_first_call_says_nothing_of_what_libraries_say(call):
    """The heavy libraries are imported by it, which is when they talk."""
    code = f"import torch\nimport workbench as wb\n{FIRST_CALLS[call]}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)


@pytest.mark.parametrize("name", CHATTER)
def test_loggers_are_quiet_in_one_thread_only(name, caplog):
    logger = logging.getLogger(name)
    caplog.handler.setLevel(logging.NOTSET)
    logger.addHandler(caplog.handler)
    try:
        with quiet_loggers():
            logger.warning("mine")
            logger.error("an error")
            other = threading.Thread(target=logger.warning, args=("another's",))
            other.start()
            other.join()
        logger.warning("after")
    finally:
        logger.removeHandler(caplog.handler)
    said = list(dict.fromkeys(caplog.messages))
    assert said == ["an error", "another's", "after"]


def test_transformers_warns_again_when_the_last_has_left():
    transformers.utils.logging.get_logger()  # makes the handler
    (handler, *_) = logging.getLogger("transformers").handlers
    record = logging.LogRecord("transformers", logging.WARNING, "", 1, "words", (), None)
    before = handler.filters[:]
    with quiet_thread():
        assert not handler.filter(record)
        with quiet_transformers():
            assert not handler.filter(record)
        assert not handler.filter(record)
    assert handler.filter(record)
    assert handler.filters == before


@pytest.fixture
def no_filters():
    """No filters but those that are put."""
    with warnings.catch_warnings():
        warnings.resetwarnings()
        yield


def test_what_a_user_ignores_too_stays_ignored(no_filters):
    message, category = WARNINGS[0]
    warnings.filterwarnings("ignore", message=message, category=category)
    before = warnings.filters[:]
    with quiet_warnings():
        assert len(warnings.filters) == len(WARNINGS)
    assert warnings.filters == before


def test_only_the_named_warnings_are_ignored_and_only_inside(no_filters):
    before = warnings.filters[:]
    with quiet_warnings(), quiet_warnings():
        assert len(warnings.filters) == len(before) + len(WARNINGS)
    assert warnings.filters == before
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with quiet_warnings():
            warnings.warn("fan_in_fan_out is set to False here", UserWarning, stacklevel=1)
            warnings.warn("another", UserWarning, stacklevel=1)
        warnings.warn("fan_in_fan_out is set to False here", UserWarning, stacklevel=1)
    assert len(caught) == 2


def test_filters_are_taken_out_of_the_list_that_another_puts_back(no_filters):
    before = warnings.filters[:]
    inside = quiet_warnings()
    inside.__enter__()
    with warnings.catch_warnings():
        inside.__exit__(None, None, None)
    assert warnings.filters == before
