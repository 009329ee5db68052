"""The clerk's chronicle: his hand, and facts in the test that the train split does not tell."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from data.make import chronicle
from data.make.lexicon import chronicle as hand
from data.make.neardup import read_rows
from data.make.reviews import to_jsonl
from data.make.world.facts_said import NAMED
from data.make.world.people import Fact, build_world
from data.make.world.split import split_facts
from data.make.world.voice import capital, with_article

FOLDER = Path(__file__).parents[1] / "data" / "chronicle"
SPLITS = ("train", "test")
WORLD = build_world()


def rows(name: str) -> list[dict[str, str]]:
    return read_rows(FOLDER / f"{name}.jsonl")


def told(fact: Fact) -> set[str]:
    """Every sentence in which the clerk could tell a fact with its person named."""
    first = {person.name: person.first for person in WORLD.people}
    subject, relation, thing = fact
    return {
        hand.old_hand(capital(frame.format(
            n=name, o=other, a_o=with_article(other), A_o=capital(with_article(other)),
            a_n=with_article(name), A_n=capital(with_article(name)))))
        for frame in NAMED[relation]
        for name in (subject, first.get(subject, subject))
        for other in (thing, first.get(thing, thing))
    }  # fmt: skip


@pytest.mark.parametrize("name", SPLITS)
def test_the_files_come_out_of_the_generator_to_the_byte(name):
    made = to_jsonl(chronicle.make()[name])
    assert (FOLDER / f"{name}.jsonl").read_bytes() == made.encode("utf-8")


def test_another_seed_makes_other_rows():
    assert chronicle.make(seed=1) != chronicle.make()


def test_there_is_enough_of_it():
    assert len(rows("train")) >= 400
    assert len(rows("test")) >= 80


@pytest.mark.parametrize(("own", "foreign"), [("train", "test"), ("test", "train")])
def test_the_facts_of_one_split_are_not_told_in_the_other(own, foreign):
    facts = split_facts(WORLD)
    text = {name: " ".join(row["text"] for row in rows(name)) for name in SPLITS}
    # A name in full ends with the same words as a sentence that begins with the surname.
    sentences = {s for fact in facts[own] for s in told(fact)}
    sentences -= {s for fact in facts[foreign] for s in told(fact)}
    assert [s for s in sentences if f" {s}" in text[foreign]] == []
    assert sum(f" {s}" in text[own] for s in sentences) > 100


@pytest.mark.parametrize("name", SPLITS)
def test_the_clerk_never_falls_out_of_his_hand(name):
    plain = re.compile(r"\b([Tt]he|[Aa]nd|has|is|his|lives|works|called|every)\b")
    for row in rows(name):
        body = row["text"].partition(": ")[2]
        odd = [m.group() for m in plain.finditer(body)]
        assert odd == [], row["text"]


def test_names_are_written_as_ever():
    text = " ".join(row["text"] for row in rows("train"))
    for name in [*(person.first for person in WORLD.people), "Station Road", "Otterbeck"]:
        assert re.search(rf"\b{name}\b", text)


@pytest.mark.parametrize("name", SPLITS)
def test_the_writing_has_no_slips_of_the_pen(name):
    slips = re.compile(r"[{}|]|  | [.,;:!?]|\.\.|(?<![ivxj])[.!?] [a-z]|'S\b")
    assert [row["text"] for row in rows(name) if slips.search(row["text"])] == []


def test_the_examples_run():
    result = doctest.testmod(hand)
    assert result.attempted > 0
    assert result.failed == 0
