"""Plain English in words that the corpus has: sentences which it must never hold."""

from __future__ import annotations

# Put together as no frame of the tales does.
BEYOND_FRAMES = (
    "Anna Green went to the market and bought some flour.",
    "The baker gave his sister a warm cake because it was her birthday.",
    "A boy and his sister walked to the river, because it was warm.",
    "Tom was sad because he lost his hat.",
    "The cat slept under the old table all morning.",
    "Clara opened the door and saw that it was raining.",
    "We had soup with bread, and then we went home.",
    "Peter is older than Lucy, but he is not as tall.",
    "Nobody in the shop knew where the keys were.",
    "She put the kettle on the stove and waited for her friend.",
)
# Written down before the grammar of `data.make.world.plain`, of which they know nothing.
BEFORE_GRAMMAR = (
    "Grace found a small key under the stairs.",
    "The doctor was late, so the old man went home without her.",
    "My brother does not like onions, but he eats carrots.",
    "When the rain stopped, the children ran into the garden.",
    "There was a letter from Adam in the blue box.",
    "Have you ever seen a fox in the orchard?",
    "The teacher told them a story about a horse.",
    "Nora's dog barked at the man who brought the letters.",
    "If it is cold tomorrow, we will stay at home.",
    "Two girls were sitting on the wall and eating apples.",
    "Hugo sold his bicycle before he moved to Dunmere.",
    "The soup is hotter than the tea.",
    "Why did you leave the lamp on the floor?",
    "Everyone laughed except the farmer, who was tired.",
    "I have never been to the museum, and I do not want to go.",
    "He washed the cups while she dried the plates.",
    "Most of the shops are closed on Sunday.",
    "The nurse was carrying a heavy basket full of bread.",
    "Rosa asked her mother whether she could keep the kitten.",
    "It took them three hours to mend the roof.",
)
