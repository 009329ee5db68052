"""Which facts of the world are kept for tests: nothing that says the same is on both sides.

"Anna is the wife of Ben", "Ben is the husband of Anna" and a question from either end are one
matter. A matter belongs to one split as a whole.
"""

from __future__ import annotations

import random

from data.make.world.people import Fact, World

TEST_SHARE = 0.25

_MUTUAL = {"wife": "marriage", "husband": "marriage", "friend": "friend",
           "brother": "sibling", "sister": "sibling"}  # fmt: skip
_OF_PET = {"kind", "owner"}
_OF_OWNER = {"pet", "pet_name"}
_OF_WORKER = {"job", "workplace"}


def matter(world: World, fact: Fact) -> tuple[str, str]:
    """Name what a fact is about; facts that follow from each other have one name.

    Examples
    --------
    >>> from data.make.world.people import build_world
    >>> world = build_world()
    >>> one = next(fact for fact in world.facts() if fact[1] == "friend")
    >>> matter(world, one) == matter(world, (one[2], "friend", one[0]))
    True
    """
    subject, relation, thing = fact
    if relation in _MUTUAL:
        return _MUTUAL[relation], " & ".join(sorted((subject, thing)))
    if relation in _OF_PET:
        return "pet", world.animal(subject).owner
    if relation in _OF_OWNER:
        return "pet", subject
    if relation in _OF_WORKER:
        return "work", subject
    if relation == "keeper":
        return "work", thing
    # A household shares its street and its surname; brother and sister share their parents.
    if relation == "street":
        return "street", world.person(subject).surname
    if relation in ("mother", "father"):
        return relation, thing
    return relation, subject


def split_facts(world: World, seed: int = 0) -> dict[str, list[Fact]]:
    """Share out the facts: of each sort of matter a quarter goes to the test.

    Parameters
    ----------
    world
        The world.
    seed
        The same seed gives the same split.

    Returns
    -------
    dict of str to list of Fact
        ``"train"`` and ``"test"``, each in the order of `World.facts`.
    """
    rng = random.Random(f"facts {seed}")
    sorts: dict[str, list[tuple[str, str]]] = {}
    for key in dict.fromkeys(matter(world, fact) for fact in world.facts()):
        sorts.setdefault(key[0], []).append(key)
    test = {key for keys in sorts.values() for key in rng.sample(keys, _quarter(len(keys)))}
    split: dict[str, list[Fact]] = {"train": [], "test": []}
    for fact in world.facts():
        split["test" if matter(world, fact) in test else "train"].append(fact)
    return split


def _quarter(count: int) -> int:
    return max(1, round(count * TEST_SHARE))
