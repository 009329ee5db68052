"""The workbench's version, and whether the packages here are of versions that it was tried with.

The ranges are those of ``pyproject.toml``, as they stand in the metadata of the installed workbench.
"""

from __future__ import annotations

import importlib.metadata
import re
import warnings

from packaging.specifiers import SpecifierSet

from workbench.errors import VersionWarning

__version__ = "0.1.0"
DISTRIBUTION = "peft-workbench"


def outside() -> list[tuple[str, SpecifierSet, str]]:
    """List the dependencies whose installed version is outside the range that was tried.

    A package that is missing is not listed: whatever needs it says so.

    Returns
    -------
    list of (str, SpecifierSet, str)
        Name, range and the version installed.
    """
    try:
        lines = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:  # a clone that is only on the path
        return []
    packages = []
    for line in lines:
        if ";" in line:  # of an extra
            continue
        name = re.split(r"[^\w.-]", line)[0]
        allowed = SpecifierSet(line.removeprefix(name))
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        if not allowed.contains(version, prereleases=True):
            packages.append((name, allowed, version))
    return packages


def warn_outside(stacklevel: int = 2) -> None:
    """Say in one sentence which packages are outside the tried ranges, if any are."""
    if not (packages := outside()):
        return
    listed = ", ".join(f"{name} {version}" for name, _, version in packages)
    ranges = " ".join(f"'{name}{allowed}'" for name, allowed, _ in packages)
    warnings.warn(
        f"PEFT Workbench was not tested with {listed}: install versions that it was tested with "
        f"(pip install {ranges}), or ignore this and silence it, before the import, with "
        "warnings.filterwarnings('ignore', 'PEFT Workbench was not tested').",
        VersionWarning,
        stacklevel=stacklevel + 1,
    )
