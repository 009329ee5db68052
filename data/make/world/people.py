"""Who lives in Otterbeck, and what is so about them: a small closed world without a contradiction.

Every person, animal, place and good is drawn from one seed. `World.facts` lists all that can be
said of them as triples, which the texts of the corpus put into words.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from data.make.world import words

Gender = Literal["woman", "man", "girl", "boy"]
Fact = tuple[str, str, str]


@dataclass(slots=True)
class Person:
    """Somebody who lives in the village; relatives and friends are full names."""

    first: str
    surname: str
    gender: Gender
    age: int
    street: str
    house: int
    job: str = ""
    workplace: str = ""
    spouse: str = ""
    parents: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    sibling: str = ""
    friend: str = ""
    pet: str = ""
    food: str = ""
    drink: str = ""
    colour: str = ""
    hobby: str = ""
    instrument: str = ""
    owns: str = ""
    birthday: str = ""

    @property
    def name(self) -> str:
        """The full name."""
        return f"{self.first} {self.surname}"

    @property
    def female(self) -> bool:
        """Whether it is a woman or a girl."""
        return self.gender in ("woman", "girl")

    @property
    def child(self) -> bool:
        """Whether it is a girl or a boy."""
        return self.gender in ("girl", "boy")


@dataclass(slots=True)
class Animal:
    """A pet; `owner` is a full name."""

    name: str
    kind: str
    colour: str
    owner: str


@dataclass(slots=True)
class Place:
    """A shop or another place of work; `keeper` is a full name, hours are in words."""

    name: str
    street: str
    keeper: str
    opens: str
    closes: str
    closed_on: str
    shop: bool


@dataclass(slots=True)
class Good:
    """Something a shop sells, and its price in pounds."""

    name: str
    shop: str
    price: int


@dataclass(slots=True)
class World:
    """The village, and everything in it.

    Examples
    --------
    >>> world = build_world()
    >>> len(world.people), len({p.first for p in world.people})
    (48, 48)
    >>> build_world(seed=0) == build_world(seed=0), build_world(seed=1) == world
    (True, False)
    """

    village: str
    people: list[Person] = field(default_factory=list)
    animals: list[Animal] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    goods: list[Good] = field(default_factory=list)

    def person(self, name: str) -> Person:
        """The person with this full name."""
        return next(person for person in self.people if person.name == name)

    def animal(self, name: str) -> Animal:
        """The pet with this name."""
        return next(animal for animal in self.animals if animal.name == name)

    def place(self, name: str) -> Place:
        """The place with this name."""
        return next(place for place in self.places if place.name == name)

    def facts(self) -> list[Fact]:
        """Everything that is so: subject, relation, object, all as words.

        The relations of a person are ``street``, ``age``, ``job``, ``workplace``, ``wife``,
        ``husband``, ``mother``, ``father``, ``brother``, ``sister``, ``friend``, ``pet`` (its
        kind), ``pet_name``, ``food``, ``drink``, ``colour``, ``hobby``, ``instrument``,
        ``owns`` and ``birthday``; of an animal ``kind``, ``coat`` and ``owner``; of a place
        ``place_street``, ``keeper``, ``opens``, ``closes`` and ``closed_on``; of a good
        ``price`` and ``sold_at``.
        """
        return [
            *(fact for person in self.people for fact in self._of_person(person)),
            *(fact for animal in self.animals for fact in _of_animal(animal)),
            *(fact for place in self.places for fact in _of_place(place)),
            *(fact for good in self.goods for fact in _of_good(good)),
        ]

    def _of_person(self, person: Person) -> Iterator[Fact]:
        pet = self.animal(person.pet)
        told = {
            "street": person.street,
            "age": words.number(person.age),
            "job": person.job,
            "workplace": person.workplace,
            "husband" if person.female else "wife": person.spouse,
            "friend": person.friend,
            "pet": pet.kind,
            "pet_name": pet.name,
            "food": person.food,
            "drink": person.drink,
            "colour": person.colour,
            "hobby": person.hobby,
            "instrument": person.instrument,
            "owns": person.owns,
            "birthday": person.birthday,
        }
        if person.sibling:
            told["sister" if self.person(person.sibling).female else "brother"] = person.sibling
        for parent in person.parents:
            told["mother" if self.person(parent).female else "father"] = parent
        return ((person.name, relation, thing) for relation, thing in told.items() if thing)


def _of_animal(animal: Animal) -> Iterator[Fact]:
    yield animal.name, "kind", animal.kind
    yield animal.name, "coat", animal.colour
    yield animal.name, "owner", animal.owner


def _of_place(place: Place) -> Iterator[Fact]:
    yield place.name, "place_street", place.street
    yield place.name, "keeper", place.keeper
    yield place.name, "opens", place.opens
    yield place.name, "closes", place.closes
    yield place.name, "closed_on", place.closed_on


def _of_good(good: Good) -> Iterator[Fact]:
    yield good.name, "price", words.pounds(good.price)
    yield good.name, "sold_at", good.shop


def build_world(seed: int = 0) -> World:
    """Draw the village.

    Parameters
    ----------
    seed
        The same seed gives the same world.

    Returns
    -------
    World
        Fourteen couples, five of them with two children, and ten who live alone.
    """
    rng = random.Random(f"world {seed}")
    world = World(words.VILLAGE)
    _settle(world, rng)
    _employ(world, rng)
    _befriend(world, rng)
    _endow(world, rng)
    return world


def _deck(rng: random.Random, cards: Sequence[str]) -> Iterator[str]:
    """Deal the cards, shuffled anew each time through, so that all come equally often."""
    while True:
        yield from rng.sample(cards, len(cards))


def _settle(world: World, rng: random.Random) -> None:
    women, men = _deck(rng, words.WOMEN), _deck(rng, words.MEN)
    streets, surnames = _deck(rng, words.STREETS), _deck(rng, words.SURNAMES)
    houses = iter(rng.sample(range(1, 60), 24))
    for household in range(24):
        home = {"surname": next(surnames), "street": next(streets), "house": next(houses)}
        age = rng.randint(31, 44) if household < 5 else rng.randint(28, 66)
        if household >= 14:
            female = household % 2 == 0
            first = next(women if female else men)
            world.people.append(Person(first, gender="woman" if female else "man", age=age, **home))
            continue
        wife = Person(next(women), gender="woman", age=age, **home)
        husband = Person(next(men), gender="man", age=age + rng.randint(1, 5), **home)
        wife.spouse, husband.spouse = husband.name, wife.name
        world.people += [wife, husband]
        if household < 5:
            girl = Person(next(women), gender="girl", age=rng.randint(6, 9), **home)
            boy = Person(next(men), gender="boy", age=rng.randint(10, 14), **home)
            girl.sibling, boy.sibling = boy.name, girl.name
            for kid in (girl, boy):
                kid.parents = (wife.name, husband.name)
            wife.children = husband.children = (girl.name, boy.name)
            world.people += [girl, boy]


def _employ(world: World, rng: random.Random) -> None:
    adults = [person for person in world.people if not person.child]
    rng.shuffle(adults)
    streets, days = _deck(rng, words.STREETS), _deck(rng, words.DAYS)
    opens, closes = _deck(rng, words.NUMBERS[7:11]), _deck(rng, words.NUMBERS[3:8])
    staff = {shop: (job,) for shop, (job, _) in words.SHOPS.items()} | words.PLACES
    for name, jobs in staff.items():
        workers = [adults.pop() for _ in jobs]
        for worker, job in zip(workers, jobs, strict=True):
            worker.job, worker.workplace = job, name
        drawn = (next(opens), next(closes), next(days))
        hours = words.HOURS.get(name, drawn)
        shop = name in words.SHOPS
        world.places.append(Place(name, next(streets), workers[0].name, *hours, shop))
    for shop, (_, goods) in words.SHOPS.items():
        world.goods += [Good(name, shop, price) for name, price in goods.items()]


def _befriend(world: World, rng: random.Random) -> None:
    for group in (True, False):
        people = [person for person in world.people if person.child == group]
        while True:
            rng.shuffle(people)
            pairs = list(zip(people[::2], people[1::2], strict=True))
            if all(one.surname != other.surname for one, other in pairs):
                break
        for one, other in pairs:
            one.friend, other.friend = other.name, one.name


def _endow(world: World, rng: random.Random) -> None:
    foods, drinks = _deck(rng, words.FOODS), _deck(rng, words.DRINKS)
    colours, hobbies = _deck(rng, words.COLOURS), _deck(rng, words.HOBBIES)
    instruments, things = _deck(rng, words.INSTRUMENTS), _deck(rng, words.THINGS)
    toys = _deck(rng, words.TOYS)
    months, kinds = _deck(rng, words.MONTHS), _deck(rng, words.PETS)
    pet_names, coats = _deck(rng, words.PET_NAMES), _deck(rng, words.PET_COLOURS)
    for person in rng.sample(world.people, len(world.people)):
        pet = Animal(next(pet_names), next(kinds), next(coats), person.name)
        world.animals.append(pet)
        person.pet, person.food, person.drink = pet.name, next(foods), next(drinks)
        person.colour, person.hobby = next(colours), next(hobbies)
        person.instrument, person.owns = next(instruments), next(toys if person.child else things)
        person.birthday = next(months)
