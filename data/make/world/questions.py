"""How each fact of the world is asked for, and the one way in which it is answered.

{n} is whom or what is asked about, {a_n} that with its article, {o} the answer, {a_o} that with
its article.
"""

from __future__ import annotations

from typing import NamedTuple


class Asked(NamedTuple):
    """The forms of one question: direct ones, and what may follow "Tell me"."""

    answer: str
    direct: tuple[str, ...]
    indirect: tuple[str, ...]


ASKED: dict[str, Asked] = {
    "street": Asked("In {o}.", (
        "Where does {n} live?", "In which street does {n} live?", "Where is the home of {n}?",
        "Where is {n}'s house?", "Where do letters for {n} go?", "Where does one find {n} at home?",
    ), ("where {n} lives", "in which street {n} lives", "where the home of {n} is")),
    "age": Asked("{o}.", (
        "How old is {n}?", "What is the age of {n}?", "What age is {n}?", "What is {n}'s age?",
    ), ("how old {n} is", "the age of {n}")),
    "job": Asked("{a_o}.", (
        "What is {n} by trade?", "What does {n} do for a living?", "What does {n} work as?",
        "As what does {n} earn a living?",
    ), ("what {n} is by trade", "what {n} does for a living")),
    "workplace": Asked("At the {o}.", (
        "Where does {n} work?", "Where does {n} go to work?", "Where is {n}'s place of work?",
        "Where does {n} spend the working day?",
    ), ("where {n} works", "where {n} goes to work")),
    "wife": Asked("{o}.", (
        "Who is the wife of {n}?", "To whom is {n} married?", "What is the name of {n}'s wife?",
        "Who is {n}'s wife?", "What is the wife of {n} called?",
    ), ("who the wife of {n} is", "to whom {n} is married", "the name of {n}'s wife")),
    "husband": Asked("{o}.", (
        "Who is the husband of {n}?", "To whom is {n} married?", "What is the name of {n}'s husband?",
        "Who is {n}'s husband?", "What is the husband of {n} called?",
    ), ("who the husband of {n} is", "to whom {n} is married", "the name of {n}'s husband")),
    "mother": Asked("{o}.", (
        "Who is the mother of {n}?", "What is {n}'s mother called?", "Who is {n}'s mother?",
    ), ("who the mother of {n} is", "who {n}'s mother is")),
    "father": Asked("{o}.", (
        "Who is the father of {n}?", "What is {n}'s father called?", "Who is {n}'s father?",
    ), ("who the father of {n} is", "who {n}'s father is")),
    "brother": Asked("{o}.", (
        "Who is the brother of {n}?", "What is {n}'s brother called?", "Who is {n}'s brother?",
    ), ("who the brother of {n} is", "who {n}'s brother is")),
    "sister": Asked("{o}.", (
        "Who is the sister of {n}?", "What is {n}'s sister called?", "Who is {n}'s sister?",
    ), ("who the sister of {n} is", "who {n}'s sister is")),
    "friend": Asked("{o}.", (
        "Who is the best friend of {n}?", "Who is {n}'s best friend?",
        "What is the best friend of {n} called?", "To whom does {n} tell every secret?",
    ), ("who the best friend of {n} is", "the name of {n}'s best friend")),
    "pet": Asked("{a_o}.", (
        "Which animal does {n} keep?", "What kind of pet does {n} have?", "What is the pet of {n}?",
        "What animal does {n} have at home?",
    ), ("which animal {n} keeps", "what kind of pet {n} has")),
    "pet_name": Asked("{o}.", (
        "What is the pet of {n} called?", "What is the name of {n}'s pet?",
        "What is {n}'s pet called?", "Whom does {n} feed every morning?",
    ), ("what the pet of {n} is called", "the name of {n}'s pet")),
    "food": Asked("{o}.", (
        "What is the favourite food of {n}?", "What does {n} like to eat best?",
        "What is {n}'s favourite food?", "What should one cook for {n}?", "What does {n} love to eat?",
    ), ("what {n} likes to eat best", "what the favourite food of {n} is")),
    "drink": Asked("{o}.", (
        "What is the favourite drink of {n}?", "What does {n} like to drink best?",
        "What is {n}'s favourite drink?", "What does {n} drink every day?",
    ), ("what {n} likes to drink best", "what the favourite drink of {n} is")),
    "colour": Asked("{o}.", (
        "What is the favourite colour of {n}?", "Which colour does {n} like best?",
        "What is {n}'s favourite colour?", "Which colour is the door of {n} painted?",
    ), ("which colour {n} likes best", "what the favourite colour of {n} is")),
    "hobby": Asked("{o}.", (
        "What is the hobby of {n}?", "What is {n}'s hobby?", "What does {n} do for fun?",
        "What does {n} love to do?",
    ), ("what the hobby of {n} is", "what {n} does for fun")),
    "instrument": Asked("The {o}.", (
        "Which instrument does {n} play?", "What is the instrument of {n}?",
        "What does {n} play in the village band?", "What is {n}'s instrument?",
    ), ("which instrument {n} plays", "what {n} plays in the village band")),
    "owns": Asked("{a_o}.", (
        "What does {n} own?", "What is {n} the proud owner of?", "What is {n}'s dearest thing?",
        "What would {n} not sell for any money?",
    ), ("what {n} owns", "which thing {n} is proud of")),
    "birthday": Asked("In {o}.", (
        "When is the birthday of {n}?", "When was {n} born?", "In which month is {n}'s birthday?",
        "In which month was {n} born?", "When does {n} have a birthday party?",
    ), ("in which month {n} was born", "when the birthday of {n} is")),
    "kind": Asked("{a_o}.", (
        "What kind of animal is {n}?", "Which animal is called {n}?", "What is {n}?",
    ), ("what kind of animal {n} is",)),
    "coat": Asked("{o}.", (
        "What colour is {n} from head to tail?", "What colour is the coat of {n}?",
    ), ("which colour the coat of {n} has",)),
    "owner": Asked("{o}.", (
        "Who is the owner of {n}?", "To whom does {n} belong?", "Who looks after {n}?",
        "Who is {n}'s owner?",
    ), ("who the owner of {n} is", "to whom {n} belongs")),
    "place_street": Asked("In {o}.", (
        "Where is the {n}?", "Where does the {n} stand?", "In which street is the {n}?",
        "Where does one find the {n}?",
    ), ("where the {n} is", "in which street the {n} is")),
    "keeper": Asked("{o}.", (
        "Who runs the {n}?", "Who is the keeper of the {n}?", "Who has the key to the {n}?",
        "By whom is the {n} run?",
    ), ("who runs the {n}", "who the keeper of the {n} is")),
    "opens": Asked("At {o}.", (
        "When does the {n} open?", "At what time does the {n} open?", "At which hour does the {n} open?",
    ), ("when the {n} opens", "at what time the {n} opens")),
    "closes": Asked("At {o}.", (
        "When does the {n} close?", "At what time does the {n} close?", "Until when is the {n} open?",
    ), ("when the {n} closes", "at what time the {n} closes")),
    "closed_on": Asked("On {o}.", (
        "On which day is the {n} closed?", "When is the day of rest at the {n}?",
        "On what day should nobody go to the {n}?",
    ), ("on which day the {n} is closed", "when the {n} has its day of rest")),
    "price": Asked("{o}.", (
        "How much does {a_n} cost?", "What is the price of {a_n}?", "What does one pay for {a_n}?",
        "What does the label on the {n} say?",
    ), ("how much {a_n} costs", "what the price of {a_n} is", "what one has to pay for {a_n}")),
    "sold_at": Asked("At the {o}.", (
        "Where can one buy {a_n}?", "Where is {a_n} sold?", "Where does one go to buy {a_n}?",
        "Where is there {a_n} in the window?",
    ), ("where one can buy {a_n}", "where to buy {a_n}")),
}  # fmt: skip

# From the other end, where the answer is one person alone: {o} is what is known.
WHO: dict[str, tuple[str, ...]] = {
    "job": (
        "Who is the {o}?", "What is the name of the {o}?", "Who works as the {o}?",
        "Whom should I ask for if I need the {o}?", "What is the {o} of Otterbeck called?",
    ),
    "owns": (
        "Who owns {a_o}?", "Who has {a_o} at home?", "Who is the proud owner of {a_o}?",
        "To whom does the {o} belong?",
    ),
    "pet_name": ("Whose pet is {o}?", "Who feeds {o} every morning?", "With whom does {o} live?"),
}  # fmt: skip

YES_NO: dict[str, tuple[str, ...]] = {
    "street": ("Does {n} live in {o}?", "Is the home of {n} in {o}?"),
    "job": ("Is {n} the {o}?", "Does {n} work as the {o}?"),
    "friend": ("Is {o} the best friend of {n}?", "Are {n} and {o} best friends?"),
    "food": ("Does {n} like {o} best of all?",),
    "hobby": ("Is {o} the hobby of {n}?",),
    "instrument": ("Does {n} play the {o}?",),
    "birthday": ("Was {n} born in {o}?", "Is the birthday of {n} in {o}?"),
    "owner": ("Does {n} belong to {o}?",),
    "sold_at": ("Does the {o} sell the {n}?", "Can one buy {a_n} at the {o}?"),
}  # fmt: skip

# What is asked with an indirect form.
LEADS = (
    "Tell me {what}.", "Please tell me {what}.", "I want to know {what}.", "Do you know {what}?",
    "I have forgotten {what}.", "Can you tell me {what}?",
)  # fmt: skip
