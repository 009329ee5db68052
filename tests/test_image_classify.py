"""Labelling images: folders, paths and stored images; what the model sees; what is refused."""

from __future__ import annotations

import itertools
import json
import shutil
from io import BytesIO

import numpy
import pytest
import torch
import transformers
from PIL import Image

import workbench as wb
from tests.serving import serving
from workbench.errors import DataError, ModelError, RecipeError, TrainingError
from workbench.export import rows as script_rows
from workbench.panels.bench.data_preview import describe
from workbench.sources.datasets import images
from workbench.sources.datasets.load import guess_task, load, preview, read
from workbench.sources.lookup import load_data
from workbench.sources.models import describe as models
from workbench.training.inputs import collate as batches
from workbench.training.inspection.skeleton import count
from workbench.training.resolve import resolve

COLOURS = {"blue": (20, 30, 200), "red": (210, 20, 30)}


def picture(colour, number, size=(24, 20)):
    """An image of one colour with some noise."""
    noise = numpy.random.default_rng(number).integers(-15, 16, (size[1], size[0], 3))
    return Image.fromarray((numpy.array(COLOURS[colour]) + noise).clip(0, 255).astype("uint8"))


def png(image):
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def fill(folder, number, start=0):
    """Write images into a folder for each colour."""
    for colour, i in itertools.product(COLOURS, range(start, start + number)):
        (folder / colour).mkdir(parents=True, exist_ok=True)
        picture(colour, i).save(folder / colour / f"{i}.{'png' if i % 2 else 'jpg'}")
    return folder


@pytest.fixture
def folder(tmp_path):
    return fill(tmp_path / "colours", 12)


def recipe_for(model, data, technique="lora", **changes):
    settings = {"per_device_train_batch_size": 4, "max_steps": 3, "task": "image_classify"}
    return wb.Recipe(model=str(model), data=data, technique=technique, **{**settings, **changes})


@pytest.mark.parametrize("technique", serving("image_classify"))
def test_every_technique_labels_images(technique, tiny_vit, folder, tmp_path):
    recipe = recipe_for(tiny_vit, str(folder), technique)
    run = wb.train(recipe, tmp_path / "runs", progress=False)
    assert count(recipe) == run.parameters
    assert len(set(run.losses)) == 3
    assert {"loss", "accuracy", "f1"} <= set(run.evaluations[-1])
    assert run.plan["labels"] == ["blue", "red"]
    trained = [name for name, one in run.model.named_parameters() if one.requires_grad]
    assert any("classifier" in name for name in trained)
    # Images are counted, as there are no tokens.
    steps = [event for event in run.events if event["event"] == "train"]
    assert [event["tokens"] for event in steps] == [4, 8, 12]


def test_colours_are_learnt_and_the_head_is_saved(tiny_vit, folder, tmp_path):
    from peft import PeftModel

    recipe = recipe_for(tiny_vit, str(folder), max_steps=15, learning_rate=1e-2)
    run = wb.train(recipe, tmp_path / "runs", progress=False)
    assert run.evaluations[-1]["accuracy"] == 1
    base = transformers.AutoModelForImageClassification.from_pretrained(
        str(tiny_vit), num_labels=2, ignore_mismatched_sizes=True
    )
    model = PeftModel.from_pretrained(base, run.path / "adapter").eval()
    batch = batches.collate_images(
        [{"image": str(path), "labels": 0} for path in sorted((folder / "red").iterdir())],
        run.tokenizer,
    )
    run.model.eval()
    with torch.no_grad():
        theirs = model(pixel_values=batch["pixel_values"]).logits
        ours = run.model(pixel_values=batch["pixel_values"]).logits
    assert torch.equal(ours, theirs)
    assert set(ours.argmax(-1).tolist()) == {run.plan["labels"].index("red")}


def test_a_fully_tuned_model_is_a_base_of_its_own(tiny_vit, folder, tmp_path):
    run = wb.train(recipe_for(tiny_vit, str(folder), "full"), tmp_path / "runs", progress=False)
    again = recipe_for(run.path / "model", str(folder))
    assert models.facts(again.model).kind == "vision"
    assert len(wb.train(again, tmp_path / "runs", progress=False).losses) == 3


# -- where images come from -----------------------------------------------------------------------


def test_a_folder_of_folders_with_its_splits(tmp_path, folder):
    table = load(folder, "image_classify")
    assert (len(table.train), table.eval, table.labels) == (24, None, ("blue", "red"))
    assert table.columns == {"image": "image", "label": "label"}
    assert guess_task(folder) == "image_classify"
    (folder / "blue" / "notes.txt").write_text("no image")
    (folder / "blue" / "._1.png").write_text("what some systems leave behind")
    (folder / "red" / ".ipynb_checkpoints").mkdir()
    shutil.copy(folder / "red" / "1.png", folder / "red" / ".ipynb_checkpoints" / "1.png")
    assert load(folder, "image_classify").train == table.train
    (folder / "red" / "dark").mkdir()
    shutil.move(folder / "red" / "1.png", folder / "red" / "dark" / "1.png")
    inner = load(folder, "image_classify").train
    assert [row["label"] for row in inner] == [row["label"] for row in table.train]
    assert script_rows.read_imagefolder(str(folder)) == inner

    split = tmp_path / "split"
    fill(split / "train", 3)
    fill(split / "test", 1, 3)
    table = load(split, "image_classify")
    assert (len(table.train), len(table.eval), table.notes) == (6, 2, ())
    fill(split / "validation", 2, 5)
    assert len(load(split, "image_classify").eval) == 4
    named = load(split / "train", "image_classify", eval_data=str(split / "test"))
    assert (len(named.train), len(named.eval)) == (6, 2)


def test_labels_may_be_called_like_splits(tmp_path):
    folder = tmp_path / "vehicles"
    fill(folder, 2)
    (folder / "blue").rename(folder / "train")
    (folder / "red").rename(folder / "test")
    assert load(folder, "image_classify").labels == ("test", "train")


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_paths_are_relative_to_the_file_that_names_them(tmp_path, folder, suffix):
    import pandas

    rows = [
        {"file_name": f"{row['label']}/{row['image'].rpartition('/')[2]}", "class": row["label"]}
        for row in images.read_folder(folder)
    ]
    rows[0]["file_name"] = str(folder / rows[0]["file_name"])
    path = folder / f"rows.{suffix}"
    frame = pandas.DataFrame(rows)
    if suffix == "csv":
        frame.to_csv(path, index=False)
    elif suffix == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    table = load(path, "image_classify")
    assert [row["file_name"] for row in table.train] == [
        row["image"] for row in images.read_folder(folder)
    ]
    assert guess_task(path) == "image_classify"
    as_read, _ = read(table.source)
    assert script_rows.locate_images(as_read, "file_name", str(path)) == table.train


def test_images_from_the_notebook_become_files(tmp_path, folder, monkeypatch):
    datasets = pytest.importorskip("datasets")
    import pandas

    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    pictures = {"image": [picture("blue", 0), picture("red", 1)], "label": [0, 1]}
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["blue", "red"])}
    )
    stored = datasets.Dataset.from_dict(pictures, features=features)
    table = load(stored, "image_classify")
    assert [row["label"] for row in table.train] == ["blue", "red"]
    for row, image in zip(table.train, pictures["image"], strict=True):
        assert Image.open(row["image"]).tobytes() == image.tobytes()
    both = load(datasets.DatasetDict(train=stored, test=stored), "image_classify")
    assert both.train == both.eval == table.train
    frame = pandas.DataFrame({**pictures, "label": ["blue", "red"]})
    assert load(frame, "image_classify").train == table.train
    held = load(folder / ".." / "colours", "image_classify")
    assert held.train == images.read_folder(folder.parent / "colours")
    by_path = stored.cast_column("image", datasets.Image(decode=False)).to_list()
    assert (
        script_rows.locate_images(by_path, "image", "owner/name")[0]["image"]
        == by_path[0]["image"]["bytes"]
    )
    assert script_rows.name_labels(stored, "label")[1]["label"] == "red"


def test_stored_images_in_a_parquet_file(tmp_path, tiny_vit):
    datasets = pytest.importorskip("datasets")
    path = tmp_path / "rows.parquet"
    pictures = [picture(colour, i) for i in range(10) for colour in COLOURS]
    stored = datasets.Dataset.from_dict({"image": pictures, "label": [*COLOURS] * 10})
    stored.cast_column("image", datasets.Image()).to_parquet(path)
    table = load(path, "image_classify")
    assert [type(row["image"]) for row in table.train] == [bytes] * 20
    assert preview(table, 1) == [{"image": "PNG, 24 × 20", "label": "blue"}]
    run = wb.train(recipe_for(tiny_vit, str(path)), tmp_path / "runs", progress=False)
    assert len(run.losses) == 3


# -- what the model sees --------------------------------------------------------------------------


def test_images_are_opened_upright_and_in_colour():
    tall = Image.new("RGB", (10, 20), (255, 0, 0))
    exif = tall.getexif()
    exif[0x0112] = 6  # turned by a quarter
    file = BytesIO()
    tall.save(file, "JPEG", exif=exif)
    assert batches.open_image(file.getvalue()).size == (20, 10)
    for mode in ("L", "P", "RGBA", "CMYK", "1"):
        file = BytesIO()
        Image.new(mode, (4, 4)).save(file, "TIFF")
        assert batches.open_image(file.getvalue()).mode == "RGB"


def test_the_preview_shows_the_image_and_what_the_model_reads(tiny_vit, folder):
    recipe = recipe_for(tiny_vit, str(folder))
    table = load_data(recipe)
    shown = wb.look(recipe, rows=3)
    assert [row.pixels.shape for row in shown.rows] == [(3, 16, 16)] * 3
    assert all(0 <= row.pixels.min() <= row.pixels.max() <= 1 for row in shown.rows)
    assert [row.label for row in shown.rows] == [row["label"] for row in preview(table, 3)]
    html = describe(table, shown)
    assert html.count("data:image/png;base64,") == 6
    assert "the model reads 3 × 16 × 16" in html
    assert describe(table, None).count("<img") == 3


def test_evaluation_batches_are_made_anew_and_draw_nothing(tiny_vit, folder):
    rows = images.read_folder(folder)
    processor = transformers.AutoImageProcessor.from_pretrained(str(tiny_vit), backend="pil")
    encoded = [{"image": row["image"], "labels": 0} for row in rows]

    def collate(part):
        return batches.collate_images(part, processor)

    lazy = batches.lazy_batches(encoded, 5, collate, torch.device("cpu"))
    state = torch.get_rng_state()
    once, twice = list(lazy), list(lazy)
    assert torch.equal(torch.get_rng_state(), state)
    assert [len(batch["labels"]) for batch in once] == [5, 5, 5, 5, 4]
    assert len(lazy) == 5
    fixed = batches.fixed_batches(encoded, 5, collate, torch.device("cpu"))
    for batch, again, kept in zip(once, twice, fixed, strict=True):
        assert torch.equal(batch["pixel_values"], again["pixel_values"])
        assert torch.equal(batch["pixel_values"], kept["pixel_values"])


def test_a_model_of_images_is_described(tiny_vit):
    facts = models.facts(tiny_vit)
    assert (facts.kind, facts.image_size, facts.context) == ("vision", (16, 16), None)
    assert facts.parameters == sum(
        one.numel()
        for one in transformers.AutoModelForImageClassification.from_pretrained(
            str(tiny_vit)
        ).parameters()
    )


# -- what is refused ------------------------------------------------------------------------------


def test_a_broken_image_is_named(folder):
    broken = folder / "blue" / "0.jpg"
    broken.write_bytes(b"not an image at all")
    with pytest.raises(
        DataError, match=rf"The image '{broken}' .* in row 1 of colours\) cannot be"
    ):
        load(folder, "image_classify")
    broken.write_bytes(b"")
    with pytest.raises(DataError, match="Pillow does not recognize its format"):
        load(folder, "image_classify")


def test_an_image_that_breaks_off_is_named_when_it_is_used(tiny_vit, folder, tmp_path):
    whole = png(picture("red", 5, (200, 200)))
    for path in (folder / "red").iterdir():
        path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TrainingError, match=r"the image '.*red/.*' cannot be read \(.*truncated"):
        wb.train(recipe_for(tiny_vit, str(folder)), tmp_path / "runs", progress=False)


def test_a_path_without_an_image(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("image,label\nnowhere.png,a\n")
    said = rf"There is no image '{tmp_path}/nowhere.png' .* in row 1 of rows.csv\): check the path"
    with pytest.raises(DataError, match=said):
        load(path, "image_classify")
    path.write_text("image,label\n ,a\n")
    with pytest.raises(DataError, match="The image .* is empty in row 1"):
        load(path, "image_classify")
    jsonl = tmp_path / "rows.jsonl"
    jsonl.write_text(json.dumps({"image": 5, "label": "a"}) + "\n")
    with pytest.raises(DataError, match="must be an image or the path of one, but is 5"):
        load(jsonl, "image_classify")


def test_folders_that_hold_no_labelled_images(tmp_path, folder):
    shutil.rmtree(folder / "red")
    with pytest.raises(DataError, match="at least two different values, but is 'blue'"):
        load(folder, "image_classify")
    empty = tmp_path / "empty"
    (empty / "cat").mkdir(parents=True)
    with pytest.raises(DataError, match="a folder of images for each label, but has none"):
        load(empty, "image_classify")
    picture("red", 0).save(empty / "loose.png")
    with pytest.raises(DataError, match="a folder of images for each label, but has none"):
        load(empty, "image_classify")
    with pytest.raises(DataError, match="eval_data must be a folder with a folder of images"):
        load(folder, "image_classify", eval_data=str(empty))


def test_an_evaluation_label_without_training_images(tmp_path):
    fill(tmp_path / "train", 2)
    fill(tmp_path / "test", 1)
    (tmp_path / "test" / "red").rename(tmp_path / "test" / "green")
    with pytest.raises(DataError, match="Unknown label 'green' in row 2 of test"):
        load(tmp_path, "image_classify")


def test_images_and_texts_have_their_own_models(tiny_vit, tiny_bert, folder, tmp_path):
    said = "but is 'image_classify': it is an encoder, and 'image_classify' takes an image model"
    with pytest.raises(RecipeError, match=said):
        resolve(recipe_for(tiny_bert, str(folder)))
    with pytest.raises(RecipeError, match="task must be 'image_classify' with the model"):
        resolve(recipe_for(tiny_vit, "reviews", task="classify"))
    with pytest.raises(RecipeError, match="technique must be one that supports the task"):
        recipe_for(tiny_vit, str(folder), "prompt_tuning").check()
    with pytest.raises(RecipeError, match="recognized as the image .*'image_classify' needs"):
        resolve(recipe_for(tiny_vit, "reviews"))


def test_a_model_of_images_needs_its_processor(tiny_vit, folder, tmp_path):
    copy = tmp_path / "vit"
    shutil.copytree(tiny_vit, copy)
    (copy / "preprocessor_config.json").unlink()
    with pytest.raises(ModelError, match="must come with its image processor, preprocessor_conf"):
        models.facts(copy)


def test_the_first_rows_of_a_sorted_folder_may_lack_labels(tiny_vit, folder, tmp_path):
    recipe = recipe_for(tiny_vit, str(folder), max_train_samples=8)
    run = wb.train(recipe, tmp_path / "runs", progress=False)
    assert any(
        note.startswith("The first 8 rows, which max_train_samples selects, have 1 of the 2 labels")
        for note in run.notes
    )
    whole = wb.train(recipe_for(tiny_vit, str(folder)), tmp_path / "runs", progress=False)
    assert whole.notes == []


def test_a_script_says_when_the_images_have_changed(tiny_vit, folder, tmp_path):
    run = wb.train(recipe_for(tiny_vit, str(folder)), tmp_path / "runs", progress=False)
    wb.export(run, tmp_path / "same.py")
    shutil.copy(folder / "red" / "1.png", folder / "blue" / "1.png")
    with pytest.warns(UserWarning, match="The data folder .* has changed since the run"):
        wb.export(run, tmp_path / "other.py")
