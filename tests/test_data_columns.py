"""Which column plays which role, and which task a file is for, by the columns' names."""

import pytest

from workbench.errors import DataError
from workbench.sources.datasets.load import guess_task, load


@pytest.mark.parametrize(
    ("task", "header", "columns"),
    [
        ("classify", "text,label", {"text": "text", "label": "label"}),
        ("classify", "id,Category,Message", {"text": "Message", "label": "Category"}),
        ("classify", "sentence,intent", {"text": "sentence", "label": "intent"}),
        ("classify", "question,class", {"text": "question", "label": "class"}),
        ("instruct", "prompt,completion", {"prompt": "prompt", "completion": "completion"}),
        ("instruct", "question,answer", {"prompt": "question", "completion": "answer"}),
        ("instruct", "output,instruction", {"prompt": "instruction", "completion": "output"}),
        ("lm", "review,stars", {"text": "review"}),
        ("lm", "TEXT,Text", {"text": "TEXT"}),
    ],
)
def test_columns_are_found_by_their_usual_names(tmp_path, task, header, columns):
    path = tmp_path / "rows.csv"
    width = header.count(",") + 1
    path.write_text(f"{header}\n{','.join('a' * width)}\n{','.join('b' * width)}\n")
    table = load(path, task)
    assert table.columns == columns
    assert table.notes == ()


def test_a_role_name_goes_before_a_synonym_and_a_named_column_before_both(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("review,text,label\na,b,x\nc,d,y\n")
    assert load(path, "classify").columns["text"] == "text"
    assert load(path, "classify", text_column="review").columns["text"] == "review"


def test_a_doubtful_choice_of_column_is_said(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("query,instruction,output\na,b,c\n")
    table = load(path, "instruct")
    assert table.columns["prompt"] == "instruction"
    assert table.notes[0] == (
        "The prompt is read from 'instruction'; 'query' could be meant too: set prompt_column to "
        "choose."
    )
    assert load(path, "instruct", prompt_column="query").notes == ("Not used: instruction.",)


def test_a_named_column_that_the_task_does_not_use_is_said(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("text,label\na,x\nb,y\n")
    notes = load(path, "lm", label_column="label").notes
    assert notes == ("label_column is 'label', which 'lm' does not use.",)


@pytest.mark.parametrize(
    ("header", "named", "task"),
    [
        ("text,label", {}, "classify"),
        ("question,answer", {}, "instruct"),
        ("question,answer,category", {}, "instruct"),
        ("question,answer,category", {"label_column": "category"}, "classify"),
        ("text,label", {"prompt_column": "text", "completion_column": "label"}, "instruct"),
        ("review,stars", {}, "lm"),
        ("review,stars", {"label_column": "stars"}, "classify"),
        ("a,b", {"text_column": "b"}, "lm"),
    ],
)
def test_the_task_is_guessed_from_the_columns(tmp_path, header, named, task):
    path = tmp_path / "rows.csv"
    path.write_text(f"{header}\n{','.join('a' * (header.count(',') + 1))}\n")
    assert guess_task(path, **named) == task


def test_the_task_of_data_that_suits_none(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(
        DataError, match=r"No column of rows\.csv was recognized as the text .*'a', 'b'"
    ):
        guess_task(path)
    with pytest.raises(DataError, match="No task uses label_column and prompt_column together"):
        guess_task(path, prompt_column="a", label_column="b")
    with pytest.raises(DataError, match="label_column must be a column of rows.csv"):
        guess_task(path, label_column="c")
