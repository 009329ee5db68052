"""Tables from a notebook become files with the same rows, under a name that is their content."""

import itertools
import json
import re
import resource
import subprocess
import sys
from pathlib import Path

import numpy
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import DataError
from workbench.recipe import Recipe
from workbench.sources.datasets.load import keep, load, read, resolve
from workbench.sources.datasets.tables import cache

FRAME = pandas.DataFrame({"text": ["a", "b\n'c'", "d"], "label": ["x", "y", "x"]})
ROWS = [{"text": "a", "label": "x"}, {"text": "b\n'c'", "label": "y"}, {"text": "d", "label": "x"}]


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def datasets():
    return pytest.importorskip("datasets")


def kept() -> list[str]:
    return sorted(path.name for path in (cache() / "data").iterdir())


def test_a_frame_is_kept_once_under_the_name_of_its_content():
    path = keep(FRAME)
    assert keep(FRAME.set_index(pandas.Index([7, 8, 9]))) == path
    assert keep(FRAME.iloc[::-1]) != path
    assert len(kept()) == 2
    assert load(path, "classify").train == ROWS
    assert resolve(FRAME).train == path


def test_a_table_has_a_short_name_and_is_called_the_table(datasets):
    frame = FRAME.assign(label=["x", None, "y"])
    for table, words in (
        (frame, "of the table: fill"),
        ({"train": FRAME, "test": frame}, "of the table (test split): fill"),
    ):
        path = Path(keep(table))
        assert re.fullmatch(r"table-[0-9a-f]{12}", path.stem)
        with pytest.raises(DataError, match=re.escape(words)):
            load(str(path), "classify")
    with pytest.raises(DataError, match="of the evaluation table: fill"):
        load(FRAME, "classify", eval_data=frame)


def test_a_frame_and_a_data_set_of_the_same_rows_are_the_same_file(datasets):
    assert keep(FRAME) == keep(datasets.Dataset.from_pandas(FRAME)) == keep(FRAME.copy())


def test_another_process_finds_the_same_name():
    code = (
        "import pandas; from workbench.sources.datasets.load import keep\n"
        f"print(keep(pandas.DataFrame({FRAME.to_dict('list')!r})), end='')"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == keep(FRAME)


def test_numbers_dates_and_gaps_become_plain_values():
    frame = pandas.DataFrame(
        {
            "text": ["a", None],
            "n": [1, 2],
            "share": [0.5, float("nan")],
            "yes": [True, False],
            "day": pandas.to_datetime(["2026-01-02", None]),
            "kind": pandas.Categorical(["x", "y"]),
            3: ["third", "column"],
        }
    )
    (first, second), _ = read(resolve(frame))
    assert first == {
        "text": "a",
        "n": 1,
        "share": 0.5,
        "yes": True,
        "day": "2026-01-02T00:00:00",
        "kind": "x",
        "3": "third",
    }
    assert (second["text"], second["share"], second["day"]) == (None, None, None)


def test_columns_on_two_levels_are_named_by_both():
    (row,), _ = read(resolve(pandas.DataFrame([["x"]], columns=[["text"], ["en"]])))
    assert row == {"('text', 'en')": "x"}


texts = st.text(st.characters(exclude_categories=["Cs"]))


@settings(deadline=None, max_examples=40)
@given(rows=st.lists(st.fixed_dictionaries({"text": texts, "n": st.integers(-9, 9)}), min_size=1))
def test_any_text_survives_a_frame(tmp_path_factory, rows):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_CACHE", str(tmp_path_factory.getbasetemp() / "any"))
        assert read(resolve(pandas.DataFrame(rows))) == (rows, None)


def test_class_labels_are_kept_by_name(datasets):
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])}
    )
    table = datasets.Dataset.from_dict({"text": ["a", "b"], "label": [1, 0]}, features=features)
    assert load(table, "classify").train == [
        {"text": "a", "label": "yes"},
        {"text": "b", "label": "no"},
    ]
    unlabelled = datasets.Dataset.from_dict({"text": ["a"], "label": [-1]}, features=features)
    with pytest.raises(DataError, match=r"The label .* is missing in row 1"):
        load(unlabelled, "classify")


def test_a_dict_of_splits_becomes_a_folder_with_an_evaluation_file(datasets):
    one, other = FRAME.iloc[:2], FRAME.iloc[2:]
    as_dict = datasets.DatasetDict(
        train=datasets.Dataset.from_pandas(one, preserve_index=False),
        test=datasets.Dataset.from_pandas(other, preserve_index=False),
    )
    table = load(as_dict, "classify")
    assert (table.train, table.eval) == (ROWS[:2], ROWS[2:])
    assert Path(table.source.eval).name == "test.jsonl"
    assert keep(as_dict) == keep({"train": one, "test": other}) == keep(as_dict)
    both = keep({"train": one, "test": one, "validation": other})
    assert sorted(path.name for path in Path(both).iterdir()) == [
        "train.jsonl",
        "validation.jsonl",
    ]
    assert keep({"train": FRAME}) == keep(FRAME)
    assert kept() == sorted(Path(path).name for path in (keep(as_dict), both, keep(FRAME)))


def test_eval_data_may_be_a_frame_too():
    table = load(FRAME.iloc[:2], "classify", eval_data=FRAME.iloc[2:])
    assert (table.train, table.eval) == (ROWS[:2], ROWS[2:])


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (FRAME.iloc[:0], "data has no rows"),
        (pandas.DataFrame([["a", "b"]], columns=["text", "text"]), "two columns called 'text'"),
        (pandas.DataFrame([["a", "b"]], columns=[3, "3"]), "two columns called '3'"),
        (pandas.DataFrame({"text": [b"raw"]}), "a value is of type bytes"),
        (FRAME["text"], "but is of type Series"),
        (7, "but is of type int"),
        ([1, 2], "but is of type list"),
        ([], "data has no rows"),
        ({"text": ["a", "b"], "label": ["x"]}, "'text' has 2, 'label' has 1"),
        ({"text": "a"}, "the value of 'text' is of type str"),
        ({"test": FRAME}, "must have a split called 'train', but its splits are 'test'"),
    ],
)
def test_a_table_that_cannot_be_kept(table, said):
    with pytest.raises(DataError, match=said):
        keep(table)
    assert not (cache() / "data").exists() or kept() == []


def test_a_stream_is_taken_up_to_a_number_of_rows(datasets):
    stream = datasets.IterableDataset.from_generator(lambda: iter(ROWS))
    with pytest.raises(DataError, match="set max_train_samples"):
        Recipe(data=stream)
    recipe = Recipe(data=stream, max_train_samples=2)
    assert read(resolve(recipe.data)) == (ROWS[:2], None)
    both = datasets.IterableDatasetDict({"train": stream, "test": stream})
    recipe = Recipe(data=both, max_train_samples=2, max_eval_samples=1)
    assert read(resolve(recipe.data)) == (ROWS[:2], ROWS[:1])


def test_a_stream_without_an_end_is_no_trouble(datasets):
    stream = datasets.IterableDataset.from_generator(lambda: itertools.cycle(ROWS))
    recipe = Recipe(data=stream, max_train_samples=7, eval_data=stream)
    train, evaluation = read(resolve(recipe.data, recipe.eval_data))
    assert (len(train), len(evaluation)) == (7, 7)


COLUMNS = {name: [row[name] for row in ROWS] for name in ROWS[0]}


def tables():
    """Make the same rows in each kind of table."""
    import datasets
    import pyarrow

    arrow = pyarrow.Table.from_pylist(ROWS)
    return {
        "list of dicts": ROWS,
        "tuple of dicts": tuple(ROWS),
        "dict of lists": COLUMNS,
        "dict of arrays": {name: numpy.array(values) for name, values in COLUMNS.items()},
        "dict of series": {name: FRAME[name] for name in COLUMNS},
        "arrow table": arrow,
        "arrow batch": arrow.to_batches()[0],
        "data set": datasets.Dataset.from_list(ROWS),
    }


@pytest.mark.parametrize("kind", tables())
def test_each_kind_of_table_is_the_same_file(kind):
    table = tables()[kind]
    assert keep(table) == keep(FRAME)
    assert Recipe(data=table).data == keep(FRAME)
    both = keep({"train": table, "test": table})
    assert read(resolve(both)) == (ROWS, ROWS)


def test_classes_of_an_arrow_table_are_named(datasets):
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])}
    )
    table = datasets.Dataset.from_dict({"text": ["a", "b"], "label": [1, 0]}, features=features)
    assert keep(table.data.table) == keep(table)


def test_a_list_of_files_stays_a_list_in_a_recipe_that_can_be_written(tmp_path):
    paths = []
    for number, row in enumerate(ROWS):
        paths.append(tmp_path / f"{number}.jsonl")
        paths[-1].write_text(json.dumps(row))
    recipe = Recipe(data=paths)
    assert recipe.data == ", ".join(map(str, paths))
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe
    assert Recipe.from_yaml(f"data: {json.dumps([str(path) for path in paths])}\nseed: 0") == recipe
    assert read(resolve(recipe.data)) == (ROWS, None)
    with pytest.raises(DataError, match="without a comma and a blank in their names"):
        Recipe(data=["a, b.csv", "c.csv"])


def test_a_full_disk_leaves_nothing_half_written():
    keep(FRAME)
    before = kept()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(
            DataError, match=r"cannot be stored in .* \(File too large\): free some space"
        ):
            keep(pandas.DataFrame({"text": ["long " * 100] * 1000}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert kept() == before


def test_a_cache_that_is_no_folder(tmp_path, monkeypatch):
    (tmp_path / "taken").write_text("a file")
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "taken"))
    with pytest.raises(DataError, match=r"cannot be stored in .*taken/data \(Not a directory\)"):
        keep(FRAME)


def test_the_cache_is_in_the_home_folder_unless_moved(tmp_path, monkeypatch):
    assert cache() == tmp_path / "cache"
    monkeypatch.delenv("WORKBENCH_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache() == tmp_path / ".cache" / "peft-workbench"
