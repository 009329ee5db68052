"""The order of labels, what is odd about them, and evaluation rows without any."""

import json

import pytest

from workbench.errors import DataError
from workbench.sources.datasets.load import keep, load


def write(path, rows):
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def rows_with(labels, each=5):
    return [
        {"text": f"the {n}th text", "label": label} for n, label in enumerate(list(labels) * each)
    ]


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (range(11, -1, -1), [str(n) for n in range(12)]),
        (["10", "9", "-1", "+2"], ["-1", "+2", "9", "10"]),
        ([10.5, 9.0, 1e3], ["9.0", "10.5", "1000.0"]),
        ([12345678901234567891, 12345678901234567890], [f"1234567890123456789{n}" for n in "01"]),
        (["10", "9", "none"], ["10", "9", "none"]),
        (["2024-01-10", "2024-01-09"], ["2024-01-09", "2024-01-10"]),
        ([True, False], ["False", "True"]),
        (["b", "a", "C"], ["C", "a", "b"]),
    ],
)
def test_numbers_are_in_their_order_and_texts_by_their_letters(labels, order, tmp_path):
    path = write(tmp_path / "rows.jsonl", rows_with(labels))
    assert list(load(path, "classify").labels) == order


def test_tags_that_are_numbers_are_in_their_order(tmp_path):
    rows = [{"tokens": ["a", "b"], "tags": [n, 12 - n]} for n in range(13)]
    labels = load(write(tmp_path / "rows.jsonl", rows), "token_classify").labels
    assert labels == tuple(map(str, range(13)))


@pytest.fixture
def named(tmp_path, monkeypatch):
    """A function that makes a data set with class names."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    names = ["world", "sports", "business", "zoo", "science"]

    def make(numbers, prefix="text"):
        features = datasets.Features(
            {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=names)}
        )
        texts = [f"{prefix} {n}" for n in range(len(numbers))]
        return datasets.Dataset.from_dict({"text": texts, "label": numbers}, features=features)

    return make


def test_class_labels_are_in_their_order(named):
    in_order = ("world", "sports", "business", "science")
    assert load(named([4, 2, 1, 0]), "classify").labels == in_order
    both = {"train": named([4, 2, 1, 0]), "test": named([1, 1], "new")}
    assert load(both, "classify").labels == in_order
    # The recipe names the table that was kept.
    assert load(keep(both), "classify").labels == in_order


def test_tables_that_differ_in_the_order_of_their_classes_are_kept_apart(named):
    import datasets

    table = named([4, 2, 1, 0])
    other = table.cast_column(
        "label", datasets.ClassLabel(names=["world", "sports", "business", "zoo", "science"][::-1])
    )
    other = other.map(lambda row: {"label": 4 - row["label"]})
    assert other.features["label"].int2str(other["label"]) == [
        "science",
        "business",
        "sports",
        "world",
    ]
    assert load(other, "classify").labels == ("science", "business", "sports", "world")
    assert load(table, "classify").labels == ("world", "sports", "business", "science")


def notes_of(tmp_path, rows, **settings):
    return " ".join(load(write(tmp_path / "rows.jsonl", rows), "classify", **settings).notes)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["good", "Good", "bad"], "The labels 'Good' and 'good' are learned as different ones"),
        (["good", "good ", "bad"], "The labels 'good' and 'good ' are learned as different ones"),
        (["1", "1.0", "2"], "The labels '1' and '1.0' are learned as different ones"),
        ([1, True, 0], "The labels '1' and 'True' are learned as different ones"),
        ([1, "1", 0], "The label '1' is text in some rows and no text in others"),
        ([True, False], "The labels true and false are called 'False' and 'True'"),
        ([0.5, 1.0, 2.5], "has 3 different numbers, from 0.5 to 2.5"),
        (range(101), "has 101 different numbers, from 0 to 100"),
    ],
)
def test_odd_labels_are_said(labels, said, tmp_path):
    assert said in notes_of(tmp_path, rows_with(labels))


@pytest.mark.parametrize("labels", [["good", "bad"], [0, 1, 2], range(12), ["1.0", "2.0"], [-1, 1]])
def test_plain_labels_need_no_word(labels, tmp_path):
    assert notes_of(tmp_path, rows_with(labels)) == ""


def test_labels_with_names_are_no_scores(named):
    assert "numbers" not in " ".join(load(named([0, 1, 2, 4] * 8), "classify").notes)


def test_numbers_that_hardly_repeat_are_no_labels(tmp_path):
    rows = rows_with([n / 10 for n in range(50)], each=1)
    with pytest.raises(DataError, match="not a label but an id, or a score"):
        load(write(tmp_path / "rows.jsonl", rows), "classify")


def test_a_label_with_few_rows_is_said(tmp_path):
    rows = rows_with(["often"] * 20 + ["seldom"] * 4 + ["once"], each=1)
    said = "Labels with fewer than 5 rows are hardly learned: 'once' (1) and 'seldom' (4)."
    assert notes_of(tmp_path, rows).startswith(said)
    assert "A label's only row is trained on" in notes_of(tmp_path, rows)
    held_out = write(tmp_path / "test.jsonl", [{"text": "new", "label": "often"}])
    notes = notes_of(tmp_path, rows, eval_data=held_out)
    assert notes.startswith(said) and "only row" not in notes


def test_a_text_with_two_labels_is_said(tmp_path):
    rows = [*rows_with("ab"), {"text": "The 3th  TEXT", "label": "a"}]
    assert "The same 'text' has different labels in rows 4 and 11 of rows.jsonl" in notes_of(
        tmp_path, rows
    )
    assert "different labels" not in notes_of(tmp_path, [*rows_with("ab"), rows_with("ab")[3]])


def test_rows_that_repeat_others_are_said_for_a_split_to_come(tmp_path):
    rows = [*rows_with("ab"), *rows_with("ab")[:3]]
    assert "3 of the 13 rows of rows.jsonl have the same 'text'" in notes_of(tmp_path, rows)


def test_rows_that_repeat_training_rows_are_said_for_a_split_of_the_data(tmp_path):
    write(tmp_path / "d" / "train.jsonl", rows_with("ab"))
    write(tmp_path / "d" / "test.jsonl", [{"text": "THE 3th text ", "label": "b"}])
    (note,) = load(str(tmp_path / "d"), "classify").notes
    assert note.startswith("1 of the 1 evaluation rows (row 1 of test.jsonl) are identical")


NO_LABELS = [{"label": -1}, {"label": None}, {"label": ""}, {"label": "-1"}, {}]


@pytest.mark.parametrize("label", NO_LABELS, ids=str)
def test_a_test_split_without_labels_is_told_apart(label, tmp_path):
    write(tmp_path / "d" / "train.jsonl", rows_with([0, 1]))
    test = write(tmp_path / "d" / "test.jsonl", [{"text": f"new {n}", **label} for n in range(5)])
    table = load(str(tmp_path / "d"), "classify")
    assert table.eval is table.source.eval is None
    assert [str(path).endswith("train.jsonl") for path in table.checksums] == [True]
    (note,) = table.notes
    assert note.startswith("test.jsonl is not used, as the label (column 'label') is ")
    with pytest.raises(DataError, match="test.jsonl cannot be evaluated on, as the label"):
        load(str(tmp_path / "d" / "train.jsonl"), "classify", eval_data=test)


def test_a_test_split_without_answers_is_told_apart(tmp_path):
    write(tmp_path / "d" / "train.jsonl", [{"prompt": "a?", "completion": "b"}] * 5)
    write(tmp_path / "d" / "test.jsonl", [{"prompt": "c?"}])
    assert load(str(tmp_path / "d"), "instruct").eval is None


def test_minus_one_may_be_a_label(tmp_path):
    write(tmp_path / "d" / "train.jsonl", rows_with([-1, 1]))
    write(tmp_path / "d" / "test.jsonl", [{"text": "new", "label": -1}])
    assert load(str(tmp_path / "d"), "classify").eval == [{"text": "new", "label": -1}]


def test_a_test_split_with_some_labels_is_refused(tmp_path):
    write(tmp_path / "d" / "train.jsonl", rows_with([0, 1]))
    write(tmp_path / "d" / "test.jsonl", [{"text": "x", "label": 0}, {"text": "y", "label": -1}])
    with pytest.raises(DataError, match="Unknown label '-1' in row 2 of test"):
        load(str(tmp_path / "d"), "classify")
