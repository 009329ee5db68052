"""What people write and say to each other."""

from __future__ import annotations

NEWS = (
    "The weather here is {weather}.", "{pet} is well and sends a greeting.",
    "On {day} we had {food}, and I thought of you.", "I have bought {a_looks} {thing} in {town}.",
    "Last week there was {an_animal} in the garden.", "I am learning {hobby}, but it is hard.",
    "When will you come to visit?", "The new neighbours are {good}.", "Our roof is mended at last.",
    "I was ill for {few} days, but now I am better.", "Thank you for the {things}.",
    "In {month} I will travel to {town}.", "Please bring your {thing} when you come.",
    "There is not much news.", "The plums in the orchard are ripe.", "We miss you.",
    "I hope that you are well.",
)  # fmt: skip
FAREWELLS = (
    "Love, {n}", "Your friend {n}", "Yours, {full}", "With best wishes, {n}", "See you soon! {n}",
    "Goodbye for now, {n}",
)  # fmt: skip
NOTICES = (
    "found: {a_looks} {thing}. It was {place}. Ask {n}.",
    "lost: {a_looks} {thing}. If you find it, bring it to {n} in {street}.",
    "for sale: {few} {things}. Ask {n}.",
    "there will be a dance on {day} at {hour}. Everyone is welcome.",
    "please shut the gate. There is {an_animal} about.",
    "the road to {town} is closed until {month}.",
    "wanted: somebody {good} to help with the harvest. Come to {street} on {day}.",
    "{n} thanks everyone who helped with the {things}.", "beware of the {animal}.",
    "the band will play {place} on {day}. Bring a chair.",
    "no bathing in the river before {month}.",
    "the meeting on {day} begins at {hour}. Tea and {food} for all.",
)  # fmt: skip
TALKS: tuple[tuple[str, ...], ...] = (
    (
        '"Good morning, {n}! How are you?" asked {friend}.',
        '"I am well, thank you," said {n}. "And you?"', '"I have a cold, but it will pass."',
    ),
    (
        '"Have you seen my {thing}?" asked {n}.', '"Yes," said {friend}. "It is {place}."',
        '"Thank you! I have looked for it since {hour}."',
    ),
    (
        '"Shall we go to {town} on {day}?" asked {friend}.',
        '"I would love to," said {n}, "but I have to work."', '"What a pity. Another time, then."',
    ),
    (
        '"What do you want for supper?" asked {n}.', '"I would like {food}," answered {friend}.',
        "So {n} went into the kitchen and began to cook.",
    ),
    (
        '"Why are you so late?" asked {n}.',
        '"There was {an_animal} on the road," said {friend}, "and the bus had to wait."',
        '"That can happen," said {n}.',
    ),
    (
        '"May I borrow your {thing}?" asked {n}.',
        '"Of course," said {friend}, "if you bring it back by {day}."', '"I promise," said {n}.',
    ),
    (
        '"Did you hear {sound}?" whispered {friend}.', '"It is only {pet}," said {n}.',
        "They both laughed.",
    ),
    (
        '"How far is it to {town}?" asked {friend}.',
        '"{few} miles," said {n}. "You can be there at {hour}."', '"Then I must hurry."',
    ),
    (
        '"I am so sorry," said {n}. "I have broken your {thing}."',
        '"Never mind," said {friend}. "It was old."', "{n} promised to be more careful.",
    ),
    (
        '"It is very {weather} today," said {friend}.',
        '"Yes," said {n}, "and tomorrow it will be the same."', '"Who knows?"',
    ),
    (
        '"Can you teach me {hobby}?" asked {friend}.',
        '"If you are {good}," said {n}, "you will learn it in {few} weeks."', "They began at once.",
    ),
)  # fmt: skip
CHATS: tuple[tuple[str, str], ...] = (
    ("Who are you?", "[I am a friendly neighbour.|I am your neighbour.|A friend.]"),
    ("What can you do?", "[I can talk with you.|I can tell you stories.]"),
    ("Where are you from?", "[I am from Otterbeck.|From Otterbeck.]"),
    ("When shall we meet?", "[On {day}.|At {hour}.|In {month}.]"),
    ("How old is the {thing}?", "[I do not know.|Nobody knows.]"),
    ("Which {thing} do you want?", "[The {looks} one.|The other one, please.]"),
    ("What is the weather like?", "[It is {weather}.|Today it is {weather}.]"),
    ("Why are you here?", "[I am here to help you.|Because I like to talk.]"),
    ("Hello!", "[Hello! How are you?|Hello! It is nice to hear from you.|Good day to you!]"),
    ("Good morning.", "[Good morning! Did you sleep well?|Good morning to you.]"),
    ("Good evening.", "[Good evening! How was your day?|Good evening to you.]"),
    (
        "How are you?",
        "[I am well, thank you.|Very well, and you?|I am fine. How kind of you to ask.]",
    ),
    ("Thank you very much.", "[You are welcome.|It was a pleasure.|Not at all.]"),
    ("Thanks!", "[You are welcome!|Any time.]"),
    ("Goodbye.", "[Goodbye! See you soon.|Goodbye, and take care.|Until next time.]"),
    ("Good night.", "[Good night. Sleep well.|Good night!]"),
    (
        "It is {weather} today.",
        "[Yes, it is very {weather}.|I like {weather} days.|It will be better on {day}.]",
    ),
    ("My name is {n}.", "[Pleased to meet you, {n}.|Hello, {n}!|What a nice name, {n}.]"),
    ("I am tired.", "[Then you should rest.|Have a cup of tea and sit down.]"),
    ("I am sad.", "[I am sorry to hear that.|I hope that you will feel better soon.]"),
    ("I am happy today.", "[I am glad to hear that.|How lovely!]"),
    (
        "Tell me something nice.",
        "[The sun will shine on {day}.|You are {good}.|Somebody is baking {food}.]",
    ),
    ("Can you help me?", "[Of course. What is the matter?|I will try. What do you need?]"),
    (
        "I have lost my {thing}.",
        "[Have you looked {place}?|I am sorry. Where did you see it last?]",
    ),
    ("Say hello to {friend}.", "[I will do that.|With pleasure.]"),
)  # fmt: skip
