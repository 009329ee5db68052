"""What stands around the matter of a support message and says nothing of its intent."""

from __future__ import annotations

GREETINGS = (
    "Hello.", "Good morning.", "Good evening.", "Hello there.", "Good day to you.", "Hi.",
    "Good afternoon.",
)  # fmt: skip
CLOSINGS = (
    "Thank you.", "Many thanks.", "Please help.", "What should I do?", "Can you help me?",
    "Please let me know.", "I hope to hear from you soon.", "With kind regards, {name}.",
    "Yours, {name}.", "What now?", "Please write back.", "Best wishes, {name}.",
)  # fmt: skip
NAMES = (
    "Anna", "Tom", "Nell", "Ben", "Clara", "Oscar", "Ruth", "Hugo", "Ida", "Paul", "Mary", "Jonas",
)  # fmt: skip
# What leads up to a statement; never to a question or a request.
LEADS = (
    "I am writing because {it}", "just a short note: {it}", "it is like this: {it}",
    "to be short, {it}", "I have to tell you that {it}", "let me explain: {it}",
    "this is why I write: {it}",
)  # fmt: skip
# Said by customers with any intent. Some speak of parcels, cards and accounts, so that a lone
# word does not give an intent away.
ASIDES = (
    "I have been a customer for {number} years.", "I hope this letter finds you well.",
    "I always pay by card.", "My last parcel came without trouble.", "I like your shop.",
    "I opened my account with you in {month}.", "My wife has an account with you too.",
    "I am not good at writing letters.", "My daughter is typing this for me.",
    "I am not angry, only puzzled.", "We have bought many things from you.",
    "My sister told me about your shop.", "I live far away from the next shop.",
    "I tried to ring you on {day}.", "I have asked my neighbour, and he could not help.",
    "I looked on your page and found no answer.", "I wrote to you on {day} as well.",
)  # fmt: skip
# Said only where there is an order for a thing.
ORDER_ASIDES = (
    "My order has the number {order}.", "Order {order}.", "The {item} is a present for my mother.",
    "I ordered the {item} in {month}.", "It is about the {item} from your list.",
    "The {item} is for my son.", "I chose the {item} with care.", "It is about order {order}.",
)  # fmt: skip
# Intents that are not about an order for one of the things, so they get no such aside.
WITHOUT_ORDER = ("login", "delete_account", "opening_hours", "exchange_size", "payment_declined")
# What an aside must not be said with, since it would contradict or repeat the matter.
CLASHES = {
    "payment_declined": ("I always pay by card.",),
    "opening_hours": ("I live far away from the next shop.",),
}
