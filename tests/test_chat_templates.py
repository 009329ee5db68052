"""Answers are learnt behind their prompts, whatever a chat template makes of a conversation."""

from __future__ import annotations

import functools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import workbench as wb
from tests.conftest import save_tiny, tiny_tokenizer
from workbench.errors import RecipeError
from workbench.sources.datasets.conversations.forms import as_conversation
from workbench.training.inputs import tokenize
from workbench.training.inputs.few_shot import prompt_instruct
from workbench.training.inputs.task_inputs import TaskInputs

ROWS = "{% for m in messages %}{% if m.role == 'user' %}"
ANSWERED = "<|end|>{% endif %}{% endfor %}{% if add_generation_prompt %}"
TEMPLATES = {
    # As ChatML: a newline behind each turn.
    "plain": "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}",
    # As DeepSeek-R1: <think> for generation only, and no reasoning in finished turns.
    "opens_thinking": ROWS + "<|user|>{{ m.content }}<|end|>{% else %}"
    "<|assistant|>{{ m.content.split('</think>')[-1] }}" + ANSWERED
    + "<|assistant|><think>\n{% endif %}",
    # As Qwen3: an empty thought before a finished answer.
    "empty_thought": ROWS + "<|user|>{{ m.content }}<|end|>{% else %}"
    "<|assistant|><think>\n\n</think>\n\n{{ m.content }}" + ANSWERED + "<|assistant|>{% endif %}",
    "trims_unless_last": ROWS + "<|user|>{{ m.content if loop.last else m.content | trim }}<|end|>"
    "{% else %}<|assistant|>{{ m.content }}" + ANSWERED + "<|assistant|>{% endif %}",
    # As Mistral: nothing opens an answer.
    "no_opening": ROWS + "[INST] {{ m.content }} [/INST]{% else %} {{ m.content }}<|end|>"
    "{% endif %}{% endfor %}",
    # As Gemma.
    "trims": "{% for m in messages %}<|user|>{{ m.role }}\n{{ m.content | trim }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|user|>assistant\n{% endif %}",
    "no_end": "{% for m in messages %}### {{ m.role }}:\n{{ m.content }}\n\n{% endfor %}"
    "{% if add_generation_prompt %}### assistant:\n{% endif %}",
}  # fmt: skip
DIFFERENT = ("opens_thinking", "trims_unless_last")


@functools.cache
def tokenizer_of(name):
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = TEMPLATES[name]
    return tokenizer


def asked(*contents):
    """A conversation of turns of user and assistant."""
    turns = [
        {"role": ("user", "assistant")[index % 2], "content": content}
        for index, content in enumerate(contents)
    ]
    return as_conversation(turns)


def encoded(tokenizer, prompt, answer):
    (row,) = tokenize.encode_instruct(
        [asked(prompt, answer)],
        tokenizer,
        completion_only=True,
        max_length=4096,
        max_prompt_length=4096,
    )
    learnt = [label for label in row["labels"] if label != -100]
    return tokenizer.decode(row["input_ids"]), tokenizer.decode(learnt), row


def finished(tokenizer, *contents):
    turns = asked(*contents)["messages"]
    text = tokenizer.apply_chat_template(turns, tokenize=False).rstrip("\n")
    return text if text.endswith("<|end|>") and "###" not in text else text + "<|end|>"


texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], include_characters="\n"),
    min_size=1,
).filter(str.strip)


@pytest.mark.parametrize("name", TEMPLATES)
@given(prompt=texts, answer=texts)
@example(prompt="  Where is Ada? \n", answer="\n House 0. \n\n")
@example(prompt="Who?", answer="<think>")
@example(prompt="<|assistant|>", answer="0")
@example(prompt="a", answer="1")
@example(prompt="0", answer=">")
@example(prompt="0", answer="a<|end|>")
@example(prompt="Who bakes the bread?", answer="Ada.")
@settings(max_examples=40, deadline=None)
def test_the_finished_conversation_is_read_and_its_answer_alone_is_learnt(name, prompt, answer):
    tokenizer = tokenizer_of(name)
    whole, learnt, row = encoded(tokenizer, prompt, answer)
    assert whole == finished(tokenizer, prompt, answer)
    assert answer.strip() in learnt
    assert whole.endswith(learnt)
    assert tokenizer.decode(row["prompt_ids"]) == whole.removesuffix(learnt)
    if prompt.strip() not in answer and len(prompt.strip()) > 12:
        assert prompt.strip() not in learnt


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_answer_behind_examples_is_all_that_is_asked_for(name):
    tokenizer = tokenizer_of(name)
    (row,) = prompt_instruct(
        [asked(" Who weaves? \n", "Cy.")],
        tokenizer,
        examples=[asked(" Who bakes? ", "Ada."), asked("Who sings?", "Bo.")],
        template=None,
        max_length=4096,
        max_prompt_length=4096,
    )
    learnt = tokenizer.decode([label for label in row["labels"] if label != -100])
    assert tokenizer.decode(row["input_ids"]) == finished(
        tokenizer, " Who bakes? ", "Ada.", "Who sings?", "Bo.", " Who weaves? \n", "Cy."
    )
    assert "Cy." in learnt
    assert "Who" not in learnt


def test_an_answer_may_open_as_the_template_does():
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = TEMPLATES["opens_thinking"].replace(".split('</think>')[-1]", "")
    whole, learnt, _ = encoded(tokenizer, "Who?", "<think>\nHm.</think>Ada.")
    assert whole == "<|user|>Who?<|end|><|assistant|><think>\nHm.</think>Ada.<|end|>"
    assert learnt == "Hm.</think>Ada.<|end|>"


@pytest.mark.parametrize(
    ("template", "answer", "said"),
    [
        (TEMPLATES["opens_thinking"], "Hm.</think>Ada.", "leaves out a part"),
        ("{{ messages[-1].content }}", "Ada.", "leaves out a part"),
        (
            "{{ raise_exception('a system turn must come first') }}",
            "Ada.",
            "a system turn must come",
        ),
        ("{% for m in messages %}{{ m.content }", "Ada.", "unexpected '}'"),
    ],
)
def test_a_template_that_cannot_be_learnt_from_is_named(template, answer, said):
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template, tokenizer.name_or_path = template, "some/model"
    columns = {"prompt": "q", "completion": "a"}
    inputs = TaskInputs("instruct", tokenizer, columns, [], max_length=99, max_prompt_length=9)
    with pytest.raises(RecipeError, match=r"The chat template of 'some/model'") as refused:
        inputs.encode([{"q": "Who bakes the bread?", "a": answer}])
    assert said in str(refused.value)


@pytest.mark.parametrize("technique", ["lora", "zero_shot"])
@pytest.mark.parametrize("name", ["plain", *DIFFERENT])
def test_a_run_says_where_its_prompts_are_not_those_of_the_template(name, technique, tmp_path):
    base = save_tiny(tmp_path / "base", "LlamaConfig", "LlamaForCausalLM")
    (base / "chat_template.jinja").write_text(TEMPLATES[name])
    data = tmp_path / "rows.jsonl"
    data.write_text('{"prompt": " Who? ", "completion": "Ada."}\n' * 12)
    recipe = wb.Recipe(model=str(base), data=str(data), task="instruct", technique=technique,
                       max_new_tokens=4)  # fmt: skip
    recipe = recipe.replace(max_steps=1) if technique == "lora" else recipe
    run = wb.train(recipe, tmp_path / "runs", progress=False)
    notes = [note for note in run.notes if "finished conversation" in note]
    assert len(notes) == (name in DIFFERENT)
