"""Settings as plain data: read from YAML and written to it, changed and compared."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import yaml

from workbench.errors import Problem, RecipeError, did_you_mean
from workbench.settings.yaml_format import Dumper, read_mapping

# What is bundled, by the names that earlier versions gave it: their recipes are read all the same.
_RENAMED = {"hamlet-3m": "village-3m", "hamlet-qa": "village-qa"}


class AsData:
    """What settings can do, whichever they are: for a frozen dataclass with a field for each setting."""

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]
        technique: str
        technique_args: Mapping[str, Any]

    @classmethod
    def _declared(cls) -> dict[str, dataclasses.Field[Any]]:
        return {spec.name: spec for spec in dataclasses.fields(cls)}

    # -- change and compare -------------------------------------------------------------------

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some settings changed.

        Parameters
        ----------
        **changes
            Settings of the recipe; all other names are arguments of the technique. Changing the technique
            removes the arguments of the old one.

        Examples
        --------
        >>> from workbench.settings.fields import Settings
        >>> Settings().replace(technique="ia3").technique_args
        {}
        """
        fields = {key: value for key, value in changes.items() if key in self._declared()}
        args = {key: value for key, value in changes.items() if key not in self._declared()}
        if "technique_args" not in fields:
            same = fields.get("technique", self.technique) == self.technique
            fields["technique_args"] = self.technique_args if same else {}
        if args:
            before = fields["technique_args"]
            fields["technique_args"] = {**(before if isinstance(before, Mapping) else {}), **args}
        return dataclasses.replace(self, **fields)

    def diff(self, other: AsData) -> dict[str, tuple[Any, Any]]:
        """Return the settings that differ, as ``{name: (mine, theirs)}``."""
        mine, theirs = self.flat(), other.flat()
        names = list(dict.fromkeys([*mine, *theirs]))
        return {
            name: (mine.get(name), theirs.get(name))
            for name in names
            if mine.get(name) != theirs.get(name)
        }

    def flat(self) -> dict[str, Any]:
        """Return all settings in one dictionary, including the technique's arguments."""
        settings: dict[str, Any] = {}
        for name in self._declared():
            value = getattr(self, name)
            if name == "technique_args" and isinstance(value, Mapping):
                settings.update(
                    (key, arg) for key, arg in value.items() if key not in self._declared()
                )
            else:
                settings[name] = value
        return settings

    # -- YAML -----------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data."""
        return {name: getattr(self, name) for name in self._declared()}

    def to_yaml(self, path: str | os.PathLike | None = None) -> str:
        """Return the recipe as YAML; what is left open (None) is left out where that is the default.

        Parameters
        ----------
        path : path, optional
            File to which the YAML is written too.
        """
        settings = {
            name: value
            for name, value in self.to_dict().items()
            if value is not None or self._declared()[name].default is not None
        }
        text = yaml.dump(settings, Dumper=Dumper, sort_keys=False, allow_unicode=True)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    @classmethod
    def from_yaml(cls, source: str | os.PathLike) -> Self:
        """Read a recipe from a YAML file, or from YAML text (text has a line break or a colon).

        Raises
        ------
        RecipeError
            The file is missing, is not YAML, is not a mapping or has unknown names.
        """
        return cls.from_dict(read_mapping(source))

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Self:
        """Make a recipe from plain data.

        Raises
        ------
        RecipeError
            There are unknown names.
        """
        unknown = [
            Problem(
                str(name),
                "a setting of a recipe",
                name,
                did_you_mean(str(name), cls._declared()),
            )
            for name in settings
            if name not in cls._declared()
        ]
        if unknown:
            raise RecipeError(unknown)
        renamed = {
            name: _RENAMED[value]
            for name, value in settings.items()
            if name in ("model", "data", "eval_data")
            and isinstance(value, str)
            and value in _RENAMED
        }
        return cls(**{**settings, **renamed})
