"""Bad data: each kind gives one clear sentence that names the place and says what to do."""

import gzip
import os
import tempfile
from pathlib import Path

import pytest

from workbench.errors import DataError
from workbench.sources.datasets.load import bundled, load, resolve


def refusal(data, task="classify", **kwargs) -> str:
    """Load bad data and return the sentence, which must be one."""
    with pytest.raises(DataError) as caught:
        load(data, task, **kwargs)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence[-1] in ".?"
    assert sentence[-2].isalnum() or sentence[-2] in "'`)}", f"odd ending: {sentence}"
    assert len(sentence) < 450
    return sentence


def file(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# Files that cannot be read, whatever the task: name, content, what the sentence must say.
UNREADABLE = {
    "empty csv": ("rows.csv", "", "rows.csv is empty: fill it"),
    "empty jsonl": ("rows.jsonl", "", "rows.jsonl is empty"),
    "empty parquet": ("rows.parquet", "", "rows.parquet is empty"),
    "blank jsonl": ("rows.jsonl", "\n \n", "rows.jsonl has no rows"),
    "blank csv": ("rows.csv", "\n\n", "first line of {path} is blank"),
    "only a byte order mark": ("rows.csv", b"\xef\xbb\xbf", "first line of {path} is blank"),
    "empty list": ("rows.json", "[]", "rows.json has no rows"),
    "header only": ("rows.csv", "text,label\n", "has a header but no rows below it"),
    "latin-1": (
        "rows.csv",
        "text,label\nplain,x\ncafé,y\n".encode("latin-1"),
        "rows.csv is not UTF-8: byte 22 (in line 3) is 0xe9, so save it as UTF-8, or set encoding",
    ),
    "latin-1 far into a file": (
        "rows.jsonl",
        b'{"text": "a"}\n' * 10_000 + b'{"text": "\xe9"}\n',
        "byte 140010 (in line 10001) is 0xe9",
    ),
    "utf-8 cut short": ("rows.json", b'["\xc3', "byte 2 (in line 1) is 0xc3"),
    "utf-16": ("rows.csv", "text,label\na,b\n".encode("utf-16"), "UTF-16 text: save it as UTF-8"),
    "web page": ("rows.csv", b"\n<!DOCTYPE html>\n<p>Log in</p>", "not a CSV file but a web page"),
    "web page, older": ("rows.jsonl", b"<HTML lang='en'><head>", "not a JSONL file but a web page"),
    "workbook": ("rows.csv", b"PK\x03\x04rest", "not a CSV file but an Excel workbook"),
    "zip archive": (
        "rows.zip",
        b"PK\x03\x04rest",
        "a zip archive: export the sheet as CSV, or unpack",
    ),
    "broken gzip": ("rows.jsonl", b"\x1f\x8b\x08rest", "{path} is not a whole gzip file"),
    "gzip cut short": (
        "rows.jsonl.gz",
        gzip.compress(b'{"text": "a"}\n' * 999)[:-12],
        "{path} is not a whole gzip file",
    ),
    "compressed parquet": (
        "rows.parquet.gz",
        gzip.compress(b"PAR1"),
        "compressed within: unpack it",
    ),
    "parquet as csv": ("rows.csv", b"PAR1rest", "{path} is not a whole Parquet file"),
    "picture": ("rows.csv", b"\x89PNG\r\n\x1a\n\0", "not a CSV file but an image"),
    "document": ("rows.jsonl", b"%PDF-1.7\n", "not a JSONL file but a PDF document"),
    "nul in the header": ("rows.csv", b"te\0xt,label\na,c\nb,d\n", "NUL byte in its first line"),
    "too many fields": (
        "rows.csv",
        "text,label\nfine,x\nwell, well,y\n",
        "Line 3 of {path} has 3 fields, but the header has 2: put a text that holds commas",
    ),
    "too few fields": ("rows.csv", "text,label\nfine\n", "Line 2 of {path} has 1 field, but"),
    "quote that never closes": (
        "rows.csv",
        'text,label\n"oh,x\nfine,y\n',
        "do not pair up in the row that begins in line 2 (unexpected end of data)",
    ),
    "stray quote": ("rows.csv", 'text,label\n"a" b,x\n', "do not pair up"),
    "huge field": (
        "rows.csv",
        "text,label\n" + "a" * 131_073 + ",x\n",
        "longer than 131,072 characters",
    ),
    "same column twice": ("rows.csv", "text,label,text\na,b,c\n", "column 'text' twice"),
    "broken line": (
        "rows.jsonl",
        '{"text": "a"}\n{"text": "b"\n',
        "Line 2 of {path} is not JSON (Expecting ',' delimiter at column 13)",
    ),
    "line that is no object": ("rows.jsonl", '{"text": "a"}\n["b"]\n', "Line 2 of {path} must be"),
    "line that is a number": ("rows.jsonl", "7\n", "but is a number."),
    "broken json": ("rows.json", '[{"text": "a"},', "rows.json is not JSON (Expecting value"),
    "too deep json": ("rows.json", "[" * 100_000, "rows.json is not JSON"),
    "json with two lists": (
        "rows.json",
        '{"a": [{"text": "a"}], "b": [{"text": "b"}]}',
        "has more than one list of objects ('a', 'b')",
    ),
    "json columns of other lengths": (
        "rows.json",
        '{"text": ["a", "b"], "label": ["x"]}',
        "must have a value for each row, but 'text' has 2, 'label' has 1",
    ),
    "json objects, one broken": (
        "rows.json",
        '{\n "text": "a"\n}\n{\n "text"\n}',
        "rows.json is not JSON",
    ),
    "json object": ("rows.json", '{"data": []}', 'list of objects, such as [{{"text": "..."}}],'),
    "json list of texts": ("rows.json", '["a"]', "but item 1 is a string."),
    "parquet that is none": ("rows.parquet", b"text,label\na,b\n", "not a whole Parquet file"),
    "parquet cut short": ("rows.parquet", b"PAR1" + b"\0" * 20, "not a whole Parquet file"),
    "another ending": ("rows.xlsx", b"PK", "'rows.xlsx' must end in .jsonl, .ndjson, .json,"),
    "no ending": ("rows", b"a b", "'rows' must end in .jsonl"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_file_that_cannot_be_read(tmp_path, kind):
    name, content, said = UNREADABLE[kind]
    path = file(tmp_path, name, content)
    assert said.format(path=path) in refusal(path)


# Files that are read but do not hold what the task needs.
A_DOZEN = "".join(f"text {i},{'xy'[i % 2]}\n" for i in range(12))
UNFIT = {
    "no such column": (
        "classify",
        {"text_column": "txt"},
        "text,label\na,x\nb,y\n",
        "a column of rows.csv ('text', 'label'), but is 'txt': did you mean 'text'?",
    ),
    "no column for a role": (
        "instruct",
        {},
        "text,label\na,x\nb,y\n",
        "recognized as the prompt ('instruct' needs 'prompt', 'completion', the columns are 'text', ",
    ),
    "one column for two roles": (
        "classify",
        {"text_column": "text", "label_column": "text"},
        "text,label\na,x\nb,y\n",
        "text_column and label_column must be different columns, but both are 'text'",
    ),
    "column taken by another role": (
        "classify",
        {"label_column": "text"},
        "text,label\na,x\nb,y\n",
        "No column of rows.csv was recognized as the text",
    ),
    "unknown task": ("clasify", {}, "text,label\na,x\n", "did you mean 'classify'?"),
    "one label": ("classify", {}, "text,label\na,x\nb,x\n", "but is 'x' in all of rows.csv"),
    "label that is a text": (
        "classify",
        {"label_column": "id"},
        "text,id\n" + "".join(f"a,{i}\n" for i in range(40)),
        "has 40 different values in the 40 rows of rows.csv, so it is probably not a label",
    ),
    "blank text": (
        "classify",
        {},
        'text,label\na,x\n"  ",y\n',
        "The text (column 'text') is empty in row 2 of rows.csv: fill it in",
    ),
    "many blank texts": (
        "lm",
        {},
        "text,id\na,1\n" + ",2\n" * 30,
        "is empty in rows 2, 3, 4 and 27 more of rows.csv",
    ),
    "blank label": ("classify", {}, "text,label\na,x\nb,\n", "The label (column 'label') is empty"),
    "blank completion": ("instruct", {}, "prompt,completion\na,\n", "The completion (column"),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_a_file_that_does_not_hold_what_the_task_needs(tmp_path, kind):
    task, kwargs, content, said = UNFIT[kind]
    assert said in refusal(file(tmp_path, "rows.csv", content), task, **kwargs)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('{"text": 5, "label": "x"}', "The text (column 'text') must be text, but is 5 in row 2"),
        ('{"text": ["a"], "label": "x"}', "must be text, but is ['a'] in row 2 of rows.jsonl"),
        ('{"text": null, "label": "x"}', "The text (column 'text') is missing in row 2"),
        ('{"label": "x"}', "The text (column 'text') is missing in row 2 of rows.jsonl"),
        ('{"text": "b", "label": NaN}', "The label (column 'label') is missing in row 2"),
        ('{"text": "b", "label": ["x"]}', "must be text or a number, but is ['x'] in row 2"),
        ('{"text": "\\ud800", "label": "x"}', "a lone surrogate character"),
        ('{"text": "b\\u0000", "label": "x"}', "a NUL character"),
    ],
)
def test_a_value_that_is_no_text(tmp_path, row, said):
    path = file(tmp_path, "rows.jsonl", f'{{"text": "a", "label": "y"}}\n{row}\n')
    assert said in refusal(path)


def test_the_same_data_with_good_values_is_taken(tmp_path):
    # Guards the tests above: what they refuse must not be refused for another reason.
    assert load(file(tmp_path, "rows.csv", "text,label\n" + A_DOZEN), "classify").labels
    good = '{"text": "a", "label": "y"}\n{"text": "b", "label": "x"}\n'
    assert load(file(tmp_path, "rows.jsonl", good), "classify").labels


def test_an_evaluation_label_that_is_not_learnt(tmp_path):
    file(tmp_path, "train.csv", "text,label\n" + A_DOZEN)
    file(tmp_path, "test.csv", "text,label\na,x\nb,good\nc,bad\n")
    assert refusal(tmp_path) == (
        "Unknown label 'good' in row 2 of test.csv, the first of 2 such rows: a label must be in "
        "train.csv to be learned, choose from 'x', 'y'."
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("text,lable\na,x\n", "test.csv must have the column 'label', as train.csv has, but lacks"),
        ("text,label\na,x\n,y\n", "The text (column 'text') is empty in row 2 of test.csv"),
        ("", "test.csv is empty"),
    ],
)
def test_a_bad_evaluation_file_is_named(tmp_path, content, said):
    file(tmp_path, "train.csv", "text,label\n" + A_DOZEN)
    file(tmp_path, "test.csv", content)
    assert said in refusal(tmp_path)


def test_a_missing_file_has_a_near_name(tmp_path, monkeypatch):
    file(tmp_path, "reviews_2024.csv", "text,label\n")
    said = refusal(tmp_path / "review_2024.csv")
    assert said == (
        f"There is no file or folder 'review_2024.csv' in {tmp_path}: did you mean "
        "'reviews_2024.csv'?"
    )
    monkeypatch.chdir(tmp_path)
    assert "'xyzzy.csv': check the path." in refusal("xyzzy.csv")
    assert "did you mean 'reviews_2024.csv'?" in refusal("reviews_2024")
    assert f"The folder {tmp_path / 'none'} of 'rows.csv' does not exist" in refusal(
        "none/rows.csv"
    )
    (tmp_path / "mine").mkdir()
    assert f"There is no file or folder 'rows' in {tmp_path / 'mine'}" in refusal("mine/rows")


def test_a_name_that_is_nothing():
    name = next(iter(bundled()))
    assert f"but is '{name}x': did you mean '{name}'?" in refusal(f"{name}x")
    assert "did you mean 'imdb'?" in refusal("imbd")
    assert f"choose from {', '.join(map(repr, bundled()))}." in refusal("qqqq")
    assert "but is empty" in refusal("")
    assert "is the address 'https://example.org/a.csv'" in refusal("https://example.org/a.csv")


def test_a_folder_without_training_rows(tmp_path):
    assert "but has none: put one there." in refusal(tmp_path)
    file(tmp_path, "rows.csv", "text,label\na,x\n")
    assert "but has none: name one of its files (rows.csv)." in refusal(tmp_path)


def test_a_folder_that_can_be_read_in_two_ways(tmp_path):
    file(tmp_path, "train.csv", "text,label\n" + A_DOZEN)
    file(tmp_path, "train.jsonl", '{"text": "a", "label": "x"}\n')
    assert "more than one training file (train.csv, train.jsonl)" in refusal(tmp_path)


def test_an_evaluation_file_that_is_none(tmp_path):
    train = file(tmp_path, "rows.csv", "text,label\n" + A_DOZEN)
    assert "eval_data must be a file, but" in refusal(train, eval_data=str(tmp_path))
    assert "no file or folder 'row.csv'" in refusal(train, eval_data=str(tmp_path / "row.csv"))
    other = file(tmp_path, "more.json", "[]")
    assert "more.json has no rows" in refusal(train, eval_data=other)


def test_a_revision_of_what_is_not_on_the_hub(tmp_path):
    path = file(tmp_path, "rows.csv", "text,label\n" + A_DOZEN)
    assert "data_revision must be None" in refusal(path, revision="main")


@pytest.fixture
def as_somebody_else():
    """Run as a user whom file permissions hold back, which they do not for root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield
    if root:
        os.seteuid(0)


def test_permission_denied(as_somebody_else):
    with tempfile.TemporaryDirectory() as folder:
        locked = Path(folder, "locked")
        locked.mkdir()
        path = file(Path(folder), "rows.csv", "text,label\n" + A_DOZEN)
        inside = file(locked, "train.csv", "text,label\n" + A_DOZEN)
        path.chmod(0)
        locked.chmod(0)
        try:
            assert f"You have no permission to read {path} (permission denied)" in refusal(path)
            assert f"You have no permission to read the folder {locked}" in refusal(locked)
            assert f"You have no permission to read {inside}" in refusal(inside)
        finally:
            locked.chmod(0o700)


def test_a_file_that_goes_between_finding_and_reading(tmp_path):
    from workbench.sources.datasets.load import read

    path = file(tmp_path, "rows.csv", "text,label\n" + A_DOZEN)
    source = resolve(path)
    path.unlink()
    with pytest.raises(DataError, match=r"There is no file .*rows\.csv: check the path\."):
        read(source)
    path.mkdir()
    with pytest.raises(DataError, match="is a folder, not a file"):
        read(source)
