"""What a look says in sentences, on a page and on a terminal alike."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from workbench.display.wording import joined
from workbench.registry.tasks import TASKS
from workbench.registry.techniques import get
from workbench.training.inspection.look.marks import (
    CUT,
    LEARNED,
    PADDING,
    READ,
    SCORED,
    Counts,
    Piece,
    Preview,
    Row,
    Span,
)

MOST_CHARACTERS = 600  # of a target that are shown


def title(look: Preview) -> str:
    """Name what was looked at."""
    recipe = look.recipe
    return f"{recipe.data} · {TASKS[recipe.task].title} · {recipe.model}"


def share(look: Preview) -> tuple[str, str]:
    """Return the share of tokens that are learned, and of how many, in words."""
    counts, task = look.counts, TASKS[look.recipe.task]
    rows = _rows(counts)
    if task.reads_images:
        return "One label for each image is learned", ""
    of = f"{counts.learned:,} of {counts.tokens:,} tokens of {rows}"
    if get(look.recipe.technique).trainable == "nothing":
        return f"{_percent(counts)} of the tokens are scored, none is learned", of
    if task.peft_task_type == "SEQ_CLS":
        return "One label for each row is learned", f"{counts.tokens:,} tokens in {rows}"
    if task.peft_task_type == "TOKEN_CLS":
        return f"A tag is learned for {_percent(counts)} of the tokens", of
    return f"{_percent(counts)} of the tokens are learned", of


def has_share(look: Preview) -> bool:
    """Whether some tokens are learned and others are not, so that their share says something."""
    task = TASKS[look.recipe.task]
    asks = get(look.recipe.technique).trainable == "nothing"
    return asks or not (task.reads_images or task.peft_task_type == "SEQ_CLS")


def has_losses(look: Preview) -> bool:
    """Whether any row loses something, or has nothing left."""
    return bool(look.counts.cut or look.counts.asked or look.counts.nothing)


def losses(look: Preview) -> list[str]:
    """Say what rows lose to the limit; that none does is said too."""
    counts, recipe = look.counts, look.recipe
    if not look.limit:
        return []
    limit = (
        f"max_length={look.limit}"
        if recipe.max_length is not None
        else f"the {look.limit:,} tokens that {recipe.model} reads"
    )
    said = []
    if counts.cut:
        share = f"{counts.cut_tokens / (counts.tokens + counts.cut_tokens):.1%} of all tokens"
        said.append(
            f"{_verb(counts.cut, 'is', 'are', counts)} longer than {limit} and cut, which takes "
            f"{share}: {_sides(look)}."
        )
        if recipe.max_length is None and get(recipe.technique).trainable != "nothing":
            said.append(
                f"No run begins with such rows: set max_length to {look.limit} to cut them."
            )
    else:
        whole = "No row is" if counts.complete else f"None of {_rows(counts)} is"
        said.append(f"{whole} longer than {limit}: nothing is cut off.")
    if counts.asked:
        said.append(
            f"In evaluations {counts.asked:,} more lose the start of their prompt, to leave room for "
            f"max_new_tokens={recipe.max_new_tokens}."
        )
    if counts.nothing:
        what = "read" if TASKS[recipe.task].peft_task_type == "SEQ_CLS" else "learn"
        said.append(f"{_verb(counts.nothing, 'has', 'have', counts)} nothing left to {what}.")
    return said


def _sides(look: Preview) -> str:
    counts = look.counts
    what = "is scored" if get(look.recipe.technique).trainable == "nothing" else "is learned"
    parts = [
        f"{count:,} {'loses' if count == 1 else 'lose'} {part}"
        for count, part in (
            (counts.start, "its start" if counts.start == 1 else "their start"),
            (counts.prompt, "the whole prompt"),
            (counts.end, "its end" if counts.end == 1 else "their end"),
            (counts.target, f"a part of what {what}"),
        )
        if count
    ]
    return joined(parts) if parts else "they lose examples"


def _verb(count: int, one: str, many: str, counts: Counts) -> str:
    verb = one if count == 1 else many
    if count == counts.rows:
        rows = f"All {counts.of:,}" if counts.complete else f"All of the first {counts.rows:,}"
        return (
            f"{rows} rows {many}"
            if count > 1
            else f"The {'only' * counts.complete or 'first'} row {one}"
        )
    rows = f"the {counts.of:,}" if counts.complete else f"the first {counts.rows:,}"
    return f"{count:,} of {rows} rows {verb}"


def unused(look: Preview) -> str:
    """Name the columns that are not used; empty where all are."""
    return f"not used: {', '.join(look.unused)}" if look.unused else ""


def figures(row: Row) -> list[str]:
    """Count a row's tokens, and those of its marks that say most."""
    if not row.streams:
        return []
    tokens = row.tokens
    said = [f"{tokens:,} token{'s' * (tokens != 1)}"]
    said += [f"{count:,} {mark}" for mark in (LEARNED, SCORED) if (count := row.count(mark))]
    if cut := row.count(CUT):
        said.append(f"{cut:,} cut off")
    return [*said, *([row.note] if row.note else [])]


def omitted(span: Span) -> str:
    """Say how many tokens of a span are not shown."""
    words = f"… {span.omitted:,} more {f'{span.mark} ' * bool(span.mark)}token{'s' * (span.omitted != 1)} …"
    if not span.mark and span.learned:
        words = words.removesuffix(" …") + f", {span.learned:,} of them learned …"
    return words


def target_name(row: Row) -> str:
    """Call what stands below a row: what is learned of it, or asked for."""
    if any(piece.tag is not None for piece in _shown(row)):
        return "tags"
    return "expected" if row.count(SCORED) else "target"


def targets(row: Row) -> list[tuple[str, str]]:
    """Return each decoded target as far as it is shown, and what else there is, in words.

    Where that is the whole text again, only this is said.
    """
    marks = row.streams[0].marks if row.streams else ()
    begins = [mark for mark in marks if mark != PADDING][:2]
    if begins == [READ, LEARNED] and len(row.target) == row.count(READ) == 1:
        return [("", "the text itself, from its second token on")]
    if target_name(row) == "tags":
        return [("", target) for target in row.target]
    return [shorten(target) for target in row.target]


def _shown(row: Row) -> Iterator[Piece]:
    for stream in row.streams:
        for span in stream.spans:
            yield from (*span.head, *span.tail)


def shorten(text: str, most: int = MOST_CHARACTERS) -> tuple[str, str]:
    """Return the beginning of a text, and how many characters follow, in words."""
    if len(text) <= most:
        return text, ""
    return text[:most], f"… {len(text) - most:,} more characters"


def visible(text: str) -> str:
    """Write blanks and what else has no shape by signs; a line still ends behind its sign.

    Examples
    --------
    >>> visible("a b\\n\\tc")
    'a·b↵\\n⇥c'
    >>> visible("\\x1b[1m\\u202e")
    '␛[1m⟨U+202E⟩'
    """
    return "".join(map(_sign, text))


def audible(text: str) -> str:
    """Write a text to be read aloud: with its blanks, and the names of what has no shape.

    Examples
    --------
    >>> audible("a b\\n\\x1b")
    'a b ␛'
    """
    return "".join(" " if character.isspace() else _sign(character) for character in text)


def _sign(character: str) -> str:
    signs = {" ": "·", "\n": "↵\n", "\t": "⇥", "\r": "␍", "\x7f": "␡"}
    if character in signs:
        return signs[character]
    kind = unicodedata.category(character)
    if kind == "Cc" and character < " ":
        return chr(0x2400 + ord(character))
    # Joiners make one sign of several, as in emoji; all else that is not seen is named.
    if kind in ("Cc", "Cf", "Zs", "Zl", "Zp", "Cs", "Co", "Cn") and character != "\u200d":
        return f"⟨U+{ord(character):04X}⟩"
    return character


def _percent(counts: Counts) -> str:
    share = counts.share
    return f"{share:.1%}" if 0 < share < 0.095 else f"{share:.0%}"


def _rows(counts: Counts) -> str:
    if counts.complete:
        return f"all {counts.of:,} rows"
    return f"the first {counts.rows:,} of {counts.of:,} rows"
