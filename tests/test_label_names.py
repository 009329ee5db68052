"""A saved classifier gives its labels by their names, without this package."""

import json
import re
import subprocess
import sys

import pytest

import workbench as wb

WORDS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
]
ASK = """
import json, sys
{card}
rows = [json.loads(line) for line in open(sys.argv[1])]
answers = predict([row["text"] for row in rows], batch_size=4)
outputs = [model.config.label2id[answer["label"]] for answer in answers]
assert "workbench" not in sys.modules
print(json.dumps([[answer["label"] for answer in answers], outputs]))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run over twelve labels that are integers, its rows, and their file."""
    tmp_path = tmp_path_factory.mktemp("twelve")
    rows = [
        {"text": f"{start} {word}", "label": label}
        for start in ("say", "the number", "I see")
        for label, word in enumerate(WORDS)
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = wb.Recipe(
        data=str(path), eval_data=str(path), max_steps=50, learning_rate=5e-3, eval_steps=50
    )
    return wb.train(recipe, tmp_path / "runs", progress=False), rows, path


def card_of(run):
    return (run.path / "adapter" / "README.md").read_text()


def test_a_clean_process_gives_the_right_label_by_the_lines_of_the_card(run):
    run, rows, path = run
    assert run.evaluations[-1]["accuracy"] == 1
    (code,) = re.findall(r"```python\n(.*?)```", card_of(run), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", ASK.format(card=code), str(path)],
        check=False,
        cwd=run.path / "adapter",
        env={"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    labels, outputs = json.loads(done.stdout.splitlines()[-1])
    assert labels == [str(row["label"]) for row in rows]
    assert outputs == [row["label"] for row in rows]


def test_the_adapter_loads_as_it_did_without_its_names(run):
    # A config.json in the folder would be taken for that of a whole model.
    from transformers import AutoModelForSequenceClassification

    folder = run[0].path / "adapter"
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=12)
    assert model.config.num_labels == 12


@pytest.mark.parametrize("technique", ["bitfit", "lora"])
@pytest.mark.parametrize("task", ["classify", "token_classify", "lm"])
def test_names_are_saved_where_there_are_labels(task, technique, tiny_bert, tiny_llama, tmp_path):
    from transformers import AutoConfig

    rows = [
        {"text": "a b", "label": n, "tokens": ["a", "b"], "tags": [n, 0]} for n in (10, 9, 0) * 4
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    model = tiny_llama if task == "lm" else tiny_bert
    settings = {"eval_data": str(path), "max_steps": 2, "technique": technique}
    recipe = wb.Recipe(model=str(model), data=str(path), task=task, **settings)
    run = wb.train(recipe, tmp_path / "runs", progress=False)
    saved = run.path / "adapter" / "classifier_config.json"
    assert saved.exists() == (task != "lm")
    if task != "lm":
        assert AutoConfig.from_pretrained(saved).id2label == {0: "0", 1: "9", 2: "10"}
    if technique == "lora":
        assert "from_pretrained(base, adapter)" in card_of(run)
        assert "More Information Needed" not in card_of(run)


def test_a_base_that_was_trained_for_several_labels_at_once_learns_one(tiny_bert, tmp_path):
    import shutil

    shutil.copytree(tiny_bert, tmp_path / "base")
    config = json.loads((tmp_path / "base" / "config.json").read_text())
    config["problem_type"] = "multi_label_classification"
    (tmp_path / "base" / "config.json").write_text(json.dumps(config))
    losses = []
    for model in (tiny_bert, tmp_path / "base"):
        recipe = wb.Recipe(model=str(model), data="reviews", max_steps=2, max_length=32)
        run = wb.train(recipe, tmp_path / "runs", progress=False)
        losses.append(run.losses)
    assert losses[0] == losses[1]
    script = wb.export(run, tmp_path / "train.py").read_text()
    assert 'problem_type="single_label_classification"' in script
