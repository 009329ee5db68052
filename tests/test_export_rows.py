"""The lines by which a script reads its rows, taken from the script and run."""

import ast
import gzip
import json
import runpy
import sys

import pytest

from tests.test_export import recipe_for
from tests.test_readers import ROWS, columns, separated
from tests.test_sources import BAD, TEST, jsonl, labelled, parquet
from workbench.export.script import script
from workbench.sources.datasets.load import load
from workbench.training.resolve import resolve


@pytest.fixture(scope="module")
def plan(tiny_bert, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plan")
    return resolve(recipe_for("lora", "classify", tiny_bert, folder)).plan.to_dict()


def pattern(folder):
    jsonl(folder / "a-0.jsonl", ROWS[:2])
    (folder / "a-1.csv").write_text(separated(ROWS[2:], delimiter="\t"))
    return folder / "a-*"


def shards(folder):
    for number in range(2):
        parquet(folder / f"train-{number:05}-of-00002.parquet", ROWS[number::2])
    jsonl(folder / "test.jsonl", TEST)
    return folder


def saved(folder):
    labelled().save_to_disk(folder / "saved")
    return folder / "saved"


def schema(folder):
    labelled().to_parquet(folder / "a.parquet")
    return folder / "a.parquet"


def compressed(folder):
    (folder / "a.json.gz").write_bytes(gzip.compress(columns(ROWS, True).encode()))
    return folder / "a.json.gz"


def dialect(folder):
    text = "sep=;\r\n" + separated(ROWS, delimiter=";")
    (folder / "a.csv").write_bytes(text.encode("utf-16"))
    return folder / "a.csv"


def headless(folder):
    (folder / "a.txt").write_text(separated(ROWS * 2, delimiter="\t", header=False))
    return (folder / "a.txt").rename(folder / "a.tsv")


def nested(folder):
    rows = [{"pair": {"text": row["text"], "of": {}}, "label": row["label"]} for row in ROWS]
    return jsonl(folder / "a.jsonl", rows)


def bad(folder):
    path = jsonl(folder / "a.jsonl", [*BAD, *ROWS])
    path.write_text(path.read_text() + "{'no json'}")
    return path


def data_in_object(folder):
    (folder / "a.json").write_text(json.dumps({"meta": 1, "rows": ROWS}))
    return folder / "a.json"


KINDS = {
    make: settings
    for make, settings in (
        (pattern, {}),
        (shards, {}),
        (saved, {}),
        (schema, {}),
        (compressed, {}),
        (dialect, {"encoding": "utf-16"}),
        (headless, {"text_column": "column_1", "label_column": "column_2"}),
        (nested, {"text_column": "pair.text"}),
        (bad, {"skip_bad_rows": True}),
        (data_in_object, {}),
    )
}


@pytest.mark.parametrize(
    ("kind", "absolute"),
    [
        (pattern, True),
        *(pytest.param(kind, True, marks=pytest.mark.slow) for kind in KINDS if kind != pattern),
        *(pytest.param(kind, False, marks=pytest.mark.slow) for kind in (pattern, saved)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_script_reads_what_its_run_reads(plan, tmp_path, monkeypatch, kind, absolute):
    data = kind(tmp_path)
    table = load(data, "classify", **KINDS[kind])
    monkeypatch.chdir(tmp_path)
    name = str(data) if absolute else str(data.relative_to(tmp_path))
    recipe = {**plan["recipe"], "data": name}
    facts = {**table.source.to_dict(), "sha256": {}}
    columns = dict(table.columns)
    path = tmp_path / "train.py"
    text = script({**plan, "recipe": recipe, "data": facts, "columns": columns}, "the run x", path)
    path.write_text(text)
    names = runpy.run_path(str(path), run_name="script")
    monkeypatch.setattr(sys, "argv", [str(path)])
    names["args"] = names["parse_args"]()
    (main,) = (node for node in ast.parse(text).body if getattr(node, "name", "") == "main")
    calls = [
        node.args[0]
        for node in ast.walk(main)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("split_rows", "encode_classify")
        and "args." in ast.unparse(node.args[0])
    ]
    read = [eval(ast.unparse(call), names) for call in calls]
    assert read == [rows for rows in (table.train, table.eval) if rows is not None]
