"""Packages outside the ranges that were tried: one sentence at the import, and nothing else."""

import importlib.metadata
import subprocess
import sys
import warnings

import pytest

from workbench import versions
from workbench.errors import VersionWarning

LINES = ["torch<2.15,>=2.11", "PyYAML>=6.0", 'pytest==1.0; extra == "test"']


@pytest.fixture
def installed(monkeypatch):
    """What is installed, by name, to be changed; the workbench asks for :data:`LINES`."""
    packages = {"torch": "2.13.0+cpu", "PyYAML": "6.0.3"}

    def version(name):
        if name not in packages:
            raise importlib.metadata.PackageNotFoundError(name)
        return packages[name]

    monkeypatch.setattr(importlib.metadata, "requires", {versions.DISTRIBUTION: LINES}.get)
    monkeypatch.setattr(importlib.metadata, "version", version)
    return packages


def sentences():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        versions.warn_outside()
    assert {warning.category for warning in caught} <= {VersionWarning}
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize("version", ["2.11.0", "2.11", "2.13.0+cpu", "2.14.9", "2.14.0a0+git1"])
def test_a_version_inside_the_range_goes_unmentioned(installed, version):
    installed["torch"] = version
    assert sentences() == []


@pytest.mark.parametrize("version", ["2.10.1", "2.15.0", "2.15.0.dev20261101+cu130", "3.0"])
def test_a_version_outside_is_named_with_what_was_tried_and_how_to_go_on(installed, version):
    installed["torch"] = version
    (sentence,) = sentences()
    assert f"not tested with torch {version}:" in sentence
    assert "pip install 'torch<2.15,>=2.11'" in sentence
    assert "warnings.filterwarnings('ignore', 'PEFT Workbench was not tested')" in sentence


def test_several_packages_share_the_sentence(installed):
    installed.update(torch="3.0", PyYAML="5.4")
    (sentence,) = sentences()
    assert "torch 3.0, PyYAML 5.4" in sentence
    assert "'torch<2.15,>=2.11' 'PyYAML>=6.0'" in sentence


def test_what_is_missing_is_left_to_whatever_needs_it(installed):
    installed.clear()
    assert sentences() == []


def test_a_clone_that_was_not_installed_has_no_ranges(installed, monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", missing)
    assert sentences() == []


def test_the_filter_that_the_sentence_names_silences_it(installed):
    installed["torch"] = "3.0"
    (sentence,) = sentences()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        exec(sentence[sentence.index("warnings.filterwarnings") :].rstrip("."))  # noqa: S102
        versions.warn_outside()
    assert caught == []


OLD_TORCH = """
import importlib.metadata as metadata
installed = metadata.version
metadata.requires = {"peft-workbench": ["torch>=999"]}.get
metadata.version = lambda name: "2.0" if name == "torch" else installed(name)
"""


def test_the_import_says_it_of_the_line_that_imports():
    code = OLD_TORCH + "import workbench\n"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr.count("VersionWarning: PEFT Workbench was not tested with torch 2.0:") == 1
    assert done.stderr.startswith(f"<string>:{code.count(chr(10))}: ")
