"""Reading data: every format, every place, and the very same rows everywhere."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import DataError
from workbench.export import rows
from workbench.sources.datasets.load import (
    bundled,
    guess_task,
    load,
    preview,
    read,
    resolve,
)

REAL = Path(__file__).parents[2] / "shared" / "datasets"
needs_real = pytest.mark.skipif(
    not REAL.is_dir(), reason="the folder shared/datasets is not beside the project"
)

ROWS = [
    {"text": "a fine film", "label": "good"},
    {"text": 'he said "no", twice\nand left', "label": "bad"},
    {"text": "tabs\tand; semicolons, è 🎬", "label": "good"},
]


def write(path: Path, rows: list[dict]) -> Path:
    """Write rows in the format of the path's suffix, as other programs would."""
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), "utf-8")
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows, indent=1, ensure_ascii=False), "utf-8")
    elif path.suffix == ".parquet":
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    else:
        delimiter = "\t" if path.suffix == ".tsv" else ","
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0], delimiter=delimiter)
            writer.writeheader()
            writer.writerows(rows)
    return path


def as_script(path: Path) -> list[dict]:
    """Read a file as an exported script does."""
    (file,) = resolve(path).train_files
    return getattr(rows, f"read_{file.format}")(file.path, **file.to_dict()["options"])


SUFFIXES = ["jsonl", "json", "csv", "tsv", "parquet"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_each_format_gives_the_rows(tmp_path, suffix):
    path = write(tmp_path / f"rows.{suffix}", ROWS)
    table = load(path, "classify")
    assert table.train == ROWS
    assert table.eval is None
    assert table.columns == {"text": "text", "label": "label"}
    assert table.labels == ("bad", "good")
    assert (table.source.train, table.source.eval) == (str(path), None)
    assert table.source == resolve(path)


# Half surrogates are no UTF-8.
texts = st.text(st.characters(exclude_categories=["Cs"]))
tables = st.lists(st.fixed_dictionaries({"text": texts, "label": texts}), min_size=1, max_size=8)


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(deadline=None, max_examples=60)
@given(table=tables)
def test_any_text_survives_and_a_plain_script_reads_the_same(tmp_path_factory, suffix, table):
    path = write(tmp_path_factory.getbasetemp() / f"any.{suffix}", table)
    assert read(resolve(path)) == (table, None)
    assert as_script(path) == table


@pytest.mark.parametrize("suffix", ["jsonl", "json", "csv", "tsv"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path, suffix):
    path = write(tmp_path / f"rows.{suffix}", ROWS)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load(path, "classify").train == ROWS == as_script(path)


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\n\n"])
def test_line_endings_of_other_systems_and_blank_lines(tmp_path, ending):
    path = tmp_path / "rows.csv"
    path.write_bytes(ending.join(["text,label", "a,x", "b,y", ""]).encode())
    assert load(path, "classify").train == [
        {"text": "a", "label": "x"},
        {"text": "b", "label": "y"},
    ]
    assert as_script(path) == load(path, "classify").train


@pytest.mark.parametrize("evaluation", ["validation", "valid", "dev", "eval", "test"])
def test_a_folder_with_a_train_and_an_evaluation_file(tmp_path, evaluation):
    write(tmp_path / "train.csv", ROWS)
    held_out = write(tmp_path / f"{evaluation}.csv", ROWS[:1])
    (tmp_path / "README.md").write_text("not data")
    assert resolve(tmp_path).eval == str(held_out)
    assert load(str(tmp_path), "classify").eval == ROWS[:1]


def test_a_folder_keeps_its_test_split_for_the_end_and_its_format(tmp_path):
    write(tmp_path / "train.jsonl", ROWS)
    write(tmp_path / "test.jsonl", ROWS[:1])
    write(tmp_path / "validation.csv", ROWS[:1])
    assert resolve(tmp_path).eval == str(tmp_path / "test.jsonl")
    held_out = write(tmp_path / "validation.jsonl", ROWS[:1])
    assert resolve(tmp_path).eval == str(held_out)


def test_paths_relative_and_from_home(tmp_path, monkeypatch):
    path = write(tmp_path / "rows.csv", ROWS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("rows.csv", "./rows.csv", "~/rows.csv", path):
        assert resolve(name).train == str(path)


def test_eval_data_is_a_file_of_its_own(tmp_path):
    train = write(tmp_path / "rows.csv", ROWS)
    held_out = write(tmp_path / "more.csv", [{"text": "new", "label": "bad"}])
    table = load(train, "classify", eval_data=str(held_out))
    assert table.eval == [{"text": "new", "label": "bad"}]
    assert table.notes == ()


def test_numbers_make_labels_and_blank_lines_count_for_nothing(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a", "label": 1}\n\n{"text": "b", "label": 0}\n')
    table = load(path, "classify")
    assert table.labels == ("0", "1")
    assert [row["label"] for row in table.train] == [1, 0]


def test_rows_that_are_in_both_splits_are_said_not_refused(tmp_path):
    write(tmp_path / "train.csv", ROWS)
    write(tmp_path / "test.csv", [{"text": "new", "label": "good"}, ROWS[1]])
    (note,) = load(tmp_path, "classify").notes
    assert note.startswith("1 of the 2 evaluation rows (row 2 of test.csv) are identical to")


def test_rows_that_a_stray_pair_of_quotes_joined_are_said(tmp_path):
    path = tmp_path / "rows.tsv"
    path.write_text('label\ttext\nham\t"hello\nspam\tworld"\nspam\tx\n')
    (note,) = load(path, "classify").notes
    assert "row 1 of rows.tsv" in note
    assert "read as one" in note


def test_preview_is_spread_over_the_rows_and_named_by_role(tmp_path):
    many = [{"body": f"row {i}", "intent": str(i // 50), "id": i} for i in range(100)]
    table = load(write(tmp_path / "rows.jsonl", many), "classify")
    shown = preview(table, 4)
    assert shown == [{"text": f"row {i}", "label": str(i // 50)} for i in (0, 25, 50, 75)]
    assert len(preview(load(write(tmp_path / "few.jsonl", ROWS), "classify"))) == 3


def test_bundled_sets_can_be_had_by_name_and_match_their_cards():
    cards = bundled()
    assert {"reviews", "support", "village-qa"} <= set(cards)
    for name, card in cards.items():
        assert guess_task(name) == card.task
        table = load(name, card.task)
        assert table.source.card == card
        assert table.eval is not None
        assert {"train": len(table.train), "test": len(table.eval)} == dict(card.splits)
        assert set(table.labels) == set(card.labels)
        assert table.notes == ()
        assert preview(table, 3)


def test_a_path_is_never_taken_for_a_bundled_name(tmp_path, monkeypatch):
    name = next(iter(bundled()))
    (tmp_path / name).mkdir()
    path = write(tmp_path / name / "train.csv", ROWS)
    monkeypatch.chdir(tmp_path)
    assert resolve(name).card.name == name
    assert resolve(f"./{name}").train == resolve(Path(name)).train == str(path)


@needs_real
def test_real_intents():
    table = load(
        REAL / "banking77_train.csv", "classify", eval_data=str(REAL / "banking77_test.csv")
    )
    assert (len(table.train), len(table.eval), len(table.labels)) == (10003, 3080, 77)
    assert table.columns == {"text": "text", "label": "category"}
    assert table.train == as_script(REAL / "banking77_train.csv")


@needs_real
def test_real_sums():
    table = load(REAL / "gsm8k_train.jsonl", "instruct", eval_data=str(REAL / "gsm8k_test.jsonl"))
    assert (len(table.train), len(table.eval)) == (7473, 1319)
    assert table.columns == {"prompt": "question", "completion": "answer"}


@needs_real
def test_real_news_without_a_header():
    table = load(REAL / "ag_news_test.csv", "classify")
    assert len(table.train) == 7600
    assert table.columns == {"text": "column_3", "label": "column_1"}
    assert table.labels == ("1", "2", "3", "4")
    assert any("ag_news_test.csv has no header" in note for note in table.notes)


@needs_real
def test_real_messages_without_quoting_are_read_as_the_message_says(tmp_path, monkeypatch):
    import pandas

    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    path = REAL / "sms_spam.tsv"
    with pytest.raises(
        DataError, match=r"quotes .* begins in line 283 .* pandas.read_csv\(path, sep='\\t'"
    ):
        load(path, "classify")
    frame = pandas.read_csv(path, sep="\t", quoting=3, header=None, names=["label", "text"])
    assert len(load(frame, "classify").train) == 5574


def test_importing_it_loads_no_heavy_library():
    code = (
        "import sys, workbench.sources.datasets.load as data\n"
        "data.bundled()\n"
        "heavy = {'torch', 'transformers', 'peft', 'datasets', 'accelerate', 'pandas', 'pyarrow',"
        " 'numpy', 'huggingface_hub', 'httpx'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
