"""The wheel is the whole workbench: what the README shows works where there is no clone."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


def check_output(*command, **settings):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **settings)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pip(*arguments):
    return check_output(sys.executable, "-m", "pip", "--quiet", *arguments)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from this clone without the network."""
    folder = tmp_path_factory.mktemp("dist")
    pip("wheel", str(ROOT), "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder))
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder the wheel was installed in."""
    folder = tmp_path_factory.mktemp("site-packages")
    pip("install", str(wheel), "--no-deps", "--target", str(folder))
    return folder


@pytest.fixture
def python(installed, tmp_path):
    """Run Python in an empty folder, where the workbench can come from the wheel only."""
    paths = [installed, sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}

    def run(*arguments):
        # -S: no .pth files, by which an editable install would put the clone on the path.
        return check_output(sys.executable, "-S", *arguments, cwd=tmp_path, env=env)

    return run


def shipped():
    """The files of this clone that belong in the wheel, by their names there."""
    for folder, inside in (("workbench", "workbench"), ("data", "workbench/data")):
        for path in (ROOT / folder).rglob("*"):
            name = path.relative_to(ROOT / folder).as_posix()
            generator = folder == "data" and name.startswith("make/")
            if path.is_file() and "__pycache__" not in path.parts and not generator:
                yield f"{inside}/{name}"


def test_the_wheel_holds_the_package_and_its_data_and_no_more(wheel):
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert sorted(names) == sorted(shipped())


def test_the_clone_is_out_of_sight(python, installed):
    code = "import sys, workbench; print(workbench.__file__, *sys.path, sep='\\n')"
    file, *path = python("-c", code).splitlines()
    assert Path(file).is_relative_to(installed)
    assert str(ROOT) not in path


def test_the_bundled_models_and_data_are_there(python, installed):
    assert str(installed) in python(
        "-c", "import workbench.sources.bundled as b; print(b.data_folder())"
    )
    models = json.loads(python("-m", "workbench", "models", "--json"))
    assert "village-3m" in [model["name"] for model in models]
    assert "positive" in python("-m", "workbench", "data", "reviews")


def test_the_panels_find_their_scripts_and_styles(python):
    python("-c", "import workbench as wb; wb.Bench()")


def test_a_run_and_its_script_have_the_same_losses(python, tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"^recipe = .*$", readme, re.MULTILINE)
    code = f"""import json
import workbench as wb

{recipe}
run = wb.train(recipe.replace(max_steps=2))
wb.export(run, "train.py")
print(json.dumps(run.losses))
"""
    losses = json.loads(python("-c", code).splitlines()[-1])
    events = [json.loads(line) for line in python("train.py").splitlines() if line[0] == "{"]
    assert len(losses) == 2
    assert [event["loss"] for event in events if event["event"] == "train"] == losses
