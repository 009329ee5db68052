"""Where rows are: folders, several files, saved data sets, clones of the hub's; and rows that are bad."""

import json
import random
from pathlib import Path

import pytest

from tests.test_readers import ROWS, as_script, separated
from workbench.errors import DataError
from workbench.export import rows as script
from workbench.recipe import Recipe
from workbench.sources.datasets.load import load, read, resolve

TRAIN, TEST = ROWS, [{"text": "new", "label": "bad"}]


def jsonl(path: Path, rows) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def parquet(path: Path, rows) -> Path:
    import pyarrow
    import pyarrow.parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def labelled(rows=TRAIN):
    """Make a data set whose labels are numbers with names."""
    import datasets

    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["good", "bad"])}
    )
    return datasets.Dataset.from_list(rows, features=features)


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train.jsonl", "test.jsonl"),
        ("training.jsonl", "evaluation.jsonl"),
        ("Train.jsonl", "dev.jsonl"),
        ("en-train.jsonl", "en-dev.jsonl"),
        ("train_en.jsonl", "valid_en.jsonl"),
        ("my.train.jsonl", "my.val.jsonl"),
        ("data/train.jsonl", "data/validation.jsonl"),
        ("train/a.jsonl", "test/b.jsonl"),
        ("train-00000-of-00001.jsonl", "test-00000-of-00001.jsonl"),
        ("data/train-00000-of-00001-0123abc.jsonl", "data/test-00000-of-00001-9f.jsonl"),
    ],
)
def test_splits_are_told_by_names(tmp_path, train, test):
    jsonl(tmp_path / train, TRAIN)
    jsonl(tmp_path / test, TEST)
    (tmp_path / "README.md").write_text("# Rows to train and to test")
    (tmp_path / "trainer_state.json").write_text("{}")
    jsonl(tmp_path / "eval_results.json", [{"accuracy": 1.0}])
    source = resolve(tmp_path)
    assert (source.train, source.eval) == (str(tmp_path / train), str(tmp_path / test))
    assert read(source) == (TRAIN, TEST)


def test_a_clone_of_a_hub_data_set_is_read_whole_and_in_order(tmp_path):
    rows = [{"text": f"row {n}", "label": "ab"[n % 2]} for n in range(25)]
    for part in range(12):
        name = f"train-{part:05}-of-00012.parquet"
        parquet(tmp_path / "data" / name, rows[2 * part : 2 * part + 2 + (part == 11)])
    parquet(tmp_path / "data" / "test-00000-of-00001.parquet", TEST)
    (tmp_path / ".git").mkdir()
    jsonl(tmp_path / ".git" / "train.jsonl", TEST)
    source = resolve(tmp_path)
    assert read(source) == (rows, TEST)
    assert as_script(source) == rows
    assert source.describe() == "train-00000-of-00012.parquet and 11 more files"
    (tmp_path / "data" / "train-00003-of-00012.parquet").unlink()
    with pytest.raises(DataError, match="is one of 12 files, but only 11 are there: download"):
        resolve(tmp_path)


def test_two_choices_are_a_question(tmp_path):
    jsonl(tmp_path / "en-train.jsonl", TRAIN)
    jsonl(tmp_path / "fr-train.jsonl", TRAIN)
    with pytest.raises(DataError, match=r"\(en-train.jsonl, fr-train.jsonl\): name the one"):
        resolve(tmp_path)
    # A file called as the split and nothing else is meant.
    jsonl(tmp_path / "train.jsonl", TEST)
    assert read(resolve(tmp_path)) == (TEST, None)


def test_parts_may_have_different_formats(tmp_path):
    (tmp_path / "train.csv").write_text(separated(TRAIN, delimiter=";"))
    jsonl(tmp_path / "test.json", TEST)
    table = load(tmp_path, "classify")
    assert (table.train, table.eval) == (TRAIN, TEST)
    for part, rows in (("train", TRAIN), ("eval", TEST)):
        assert as_script(table.source, part) == rows
    other = parquet(tmp_path / "held-out.parquet", TEST)
    assert load(tmp_path / "train.csv", "classify", eval_data=other).eval == TEST


def test_several_files_are_a_list_or_a_pattern(tmp_path, monkeypatch):
    first = jsonl(tmp_path / "part 1.jsonl", TRAIN[:1])
    second = tmp_path / "part 2.csv"
    second.write_text(separated(TRAIN[1:]))
    for data in (Recipe(data=[first, str(second)]).data, f"{first}, {second}"):
        table = load(data, "classify")
        assert table.train == TRAIN == as_script(table.source)
        assert set(table.checksums) == {str(first), str(second)}
    monkeypatch.chdir(tmp_path)
    for pattern in ("part*", str(tmp_path / "part ?.*"), "**/part*"):
        assert load(pattern, "classify").train == TRAIN
    assert load("part 1.jsonl, part 2.csv", "classify", eval_data="part*").eval == TRAIN
    with pytest.raises(DataError, match=r"No file matches 'none\*': check the pattern\."):
        resolve("none*")
    with pytest.raises(DataError, match=r"no file or folder 'part 3.csv'.* did you mean"):
        resolve("part 1.jsonl, part 3.csv")


def test_a_pattern_over_splits_keeps_them_apart(tmp_path):
    jsonl(tmp_path / "train-0.jsonl", TRAIN[:2])
    jsonl(tmp_path / "train-1.jsonl", TRAIN[2:])
    jsonl(tmp_path / "test-0.jsonl", TEST)
    assert read(resolve(tmp_path / "*.jsonl")) == (TRAIN, TEST)
    jsonl(tmp_path / "more.jsonl", TEST)
    with pytest.raises(DataError, match=r"'more.jsonl' .* name the training files"):
        resolve(tmp_path / "*.jsonl")


def test_saved_data_sets_are_read_from_their_folder(tmp_path):
    import datasets

    labelled().save_to_disk(tmp_path / "one")
    table = load(tmp_path / "one", "classify")
    assert table.train == TRAIN == as_script(table.source)
    assert table.source.class_names == {"label": ["good", "bad"]}
    both = datasets.DatasetDict(train=labelled(), test=labelled(TEST))
    both.save_to_disk(tmp_path / "both")
    source = resolve(tmp_path / "both")
    assert read(source) == (TRAIN, TEST) == (as_script(source), as_script(source, "eval"))
    assert load(tmp_path / "one", "classify", eval_data=tmp_path / "both" / "test").eval == TEST
    datasets.DatasetDict(first=labelled(), second=labelled()).save_to_disk(tmp_path / "odd")
    with pytest.raises(DataError, match="its splits are 'first', 'second': give the folder"):
        resolve(tmp_path / "odd")
    next((tmp_path / "one").glob("*.arrow")).write_bytes(b"broken")
    with pytest.raises(DataError, match=r"cannot be loaded as datasets.load_from_disk would"):
        read(resolve(tmp_path / "one"))


def test_class_names_of_a_schema_are_read(tmp_path):
    labelled().to_parquet(tmp_path / "rows.parquet")
    table = load(tmp_path / "rows.parquet", "classify")
    assert table.train == TRAIN == as_script(table.source)
    assert table.source.class_names == {"label": ["good", "bad"]}
    labelled().save_to_disk(tmp_path / "saved")
    (arrow,) = (tmp_path / "saved").glob("*.arrow")
    assert load(arrow, "classify").train == TRAIN == as_script(resolve(arrow))


def test_columns_within_others_can_be_named(tmp_path):
    rows = [{"id": n, "translation": {"en": f"ship {n}", "fr": f"navire {n}"}} for n in range(9)]
    columns = {"prompt_column": "translation.en", "completion_column": "translation.fr"}
    for path in (parquet(tmp_path / "a.parquet", rows), jsonl(tmp_path / "a.jsonl", rows)):
        table = load(path, "instruct", **columns)
        assert table.train[3]["translation.fr"] == "navire 3"
        nested = script.unnest(as_script(table.source), list(table.source.nested))
        assert nested == table.train
        with pytest.raises(DataError, match=r"'translation', 'translation.en', 'translation.fr'"):
            load(path, "lm")


BAD = [
    {"text": None, "label": "good"},
    {"label": "good"},
    {"text": " ", "label": "bad"},
    {"text": "a\0", "label": "bad"},
    {"text": "a\ud800", "label": "bad"},
    {"text": ["a"], "label": "bad"},
    {"text": "a", "label": float("nan")},
]


def kept(table, part="train"):
    """Read a part of a table as a script does, and leave out what it leaves out."""
    skips = getattr(table.source, f"{part}_skips")
    return script.leave_out(as_script(table.source, part), skips)


@pytest.mark.parametrize("seed", range(3))
def test_bad_rows_are_refused_or_left_out_and_counted(tmp_path, seed):
    rows = [*BAD, *TRAIN]
    random.Random(seed).shuffle(rows)
    path = jsonl(tmp_path / "rows.jsonl", rows)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], '{"text": "cut', "7", *lines[2:]]))
    with pytest.raises(DataError, match=r"Line 3 of .* is not JSON"):
        load(path, "classify")
    table = load(path, "classify", skip_bad_rows=True)
    assert table.train == [row for row in rows if row in TRAIN] == kept(table)
    assert table.notes[0].startswith("9 of the 12 rows of rows.jsonl are bad and left out (rows ")
    assert table.notes[0].endswith(", 2 of them lines that are not JSON.")
    assert table.labels == ("bad", "good")


def test_bad_rows_of_separated_and_of_evaluation_files(tmp_path):
    train = tmp_path / "train.csv"
    train.write_text("text,label\na,x\nb\nc,y,z\n,x\nd,y\n\ne,x\n")
    jsonl(tmp_path / "test.jsonl", [*BAD, {"text": "f", "label": "x"}])
    with pytest.raises(DataError, match="Line 3 of .* has 1 field, but .* or set skip_bad_rows"):
        load(tmp_path, "classify")
    table = load(tmp_path, "classify", skip_bad_rows=True)
    assert [row["text"] for row in table.train] == ["a", "d", "e"]
    assert (kept(table), kept(table, "eval")) == (table.train, table.eval)
    assert table.notes == (
        "3 of the 6 rows of train.csv are bad and left out (rows 2, 3 and 4).",
        "7 of the 8 rows of test.jsonl are bad and left out (rows 1, 2, 3 and 4 more).",
    )


def test_whole_rows_are_left_alone_and_no_row_is_no_data(tmp_path):
    path = jsonl(tmp_path / "rows.jsonl", TRAIN)
    assert load(path, "classify", skip_bad_rows=True).notes == ()
    with pytest.raises(DataError, match="must be text"):
        load(jsonl(tmp_path / "bad.jsonl", [BAD[5]] * 3), "classify", skip_bad_rows=True)


def test_a_header_that_is_named_is_one_in_both_files(tmp_path):
    for split in ("train", "test"):
        rows = "".join(f"{split} row {n},{'ab'[n % 2]}\n" for n in range(8))
        (tmp_path / f"{split}.csv").write_text(f"2020,2021\n{rows}")
    table = load(tmp_path, "classify", text_column="2020", label_column="2021")
    assert (len(table.train), len(table.eval)) == (8, 8)
    assert table.labels == ("a", "b")


def test_a_guess_reads_a_file_once(tmp_path, monkeypatch):
    from workbench.sources.datasets import load as loading

    reads = []
    monkeypatch.setattr(loading, "read", lambda source: reads.append(source) or read(source))
    assert loading.guess_task(jsonl(tmp_path / "rows.jsonl", TRAIN)) == "classify"
    assert len(reads) == 1
