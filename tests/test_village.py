"""The bundled base model: the world it was made from, its corpus, and what it knows."""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from itertools import islice

import pytest
import yaml

from data.make.corpus import THIRD, Rows, bundled_rows, documents
from data.make.lexicon import sentiment, support
from data.make.lexicon.phrase import render
from data.make.plain_tests import BEFORE_GRAMMAR, BEYOND_FRAMES
from data.make.world.people import build_world
from data.make.world.plain import Plain
from workbench.sources.bundled import data_folder

FOLDER = data_folder() / "village-3m"
WRONG = re.compile(
    r"[{}\[\]]|  |\.\.| [.,!?]|[.?!] [a-z]|\.,|,\."
    r"|\b[Aa] [aeio](?!ne\b)|\b[Aa]n [^aeiouh]|\b(?!had\b|that\b)(\w+) \1\b"
)


@pytest.fixture(scope="module")
def world():
    return build_world()


@pytest.fixture(scope="module")
def corpus():
    return list(islice(documents(seed=7), 20_000))


@pytest.fixture(scope="module")
def village():
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(FOLDER).eval(), AutoTokenizer.from_pretrained(
        FOLDER
    )


def test_the_world_comes_out_of_its_seed(world):
    assert build_world(0) == world
    assert build_world(1) != world


def test_a_first_name_is_enough_to_know_a_person_by(world):
    first = [person.first for person in world.people]
    others = [word for animal in world.animals for word in animal.name.split()]
    assert len(set(first)) == len(first)
    assert not set(first) & set(others)


def test_relations_hold_from_both_ends(world):
    for person in world.people:
        assert world.person(person.friend).friend == person.name
        assert world.animal(person.pet).owner == person.name
        if person.spouse:
            spouse = world.person(person.spouse)
            assert spouse.spouse == person.name
            assert (spouse.street, spouse.house) == (person.street, person.house)
        for child in person.children:
            assert person.name in world.person(child).parents
            assert person.age - world.person(child).age >= 16


def test_no_fact_contradicts_another(world):
    facts = world.facts()
    assert len(set(facts)) == len(facts)
    ends = Counter((subject, relation) for subject, relation, _ in facts)
    assert set(ends.values()) == {1}
    jobs = Counter(thing for _, relation, thing in facts if relation == "job")
    assert set(jobs.values()) == {1}


def test_the_corpus_comes_out_of_its_seed(corpus):
    assert list(islice(documents(seed=7), 2_000)) == corpus[:2_000]
    assert not set(corpus) <= set(islice(documents(seed=8), 20_000))


def test_the_corpus_is_plain_and_grammatical_where_a_rule_can_tell(corpus):
    found = [text for text in corpus if WRONG.search(text)]
    assert not found
    assert all(text.replace("\n", " ").isprintable() and text.isascii() for text in corpus)


def test_every_saying_of_the_lexicons_is_told(corpus):
    """Held-out phrases are worth testing with only because the base model has read them."""
    whole = "\n".join(corpus)
    for phrase in sentiment.PHRASES:
        said = {render(phrase.text, person) for person in ("I", "she", "he")}
        assert any(text in whole for text in said), phrase
    for line in sentiment.IRONIES:
        longest = max(re.split(r"\{\w+\}", line.text), key=len)
        assert longest[1:].strip() in whole, line
    for situation in support.SITUATION_LIST:
        # What stands between two slots.
        longest = max(re.split(r"\{\w+\}\w*", situation.text), key=len).strip()
        assert longest[1:].removesuffix("?") in whole, situation


def test_the_corpus_never_names_a_label(corpus):
    whole = "\n".join(corpus)
    for label in (*support.INTENTS, "positive", "negative"):
        if "_" in label or label.endswith("tive"):
            assert label not in whole, label


def test_what_is_told_of_people_is_so(corpus, world):
    """One frame stands for all: nobody is said to live in two streets."""
    homes = {person.name: person.street for person in world.people}
    told = re.findall(r"\b([A-Z]\w+ [A-Z]\w+) lives in ([A-Z]\w+ [A-Z]\w+)\.", "\n".join(corpus))
    assert len(told) > 20
    assert all(homes[name] == street for name, street in told)


def test_a_document_with_a_row_of_a_data_set_is_found():
    rows = Rows(["The lamp hummed. I was cross.", "It leaked."])
    assert rows.inside('Anna said: "The lamp hummed. I was cross."')
    assert not rows.inside("The lamp hummed. I was cross with it.")
    assert not rows.inside("The lamp hummed.")
    assert bundled_rows().inside("It was far from handy.") is False


def test_the_model_is_small_and_loads(village):
    model, tokenizer = village
    assert (FOLDER / "model.safetensors").stat().st_size < 12_000_000
    assert model.num_parameters() <= 3_000_000
    assert len(tokenizer) == model.config.vocab_size == 2048
    assert (
        tokenizer.eos_token_id == model.config.eos_token_id == model.generation_config.eos_token_id
    )


def test_any_text_can_be_encoded(village):
    _, tokenizer = village
    for text in (string.printable, "Grüße aus Zürich, 1 € — 日本語 🙂", " two  spaces\n\n"):
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_the_chat_template_keeps_a_prompt_as_the_start_of_the_whole(village):
    _, tokenizer = village
    turn = [{"role": "user", "content": "Good morning."}]
    before = tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
    turn.append({"role": "assistant", "content": "Mill Lane"})
    whole = tokenizer.apply_chat_template(turn, tokenize=False)
    assert before == "<|user|> Good morning.<|end|><|assistant|>"
    assert whole == before + " Mill Lane<|end|>"
    ids = tokenizer(before)["input_ids"]
    assert tokenizer(whole)["input_ids"][: len(ids)] == ids


def test_the_model_reads_documents_it_has_not_seen(village):
    import torch

    from data.make.pretrain import new_model, perplexity

    model, tokenizer = village
    texts = list(islice(documents(seed=99), 60))
    assert perplexity(model, tokenizer, texts) < 8
    assert perplexity(new_model(), tokenizer, texts) > 1_000
    long = torch.arange(5, 517).unsqueeze(0)
    assert model(input_ids=long).logits.isfinite().all()


def test_the_model_writes_plain_words(village):
    from data.make.measure import continuations

    model, tokenizer = village
    for text in continuations(model, tokenizer, ["One morning", "The film", "It is raining."], 30):
        assert text.replace("\n", " ").isprintable()
        assert len(text.split()) > 5


@pytest.mark.slow
def test_the_model_knows_its_world(village):
    from data.make.measure import facts_known, sayings_understood

    known = facts_known(*village)
    assert known["all"].share > 0.9
    assert all(relation.share > relation.guess for relation in known.values())
    understood = sayings_understood(*village)
    assert all(sayings.ranked > 0.9 for sayings in understood.values())


def test_the_card_gives_what_the_hub_asks_for(village):
    model, _ = village
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(text.split("---")[1])
    assert front["license"] == "apache-2.0"
    assert front["pipeline_tag"] == "text-generation"
    assert f"{model.num_parameters():,}" in text


@pytest.fixture(scope="module")
def plain():
    return list(islice(documents(seed=7, shares={Plain: 1}), 20_000))


def test_plain_english_comes_out_of_its_seed_and_is_varied(plain):
    assert list(islice(documents(seed=7, shares={Plain: 1}), 500)) == plain[:500]
    assert not set(plain[:500]) <= set(islice(documents(seed=8, shares={Plain: 1}), 500))
    sentences = [piece for text in plain for piece in re.split(r"(?<=[.?])[ \n]", text)]
    assert len(set(sentences)) > 0.85 * len(sentences)


def test_plain_english_agrees(plain):
    """What no grammar of English allows, and what the grammar does not say twice."""
    one = r"(?:he|she|it|nobody|everyone|somebody)"
    many = r"(?:they|we|you)"
    wrong = re.compile(
        rf"\b{one} (?:are|were|have|do|am|go|want|like)\b|\b{many} (?:is|was|has|does|am|goes|wants|likes)\b"
        r"|\bI (?:is|are|were|has|does|goes)\b"
        r"|\b(?:did|does|do|will|can|must|could|would)(?: not)? (?:was|were|is|are|(?!sing|bring|ring)\w+ing|went|had|saw|took|gave|has|goes)\b"
        r"|\b(?:two|three|some|many|several) (?:man|woman|child|mouse|goose|loaf|knife|boy|girl|book|key)\b"
        r"|\b(?:mans|womans|childs|mouses|gooses|sheeps|deers|knifes)\b"
        r"|\b(?:goed|runned|eated|taked|gived|buyed|costed|digged|selled|putted)\b"
        r"|\bmore (?:old|tall|big|small|kind)\b|\bmore \w+er than\b"
        r"|\bnot \w+ no\b",
        re.IGNORECASE,
    )
    # Whoever asks a question or is helped stands between the verb and what agrees with it.
    found = [
        (match.group(), text)
        for text in plain
        for match in [
            wrong.search(
                re.sub(r"(?:[Dd]o|[Dd]oes|[Dd]id|[Ww]ill|[Hh]ave|[Hh]as) [^.?]*\?", "?", text)
            )
        ]
        if match
    ]
    assert not found, found[:3]


def test_plain_english_is_plain_and_grammatical_where_a_rule_can_tell(plain):
    assert not [text for text in plain if WRONG.search(text)]
    assert all(text.replace("\n", " ").isprintable() and text.isascii() for text in plain)


def test_plain_english_has_every_kind_of_sentence(plain):
    whole = "\n".join(plain)
    for kind in (
        r" because ", r", so ", r"\bIf ", r" before ", r" than ", r" as \w+ as ", r" who ", r" that ",
        r" where ", r"\bThere (?:is|are) ", r"\bThere (?:was|were) ", r" did not ", r" will not ",
        r"\?\n", r'," (?:said|answered) ', r" has \w+en ", r" (?:was|were) \w+ing ", r"\bNobody ",
        r" most of the ", r"'s ", r" too \w+ to ", r" could ", r" must ", r"\bWhy ", r" while ",
    ):  # fmt: skip
        assert len(re.findall(kind, whole)) > 20, kind


def test_what_plain_english_says_of_owners_is_so(plain, world):
    """A pet is its owner's, and of relatives the world knows, nobody gets one that is not there."""
    kinds = {world.person(animal.owner).first: animal.kind for animal in world.animals}
    whole = "\n".join(plain)
    told = re.findall(rf"\b([A-Z]\w+)'s ({'|'.join(set(kinds.values()))}) [A-Z]", whole)
    assert len(told) > 50
    assert all(kinds[owner] == kind for owner, kind in told)
    sisters = {p.first for p in world.people if p.sibling and world.person(p.sibling).female}
    told = re.findall(r"\b([A-Z]\w+)'s sister\b", whole)
    assert told and set(told) <= sisters


def test_the_corpus_holds_no_plain_test_sentence():
    rows = bundled_rows()
    sentences = (*BEYOND_FRAMES, *BEFORE_GRAMMAR)
    assert all(rows.inside(f"It was late. {sentence} Then it rained.") for sentence in sentences)
    third = "\n".join(islice(documents(seed=0, shares=THIRD), 20_000))
    assert not [sentence for sentence in sentences if sentence in third]


def test_plain_sentences_cost_the_model_less_than_a_blind_guess_by_far(village):
    from data.make.measure import nats_per_token

    model, tokenizer = village
    for sentences in (BEYOND_FRAMES, BEFORE_GRAMMAR):
        assert nats_per_token(model, tokenizer, sentences) < 0.6 * math.log(len(tokenizer))
