"""Every knob is explained, in words that a person can read, where it stands."""

from __future__ import annotations

import html
import re

import pytest

from workbench.errors import Problem
from workbench.panels.bench.argument_groups import RARE, grouped
from workbench.panels.widgets import parsing
from workbench.panels.widgets.fields import Field, knob_field, recipe_fields
from workbench.panels.widgets.help import help_of
from workbench.panels.widgets.help_text import LONGEST, readable
from workbench.panels.widgets.wording import in_form
from workbench.recipe import FIELDS
from workbench.registry.argument_help import argument_help
from workbench.registry.tasks import TASKS
from workbench.registry.techniques import TECHNIQUES, arguments
from workbench.settings.values import value_problems

# What is left of Markdown, HTML or reStructuredText, and what only Python has.
DEBRIS = re.compile(r"`|</?(?:a|b|i|code|p)\b|\]\(|:\w+:|\bNone\b|  |\.For\b|\.If\b|\.This\b")


def said(field):
    """Return a field's help as its text."""
    text = re.sub(r"</?(?:dt|dd|p)[^>]*>", "\n", field.widget.children[0].value)
    return html.unescape(re.sub(r"<[^>]*>", "", text))


@pytest.mark.parametrize("name", [name for name in FIELDS if name != "technique_args"])
def test_every_setting_says_what_it_is_its_default_and_what_is_allowed(name):
    [field] = recipe_fields([name], print).values()
    words = said(field)
    assert readable(FIELDS[name].metadata["about"]) in words
    assert "Default" in words and "Allowed" in words
    assert not DEBRIS.search(words)
    if FIELDS[name].default is None:
        assert FIELDS[name].metadata["empty"] in words and "left empty" in words
    if unit := FIELDS[name].metadata["unit"]:
        assert unit in words


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_every_argument_has_a_readable_help_and_one_place(technique):
    known = {knob.name: knob for knob in TECHNIQUES[technique].hyperparameters}
    names = [name for name, (_, hint) in arguments(technique).items() if parsing.typeable(hint)]
    for name in names:
        knob = known.get(name)
        text = readable(argument_help(technique, name)) or (knob.line if knob else "")
        assert text and len(text) <= LONGEST and not DEBRIS.search(text), name
        # Of the main ones no help only repeats the name.
        assert not knob or len(f"{text} {knob.line}".split()) > 3, name
    rest = [name for name in names if name not in known]
    groups = grouped(rest)
    assert sorted(name for group in groups.values() for name in group) == sorted(rest)
    assert RARE not in list(groups)[:-1]


def test_the_main_knobs_are_explained_all_the_time():
    lines = {knob.name: knob.line for knob in TECHNIQUES["lora"].hyperparameters}
    assert all(lines.values())
    for knob in TECHNIQUES["lora"].hyperparameters:
        assert (
            f"<p class='wb-hint'>{knob.line}</p>"
            in knob_field(knob, print).widget.children[0].value
        )


def test_what_is_allowed_is_what_is_checked():
    """The range in the help is derived, so it changes with the check."""
    help = help_of("x", int | None, 3, limits={"ge": 2, "lt": 9, "slider": (2, 6)})
    [problem] = value_problems("x", 1, int | None, {"ge": 2, "lt": 9})
    assert help.allowed == "an integer of at least 2 and below 9, or left empty"
    assert in_form(str(problem)) == f"x must be {help.allowed}, but is 1."
    assert help.usual == "2 to 6"
    assert help_of("lora_dropout", float, 0.0).allowed == "a number of at least 0 and below 1"


def test_help_is_escaped():
    field = Field("x", str, print, help="less < more & <script>alert(1)</script>", line="<b>")
    assert "<script" not in field.widget.children[0].value
    assert "&lt;b&gt;" in field.widget.children[0].value


def test_a_setting_that_another_one_decides_is_grey_and_says_so():
    [field] = recipe_fields(["num_train_epochs"], print).values()
    line = FIELDS["num_train_epochs"].metadata["line"]
    field.rule_out("set by max_steps")
    assert field.control.disabled and "set by max_steps" in said(field)
    assert line not in said(field)
    field.rule_out("")
    assert not field.control.disabled and line in said(field)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_errors_have_the_words_of_the_panel(task):
    problem = Problem("task", f"{task.name!r} with this base (or None)", True, "set it to False")
    sentence = in_form(str(problem))
    assert f"“{task.title}”" in sentence and repr(task.name) not in sentence
    assert not re.search("None|True|False", sentence)


def test_a_text_of_ones_own_stays_as_it_is():
    assert in_form("'True.csv' must be a file.") == "'True.csv' must be a file."


def test_a_menu_shows_what_stands_for_nothing():
    changes = []
    [field] = recipe_fields(["quantization"], lambda *change: changes.append(change)).values()
    empty = FIELDS["quantization"].metadata["empty"]
    assert field.control.label == empty
    field.show("nf4")
    field.show(None)
    assert field.control.label == empty and changes == []
    field.control.value = "nf4"
    field.control.value = ""
    assert changes == [("quantization", "nf4"), ("quantization", None)]
