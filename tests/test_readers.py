"""Files of rows are told by their content, and a script reads what a run reads."""

import csv
import gzip
import io
import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import DataError
from workbench.export import rows as script
from workbench.sources.datasets.load import guess_task, load, read, resolve
from workbench.sources.datasets.readers import sniff

ROWS = [
    {"text": "a fine film, or not", "label": "good"},
    {"text": 'he said "no"; and left', "label": "bad"},
    {"text": "a\ttab | a bar, è 🎬", "label": "good"},
]


def lines(rows, **kwargs):
    return "\n".join(json.dumps(row, ensure_ascii=False, **kwargs) for row in rows)


def separated(rows, header=True, **dialect):
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, rows[0], **dialect)
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def columns(rows, as_pandas):
    names = list(rows[0])
    values = {name: [row[name] for row in rows] for name in names}
    if as_pandas:
        values = {name: {str(n): v for n, v in enumerate(col)} for name, col in values.items()}
    return json.dumps(values)


def blanks(rows):
    quoted = ['"' + row["text"].replace('"', '""') + '"' for row in rows]
    text = "".join(f"{row['label']}, {t}\n" for row, t in zip(rows, quoted, strict=True))
    return f"label, text\n{text}"


def backslashes(rows):
    escape = {'"': '\\"', "\\": "\\\\"}
    quoted = ["".join(escape.get(c, c) for c in row["text"]) for row in rows]
    return "text,label\n" + "".join(
        f'"{text}",{row["label"]}\n' for text, row in zip(quoted, rows, strict=True)
    )


def numbered(rows):
    return [{"column_1": row["label"], "column_2": row["text"]} for row in rows]


def with_index(rows):
    return [{"": str(number), **row} for number, row in enumerate(rows)]


def label_first(rows):
    return [{"label": row["label"], "text": row["text"]} for row in rows]


# Each kind of file: what programs write, under names that say little, the format it must be told as, and the
# rows that must be read.
KINDS = {
    "lines": ("rows.json", lines, "jsonl", list),
    "lines in a text file": ("rows.txt", lines, "jsonl", list),
    "lines without an ending": ("rows", lines, "jsonl", list),
    "array": ("rows.jsonl", json.dumps, "json", list),
    "array over lines": ("rows.jsonl", lambda rows: json.dumps(rows, indent=1), "json", list),
    "array in a csv": ("rows.csv", json.dumps, "json", list),
    "pretty objects": ("rows.jsonl", lambda rows: lines(rows, indent=2), "json_objects", list),
    "objects on one line": (
        "rows.json",
        lambda rows: "".join(map(json.dumps, rows)),
        "json_objects",
        list,
    ),
    "data in an object": (
        "rows.json",
        lambda rows: json.dumps({"version": 1, "data": rows, "meta": {"by": "x"}}),
        "json",
        list,
    ),
    "examples over lines": (
        "rows.jsonl",
        lambda rows: json.dumps({"examples": rows}, indent=2),
        "json",
        list,
    ),
    "columns": ("rows.json", lambda rows: columns(rows, False), "json_columns", list),
    "pandas' columns": ("rows.jsonl", lambda rows: columns(rows, True), "json_columns", list),
    "rows by id": (
        "rows.json",
        lambda rows: json.dumps({f"row{n}": row for n, row in enumerate(rows)}),
        "json_values",
        list,
    ),
    "commas": ("rows.csv", separated, "csv", list),
    "semicolons": ("rows.csv", lambda rows: separated(rows, delimiter=";"), "csv", list),
    "tabs in a csv": ("rows.csv", lambda rows: separated(rows, delimiter="\t"), "csv", list),
    "commas in a tsv": ("rows.tsv", separated, "csv", list),
    "tabs in a text file": ("rows", lambda rows: separated(rows, delimiter="\t"), "csv", list),
    "bars": ("rows.csv", lambda rows: separated(rows, delimiter="|"), "csv", list),
    "sep line": (
        "rows.csv",
        lambda rows: "sep=;\r\n" + separated(rows, delimiter=";"),
        "csv",
        list,
    ),
    "sep line of commas": ("rows.csv", lambda rows: "sep=,\n" + separated(rows), "csv", list),
    "blanks before quotes": ("rows.csv", blanks, "csv", label_first),
    "backslashes": ("rows.csv", backslashes, "csv", list),
    "carriage returns": (
        "rows.csv",
        lambda rows: separated(rows, lineterminator="\r"),
        "csv",
        list,
    ),
    "pandas' index": ("rows.csv", lambda rows: separated(with_index(rows)), "csv", with_index),
    "no header": (
        "rows.csv",
        lambda rows: separated(numbered(rows), header=False),
        "csv",
        numbered,
    ),
}


def as_script(source, part="train"):
    """Read a source as an exported script does."""
    return [
        row
        for file in source.files(part)
        for row in getattr(script, f"read_{file.format}")(file.path, **file.to_dict()["options"])
    ]


def save(folder, name, content, encoding="utf-8"):
    path = folder / name
    path.write_bytes(content.encode(encoding))
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_told_by_its_content(tmp_path, kind):
    name, write, format, expected = KINDS[kind]
    path = save(tmp_path, name, write(ROWS))
    assert sniff(path).format == format
    table = load(path, "classify")
    assert table.train == expected(ROWS)
    assert as_script(table.source) == table.train
    assert table.labels == ("bad", "good")


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_may_be_compressed(tmp_path, kind):
    name, write, format, expected = KINDS[kind]
    path = tmp_path / f"{name}.gz"
    path.write_bytes(gzip.compress(write(ROWS).encode()))
    table = load(path, "classify")
    assert (table.source.train_files[0].format, table.train) == (format, expected(ROWS))
    assert as_script(table.source) == table.train


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-le", "latin-1"])
def test_a_file_may_have_another_encoding(tmp_path, kind, encoding):
    rows = [{**row, "text": row["text"].replace("🎬", "ü")} for row in ROWS]
    name, write, format, expected = KINDS[kind]
    content = write(rows) if "json" not in format else write(rows).replace("\\u00e8", "è")
    path = save(tmp_path, name, content, encoding)
    table = load(path, "classify", encoding=encoding)
    assert table.train == expected(rows)
    assert as_script(table.source) == table.train


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"))
# Texts that no guess about the first line or about blanks can mean.
tables = st.lists(
    st.fixed_dictionaries({"text": texts, "label": st.sampled_from(["x", "y z", 'a "b"'])}),
    min_size=2,
    max_size=6,
)
GUESSED = ("no header", "carriage returns", "blanks before quotes", "backslashes")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in GUESSED])
@settings(deadline=None, max_examples=25)
@given(rows=tables)
def test_any_text_survives_and_a_script_reads_the_same(tmp_path_factory, kind, rows):
    name, write, _, expected = KINDS[kind]
    path = save(tmp_path_factory.getbasetemp(), f"{kind[:5]}-{name}", write(rows))
    source = resolve(path)
    assert read(source) == (expected(rows), None)
    assert as_script(source) == expected(rows)


@settings(deadline=None, max_examples=60)
@given(content=st.text(alphabet=st.sampled_from("{}[]\":,;\t|\n\\'ab 01é\0")))
@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl", "rows.txt", "rows"])
def test_whatever_is_in_a_file_is_read_as_a_script_does_or_refused(tmp_path_factory, name, content):
    path = save(tmp_path_factory.getbasetemp(), f"any-{name}", content)
    try:
        rows, _ = read(resolve(path))
    except DataError as error:
        assert "\n" not in str(error)
    else:
        assert as_script(resolve(path)) == rows


def test_zstandard_is_read_where_python_has_it(tmp_path):
    path = tmp_path / "rows.jsonl.zst"
    if sys.version_info >= (3, 14):
        from compression import zstd

        path.write_bytes(zstd.compress(lines(ROWS).encode()))
        assert as_script(resolve(path)) == read(resolve(path))[0] == ROWS
        path.write_bytes(path.read_bytes()[:-4])
        with pytest.raises(DataError, match="is not a whole zstd file"):
            read(resolve(path))
    else:
        path.write_bytes(b"\x28\xb5\x2f\xfd rest")
        with pytest.raises(DataError, match=r"from 3\.14 on it can\): unpack it"):
            resolve(path)


def test_an_encoding_that_is_none_or_is_wrong(tmp_path):
    path = save(tmp_path, "rows.csv", "text,label\ncafé,x\nb,y\n", "latin-1")
    with pytest.raises(DataError, match="but is 'klingon': choose one of these"):
        load(path, "classify", encoding="klingon")
    with pytest.raises(DataError, match="is not UTF-8: byte 14 .* set encoding to that of"):
        load(path, "classify")
    with pytest.raises(DataError, match="is not in the encoding 'ascii': set encoding"):
        load(path, "classify", encoding="ascii")
    assert load(path, "classify", encoding="latin-1").train[0]["text"] == "café"
    both = save(tmp_path, "utf16.csv", "text,label\na,x\nb,y\n", "utf-16")
    with pytest.raises(DataError, match="set encoding to 'utf-16'"):
        load(both, "classify")


def test_a_header_that_is_none_is_said_and_can_be_named(tmp_path):
    path = save(tmp_path, "rows.csv", "good,a film\nbad,a play\ngood,a book\nbad,a poem\n")
    table = load(path, "classify")
    assert table.columns == {"text": "column_2", "label": "column_1"}
    assert table.notes == (
        (
            "rows.csv has no header, so its columns are called column_1, column_2 and so on (the text is "
            "'column_2' and the label is 'column_1'): put a line with their names above it if it is wrong."
        ),
    )
    assert guess_task(path) == "classify"
    pairs = save(tmp_path, "pairs.csv", "".join(f"{n},answer {n}\n" for n in range(9)))
    assert load(pairs, guess_task(pairs)).columns == {
        "prompt": "column_1",
        "completion": "column_2",
    }
    # Who names a column of the first line says that it is a header.
    named = load(path, "lm", text_column="a film")
    assert [row["a film"] for row in named.train] == ["a play", "a book", "a poem"]
    assert as_script(named.source) == named.train


@pytest.mark.parametrize(
    ("first", "rows"),
    [
        ("text,label", "text,x\nb,y\n"),  # a text that is called like its column
        ("headline,topic", "a,x\nb,y\n"),
        ("0,1", "a,x\nb,y\n"),  # as pandas numbers columns
        (",headline", "0,x\n1,y\n"),
    ],
)
def test_a_header_is_a_header(tmp_path, first, rows):
    ((row, *_), _) = read(resolve(save(tmp_path, "rows.csv", f"{first}\n{rows}")))
    assert list(row) == first.split(",")


def test_pandas_index_is_no_column_to_learn_from(tmp_path):
    path = save(tmp_path, "rows.csv", ",headline\n" + "".join(f"{n},a b {n}\n" for n in range(9)))
    with pytest.raises(DataError, match="the columns are 'headline'\\)"):
        load(path, "lm")


def test_stray_quotes_that_pair_up_are_noted_in_a_csv_too(tmp_path):
    stray = 'label,text\nham,"hello\nspam,win\nham,well"\nspam,x\nham,y\n'
    (note,) = load(save(tmp_path, "rows.csv", stray), "classify").notes
    assert note.startswith("A quoted field spans lines and commas in row 1 of rows.csv: if")
    stray = 'text;label\nhello;ham\n"win;spam\nwell;ham\nx";spam\n'
    (note,) = load(save(tmp_path, "semi.csv", stray), "classify").notes
    assert "lines and semicolons in row 2 of semi.csv" in note
    letters = 'text,label\n"Dear Ada,\nthanks",ham\n"Hi, Bo,\n\nyes",spam\n'
    assert load(save(tmp_path, "letters.csv", letters), "classify").notes == ()


def test_texts_are_paragraphs_or_lines_or_files(tmp_path):
    book = save(tmp_path, "book.txt", "\ufeffOne line\nand two.\n\n  \nAnother.\n\n\n")
    table = load(book, "lm")
    assert [row["text"] for row in table.train] == ["One line\nand two.", "Another."]
    assert table.notes == ("Each paragraph of book.txt is one text, 2 in all.",)
    poem = load(save(tmp_path, "poem.md", "# A\nb, c\n  d\n"), "lm")
    assert [row["text"] for row in poem.train] == ["# A", "b, c", "  d"]
    folder = tmp_path / "texts"
    (folder / "more").mkdir(parents=True)
    save(folder, "b.txt", "second\n\nof it")
    save(folder, "a.md", "first\n")
    save(folder, "README.md", "# no text")
    save(folder / "more", "c.txt", "third")
    save(folder / "more", ".hidden.txt", "no text")
    source = resolve(folder)
    assert [row["text"] for row in read(source)[0]] == ["first\n", "second\n\nof it", "third"]
    for one in (source, table.source, poem.source):
        assert as_script(one) == read(one)[0]
