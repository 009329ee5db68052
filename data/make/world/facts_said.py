"""How each fact of the world is put into words: many ways, and from both ends.

``NAMED`` frames name whom they speak of, ``MEANT`` frames use the pronoun and follow a sentence
that named the person. {n} is the name, {o} the other end of the fact, {a_o} that with its
article, {He}, {he}, {him} and {his} the pronouns.
"""

from __future__ import annotations

NAMED: dict[str, tuple[str, ...]] = {
    "street": (
        "{n} lives in {o}.", "The home of {n} is in {o}.", "{n} has a house in {o}.",
        "In {o} lives {n}.", "{o} is the street where {n} lives.",
        "The street where {n} lives is {o}.", "You will find {n} in {o}.",
        "If you want to visit {n}, go to {o}.", "{o} is home to {n}.",
        "{n} has lived in {o} for years.", "The house of {n} stands in {o}.",
        "Letters for {n} go to {o}.", "{n}'s house is in {o}.", "{n}'s home is in {o}.",
    ),
    "age": (
        "{n} is {o} years old.", "The age of {n} is {o}.", "{n} is {o}.",
        "There were {o} candles on the last birthday cake of {n}.",
        "{n} has reached the age of {o}.", "At {o} years of age, {n} feels fit and well.",
        "{n}'s age is {o}.",
    ),
    "job": (
        "{n} is the {o}.", "The {o} is {n}.", "{n} works as the {o} of the hamlet.",
        "The job of {n} is that of {o}.", "{n}'s job is {o}.", "By trade {n} is {a_o}.",
        "The {o} of Otterbeck is called {n}.", "{n} earns a living as {a_o}.",
        "If you need the {o}, ask for {n}.", "The name of the {o} is {n}.",
        "{n} has been the {o} for a long time.", "Everyone knows that {n} is the {o}.",
    ),
    "workplace": (
        "{n} works at the {o}.", "The {o} is where {n} works.",
        "The place where {n} works is the {o}.", "At the {o} you can meet {n} at work.",
        "{n} goes to work at the {o}.", "{n} spends the working day at the {o}.",
        "One of the people who work at the {o} is {n}.", "{n}'s place of work is the {o}.",
    ),
    "wife": (
        "{n} is married to {o}.", "{o} is the wife of {n}.", "The wife of {n} is {o}.",
        "{n} has a wife called {o}.", "{n}'s wife is {o}.", "{n} and {o} are man and wife.",
        "{n} took {o} as his wife.", "The name of {n}'s wife is {o}.",
    ),
    "husband": (
        "{n} is married to {o}.", "{o} is the husband of {n}.", "The husband of {n} is {o}.",
        "{n} has a husband called {o}.", "{n}'s husband is {o}.",
        "{n} and {o} are wife and husband.", "{n} took {o} as her husband.",
        "The name of {n}'s husband is {o}.",
    ),
    "mother": (
        "The mother of {n} is {o}.", "{n}'s mother is {o}.", "{o} is the mother of {n}.",
        "{n} is a child of {o}.", "{n} has a mother called {o}.", "{o} is {n}'s mother.",
    ),
    "father": (
        "The father of {n} is {o}.", "{n}'s father is {o}.", "{o} is the father of {n}.",
        "{n} is a child of {o}.", "{n} has a father called {o}.", "{o} is {n}'s father.",
    ),
    "brother": (
        "The brother of {n} is {o}.", "{n}'s brother is {o}.", "{o} is the brother of {n}.",
        "{n} has a brother called {o}.", "{o} is {n}'s brother.",
        "{n} and {o} are sister and brother.",
    ),
    "sister": (
        "The sister of {n} is {o}.", "{n}'s sister is {o}.", "{o} is the sister of {n}.",
        "{n} has a sister called {o}.", "{o} is {n}'s sister.",
        "{n} and {o} are brother and sister.",
    ),
    "friend": (
        "The best friend of {n} is {o}.", "{n}'s best friend is {o}.",
        "{o} is the best friend of {n}.", "{n} and {o} are best friends.",
        "{n} has known {o} for years, and they are best friends.",
        "Nobody is a better friend to {n} than {o}.",
        "{n} tells every secret to {o}, a true friend.", "The name of {n}'s best friend is {o}.",
    ),
    "pet": (
        "{n} has {a_o}.", "{n} keeps {a_o}.", "The pet of {n} is {a_o}.", "{n}'s pet is {a_o}.",
        "{n} is the owner of {a_o}.", "At home {n} has {a_o} to look after.",
        "{n} would never part with the {o}.", "The animal that {n} keeps is {a_o}.",
    ),
    "pet_name": (
        "The pet of {n} is called {o}.", "{n}'s pet is called {o}.", "{o} is the pet of {n}.",
        "{o} belongs to {n}.", "{n} has a pet by the name of {o}.", "The name of {n}'s pet is {o}.",
        "{n} feeds {o} every morning.", "When {n} comes home, {o} is waiting at the door.",
    ),
    "food": (
        "The favourite food of {n} is {o}.", "{n}'s favourite food is {o}.",
        "{n} likes {o} best of all.", "There is nothing that {n} would rather eat than {o}.",
        "{o} is the favourite food of {n}.", "For dinner {n} loves to have {o}.",
        "If you cook for {n}, make {o}.", "{n} could eat {o} every day.",
        "What {n} likes to eat most is {o}.",
    ),
    "drink": (
        "The favourite drink of {n} is {o}.", "{n}'s favourite drink is {o}.",
        "{n} drinks {o} every day.", "{o} is the favourite drink of {n}.",
        "When thirsty, {n} asks for {o}.", "What {n} likes to drink most is {o}.",
        "Offer {n} a cup of {o}.", "There is always {o} in the cup of {n}.",
    ),
    "colour": (
        "The favourite colour of {n} is {o}.", "{n}'s favourite colour is {o}.",
        "{o} is the favourite colour of {n}.", "{n} likes {o} more than any other colour.",
        "The door of {n} is painted {o}, the colour that {n} likes best.",
        "Of all colours {n} likes {o} best.", "{n} is often dressed in {o}, a favourite colour.",
    ),
    "hobby": (
        "The hobby of {n} is {o}.", "{n}'s hobby is {o}.", "{n} loves {o}.",
        "In the evening {n} has time for {o}.", "{o} is the hobby of {n}.",
        "{n} spends every free hour on {o}.", "What {n} does for fun is {o}.",
        "Nobody in the hamlet is as fond of {o} as {n}.", "In free hours {n} enjoys {o}.",
    ),
    "instrument": (
        "{n} plays the {o}.", "The instrument of {n} is the {o}.", "{n}'s instrument is the {o}.",
        "{n} has learned to play the {o}.", "In the village band {n} plays the {o}.",
        "If you hear {a_o}, it may be {n}.", "The instrument that {n} plays is the {o}.",
        "One can hear {n} practise the {o} at night.",
    ),
    "owns": (
        "{n} owns {a_o}.", "{n} is the proud owner of {a_o}.",
        "The thing that {n} owns and loves is {a_o}.", "{n} has {a_o} at home.",
        "There is {a_o} that belongs to {n}.", "{n} would not sell the {o} for any money.",
        "Ask {n} about the {o}.", "{n}'s dearest thing is {a_o}.",
    ),
    "birthday": (
        "The birthday of {n} is in {o}.", "{n}'s birthday is in {o}.", "{n} was born in {o}.",
        "In {o} {n} has a birthday.", "{o} is the month when {n} was born.",
        "Every {o} {n} has a birthday party.", "The month of {n}'s birthday is {o}.",
    ),
    "kind": (
        "{n} is {a_o}.", "{n} is the name of {a_o}.", "There is {a_o} called {n}.",
        "The {o} called {n} is well known in the hamlet.", "{A_o} is what {n} is.",
    ),
    "coat": (
        "{n} is {o} from head to tail.", "The colour of {n} is {o}.", "{n} has a {o} coat.",
        "Everyone knows {n} by the {o} coat.",
    ),
    "owner": (
        "The owner of {n} is {o}.", "{n} belongs to {o}.", "{o} is the owner of {n}.",
        "{n} lives with {o}.", "{n}'s owner is {o}.", "It is {o} who looks after {n}.",
    ),
    "place_street": (
        "The {n} is in {o}.", "You will find the {n} in {o}.", "In {o} stands the {n}.",
        "The {n} stands in {o}.", "To get to the {n}, walk to {o}.",
        "The street of the {n} is {o}.", "{o} is where the {n} is.",
    ),
    "keeper": (
        "The {n} is run by {o}.", "{o} runs the {n}.", "It is {o} who runs the {n}.",
        "The keeper of the {n} is {o}.", "{o} has the key to the {n}.",
        "The person who runs the {n} is {o}.",
    ),
    "opens": (
        "The {n} opens at {o}.", "At {o} in the morning the {n} opens.",
        "The doors of the {n} open at {o}.", "Nobody gets into the {n} before {o}.",
        "The hour when the {n} opens is {o}.", "People wait for the {n} to open at {o}.",
    ),
    "closes": (
        "The {n} closes at {o}.", "At {o} the {n} closes.", "The doors of the {n} close at {o}.",
        "The {n} stays open until {o}.", "The hour when the {n} closes is {o}.",
        "After {o} nobody is let into the {n}.",
    ),
    "closed_on": (
        "The {n} is closed on {o}.", "On {o} the {n} is closed.", "Do not go to the {n} on a {o}.",
        "The day when the {n} is closed is {o}.", "{o} is the day of rest at the {n}.",
        "The {n} is open every day but {o}.",
    ),
    "price": (
        "{A_n} costs {o}.", "The price of {a_n} is {o}.", "For {o} you get {a_n}.",
        "You pay {o} for {a_n}.", "The label on the {n} says {o}.", "{o} is the price of {a_n}.",
        "{A_n} sells for {o}.", "If you want {a_n}, it will cost you {o}.",
    ),
    "sold_at": (
        "The {o} sells the {n}.", "You can buy {a_n} at the {o}.",
        "{A_n} can be bought at the {o}.", "To buy {a_n}, go to the {o}.",
        "The place to buy {a_n} is the {o}.", "At the {o} there is {a_n} in the window.",
    ),
}  # fmt: skip

MEANT: dict[str, tuple[str, ...]] = {
    "street": (
        "{He} lives in {o}.", "{His} house is in {o}.", "{His} home is in {o}.",
        "{His} street is {o}.", "{o} is where {he} lives.",
    ),
    "age": ("{He} is {o} years old.", "{He} is {o}.", "{His} age is {o}."),
    "job": (
        "{He} is the {o}.", "{He} works as the {o}.", "{His} job is {o}.",
        "People know {him} as the {o}.", "{He} is {a_o} by trade.",
    ),
    "workplace": (
        "{He} works at the {o}.", "{His} place of work is the {o}.",
        "Every morning {he} goes to the {o} to work.",
    ),
    "wife": ("{He} is married to {o}.", "{His} wife is {o}.", "{His} wife is called {o}."),
    "husband": ("{He} is married to {o}.", "{His} husband is {o}.", "{His} husband is called {o}."),
    "mother": ("{His} mother is {o}.", "{His} mother is called {o}."),
    "father": ("{His} father is {o}.", "{His} father is called {o}."),
    "brother": ("{His} brother is {o}.", "{He} has a brother called {o}."),
    "sister": ("{His} sister is {o}.", "{He} has a sister called {o}."),
    "friend": (
        "{His} best friend is {o}.", "{He} is best friends with {o}.",
        "{He} often meets {o}, {his} best friend.", "{o} is {his} best friend.",
    ),
    "pet": (
        "{He} has {a_o}.", "{His} pet is {a_o}.", "{He} keeps {a_o} as a pet.",
        "{He} has a pet, {a_o}.",
    ),
    "pet_name": (
        "{His} pet is called {o}.", "{He} gave {his} pet the name {o}.",
        "{His} pet answers to the name of {o}.",
    ),
    "food": (
        "{His} favourite food is {o}.", "{He} likes to eat {o} best.", "{He} loves to eat {o}.",
        "For {him} nothing tastes as good as {o}.",
    ),
    "drink": (
        "{His} favourite drink is {o}.", "{He} likes to drink {o} best.", "{He} always drinks {o}.",
    ),
    "colour": (
        "{His} favourite colour is {o}.", "{He} likes the colour {o} best.",
        "{He} loves all things that are {o}.",
    ),
    "hobby": (
        "{His} hobby is {o}.", "{He} loves {o}.", "For fun {he} goes in for {o}.",
        "In {his} free time {he} enjoys {o}.",
    ),
    "instrument": ("{He} plays the {o}.", "{His} instrument is the {o}.", "{He} can play the {o}."),
    "owns": (
        "{He} owns {a_o}.", "{He} has {a_o}.", "{He} is proud of {his} {o}.",
        "At home {he} keeps {a_o}.",
    ),
    "birthday": (
        "{His} birthday is in {o}.", "{He} was born in {o}.", "{He} has {his} birthday in {o}.",
    ),
}  # fmt: skip

# What somebody may wonder about {n}; the other end of the fact comes after.
WONDERED: dict[str, tuple[str, ...]] = {
    "street": ("where {n} lives", "in which street {n} lives", "where the home of {n} is"),
    "age": ("how old {n} is", "the age of {n}"),
    "job": ("what the job of {n} is", "what {n} does for a living", "what {n}'s job is"),
    "workplace": ("where {n} works", "at which place {n} works"),
    "wife": ("who the wife of {n} is", "to whom {n} is married", "who {n}'s wife is"),
    "husband": ("who the husband of {n} is", "to whom {n} is married", "who {n}'s husband is"),
    "mother": ("who the mother of {n} is", "who {n}'s mother is"),
    "father": ("who the father of {n} is", "who {n}'s father is"),
    "brother": ("who the brother of {n} is", "who {n}'s brother is"),
    "sister": ("who the sister of {n} is", "who {n}'s sister is"),
    "friend": ("who the best friend of {n} is", "who {n}'s best friend is"),
    "pet": ("what kind of pet {n} has", "which animal {n} keeps"),
    "pet_name": ("what the pet of {n} is called", "the name of {n}'s pet"),
    "food": ("what {n} likes to eat best", "what the favourite food of {n} is"),
    "drink": ("what {n} likes to drink best", "what the favourite drink of {n} is"),
    "colour": ("which colour {n} likes best", "what the favourite colour of {n} is"),
    "hobby": ("what the hobby of {n} is", "what {n} does for fun"),
    "instrument": ("which instrument {n} plays", "what {n} plays in the village band"),
    "owns": ("what {n} owns", "which thing {n} is proud of"),
    "birthday": ("in which month {n} was born", "when the birthday of {n} is"),
    "kind": ("what kind of animal {n} is",),
    "coat": ("what colour {n} is", "which colour the coat of {n} has"),
    "owner": ("who the owner of {n} is", "to whom {n} belongs"),
    "place_street": ("where the {n} is", "in which street the {n} is"),
    "keeper": ("who runs the {n}", "who the keeper of the {n} is"),
    "opens": ("when the {n} opens", "at what time the {n} opens"),
    "closes": ("when the {n} closes", "at what time the {n} closes"),
    "closed_on": ("on which day the {n} is closed", "when the {n} has its day of rest"),
    "price": ("how much {a_n} costs", "what the price of {a_n} is"),
    "sold_at": ("where one can buy {a_n}", "which shop sells {a_n}"),
}  # fmt: skip
