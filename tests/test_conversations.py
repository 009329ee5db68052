"""Rows in every form in which people keep conversations become messages, and nothing gets lost unsaid."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import DataError
from workbench.sources.datasets.conversations.checks import reader
from workbench.sources.datasets.load import guess_task, load

USER, BOT, SYSTEM, TOOL = "user", "assistant", "system", "tool"


def turn(role, content, **more):
    return {"role": role, "content": content, **more}


HELLO = [turn(USER, "Who sings?"), turn(BOT, "Bo.")]
CALL = {"type": "function", "function": {"name": "weather", "arguments": {"town": "Mill"}}}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {}}}]
LOGGED = {"id": "c1", **CALL, "function": {**CALL["function"], "arguments": '{"town": "Mill"}'}}

# A row, the settings it is read with, its form, and the messages that it becomes.
FORMS = {
    "prompt and completion": ({"prompt": "Who sings?", "completion": "Bo."}, {}, "pair", HELLO),
    "user and assistant": ({"user": "Who sings?", "assistant": "Bo."}, {}, "pair", HELLO),
    "a number as the answer": (
        {"question": "How many?", "answer": 3},
        {},
        "pair",
        [turn(USER, "How many?"), turn(BOT, "3")],
    ),
    "Alpaca": (
        {"instruction": "Turn round.", "input": "Ada", "output": "adA"},
        {},
        "instruction",
        [turn(USER, "Turn round.\n\nAda"), turn(BOT, "adA")],
    ),
    "Alpaca with all it may have": (
        {
            "instruction": "And now?",
            "input": "",
            "output": "Blue.",
            "system": "Be brief.",
            "history": [["Who sings?", "Bo."], ["Where?", "At home."]],
        },
        {},
        "instruction",
        [
            turn(SYSTEM, "Be brief."),
            *HELLO,
            turn(USER, "Where?"),
            turn(BOT, "At home."),
            turn(USER, "And now?"),
            turn(BOT, "Blue."),
        ],
    ),
    "a history of messages": (
        {"prompt": "And now?", "completion": "Blue.", "history": HELLO},
        {},
        "instruction",
        [*HELLO, turn(USER, "And now?"), turn(BOT, "Blue.")],
    ),
    "Dolly": (
        {"instruction": "Who?", "context": "Bo sang.", "response": "Bo", "category": "qa"},
        {},
        "instruction",
        [turn(USER, "Who?\n\nBo sang."), turn(BOT, "Bo")],
    ),
    "SQuAD": (
        {"question": "Who?", "context": "Bo sang.", "answers": {"text": ["Bo"], "answer_start": [0]}},
        {},
        "instruction",
        [turn(USER, "Who?\n\nBo sang."), turn(BOT, "Bo")],
    ),
    "several answers": (
        {"question": "Who?", "answers": ["Bo", "Bo Finch"]},
        {},
        "instruction",
        [turn(USER, "Who?"), turn(BOT, "Bo")],
    ),
    "OpenAI": ({"messages": [turn(SYSTEM, "Be brief."), *HELLO]}, {}, "openai",
               [turn(SYSTEM, "Be brief."), *HELLO]),
    "OpenAI under another name": ({"talk": HELLO}, {}, "openai", HELLO),
    "content in parts, a developer, extra keys": (
        {
            "messages": [
                turn("developer", [{"type": "text", "text": "Be "}, {"type": "text", "text": "brief."}]),
                turn(USER, "Who sings?", name="ada", weight=None, at=3),
                turn(BOT, "Bo.", refusal=None),
            ]
        },
        {},
        "openai",
        [turn(SYSTEM, "Be brief."), turn(USER, "Who sings?", name="ada"), HELLO[1]],
    ),
    "tools": (
        {
            "messages": [
                turn(USER, "Rain?"),
                turn(BOT, None, tool_calls=[LOGGED]),
                turn(TOOL, "no", tool_call_id="c1"),
                turn(BOT, "No."),
            ],
            "tools": json.dumps(TOOLS),
        },
        {},
        "openai",
        [
            turn(USER, "Rain?"),
            turn(BOT, "", tool_calls=[{"id": "c1", **CALL}]),
            turn(TOOL, "no", tool_call_id="c1"),
            turn(BOT, "No."),
        ],
    ),
    "a system column beside messages": (
        {"messages": HELLO, "system": "Be brief."}, {}, "openai", [turn(SYSTEM, "Be brief."), *HELLO]),
    "ShareGPT": (
        {
            "conversations": [
                {"from": "system", "value": "Be brief."},
                {"from": "human", "value": "Who sings?"},
                {"from": "gpt", "value": "Bo."},
            ]
        },
        {},
        "sharegpt",
        [turn(SYSTEM, "Be brief."), *HELLO],
    ),
    "ShareGPT with a call": (
        {
            "conversations": [
                {"from": "human", "value": "Rain?"},
                {"from": "function_call", "value": json.dumps(CALL["function"])},
                {"from": "observation", "value": "no"},
                {"from": "gpt", "value": "No."},
            ]
        },
        {},
        "sharegpt",
        [turn(USER, "Rain?"), turn(BOT, "", tool_calls=[CALL]), turn(TOOL, "no"), turn(BOT, "No.")],
    ),
    "TRL's conversational prompt and completion": (
        {"prompt": HELLO[:1], "completion": HELLO[1:]}, {}, "turn", HELLO),
    "a prompt template": (
        {"word": "mill", "to": "Old Village", "said": "llim"},
        {"prompt_template": "In {to}: {word}"},
        "filled",
        [turn(USER, "In Old Village: mill"), turn(BOT, "llim")],
    ),
    "chosen answers": (
        {"prompt": "Who sings?", "chosen": "Bo.", "rejected": "Go away."},
        {"completion_column": "chosen"},
        "pair",
        HELLO,
    ),
    "chosen conversations": (
        {"chosen": HELLO, "rejected": HELLO}, {"messages_column": "chosen"}, "openai", HELLO),
}  # fmt: skip


def written(tmp_path, *rows):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(("row", "settings", "form", "messages"), FORMS.values(), ids=FORMS)
def test_rows_become_messages(row, settings, form, messages, tmp_path):
    table = load(written(tmp_path, row, row), "instruct", **settings)
    assert table.form == form
    read = reader(form, table.columns, settings.get("prompt_template"))
    for part in table.train:
        conversation = read(part)
        assert conversation["messages"] == messages
        assert conversation["messages"][conversation["completion"]]["role"] == BOT
        assert conversation.get("tools") == (TOOLS if "tools" in row else None)


@pytest.mark.parametrize("name", [name for name in FORMS if not FORMS[name][1]])
def test_they_are_guessed_to_be_for_instruct(name, tmp_path):
    row, *_ = FORMS[name]
    assert guess_task(written(tmp_path, row, row)) == "instruct"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"instruction": "Who?", "context": "", "response": "Bo", "category": "qa", "id": 3},
         "Not used: category, id."),
        ({"messages": [turn(USER, "Who?", at=3), turn(BOT, "Bo.", weight=1)]},
         "Not used of the messages: at, weight."),
        ({"messages": [*HELLO, turn(USER, "Thanks!")]},
         "What follows the last assistant turn is not used, in rows 1 and 2."),
        ({"question": "Who?", "answers": ["Bo", "Bo Finch"]},
         "The first of the answers in 'answers' is the completion."),
    ],
)  # fmt: skip
def test_what_is_not_read_is_said(row, said, tmp_path):
    assert said in load(written(tmp_path, row, row), "instruct").notes


REFUSED = {
    "preference data": (
        {"prompt": "Who?", "chosen": "Bo.", "rejected": "No."},
        {},
        "set completion_column='chosen'",
    ),
    "preference data of conversations": (
        {"prompt": "Who?", "chosen": HELLO, "rejected": HELLO},
        {},
        "set messages_column='chosen'",
    ),
    "a role that there is none of": (
        {"messages": [turn(USER, "Who?"), turn("bot", "Bo."), HELLO[1]]}, {}, "the role 'bot'"),
    "no answer": ({"messages": [turn(USER, "Who?")]}, {}, "no assistant turn"),
    "nothing before the answer": ({"messages": [turn(BOT, "Bo.")]}, {}, "no turn before its answer"),
    "an empty answer": ({"messages": [turn(USER, "Who?"), turn(BOT, " ")]}, {}, "is empty"),
    "an image": (
        {"messages": [turn(USER, [{"type": "image", "image": "a.png"}]), HELLO[1]]},
        {},
        "A conversation cannot be read",
    ),
    "a context that is no text": (
        {"question": "Who?", "context": {"a": 1}, "answer": "Bo"}, {}, "context (column 'context')"),
    "no answers": ({"question": "Who?", "answers": {"text": []}}, {}, "cannot be read"),
    "a half character": (
        {"messages": [turn(USER, "Who?\ud800"), HELLO[1]]}, {}, "a lone surrogate character"),
    "a template of other columns": (
        {"word": "a", "said": "b"}, {"prompt_template": "{wrod}"}, "did you mean 'word'?"),
    "a template of no columns": ({"word": "a", "said": "b"}, {"prompt_template": "Say"}, "names none"),
    "a template, and two columns left": (
        {"word": "a", "b": "b", "c": "c"},
        {"prompt_template": "{word}"},
        "Name one of 'b', 'c' with completion_column.",
    ),
    "a setting that has no place": (
        {"messages": HELLO, "id": "a"}, {"context_column": "id"}, "context_column cannot be used"),
    "messages that are none": (
        {"a": "x", "b": "y"}, {"messages_column": "a"}, "messages_column must be a column of lists"),
}  # fmt: skip


@pytest.mark.parametrize(("row", "settings", "said"), REFUSED.values(), ids=REFUSED)
def test_rows_that_would_be_halved_are_refused(row, settings, said, tmp_path):
    with pytest.raises(DataError) as refused:
        load(written(tmp_path, row), "instruct", **settings)
    assert said in str(refused.value)
    assert str(refused.value).endswith((".", "?"))


def test_equal_prompts_with_other_inputs_are_not_the_same_rows(tmp_path):
    rows = [
        {"instruction": "Turn.", "input": name, "output": name[::-1]} for name in ("ab", "cd", "ef")
    ]
    (tmp_path / "a").mkdir()
    train, held = written(tmp_path / "a", *rows[:2]), written(tmp_path, *rows[1:])
    (note,) = load(train, "instruct", eval_data=str(held)).notes
    assert note.startswith("1 of the 2 evaluation rows (row 1 of")


texts = st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip)


@given(st.lists(texts, min_size=1, max_size=5), texts)
def test_openai_and_sharegpt_mean_the_same(contents, answer):
    contents = [*contents[: len(contents) - (len(contents) + 1) % 2], answer]
    roles = [(USER, BOT)[index % 2] for index in range(len(contents))]
    openai = [turn(role, text) for role, text in zip(roles, contents, strict=True)]
    names = {USER: "human", BOT: "gpt"}
    shared = [{"from": names[each["role"]], "value": each["content"]} for each in openai]
    columns = {"messages": "talk"}
    one = reader("openai", columns)({"talk": openai})
    assert one == reader("sharegpt", columns)({"talk": shared})
    assert one["messages"] == openai
