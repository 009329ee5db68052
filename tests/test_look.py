"""Rows as the model gets them: each token's mark, what rows lose, and how it is shown."""

from __future__ import annotations

import dataclasses
import json

import pytest
import transformers
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import workbench as wb
from workbench.errors import RecipeError
from workbench.registry.tasks import TASKS
from workbench.sources.lookup import find_facts, load_data
from workbench.training.adaptation import base_model
from workbench.training.inputs.task_inputs import TaskInputs
from workbench.training.inspection.look import counts as counting
from workbench.training.inspection.look import text as on_terminal
from workbench.training.inspection.look import wording
from workbench.training.inspection.look.cuts import with_cuts
from workbench.training.inspection.look.decode import Decoder
from workbench.training.inspection.look.encoder import RowEncoder
from workbench.training.inspection.look.look import Look
from workbench.training.inspection.look.marks import CUT, LEARNED, PADDING, READ, SCORED, VIRTUAL

LENGTH = 24
# Each task with each kind of base that does it.
BASES = {
    "lm": ["tiny_llama"],
    "instruct": ["tiny_llama"],
    "seq2seq": ["tiny_t5", "tiny_bart"],
    "classify": ["tiny_llama", "tiny_bert"],
    "token_classify": ["tiny_llama", "tiny_bert"],
    "image_classify": ["tiny_vit"],
}
OF_TEXT = [
    (task, base) for task, bases in BASES.items() for base in bases if not TASKS[task].reads_images
]


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.fixture
def rows(tmp_path):
    """Rows of many lengths, with the columns of every task and two that none reads."""
    return write(
        tmp_path / "rows.jsonl",
        [
            {
                "text": f"film {i} was" + " very" * (i % 23) + " good",
                "label": ["no", "yes"][i % 2],
                "prompt": "is it" + " really" * (i % 19) + f" {i}?",
                "completion": " ".join(["no", "yes"][i % 2] for _ in range(1 + i % 17)),
                "tokens": ["was", *["unforgettable"] * (i % 13), "good"],
                "tags": ["O", *["B-FILM"] * (i % 13), "O"],
                "remark": "nobody reads this",
                "number": i,
            }
            for i in range(60)
        ],
    )


@pytest.fixture
def base(request):
    return str(request.getfixturevalue(request.param))


def recipe_for(model, data, task, technique="lora", **changes):
    settings = {"max_steps": 2, "max_length": LENGTH, "max_new_tokens": 4}
    return wb.Recipe(
        model=model, data=data, task=task, technique=technique, **{**settings, **changes}
    )


def encoded(recipe, rows, limited=True):
    recipe = recipe.resolved()
    inputs = TaskInputs.of(recipe, find_facts(recipe), load_data(recipe))
    return (inputs if limited else inputs.unlimited()).encode(rows)


def test_every_task_is_looked_at():
    assert set(BASES) == set(TASKS)


@pytest.mark.parametrize(("task", "base"), OF_TEXT, indirect=["base"])
def test_marks_are_those_of_the_runs_own_rows(task, base, rows):
    recipe = recipe_for(base, rows, task)
    table = load_data(recipe)
    look = wb.look(recipe, rows=12)
    picked = [table.train[row.number - 1] for row in look.rows]
    kept, whole = encoded(recipe, picked), encoded(recipe, picked, limited=False)
    cut_anything = False
    for row, short, full in zip(look.rows, kept, whole, strict=True):
        first = row.streams[0]
        given = [
            number
            for number, mark in zip(first.ids, first.marks, strict=True)
            if mark in (LEARNED, READ)
        ]
        assert given == short["input_ids"]
        whole_ids = [
            number for number, mark in zip(first.ids, first.marks, strict=True) if mark != PADDING
        ]
        assert whole_ids == full["input_ids"]
        assert first.count(CUT) == len(full["input_ids"]) - len(short["input_ids"])
        cut_anything |= first.count(CUT) > 0
        targets = short["labels"]
        if TASKS[task].has_decoder:
            second = row.streams[1]
            assert first.count(LEARNED) == second.count(READ) == 0
            targets = [
                number
                for number, mark in zip(second.ids, second.marks, strict=True)
                if mark == LEARNED
            ]
            assert targets == short["labels"]
        elif isinstance(targets, int):
            assert first.count(LEARNED) == 0
            assert row.label == ["no", "yes"][targets]
        else:
            marks = [mark for mark in first.marks if mark in (LEARNED, READ)]
            assert [mark == LEARNED for mark in marks] == [target != -100 for target in targets]
    assert cut_anything


@pytest.mark.parametrize(("task", "base"), OF_TEXT, indirect=["base"])
def test_rows_are_padded_as_in_a_batch(task, base, rows):
    look = wb.look(recipe_for(base, rows, task), rows=4)
    for place in range(len(look.rows[0].streams)):
        streams = [row.streams[place] for row in look.rows]
        widths = {stream.count(LEARNED, READ, PADDING) for stream in streams}
        assert len(widths) == 1
        assert min(stream.count(PADDING) for stream in streams) == 0
        padded = [stream for stream in streams if stream.count(PADDING)]
        left = task == "classify" and "llama" in base
        assert {stream.marks[0] == PADDING for stream in padded} <= {left}


def test_an_answer_is_learned_with_its_end_and_a_long_prompt_loses_its_start(tiny_llama, tmp_path):
    rows = [
        {"prompt": "where?", "completion": "at home"},
        {"prompt": "well " * 40, "completion": "no"},
        {"prompt": "x", "completion": "long " * 40},
    ]
    look = wb.look(recipe_for(str(tiny_llama), write(tmp_path / "rows.jsonl", rows), "instruct"))
    short, long, answer = look.rows
    assert short.target == ("at home<|end|>",)
    assert long.streams[0].marks[0] == CUT
    assert long.streams[0].marks[-1] == LEARNED
    assert long.target == ("no<|end|>",)
    assert answer.streams[0].marks[-1] == CUT
    assert not answer.target[0].endswith("<|end|>")
    assert (look.counts.cut, look.counts.prompt, look.counts.target) == (2, 1, 1)


def test_a_texts_first_token_is_only_read(tiny_llama, rows):
    (row,) = wb.look(recipe_for(str(tiny_llama), rows, "lm"), rows=1).rows
    assert row.streams[0].marks[0] == READ
    assert set(row.streams[0].marks[1:]) == {LEARNED}


def test_each_word_has_its_tag_once(tiny_bert, tmp_path):
    rows = [
        {"tokens": ["Unbelievable", "Anna", "sings"], "tags": ["O", "B-PER", "O"]} for _ in range(9)
    ]
    data = write(tmp_path / "rows.jsonl", rows)
    (row,) = wb.look(recipe_for(str(tiny_bert), data, "token_classify"), rows=1).rows
    pieces = [piece for span in row.streams[0].spans for piece in span.head]
    assert [piece.tag for piece in pieces if piece.tag] == ["O", "B-PER", "O"]
    assert row.target == ("O × 2, B-PER × 1",)
    page = wb.look(recipe_for(str(tiny_bert), data, "token_classify"), rows=1)._repr_html_()
    assert "<span class='lk-heard'> O: Unbelievable B-PER: Anna O: sings </span>" in page


def test_an_image_is_shown_as_the_model_reads_it(tiny_vit, tmp_path):
    for colour in ("red", "blue"):
        (tmp_path / "images" / colour).mkdir(parents=True)
        for i in range(4):
            Image.new("RGB", (24, 20), colour).save(tmp_path / "images" / colour / f"<{i}>.png")
    look = wb.look(recipe_for(str(tiny_vit), str(tmp_path / "images"), "image_classify"), rows=2)
    assert [row.label for row in look.rows] == ["blue", "red"]
    assert {row.pixels.shape for row in look.rows} == {(3, 16, 16)}
    page = look._repr_html_()
    assert page.count("data:image/png;base64,") == 4
    assert "&lt;0&gt;.png" in page
    assert "the model reads 3 × 16 × 16" in page
    assert "label: blue" in repr(look)


@pytest.mark.parametrize("technique", ["zero_shot", "few_shot"])
@pytest.mark.parametrize(
    ("task", "base"),
    [pair for pair in OF_TEXT if pair[0] in ("lm", "instruct", "seq2seq", "classify")],
    indirect=["base"],
)
def test_prompts_are_scored_and_not_learned(technique, task, base, rows):
    if task == "classify" and "bert" in base:
        pytest.skip("an encoder is not asked")
    recipe = recipe_for(base, rows, task, technique, max_length=None, max_steps=None)
    look = wb.look(recipe, rows=2)
    for row in look.rows:
        assert row.count(LEARNED) == row.count(PADDING) == 0
        assert 0 < row.count(SCORED) < row.tokens
        assert ("examples" in row.note) == (technique == "few_shot")
    assert "none is learned" in repr(look)
    assert "«" in repr(look)


@pytest.mark.parametrize("technique", ["prompt_tuning", "prefix_tuning"])
def test_virtual_tokens_stand_before_a_row(technique, tiny_llama, rows):
    recipe = recipe_for(str(tiny_llama), rows, "lm", technique, num_virtual_tokens=7)
    first, *_ = wb.look(recipe, rows=1).rows[0].streams[0].spans
    assert (first.mark, first.tokens) == (VIRTUAL, 7)
    assert "{7 virtual tokens}" in repr(wb.look(recipe))


# -- what rows lose ------------------------------------------------------------------------------------


def plain_counts(task, tokenizer, rows):
    """Count what rows lose by tokenizing their texts, and nothing of the workbench."""

    def length(text, **settings):
        return len(tokenizer(text, **settings)["input_ids"])

    cut = prompt = target = tokens = learned = 0
    for row in rows:
        if task == "lm":
            whole = length(row["text"]) + 1
            kept = min(whole, LENGTH)
            tokens, learned = tokens + kept, learned + kept - 1
            cut, target = cut + (whole > LENGTH), target + (whole > LENGTH)
        elif task == "classify":
            kept = min(length(row["text"]), LENGTH)
            tokens += kept
            cut += length(row["text"]) > LENGTH
        else:
            turn = [{"role": "user", "content": row["prompt"]}]
            before = tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
            asked = length(before, add_special_tokens=False)
            answered = length(f"{row['completion']}<|end|>", add_special_tokens=False)
            kept_answer = min(answered, LENGTH - 1)
            kept_prompt = min(asked, LENGTH - kept_answer)
            tokens, learned = tokens + kept_prompt + kept_answer, learned + kept_answer
            cut += asked + answered > LENGTH
            prompt += kept_prompt <= 2 < asked  # <|end|><|assistant|> are no prompt
            target += answered > kept_answer
    return {"cut": cut, "prompt": prompt, "target": target, "tokens": tokens, "learned": learned}


@pytest.mark.parametrize("task", ["lm", "instruct", "classify"])
def test_counts_are_those_of_a_plain_computation(task, tiny_llama, rows):
    recipe = recipe_for(str(tiny_llama), rows, task)
    counts = wb.look(recipe, rows=1).counts
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(tiny_llama))
    expected = plain_counts(task, tokenizer, load_data(recipe).train)
    assert {name: getattr(counts, name) for name in expected} == expected
    assert counts.rows == counts.of == 60
    assert counts.cut > 0


@pytest.mark.parametrize(("task", "base"), OF_TEXT, indirect=["base"])
def test_all_tokens_are_kept_or_cut(task, base, rows):
    recipe = recipe_for(base, rows, task)
    counts = wb.look(recipe, rows=1).counts
    whole = encoded(recipe, load_data(recipe).train, limited=False)
    lengths = [
        len(row["input_ids"]) + (len(row["labels"]) if TASKS[task].has_decoder else 0)
        for row in whole
    ]
    assert counts.tokens + counts.cut_tokens == sum(lengths)
    assert counts.start + counts.end >= counts.cut > 0


def test_rows_with_nothing_left_are_counted(tiny_llama, rows):
    recipe = recipe_for(str(tiny_llama), rows, "lm").resolved()
    table = load_data(recipe)
    encoder = RowEncoder(recipe, find_facts(recipe), table)
    assert counting.count_rows(encoder, table.train, 60).nothing == 0
    encoder.inputs = dataclasses.replace(encoder.inputs, max_length=1)
    counts = counting.count_rows(encoder, table.train, 60)
    assert counts.nothing == 60
    said = wording.losses(Look(recipe, (), counts, 1))
    assert "All 60 rows have nothing left to learn." in said


def test_only_as_many_rows_are_counted_as_there_is_time_for(tiny_llama, tmp_path, monkeypatch):
    data = write(tmp_path / "many.jsonl", ({"text": f"film {i}"} for i in range(3000)))
    recipe = recipe_for(str(tiny_llama), data, "lm")
    assert "the first 1,000 of 3,000 rows" in repr(wb.look(recipe, rows=1))
    clock = iter(range(1000))
    monkeypatch.setattr(counting.time, "monotonic", lambda: float(next(clock)))
    few = wb.look(recipe, rows=1).counts
    assert 1 <= few.rows < 10
    assert not few.complete


def test_rows_that_no_run_takes_are_told(tiny_llama, tmp_path):
    data = write(tmp_path / "long.jsonl", [{"text": "long " * (90 * i)} for i in range(1, 5)])
    said = repr(wb.look(recipe_for(str(tiny_llama), data, "lm", max_length=None)))
    assert "No run begins with such rows: set max_length to 128 to cut them." in said


def test_no_weights_are_loaded(tiny_llama, rows, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("weights are loaded")

    monkeypatch.setattr(base_model, "load_base", refuse)
    monkeypatch.setattr(transformers.PreTrainedModel, "from_pretrained", refuse)
    assert wb.look(recipe_for(str(tiny_llama), rows, "classify")).rows


@given(
    whole=st.lists(st.integers(0, 3), max_size=30),
    start=st.integers(0, 30),
    end=st.integers(0, 30),
    side=st.sampled_from(["start", "end", "both", "middle"]),
)
def test_what_is_cut_is_found_wherever_it_was(whole, start, end, side):
    start, end = min(start, len(whole)), min(end, len(whole))
    kept = {
        "start": whole[start:],
        "end": whole[:end],
        "both": whole[start:end],
        "middle": whole[:start] + whole[max(start, end) :],
    }[side]
    marked = with_cuts(kept, whole)
    assert [token for token, cut in marked if not cut] == kept
    assert [token for token, _ in marked] == whole


@pytest.fixture(scope="module")
def tokenizer(tiny_llama):
    return transformers.AutoTokenizer.from_pretrained(str(tiny_llama))


# -- how it is shown -------------------------------------------------------------------------------------


HOSTILE = "<script>alert(1)</script> \x1b[31m \u202e & 'quoted'\n\tend"


@pytest.fixture
def hostile(tmp_path):
    row = {"prompt": HOSTILE, "completion": HOSTILE, "<b>other</b>": 1}
    return write(tmp_path / "rows.jsonl", [row] * 4)


def test_a_page_is_escaped(tiny_llama, hostile):
    page = wb.look(recipe_for(str(tiny_llama), hostile, "instruct", max_length=None))._repr_html_()
    assert "<script" not in page
    assert "<b>other" not in page
    assert "&lt;b&gt;other&lt;/b&gt;" in page
    assert not set(page) & {"\x1b", "\u202e"}


def test_a_text_cannot_steer_a_terminal(tiny_llama, hostile):
    look = wb.look(recipe_for(str(tiny_llama), hostile, "instruct", max_length=None))
    assert not set(repr(look)) & {"\x1b", "\u202e", "\t"}
    assert "␛[31m·⟨U+202E⟩·&·'quoted'↵\n  ⇥end" in repr(look)
    painted = on_terminal.as_text(look, colour=True)
    assert "\x1b[1;4;32m" in painted
    assert "«" not in painted


def test_a_page_is_heard_as_text_and_not_as_tokens(tiny_llama, rows):
    page = wb.look(recipe_for(str(tiny_llama), rows, "instruct"), rows=1)._repr_html_()
    assert "<span class='lk-heard'>learned: no &lt;|end|&gt; . </span>" in page
    assert page.count("learned: ") == 1
    outside = page.count("<span class='lk-token'")
    assert outside > 0
    for span in page.split("<span class='lk-heard'>")[1:]:
        assert "aria-hidden='true'" in span


def test_what_is_left_out_is_said(tiny_llama, tmp_path):
    data = write(tmp_path / "long.jsonl", [{"prompt": "a b " * 900, "completion": "c d " * 20}] * 3)
    look = wb.look(recipe_for(str(tiny_llama), data, "instruct"), rows=1, max_tokens=9)
    for span in look.rows[0].streams[0].spans:
        shown = sum(len(piece.ids) for piece in (*span.head, *span.tail))
        assert span.tokens == shown + span.omitted
        assert span.omitted > 0 or span.tokens <= 9
        if span.omitted:
            assert wording.omitted(span) in repr(look)
    assert "more cut off tokens …" in repr(look)


def test_characters_of_several_tokens_are_shown_whole(tokenizer):
    text = "é🎬 日本 <|end|>ok\ufffd"
    ids = tokenizer(text)["input_ids"]
    pieces = Decoder(tokenizer).pieces(ids)
    assert "".join(piece.text for piece in pieces).startswith("é🎬 日本 <|end|>ok")
    assert [number for piece in pieces for number in piece.ids] == ids
    assert [piece.text for piece in pieces if piece.special] == ["<|end|>"]


@given(text=st.text("ab é🎬\n", min_size=1, max_size=12))
def test_pieces_are_the_text(tokenizer, text):
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert "".join(piece.text for piece in Decoder(tokenizer).pieces(ids)) == text


def test_columns_that_are_not_used_are_named(tiny_llama, rows):
    look = wb.look(recipe_for(str(tiny_llama), rows, "classify"))
    assert {"remark", "number"} < set(look.unused)
    assert not {"text", "label"} & set(look.unused)
    line = f"not used: {', '.join(look.unused)}"
    assert line in repr(look)
    assert line in look._repr_html_()


def test_columns_that_no_conversation_uses_are_named_once(tiny_llama, rows):
    look = wb.look(recipe_for(str(tiny_llama), rows, "instruct"))
    assert look.unused == ()
    (note,) = (note for note in look.notes if note.startswith("Not used: "))
    assert "remark" in note and "prompt" not in note and "completion" not in note
    assert note in repr(look) and note in look._repr_html_()


def test_notes_on_the_data_are_said(tiny_llama, tmp_path):
    rows = [{"text": f"film {i % 4}", "label": "a<b>"[: 1 + i % 2]} for i in range(20)]
    held = write(tmp_path / "held.jsonl", rows[:4])
    recipe = recipe_for(str(tiny_llama), write(tmp_path / "rows.jsonl", rows), "classify")
    look = wb.look(recipe.replace(eval_data=held))
    assert any("identical to training rows" in note for note in look.notes)
    assert all(f"Note: {note}" in repr(look) for note in look.notes)
    assert "identical to training rows" in look._repr_html_()


@pytest.mark.parametrize("name", ["rows", "max_tokens"])
@pytest.mark.parametrize("value", [0, -1, "three"])
def test_wrong_numbers_are_refused(name, value, tiny_llama, rows):
    with pytest.raises(RecipeError, match=f"{name} must be an integer of at least 1"):
        wb.look(recipe_for(str(tiny_llama), rows, "lm"), **{name: value})


def test_all_that_is_wrong_with_a_recipe_is_said():
    with pytest.raises(RecipeError, match="no-such-data"):
        wb.look(wb.Recipe(data="no-such-data"))
