"""The words that the world is filled with: names, jobs, shops and what they sell."""

from __future__ import annotations

VILLAGE = "Otterbeck"
# Where people go who leave the village.
TOWNS = ("Dunmere", "Ashcombe", "Farley", "Wickham", "Thornby")

STREETS = (
    "Mill Lane", "Church Street", "Bridge Road", "High Street", "Orchard Row", "Station Road",
    "River Lane", "Market Square", "Castle Hill", "Garden Walk",
)  # fmt: skip

# Every first name is used once, so that it is enough to know a person by.
WOMEN = (
    "Anna", "Bella", "Clara", "Diana", "Emma", "Flora", "Grace", "Hannah", "Ivy", "Julia",
    "Kate", "Lucy", "Maria", "Nora", "Olive", "Polly", "Rosa", "Sarah", "Tessa", "Vera",
    "Wendy", "Alice", "Martha", "Edith",
)  # fmt: skip
MEN = (
    "Adam", "Ben", "Carl", "David", "Edward", "Frank", "George", "Henry", "Ivan", "Jack",
    "Karl", "Leo", "Mark", "Noah", "Oscar", "Peter", "Robert", "Simon", "Tom", "Victor",
    "Walter", "Hugo", "Felix", "Arthur",
)  # fmt: skip
SURNAMES = (
    "Reed", "Hill", "Stone", "Marsh", "Brook", "Wood", "Field", "Lake", "Moss", "Thorn",
    "Bell", "Fox", "Lamb", "Hart", "Swan", "Carter", "Potts", "Winter", "Sharp", "Young",
    "Green", "Price", "Cole", "Dale",
)  # fmt: skip

# Place, its keeper's job, whether it sells goods, and the goods with their plural and price in
# pounds. A job is had by one person alone.
SHOPS: dict[str, tuple[str, dict[str, int]]] = {
    "bakery": ("baker", {"loaf": 3, "bun": 1, "apple pie": 6, "birthday cake": 14}),
    "butcher's shop": ("butcher", {"ham": 15, "sausage": 2, "chicken": 9}),
    "grocer's shop": ("grocer", {"melon": 4, "cabbage": 2, "bag of potatoes": 5, "jar of jam": 6}),
    "dairy": ("cheesemaker", {"bottle of milk": 1, "pot of cream": 3, "round of cheese": 11}),
    "bookshop": ("bookseller", {"atlas": 25, "diary": 8, "cookery book": 13}),
    "flower shop": ("florist", {"bunch of roses": 12, "pot of basil": 4, "bunch of tulips": 7}),
    "toy shop": ("toymaker", {"kite": 9, "doll": 16, "spinning top": 3, "wooden horse": 30}),
    "clock shop": ("clockmaker", {"watch": 45, "alarm clock": 18, "wall clock": 35}),
    "shoe shop": ("shoemaker", {"belt": 10, "leather bag": 40, "shoe brush": 5}),
    "tailor's shop": ("tailor", {"waistcoat": 28, "shirt": 17, "winter coat": 60}),
    "hat shop": ("hatter", {"straw hat": 11, "felt hat": 19, "woollen cap": 8}),
    "pottery": ("potter", {"teapot": 20, "bowl": 7, "mug": 6, "vase": 15}),
    "sweet shop": ("sweet seller", {"bar of chocolate": 2, "bag of toffees": 3, "lollipop": 1}),
    "fish shop": ("fishmonger", {"trout": 5, "crab": 8, "salmon": 14}),
    "village shop": ("shopkeeper", {"kettle": 22, "lamp": 19, "radio": 38, "umbrella": 12}),
    "bicycle shop": ("bicycle mender", {"bicycle bell": 4, "bicycle": 90, "pump": 9}),
}
# Other places, and who works there.
PLACES: dict[str, tuple[str, ...]] = {
    "school": ("teacher", "music teacher", "caretaker"),
    "post office": ("post clerk",),
    "library": ("librarian",),
    "forge": ("blacksmith",),
    "mill": ("miller",),
    "inn": ("innkeeper", "cook"),
    "church": ("vicar", "organist"),
    "station": ("station master", "train driver"),
    "cinema": ("ticket seller",),
    "bank": ("bank clerk",),
    "surgery": ("doctor", "nurse"),
    "sheep farm": ("farmer", "shepherd"),
    "swimming pool": ("lifeguard", "swimming teacher"),
    "museum": ("museum guide",),
}
# Where the hours are not drawn: when it opens, when it closes and the day it is shut.
HOURS: dict[str, tuple[str, str, str]] = {
    "cinema": ("three", "eleven", "Monday"),
    "inn": ("four", "ten", "Tuesday"),
    "school": ("eight", "two", "Sunday"),
    "church": ("six", "nine", "Friday"),
}

FOODS = (
    "apple pie", "tomato soup", "roast chicken", "pancakes", "cheese on toast", "fish and chips",
    "mushroom stew", "noodles", "potato salad", "rice pudding", "onion tart", "plum cake",
    "baked beans", "lentil soup",
)  # fmt: skip
DRINKS = (
    "black tea",
    "milk",
    "lemonade",
    "cocoa",
    "coffee",
    "apple juice",
    "ginger beer",
    "mint tea",
)
COLOURS = ("red", "blue", "green", "yellow", "purple", "orange", "grey", "white", "brown", "pink")
HOBBIES = (
    "fishing", "knitting", "chess", "painting", "singing", "swimming", "gardening", "cycling",
    "dancing", "baking", "running", "reading", "skating", "climbing", "juggling", "sailing",
)  # fmt: skip
INSTRUMENTS = ("violin", "piano", "flute", "drum", "guitar", "trumpet", "harp", "accordion")
THINGS = (
    "rowing boat", "telescope", "red tractor", "gold watch", "stamp album", "sewing machine",
    "typewriter", "caravan", "camera", "chess set", "tent", "fur hat", "greenhouse", "globe",
    "music box", "motorbike", "loom", "microscope", "hammock", "wheelbarrow", "bread oven",
    "silver ring", "rocking chair", "map of the moon",
)  # fmt: skip
TOYS = (
    "tree house", "sledge", "puppet theatre", "toy train", "pirate flag", "magnifying glass",
    "skipping rope", "drawing board", "paper lantern", "rocking horse",
)  # fmt: skip
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

PETS = ("cat", "dog", "rabbit", "parrot", "goat", "pony", "hen", "tortoise", "hamster", "donkey")
PET_NAMES = (
    "Pepper", "Biscuit", "Shadow", "Button", "Captain", "Clover", "Domino", "Echo", "Fern",
    "Ginger", "Hazel", "Jasper", "Kipper", "Lily", "Muffin", "Nutmeg", "Otto", "Pebble",
    "Queenie", "Rusty", "Smoky", "Toffee", "Velvet", "Whisper", "Ziggy", "Bramble", "Comet",
    "Dusty", "Flint", "Maple", "Nibbles", "Patch", "Pickle", "Sunny", "Tiger", "Bubbles",
    "Scout", "Snowy", "Star", "Misty", "Mabel", "Teddy", "Rocket", "Mango", "Olga", "Pip",
    "Roly", "Zorro",
)  # fmt: skip
PET_COLOURS = ("black", "white", "brown", "grey", "spotted", "golden")

NUMBERS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def number(value: int) -> str:
    """Say a number below a hundred in words.

    Examples
    --------
    >>> number(7), number(40), number(62)
    ('seven', 'forty', 'sixty-two')
    """
    if value < 20:
        return NUMBERS[value]
    tens, ones = divmod(value, 10)
    return TENS[tens] + (f"-{NUMBERS[ones]}" if ones else "")


def pounds(value: int) -> str:
    """Say a price.

    Examples
    --------
    >>> pounds(1), pounds(12)
    ('one pound', 'twelve pounds')
    """
    return f"{number(value)} pound{'' if value == 1 else 's'}"
