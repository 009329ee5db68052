"""The words that plain English is composed of: what people do, with what, where, when and why.

The slots of what is done: {thing}, {things}, {food}, {drink}, {clothes}, {animal} and {building}
are noun phrases, {place} and {to} say where and where to, {other} is somebody else, {plain} a bare
noun, {his}, {him} and {himself} stand for who does it.
"""

from __future__ import annotations

from data.make.world import tale_words

THINGS = (
    *tale_words.THINGS, "cup", "plate", "knife", "box", "lamp", "clock", "picture", "chair", "pot",
    "pan", "bag", "bowl", "towel", "blanket", "stone", "stick", "flower", "shell", "feather",
    "stamp", "card", "toy", "doll", "kite", "drum", "bell", "brush", "bicycle", "newspaper",
    "parcel", "present", "watch", "umbrella", "teapot", "kettle", "jar", "glass", "nail", "wheel",
    "saw", "needle", "suitcase", "photograph", "song book", "tray", "fork", "vase", "mug",
)  # fmt: skip
CLOTHES = ("hat", "coat", "shirt", "scarf", "dress", "apron", "cap", "jacket", "belt", "jumper")
COUNTED_FOOD = (
    "apple", "pear", "egg", "cake", "bun", "plum", "carrot", "onion", "potato", "pancake", "melon",
    "sausage", "nut", "cabbage", "pie", "biscuit", "sandwich", "tart", "loaf", "berry", "cherry",
)  # fmt: skip
FOOD = (
    "bread", "soup", "cheese", "butter", "rice", "jam", "honey", "fish", "ham", "salad", "meat",
    "porridge", "chocolate", "stew", "salt", "sugar", "flour", "toast",
)  # fmt: skip
DRINKS = ("tea", "milk", "water", "coffee", "cocoa", "lemonade", "juice")
MATERIALS = ("wood", "paper", "wool", "string", "soap", "paint", "grass", "money", "hay", "sand")
ANIMALS = (*tale_words.ANIMALS, "cat", "dog", "rabbit", "goat", "hen", "pony", "donkey", "bird")
BUILT = (
    "door", "window", "gate", "roof", "wall", "fence", "bridge", "garden", "shed", "kitchen",
    "house", "barn", "road", "path", "room", "table", "bed", "boat", "cart", "stove", "floor",
    "bench", "shelf", "cupboard", "tent", "ladder", "tree", "well", "train", "bus", "shop",
)  # fmt: skip
ROOMS = (
    "kitchen", "garden", "barn", "shed", "street", "house", "library", "church", "school", "room",
    "forest", "field", "yard", "village", "cellar", "attic", "station", "museum", "inn", "orchard",
    "bakery", "bank", "cinema", "hall", "market",
)  # fmt: skip
SURFACES = (
    "table",
    "floor",
    "bench",
    "wall",
    "roof",
    "shelf",
    "chair",
    "bed",
    "grass",
    "cart",
    "stairs",
)
NEXT_TO = (
    "door", "window", "gate", "river", "pond", "table", "church", "bridge", "tree", "mill", "well",
    "bed", "stove", "fence", "oak", "inn", "stairs", "barn", "cupboard", "wall", "station",
)  # fmt: skip
BESIDE = ("beside", "behind", "under", "near", "next to", "by", "in front of", "at", "over")
GOALS = (
    "market", "river", "school", "shop", "station", "church", "barn", "mill", "library", "forest",
    "bakery", "post office", "pond", "inn", "cinema", "garden", "field", "bank", "museum", "doctor",
)  # fmt: skip
COATS = ("black", "white", "brown", "grey", "red", "yellow", "spotted", "golden")
SIZES = ("small", "big", "large", "tiny", "long", "short", "little", "thin", "heavy", "light")
STATES = (
    "old", "new", "dry", "wet", "clean", "dirty", "broken", "empty", "full", "round", "shiny",
    "dusty", "soft", "hard", "wooden", "pretty", "strange", "good", "fine", "striped", "cheap",
)  # fmt: skip
TASTES = ("warm", "cold", "hot", "fresh", "sweet", "good", "bad", "sour", "dry", "burnt", "ripe")
CHARACTERS = (
    *tale_words.GOOD, *tale_words.BAD, "old", "young", "tall", "small", "friendly", "rich", "poor",
    "wise", "quiet", "funny", "polite", "shy", "strange",
)  # fmt: skip
MOODS = (
    "happy", "sad", "angry", "afraid", "tired", "proud", "bored", "surprised", "hungry", "thirsty",
    "grateful", "ill", "glad", "cold", "late", "busy", "alone", "ready", "worried", "lonely",
    "excited", "safe", "sorry", "awake", "sleepy", "well", "lost",
)  # fmt: skip
OF_A_PLACE = ("open", "closed", "empty", "full", "dark", "cold", "warm", "quiet", "clean", "old",
              "dirty", "new", "wet", "far away", "locked", "small", "big", "crowded", "noisy")  # fmt: skip

MANNERS = (
    *tale_words.MANNERS, "again", "together", "alone", "well", "loudly", "gently", "early", "late",
    "too", "every now and then",
)  # fmt: skip
PEOPLE = {
    "man": "he", "woman": "she", "boy": "he", "girl": "she", "stranger": "he", "king": "he",
    "queen": "she", "sailor": "he", "grandmother": "she", "grandfather": "he", "aunt": "she",
    "uncle": "he", "guest": "she", "visitor": "he", "neighbour": "she", "thief": "he",
    "soldier": "he", "pupil": "she", "lady": "she", "gentleman": "he", "painter": "he",
    "gardener": "she", "singer": "she", "hunter": "he", "policeman": "he",
}  # fmt: skip
GROUPS = (
    "children", "boys", "girls", "men", "women", "neighbours", "guests", "farmers", "people",
    "friends", "pupils", "sailors", "visitors", "parents", "strangers",
)  # fmt: skip
RELATIVES = {
    "brother": "he", "sister": "she", "mother": "she", "father": "he", "uncle": "he",
    "aunt": "she", "friend": "she", "neighbour": "he", "grandmother": "she", "grandfather": "he",
    "cousin": "he", "daughter": "she", "son": "he", "wife": "she", "husband": "he",
}  # fmt: skip
# Of relatives, those of whom the world tells nothing.
DISTANT = ("uncle", "aunt", "neighbour", "grandmother", "grandfather", "cousin")

PERSON_DOES = (
    "find {thing}", "find {thing} {place}", "lose {thing}", "buy {thing}", "buy {food}",
    "buy {things} {place}", "sell {thing}", "sell {things}", "carry {thing} {to}", "carry {thing}",
    "bring {thing}", "bring {food} {to}", "take {thing}", "take {thing} {to}", "put {thing} {place}",
    "leave {thing} {place}", "hide {thing} {place}", "look for {thing}", "look at {thing}",
    "look at {animal}", "look out of the window", "see {thing} {place}", "see {animal} {place}",
    "see {other}", "hear {sound}", "hear {animal} {place}", "hold {thing}", "drop {thing}",
    "break {thing}", "mend {thing}", "mend {building}", "clean {building}", "clean {thing}",
    "wash {thing}", "wash {clothes}", "wash {his} hands", "dry {thing}", "open {building}",
    "open {thing}", "open the door", "shut the door", "close {building}", "paint {building}",
    "paint {thing}", "build {building}", "draw {animal}", "draw {thing}", "make {thing}",
    "make some tea", "make {clothes} for {other}", "write a letter to {other}", "write a letter",
    "read a book", "read an old story", "read the newspaper", "send {thing} to {other}",
    "send {other} {thing}", "give {other} {thing}", "give {other} {food}", "give {thing} to {other}",
    "give {animal} {food}", "show {other} {thing}", "show {thing} to {other}", "lend {other} {thing}",
    "tell {other} a story", "tell {other} the truth", "tell {other} about {thing}",
    "ask {other} for {thing}", "ask {other} for help", "ask {other} a question", "answer {other}",
    "thank {other} for {thing}", "thank {other}", "help {other}", "help {other} with {thing}",
    "visit {other}", "meet {other} {place}", "meet {other}", "call {other}", "wait for {other}",
    "wait for {other} {place}", "wait {place}", "follow {other}", "follow {animal}", "teach {other}",
    "talk to {other}", "talk about {thing}", "talk with {other} about {animal}", "laugh",
    "laugh at {other}", "smile at {other}", "play with {other}", "play with {animal}",
    "play {place}", "run {to}", "run {place}", "run away", "walk {to}", "walk {to} with {other}",
    "walk home", "walk {place}", "go {to}", "go {to} with {other}", "go home", "go to bed",
    "go to {town}", "travel to {town}", "come home", "come {to}", "come back from {town}",
    "ride {to}", "drive {to}", "move to {town}", "arrive {place}", "stay {place}", "stay at home",
    "stay with {other}", "stay in bed", "sit {place}", "sit down", "sit {place} with {other}",
    "stand {place}", "stand up", "lie {place}", "sleep", "sleep {place}", "wake up", "get up",
    "work {place}", "work with {other}", "rest {place}", "live {place}", "sing", "sing a song",
    "sing for {other}", "dance", "dance with {other}", "swim", "swim {place}", "eat {food}",
    "eat {food} with {other}", "eat {food} {place}", "drink {drink}", "drink {drink} with {other}",
    "cook {food}", "bake {food}", "bake {food} for {other}", "cut {food}", "pick {things}",
    "pick some flowers for {other}", "plant {things}", "dig {place}", "feed {animal}",
    "catch {animal}", "chase {animal}", "love {other}", "like {food}", "like {animal}",
    "like {other}", "want {thing}", "want {food}", "need {thing}", "need {other}", "need help",
    "have {thing}", "have {food}", "have a lot of money", "have {animal}", "have a cold", "keep {thing}",
    "forget {thing}", "remember {other}", "miss {other}", "miss the train", "know {other}",
    "know the way {to}", "know the answer", "lose {his} way", "pay for {thing}",
    "pay for {food}", "wear {clothes}", "put on {clothes}", "take off {clothes}", "throw {thing}",
    "throw {thing} to {other}", "throw {thing} {place}", "count {things}", "collect {things}",
    "steal {thing}", "steal {food}", "choose {thing}", "share {food} with {other}", "light a fire",
    "light the lamp", "fetch some {plain}", "fetch {thing}", "fill {thing} with {plain}", "sweep the floor",
    "win a prize", "hurt {his} foot", "cut {his} finger", "fall", "fall asleep",
    "climb the hill", "climb over the wall", "cross the bridge", "cross the road", "knock at the door",
    "say hello to {other}", "speak to {other}", "shout", "cry", "listen to {other}", "watch {animal}",
    "watch {other}", "touch {thing}", "push {other}", "pull the cart", "kiss {other}", "invite {other}",
    "finish {his} work", "begin {his} work", "do {his} work", "learn to swim", "learn to read",
    "dream of {animal}", "think of {other}", "worry about {other}", "hope for rain", "smell {food}",
    "taste {food}", "ring the bell", "sew {clothes}", "knit {clothes}", "wrap {thing} in paper",
)  # fmt: skip
ANIMAL_DOES = (
    "sleep {place}", "sleep", "eat {food}", "drink some water", "drink {drink}", "run {to}",
    "run away", "run {place}", "hide {place}", "jump over the fence", "jump {place}", "sit {place}",
    "lie {place}", "follow {other}", "look at {other}", "chase {animal}", "catch {animal}", "play",
    "play {place}", "wait {place}", "wait for {other}", "steal {food}", "live {place}", "wake up",
    "bite {other}", "love {other}", "come home", "come {to}", "smell {food}", "find {food}",
    "find {thing}", "break {thing}", "like {food}", "walk {place}", "hurt {his} foot", "make a noise",
    "stand {place}", "lick {other}", "fall {place}", "watch {animal}", "watch {other}",
)  # fmt: skip
THING_DOES = (
    "lie {place}", "stand {place}", "fall {place}", "belong to {other}", "break", "cost a lot of money",
    "be {place}", "be {place}", "be {place}", "look {state}", "get wet", "disappear",
)  # fmt: skip
# What can be done to a thing, and what by whom.
DONE = ("found", "bought", "sold", "lost", "stolen", "broken", "mended", "cleaned", "painted", "made",
        "hidden", "carried away", "taken", "washed", "brought", "forgotten", "opened", "thrown away")  # fmt: skip
WEATHER = (
    "it was raining", "it was cold", "it was warm", "it was late", "it was dark", "it was early",
    "it was snowing", "it was hot", "the sun was shining", "the wind was strong", "it was {day}",
    "the road was wet", "the night was dark", "the day was long", "it was {month}", "it was foggy",
    "the snow was deep", "there was a storm", "it had rained all night", "the moon was bright",
    "it was time for supper", "it was a holiday", "it was market day", "nobody was at home",
    "the shops were closed", "there was no bread left", "the bridge was closed", "the train was late",
)  # fmt: skip
PAST_TIMES = (
    *tale_words.TIMES, "yesterday", "last night", "that day", "in the morning", "in the evening",
    "in the afternoon", "at night", "on {day}", "on {day}", "in {month}", "at {hour}", "after supper",
    "all day", "all night", "for {few} hours", "for a long time", "two days ago", "at first",
    "a long time ago", "{few} years ago", "before breakfast", "that evening", "every day",
)  # fmt: skip
HABIT_TIMES = (
    "every day", "every morning", "every evening", "in the morning", "in the evening", "on {day}",
    "at night", "in {month}", "in winter", "in summer", "often", "after work", "at {hour}",
    "all day", "once a week", "now and then", "when it rains", "when the sun shines", "at noon",
)  # fmt: skip
FUTURE_TIMES = (
    "tomorrow", "next week", "next year", "soon", "on {day}", "in {month}", "in the evening",
    "tonight", "at {hour}", "in {few} days", "one day", "in the morning", "after supper",
)  # fmt: skip
# Verbs that are followed by a relative clause's noun, by *that*, by *to*, by *where*, by *-ing*.
GETS = ("find", "buy", "lose", "see", "bring", "make", "sell", "want", "forget", "take", "hide")  # fmt: skip
MINDS = ("think", "know", "say", "see", "hear", "hope", "believe", "remember", "forget", "notice")  # fmt: skip
WISHES = ("want", "try", "have", "begin", "need", "hope", "learn", "like", "forget", "promise", "decide")  # fmt: skip
ASKS = ("ask", "wonder", "know", "forget")  # fmt: skip
ENJOYS = ("like", "enjoy", "stop", "love", "begin")  # fmt: skip
