"""The questions about the world: true, and asking in the test for what the train split never asks."""

from __future__ import annotations

import doctest
import re
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import pytest

from data.make import village_qa
from data.make.neardup import read_rows
from data.make.reviews import to_jsonl
from data.make.world import split
from data.make.world.people import build_world
from data.make.world.questions import ASKED, LEADS, WHO, YES_NO
from data.make.world.voice import capital, with_article

FOLDER = Path(__file__).parents[1] / "data" / "village-qa"
SPLITS = ("train", "test")


def rows(name: str, kind: str | None = None) -> list[dict[str, str]]:
    found = read_rows(FOLDER / f"{name}.jsonl")
    return [row for row in found if kind in (None, row["kind"])]


@cache
def questions() -> dict[str, set[tuple[tuple[str, str], str]]]:
    """Every question on every fact, with the facts it is about and their true answers."""
    world = build_world()
    first = {person.name: person.first for person in world.people}
    facts = world.facts()
    things = defaultdict(set)
    for _, relation, thing in facts:
        things[relation].add(thing)
    asked = defaultdict(set)
    for subject, relation, thing in facts:
        key = (subject, relation)
        for name in {subject, first.get(subject, subject)}:
            slots = {"n": name, "a_n": with_article(name)}
            told = {"o": thing, "a_o": with_article(thing)}
            answer = capital(ASKED[relation].answer.format(**slots, **told))
            for form in ASKED[relation].direct:
                asked[capital(form.format(**slots))].add((key, answer))
            for form in ASKED[relation].indirect:
                for lead in LEADS:
                    asked[lead.format(what=form.format(**slots))].add((key, answer))
            for form in YES_NO.get(relation, ()):
                for other in things[relation]:
                    prompt = capital(form.format(**slots, o=other))
                    asked[prompt].add((key, "Yes." if other == thing else "No."))
        for form in WHO.get(relation, ()):
            asked[capital(form.format(o=thing, a_o=with_article(thing)))].add((key, f"{subject}."))
    return asked


def about_facts(name: str) -> list[dict[str, str]]:
    return [row for row in rows(name) if row["kind"] in ("fact", "who", "yes-no")]


@pytest.mark.parametrize("name", SPLITS)
def test_the_files_come_out_of_the_generator_to_the_byte(name):
    made = to_jsonl(village_qa.make()[name])
    assert (FOLDER / f"{name}.jsonl").read_bytes() == made.encode("utf-8")


def test_another_seed_makes_other_rows():
    assert village_qa.make(seed=1) != village_qa.make()


def test_there_is_enough_of_it():
    assert len(rows("train")) >= 2000
    assert len(rows("test")) >= 300


@pytest.mark.parametrize("name", SPLITS)
def test_every_answer_is_true(name):
    wrong = [
        row
        for row in about_facts(name)
        if row["completion"] not in {answer for _, answer in questions()[row["prompt"]]}
    ]
    assert wrong == []


@pytest.mark.parametrize("name", SPLITS)
def test_a_question_has_one_answer(name):
    answers = {row["prompt"]: len({a for _, a in questions()[row["prompt"]]})
               for row in about_facts(name)}  # fmt: skip
    assert {prompt for prompt, count in answers.items() if count != 1} == set()


def test_no_fact_of_the_test_is_asked_for_in_the_train_split():
    keys = {
        name: {key for row in about_facts(name) for key, _ in questions()[row["prompt"]]}
        for name in SPLITS
    }
    assert keys["train"] & keys["test"] == set()
    assert len(keys["test"]) >= 250


def test_what_follows_from_a_fact_is_on_the_same_side():
    world = build_world()
    sides = split.split_facts(world)
    assert sorted([*sides["train"], *sides["test"]]) == sorted(world.facts())
    matters = {name: {split.matter(world, fact) for fact in sides[name]} for name in SPLITS}
    assert matters["train"] & matters["test"] == set()
    test = set(sides["test"])
    for subject, relation, thing in sides["test"]:
        if relation == "friend":
            assert (thing, "friend", subject) in test
        if relation == "wife":
            assert (thing, "husband", subject) in test
        if relation == "pet_name":
            assert (thing, "owner", subject) in test


def test_every_relation_is_asked_for_in_both_splits():
    for name in SPLITS:
        facts = {key[1] for row in rows(name, "fact") for key, _ in questions()[row["prompt"]]}
        assert facts == set(ASKED)


@pytest.mark.parametrize("name", SPLITS)
def test_yes_is_as_frequent_as_no(name):
    counts = Counter(row["completion"] for row in rows(name, "yes-no"))
    assert counts["Yes."] == counts["No."] > 0
    assert set(counts) == {"Yes.", "No."}


def test_nobody_gets_far_with_one_answer():
    counts = Counter(row["completion"] for row in rows("test"))
    assert max(counts.values()) / len(rows("test")) < 0.03


@pytest.mark.parametrize("name", SPLITS)
def test_what_is_read_tells_the_answer(name):
    for row in rows(name, "reading"):
        told = set(re.findall(r"\w+", row["prompt"].rpartition(". ")[0].lower()))
        last = re.findall(r"\w+", row["completion"].lower().removesuffix(" did."))[-1]
        assert last in told


@pytest.mark.parametrize("name", SPLITS)
def test_the_english_has_no_slips_of_the_pen(name):
    slips = re.compile(r"[{}@]|  | [.,?]|\.\.|[.?] [a-z]|\ba [aeio]|\ban [^aeiou]|\b(\w+) \1\b")
    assert [
        row for row in rows(name) if slips.search(row["prompt"] + " " + row["completion"])
    ] == []
    assert all(row["completion"].endswith(".") for row in rows(name))


def test_the_examples_run():
    result = doctest.testmod(split)
    assert result.attempted > 0
    assert result.failed == 0
