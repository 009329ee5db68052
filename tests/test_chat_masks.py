"""Of a conversation each answer is learnt with what ends it, and nothing else."""

from __future__ import annotations

import datetime
import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers.processors import TemplateProcessing

import workbench as wb
from tests.conftest import save_tiny, tiny_tokenizer
from workbench.errors import RecipeError
from workbench.sources.datasets.conversations.forms import as_conversation, with_system_prompt
from workbench.training.inputs import chat
from workbench.training.inputs.chat_notes import template_notes
from workbench.training.inputs.few_shot import prompt_instruct
from workbench.training.inputs.tokenize import encode_instruct
from workbench.training.resolve import resolve

EACH = "{% for m in messages %}"
ASKS = "{% if m.role == 'user' %}<|user|>{{ m.content }}<|end|>{% else %}<|assistant|>"
DONE = "{% endif %}{% endfor %}"
OPENS = "{% if add_generation_prompt %}<|assistant|>{% endif %}"
# What a template makes of a first and of a last answer, to be learnt.
TEMPLATES = {
    "ChatML": (
        EACH + "<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
        "Ada.<|end|>", "Bo.<|end|>",
    ),
    "nothing opens an answer": (
        EACH + "{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]{% else %} {{ m.content }}"
        "<|end|>" + DONE, " Ada.<|end|>", " Bo.<|end|>",
    ),
    "the opening is not told apart": (
        EACH + "<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}", "Ada.<|end|>", "Bo.<|end|>",
    ),
    "opens with a thought": (
        EACH + ASKS + "{{ m.content }}<|end|>" + DONE
        + "{% if add_generation_prompt %}<|assistant|><think>\n{% endif %}",
        "Ada.<|end|>", "Bo.<|end|>",
    ),
    "an empty thought in the last answer": (
        EACH + ASKS + "{% if loop.last %}<think>\n\n</think>\n\n{% endif %}{{ m.content }}<|end|>"
        + DONE + OPENS, "Ada.<|end|>", "<think>\n\n</think>\n\nBo.<|end|>",
    ),
    "another turn's token ends an answer": (
        EACH + "<|user|>{{ m.role }}\n{{ m.content | trim }}<|assistant|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|user|>assistant\n{% endif %}",
        "Ada.<|assistant|>", "Bo.<|assistant|>",
    ),
    "nothing ends an answer": (
        EACH + "### {{ m.role }}:\n{{ m.content }}\n\n{% endfor %}"
        "{% if add_generation_prompt %}### assistant:\n{% endif %}", "Ada.", "Bo.<|end|>",
    ),
    "only the last answer ends": (
        EACH + "{{ m.role }}: {{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant:{% else %}<|end|>{% endif %}",
        " Ada.", " Bo.\n<|end|>",
    ),
    "counts its turns": (
        "{{ messages | length }}" + EACH + ASKS + "{{ m.content }}<|end|>" + DONE + OPENS,
        "Ada.<|end|>", "Bo.<|end|>",
    ),
    "marks answers with their end": (
        EACH + ASKS + "{% generation %}{{ m.content }}<|end|>{% endgeneration %}" + DONE + OPENS,
        "Ada.<|end|>", "Bo.<|end|>",
    ),
    "marks answers without their end": (
        EACH + ASKS + "{%- generation -%}{{ m.content }}{%- endgeneration -%}<|end|>\n" + DONE
        + OPENS, "Ada.<|end|>", "Bo.<|end|>",
    ),
    "writes the date": (
        "{{ strftime_now('%d %b %Y') }}\n" + EACH + ASKS + "{{ m.content }}<|end|>" + DONE + OPENS,
        "Ada.<|end|>", "Bo.<|end|>",
    ),
}  # fmt: skip
USER, BOT, SYSTEM = "user", "assistant", "system"
TURNS = [(USER, "Who bakes?"), (BOT, "Ada."), (USER, "Who sings?"), (BOT, "Bo.")]


def talk(*turns, **more):
    return {**as_conversation([{"role": role, "content": text} for role, text in turns]), **more}


def speaker(template, bos=False):
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template, tokenizer.name_or_path = template, "some/model"
    if bos:
        tokenizer.add_special_tokens({"bos_token": "<s>"})
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", tokenizer.bos_token_id)]
        )
    return tokenizer


def encode(tokenizer, conversation, completion_only=False, max_length=4096):
    (row,) = encode_instruct(
        [conversation], tokenizer, completion_only=completion_only, max_length=max_length,
        max_prompt_length=4096,
    )  # fmt: skip
    return row


def learnt(tokenizer, row):
    """The stretches that are learnt, as texts."""
    pairs = zip(row["input_ids"], row["labels"], strict=True)
    runs = itertools.groupby(pairs, lambda pair: pair[1] != -100)
    assert all(
        label in (-100, token) for token, label in zip(row["input_ids"], row["labels"], strict=True)
    )
    return [tokenizer.decode([token for token, _ in run]) for is_target, run in runs if is_target]


@pytest.mark.parametrize(("template", "first", "last"), TEMPLATES.values(), ids=TEMPLATES)
def test_each_answer_is_learnt_with_what_ends_it(template, first, last):
    tokenizer = speaker(template)
    row = encode(tokenizer, talk(*TURNS))
    assert learnt(tokenizer, row) == [first, last]
    only = encode(tokenizer, talk(*TURNS), completion_only=True)
    assert only["input_ids"] == row["input_ids"]
    assert learnt(tokenizer, only) == [last]
    before = tokenizer.decode(row["prompt_ids"])
    assert tokenizer.decode(row["input_ids"]) == before + last
    assert before.count("sings") == 1 and "Bo." not in before
    assert tokenizer.decode(row["answer_ids"]) == last


@pytest.mark.parametrize(("template", "first", "last"), TEMPLATES.values(), ids=TEMPLATES)
def test_examples_of_a_prompt_are_read_only(template, first, last):
    tokenizer = speaker(template)
    (row,) = prompt_instruct(
        [talk(*TURNS[2:])], tokenizer, examples=[talk((SYSTEM, "Hm."), *TURNS[:2])], template=None,
        max_length=4096, max_prompt_length=4096,
    )  # fmt: skip
    assert row["input_ids"] == encode(tokenizer, talk(*TURNS))["input_ids"]
    assert learnt(tokenizer, row) == [last]


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1).filter(
    str.strip
)


@pytest.mark.parametrize("name", TEMPLATES)
@given(st.lists(texts, min_size=1, max_size=3), st.booleans())
@settings(max_examples=25, deadline=None)
def test_answers_of_any_text_are_found(name, contents, completion_only):
    tokenizer = speaker_of(name)
    turns = [pair for text in contents for pair in ((USER, f"{text}?"), (BOT, text))]
    row = encode(tokenizer, talk(*turns), completion_only)
    found = learnt(tokenizer, row)
    answers = contents[-1:] if completion_only else contents
    assert len(found) == len(answers)
    for text, answer in zip(found, answers, strict=True):
        assert answer.strip() in text
        # Besides an answer a template has only a few words of its own.
        assert len(text) - len(answer) <= len("<think>\n\n</think>\n\n<|assistant|>") + 2


SPEAKERS = {}


def speaker_of(name):
    return SPEAKERS.setdefault(name, speaker(TEMPLATES[name][0]))


CALLS = (
    EACH + "<|{{ m.role }}|>{% if m.tool_calls %}{% for c in m.tool_calls %}call "
    "{{ c.function.name }} {{ c.function.arguments | tojson }}{% endfor %}{% else %}"
    "{{ m.content }}{% endif %}<|end|>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def test_calls_of_tools_are_learnt_and_what_tools_say_is_not():
    tokenizer = speaker("{{ tools | tojson if tools else '' }}" + CALLS)
    call = {"type": "function", "function": {"name": "weather", "arguments": {"town": "Mill"}}}
    turns = [
        {"role": USER, "content": "Rain?"},
        {"role": BOT, "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "no rain"},
        {"role": BOT, "content": "No."},
    ]
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {}}}]
    row = encode(tokenizer, as_conversation(turns, tools))
    assert learnt(tokenizer, row) == ['call weather {"town": "Mill"}<|end|>', "No.<|end|>"]
    assert tokenizer.decode(row["input_ids"]).startswith(json.dumps(tools))


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ messages[0].content }}<|end|>", "leaves out a part"),
        (EACH + "{% if m.role != 'system' %}" + ASKS + "{{ m.content }}<|end|>{% endif %}" + DONE + OPENS,
         "leaves out a part of the system's turn 'Be brief.'"),
        (EACH + ASKS + "{{ m.content }}[as asked: {{ messages[1].content }}]<|end|>" + DONE + OPENS,
         "another turn stands within"),
        (EACH + "{% if m.role == 'assistant' %}{{ m.content }}{% generation %}!{% endgeneration %}{% else %}"
         "{{ m.content }}" + DONE, "leaves out a part of the assistant's turn 'Ada.'"),
        (EACH + ASKS + "{% if loop.last %}{% generation %}{{ m.content }}{% endgeneration %}{% else %}"
         "{{ m.content }}{% endif %}" + DONE, "marks 1 answers where a conversation has 2"),
    ],
)  # fmt: skip
def test_a_template_that_cannot_be_followed_is_refused(template, said):
    turns = [(SYSTEM, "Be brief."), (USER, "Who bakes all the bread?"), *TURNS[1:]]
    with pytest.raises(chat.ChatError, match="chat template of 'some/model'") as refused:
        encode(speaker(template), talk(*turns))
    assert said in str(refused.value)


def test_without_a_template_each_turn_is_a_line():
    tokenizer = speaker(None)
    row = encode(tokenizer, talk((SYSTEM, "Be brief."), *TURNS))
    assert tokenizer.decode(row["input_ids"]) == (
        "Be brief.\nWho bakes?\nAda.<|end|>\nWho sings?\nBo.<|end|>"
    )
    assert learnt(tokenizer, row) == ["Ada.<|end|>", "Bo.<|end|>"]


BOS_TEMPLATE = "{{ bos_token }}" + EACH + ASKS + "{{ m.content }}<|end|>" + DONE + OPENS


@pytest.mark.parametrize("template", [None, BOS_TEMPLATE])
@pytest.mark.parametrize("shown", [None, "Q: {prompt}\nA: {completion}"])
def test_a_tokenizers_first_token_comes_once(template, shown):
    tokenizer = speaker(template, bos=True)
    rows = [encode(tokenizer, talk(*TURNS))]
    for pattern in filter(None, (shown, template and "")):
        rows += prompt_instruct(
            [talk(*TURNS[2:])], tokenizer, examples=[talk(*TURNS[:2])], template=pattern or None,
            max_length=4096, max_prompt_length=4096,
        )  # fmt: skip
    for row in rows:
        for ids in (row["input_ids"], row["prompt_ids"]):
            assert ids[0] == tokenizer.bos_token_id
            assert ids.count(tokenizer.bos_token_id) == 1
        assert tokenizer.bos_token_id not in row["answer_ids"]


def test_what_is_too_long_loses_its_beginning():
    tokenizer = speaker(TEMPLATES["ChatML"][0])
    whole = encode(tokenizer, talk(*TURNS))
    for length in range(8, len(whole["input_ids"])):
        row = encode(tokenizer, talk(*TURNS), max_length=length)
        assert row["input_ids"] == whole["input_ids"][-length:]
        assert row["labels"] == whole["labels"][-length:]


def test_a_system_prompt_goes_to_conversations_that_have_none():
    own = talk((SYSTEM, "Sing."), *TURNS)
    assert with_system_prompt(own, "Be brief.") == own
    assert with_system_prompt(talk(*TURNS), "Be brief.") == talk((SYSTEM, "Be brief."), *TURNS)


NOTES = {
    "its own system prompt": (
        "{% if messages[0].role != 'system' %}<|user|>You are a miller of few words.<|end|>{% endif %}"
        + TEMPLATES["ChatML"][0], "You are a miller of few words."),
    "the date": (TEMPLATES["writes the date"][0], "26 July 2024"),
    "no end": (TEMPLATES["nothing ends an answer"][0], "ends an answer with no token of its own"),
    "no template": (None, "has no chat template"),
    "no system prompts": (TEMPLATES["an empty thought in the last answer"][0], "no system prompts"),
    "another opening": (TEMPLATES["opens with a thought"][0], "starts a generated answer differently"),
}  # fmt: skip


@pytest.mark.parametrize(("template", "said"), NOTES.values(), ids=NOTES)
def test_what_may_surprise_is_said(template, said):
    rows = [talk(*TURNS)] if "system prompts" not in said else [talk((SYSTEM, "Hm."), *TURNS)]
    notes = template_notes(speaker(template), rows, False)
    assert [said in note for note in notes].count(True) == 1
    assert template_notes(speaker(TEMPLATES["ChatML"][0]), [talk(*TURNS)], False) == []


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ raise_exception('a system turn must come first') }}", "says: a system turn must come"),
        ("{% for m in messages %}{{ m.content }", "says: unexpected '}'"),
    ],
)
def test_templates_that_raise_say_so_before_a_step(template, said, tmp_path):
    base = save_tiny(tmp_path / "base", "LlamaConfig", "LlamaForCausalLM")
    (base / "chat_template.jinja").write_text(template)
    with pytest.raises(RecipeError, match=r"The chat template of .*base") as refused:
        wb.train(recipe_of(base, tmp_path), tmp_path / "runs", progress=False)
    assert said in str(refused.value)


def recipe_of(base, folder, **changes):
    rows = [
        {
            "messages": [
                {"role": USER, "content": f"Who is number {n % 3}?"},
                {"role": BOT, "content": "Ada."},
                {"role": USER, "content": "Who sings?"},
                {"role": BOT, "content": "Bo."},
            ]
        }
        for n in range(16)
    ]
    data = folder / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = {"max_steps": 2, "max_new_tokens": 4, "per_device_train_batch_size": 4}
    return wb.Recipe(model=str(base), data=str(data), task="instruct", **{**settings, **changes})


def test_answers_end_where_trained_answers_end(tmp_path):
    """The token that ends an answer is not the one that ends a text."""
    base = save_tiny(tmp_path / "base", "LlamaConfig", "LlamaForCausalLM")
    template, *_ = TEMPLATES["another turn's token ends an answer"]
    (base / "chat_template.jinja").write_text(template)
    recipe = recipe_of(base, tmp_path, max_steps=60, learning_rate=2e-2, technique="full")
    run = wb.train(recipe, tmp_path / "runs", progress=False)
    assert run.evaluations[-1]["exact_match"] == 1.0
    asked = [{"role": USER, "content": "Who is number 1?"}]
    assert run.ask(asked).text == "Ada."
    both = [*asked, {"role": BOT, "content": "Ada."}, {"role": USER, "content": "Who sings?"}]
    assert run.ask(both).text == "Bo."
    assert [answer.text for answer in run.ask([asked, both])] == ["Ada.", "Bo."]
    assert run.ask("Who is number 1?").text == "Ada."


def test_tomorrow_a_run_has_the_same_bits(tmp_path, monkeypatch):
    base = save_tiny(tmp_path / "base", "LlamaConfig", "LlamaForCausalLM")
    (base / "chat_template.jinja").write_text(TEMPLATES["writes the date"][0])
    recipe = recipe_of(base, tmp_path)
    ids = []
    for year in (1999, 2031):

        class Clock:
            @staticmethod
            def now(year=year):
                return datetime.datetime(year, 1, 2)

        monkeypatch.setattr("transformers.utils.chat_template_utils.datetime", Clock)
        resolved = resolve(recipe)
        ids.append(resolved.inputs.encode(resolved.train_rows))
        today = resolved.tokenizer.apply_chat_template(talk(*TURNS)["messages"], tokenize=False)
        assert today.startswith(f"02 Jan {year}")
    assert ids[0] == ids[1]
    assert resolved.tokenizer.decode(ids[0][0]["input_ids"]).startswith("26 Jul 2024")


def test_what_rows_lose_is_counted(tmp_path):
    base = save_tiny(tmp_path / "base", "LlamaConfig", "LlamaForCausalLM")
    rows = [
        ("Who? ", "Bo."),
        ("Who is it that sings so well? ", "Bo."),
        ("Who? ", "Bo and Ada. " * 9),
    ]
    data = tmp_path / "pairs.jsonl"
    data.write_text("".join(json.dumps({"prompt": q, "completion": a}) + "\n" for q, a in rows * 2))
    recipe = recipe_of(base, tmp_path, max_length=16).replace(data=str(data), eval_data=str(data))
    run = wb.train(recipe, tmp_path / "runs", progress=False)
    (note,) = [note for note in run.notes if "truncated" in note]
    assert "8 of 12 rows are longer than max_length=16 and truncated: " in note
    assert "4 lose the beginning of the prompt" in note
    assert "4 lose all of the prompt but its last token" in note
    assert "4 lose the end of the answer" in note


@pytest.mark.parametrize(
    ("name", "value"),
    [("prompt_template", "{a}"), ("system_prompt", "Hm."), ("completion_only_loss", True)],
)
def test_settings_of_conversations_are_refused_where_there_are_none(name, value):
    (problem,) = wb.Recipe(**{name: value}).problems()
    assert problem.parameter == name
    assert "use the task 'instruct'" in str(problem)
    assert wb.Recipe(task="instruct", data="village-qa", **{name: value}).problems() == []


@pytest.mark.parametrize(
    ("changes", "stretches"),
    [({}, 2), ({"completion_only_loss": True}, 1), ({"assistant_only_loss": True}, 2),
     ({"completion_only_loss": True, "assistant_only_loss": True}, 1)],
)  # fmt: skip
def test_every_answer_or_the_last_is_learnt_as_the_recipe_says(changes, stretches, tmp_path):
    base = save_tiny(tmp_path / "base", "LlamaConfig", "LlamaForCausalLM")
    resolved = resolve(recipe_of(base, tmp_path, system_prompt="Be brief.", **changes))
    (row,) = resolved.inputs.encode(resolved.train_rows[:1])
    assert len(learnt(resolved.tokenizer, row)) == stretches
    assert "Be brief." in resolved.tokenizer.decode(row["input_ids"])
