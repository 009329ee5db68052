"""Running statistics: runs over one base leave them to each other as they were, and save what moved."""

from __future__ import annotations

import functools
import json
import runpy
import sys

import numpy
import pytest
import torch
import transformers
from peft import PeftModel
from PIL import Image
from safetensors.torch import load_file, load_model
from torch import nn
from torch.nn.functional import cross_entropy

import workbench as wb
from workbench.registry.techniques import TECHNIQUES
from workbench.training.adaptation.base_model import is_pristine
from workbench.training.adaptation.running_stats import layers_with_statistics, moving_statistics
from workbench.training.adaptation.warm_start import learnt, save_learnt
from workbench.training.inspection.anatomy import take_apart
from workbench.training.prepare import prepare

# Every architecture for images whose layers gather statistics.
NETS = {
    "ResNet": {
        "embedding_size": 8,
        "hidden_sizes": [8, 16],
        "depths": [1, 1],
        "layer_type": "basic",
    },
    "RegNet": {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "groups_width": 8},
    "MobileNetV1": {"depth_multiplier": 0.125, "min_depth": 4, "tf_padding": False},
    "MobileNetV2": {
        "depth_multiplier": 0.1,
        "min_depth": 4,
        "finegrained_output": False,
        "tf_padding": False,
    },
    "EfficientNet": {"width_coefficient": 0.2, "depth_coefficient": 0.2, "hidden_dim": 256},
    # With statistics in its head, which is trained whole.
    "Levit": {
        "hidden_sizes": [16, 24, 32],
        "num_attention_heads": [2, 2, 2],
        "depths": [1, 1, 1],
        "key_dim": [8, 8, 8],
    },
    "MobileViT": {
        "hidden_sizes": [16, 16, 16],
        "neck_hidden_sizes": [8, 8, 8, 8, 8, 8, 16],
        "num_attention_heads": 2,
        "expand_ratio": 1.0,
    },
    "MobileViTV2": {
        "width_multiplier": 0.1,
        "base_attn_unit_dims": [16, 16, 16],
        "n_attn_blocks": [1, 1, 1],
    },
    "SwiftFormer": {"depths": [1, 1, 1, 1], "embed_dims": [8, 8, 16, 16], "mlp_ratio": 2},
    "HGNetV2": {
        "embedding_size": 8,
        "hidden_sizes": [8, 8, 16, 16],
        "depths": [1, 1, 1, 1],
        "stem_channels": [3, 8, 8],
        "stage_in_channels": [8, 8, 8, 16],
        "stage_mid_channels": [8, 8, 8, 8],
        "stage_out_channels": [8, 8, 16, 16],
        "stage_num_blocks": [1, 1, 1, 1],
        "stage_numb_of_layers": [1, 1, 1, 1],
    },
    "Cvt": {"embed_dim": [8, 8, 16], "num_heads": [1, 1, 2], "depth": [1, 2, 3]},
}
# PP-LCNet's model returns no loss, and TextNet is not taken for a model of images.
OTHERS = {"PPLCNet", "TextNet"}
SIZE = 64
TECHNIQUES_TRIED = ("lora", "head_only", "bitfit", "ln_tuning", "last_layers", "full")
# These find nothing to train there.
UNFIT = {("SwiftFormer", "last_layers"), ("HGNetV2", "head_only")}
CELLS = [
    pytest.param(net, technique, marks=[] if net in ("ResNet", "Levit") else pytest.mark.slow)
    for net in NETS
    for technique in TECHNIQUES_TRIED
    if (net, technique) not in UNFIT
]


def build(net):
    """Build a small net of random weights, with statistics that are not those of the start."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = getattr(transformers, f"{net}Config")(**NETS[net], num_labels=2)
        if hasattr(config, "image_size"):
            config = type(config)(**NETS[net], num_labels=2, image_size=SIZE)
        model = getattr(transformers, f"{net}ForImageClassification")(config).train()
        with torch.no_grad():
            for _ in range(3):
                model(pixel_values=torch.randn(8, 3, SIZE, SIZE) * 2 + 1)
    return model.eval()


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return where a net is saved with its processor."""

    @functools.cache
    def save(net):
        folder = tmp_path_factory.mktemp("nets") / net
        build(net).save_pretrained(folder)
        size = {"height": SIZE, "width": SIZE}
        transformers.ViTImageProcessorPil(size=size).save_pretrained(folder)
        return folder

    return save


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A folder of images of two colours."""
    folder = tmp_path_factory.mktemp("colours")
    for place, colour in enumerate(((20, 30, 200), (210, 20, 30))):
        (folder / str(place)).mkdir()
        for number in range(10):
            noise = numpy.random.default_rng(number).integers(-20, 21, (SIZE, SIZE, 3))
            pixels = (numpy.array(colour) + noise).clip(0, 255).astype("uint8")
            Image.fromarray(pixels).save(folder / str(place) / f"{number}.png")
    return str(folder)


def wrapped(net):
    """Name some convolutions and linears for LoRA, as few of these nets have blocks of linears."""
    model = build(net)
    plain = [
        name
        for name, part in model.named_modules()
        if isinstance(part, nn.Linear) or (isinstance(part, nn.Conv2d) and part.groups == 1)
    ]
    return [name for name in plain if not name.startswith(("classifier", "head", "dist"))][:4]


def recipe_for(folder, images, technique="lora", **changes):
    lora = {"r": 2, "target_modules": wrapped(folder.name)}
    settings = {
        "per_device_train_batch_size": 4,
        "max_steps": 4,
        "eval_steps": 2,
        "eval_on_start": True,
        "learning_rate": 1e-2,
        "technique_args": lora if technique == "lora" else {},
    }
    chosen = {**settings, **changes}
    return wb.Recipe(
        model=str(folder), data=images, technique=technique, task="image_classify", **chosen
    )


def figures(events):
    """Return what a run computed: all of its figures but the times."""
    return [
        {key: value for key, value in event.items() if "second" not in key}
        for event in events
        if event["event"] in ("train", "eval")
    ]


def probe():
    draw = torch.Generator().manual_seed(5)
    return torch.randn(4, 3, SIZE, SIZE, generator=draw)


def logits(model):
    with torch.no_grad():
        return model.eval()(pixel_values=probe()).logits


def load(run):
    """Load what a run saved onto its base, as its README says."""
    auto = transformers.AutoModelForImageClassification
    trains = TECHNIQUES[run.recipe.technique].trainable
    if trains == "all":
        return auto.from_pretrained(run.path / "model")
    base = auto.from_pretrained(run.plan["model_path"], num_labels=2)
    if trains == "adapter":
        return PeftModel.from_pretrained(base, run.path / "adapter")
    saved = load_file(run.path / "adapter" / "trained.safetensors")
    assert not base.load_state_dict(saved, strict=False).unexpected_keys
    return base


@pytest.mark.parametrize(("net", "technique"), CELLS)
def test_runs_leave_a_base_to_each_other_as_it_was(net, technique, folders, images, tmp_path):
    recipes = [recipe_for(folders(net), images, technique, seed=seed) for seed in (0, 1)]
    base = prepare(recipes[0]).shared_resources[0]
    bits = {name: tensor.clone() for name, tensor in base.model.state_dict().items()}
    alone = [wb.train(one, tmp_path / "runs", progress=False) for one in recipes]
    again = wb.train(recipes[0], tmp_path / "runs", progress=False)
    assert figures(again.events) == figures(alone[0].events)
    race = wb.Race(recipes, runs=tmp_path / "race", fuse=False).start().wait(120)
    for run, raced in zip(alone, race.members, strict=True):
        assert raced.state == "finished", raced.error
        assert figures(raced.events) == figures(run.events)
    assert all(torch.equal(bits[key], value) for key, value in base.model.state_dict().items())
    assert prepare(recipes[0]).shared_resources[0] is base


@pytest.mark.parametrize(("net", "technique"), CELLS)
def test_what_is_saved_gives_the_same_logits(net, technique, folders, images, tmp_path):
    run = wb.train(recipe_for(folders(net), images, technique), tmp_path, progress=False)
    before = build(net).state_dict()
    moved = {
        key
        for key, value in run.model.state_dict().items()
        if key in before and "running" in key and not torch.equal(value, before[key])
    }
    chosen = set(run.plan["selected"])
    whole = [
        name
        for name in layers_with_statistics(build(net))
        if {f"{name}.weight", f"{name}.bias"} <= chosen
    ]
    assert bool(moved) == bool(technique == "full" or whole)
    assert torch.equal(logits(run.model), logits(load(run)))


@pytest.mark.parametrize(
    "net", [net if net == "ResNet" else pytest.param(net, marks=pytest.mark.slow) for net in NETS]
)
def test_scripts_do_what_their_runs_did(net, folders, images, tmp_path, monkeypatch, capsys):
    # A run must not leave anything to the next one, whose script begins with the base itself.
    for technique in TECHNIQUES_TRIED:
        if (net, technique) in UNFIT:
            continue
        run = wb.train(recipe_for(folders(net), images, technique), tmp_path / "r", progress=False)
        script = wb.export(run, tmp_path / f"{technique}.py")
        monkeypatch.setattr(sys, "argv", [str(script), "--output", str(tmp_path / technique)])
        capsys.readouterr()
        runpy.run_path(str(script), run_name="__main__")
        lines = capsys.readouterr().out.splitlines()
        theirs = [json.loads(line) for line in lines if line.startswith("{")]
        assert figures(theirs) == figures(run.events)
        kind = "model" if TECHNIQUES[technique].trainable == "all" else "adapter"
        (name,) = (path.name for path in (run.path / kind).glob("*.safetensors"))
        ours, other = load_file(run.path / kind / name), load_file(tmp_path / technique / name)
        assert set(ours) == set(other)
        assert all(torch.equal(ours[key], other[key]) for key in ours)


def test_every_architecture_that_gathers_statistics_is_tried():
    found = set()
    for config, kind in transformers.AutoModelForImageClassification._model_mapping.items():
        kind = kind[0] if isinstance(kind, tuple) else kind
        try:
            with torch.device("meta"):
                layers = layers_with_statistics(kind(config()))
        except (ImportError, ValueError):
            continue  # needs a package, or settings
        if layers:
            found.add(kind.__name__.removesuffix("ForImageClassification"))
    assert found == {*NETS, *OTHERS}


def test_a_run_begins_with_the_weights_and_statistics_of_another(folders, images, tmp_path):
    for technique in ("full", "last_layers", "head_only"):
        first = wb.train(recipe_for(folders("Levit"), images, technique), tmp_path, progress=False)
        save_learnt(learnt(first.model), tmp_path / technique)
        more = {"start_from": str(tmp_path / technique), "max_steps": 1}
        recipe = recipe_for(folders("Levit"), images, technique, **more)
        second = wb.train(recipe, tmp_path, progress=False)
        assert second.evaluations[0]["loss"] == first.evaluations[-1]["loss"]
        script = tmp_path / f"{technique}.py"
        assert (
            "keep_statistics(model)" in wb.export(second, script).read_text() or technique == "full"
        )


def test_a_new_head_brings_its_statistics(images, tmp_path):
    build("Levit").levit.save_pretrained(tmp_path / "Levit")
    size = {"height": SIZE, "width": SIZE}
    transformers.ViTImageProcessorPil(size=size).save_pretrained(tmp_path / "Levit")
    recipe = recipe_for(tmp_path / "Levit", images, "head_only")
    run = wb.train(recipe, tmp_path / "runs", progress=False)
    assert torch.equal(logits(run.model), logits(load(run)))
    saved = load_file(run.path / "adapter" / "trained.safetensors")
    assert saved["classifier.batch_norm.num_batches_tracked"] == 4


def test_a_start_that_looks_at_gradients_moves_no_statistics(folders, images, tmp_path):
    linears = [name for name, part in build("Levit").named_modules() if isinstance(part, nn.Linear)]
    chosen = {"target_modules": [name for name in linears if "encoder" in name][:4], "r": 2}
    recipe = recipe_for(folders("Levit"), images, "lora_ga", technique_args=chosen)
    run = wb.train(recipe, tmp_path, progress=False)
    assert torch.allclose(logits(run.model), logits(load(run)), atol=1e-5)


def test_a_base_whose_statistics_were_written_into_is_loaded_again(folders, images):
    recipe = recipe_for(folders("ResNet"), images)
    base = prepare(recipe).shared_resources[0]
    assert is_pristine(base)
    next(base.model.buffers()).add_(1)
    assert not is_pristine(base)
    assert prepare(recipe).shared_resources[0] is not base


def test_what_fits_leaves_a_model_as_it_was(images):
    model = build("ResNet")
    bits = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    batch = {"pixel_values": probe(), "labels": torch.tensor([0, 1, 0, 1])}
    for technique in ("head_only", "last_layers", "full"):
        assert wb.compatible(model, technique, batch=batch)
    assert all(torch.equal(bits[key], value) for key, value in model.state_dict().items())


@pytest.mark.parametrize("technique", ["head_only", "last_layers", "lora"])
def test_what_is_saved_is_counted_before(technique, folders, images, tmp_path):
    recipe = recipe_for(folders("Levit"), images, technique)
    run = wb.train(recipe, tmp_path, progress=False)
    files = (run.path / "adapter").glob("*.safetensors")
    written = sum(tensor.nbytes for file in files for tensor in load_file(file).values())
    assert take_apart(recipe).figures["disk"] == written


# -- modules from the notebook --------------------------------------------------------------------


class Lines(nn.Module):
    """A net with one layer that gathers statistics, in its first part or in its head."""

    def __init__(self, layer, in_head):
        super().__init__()
        self.first = nn.Sequential(nn.Linear(16, 8), nn.Identity() if in_head else layer)
        self.second = nn.Linear(8, 8)
        self.head = nn.Sequential(layer if in_head else nn.Identity(), nn.Linear(8, 2))

    def forward(self, x):
        return self.head(torch.relu(self.second(torch.relu(self.first(x)))))


class Instances(nn.Module):
    """Instance normalisation of rows of numbers, taken for two channels of four."""

    def __init__(self):
        super().__init__()
        self.norm = nn.InstanceNorm1d(2, affine=True, track_running_stats=True)

    def forward(self, x):
        return self.norm(x.view(-1, 2, 4)).view(-1, 8)


class Images(nn.Module):
    """Batch normalisation of rows of numbers, taken for images or volumes."""

    def __init__(self, norm, shape):
        super().__init__()
        self.norm, self.shape = norm, shape

    def forward(self, x):
        return self.norm(x.view(-1, *self.shape)).view(-1, 8)


LAYERS = {
    "BatchNorm1d": lambda: nn.BatchNorm1d(8),
    "BatchNorm1d without weights": lambda: nn.BatchNorm1d(8, affine=False),
    "BatchNorm2d": lambda: Images(nn.BatchNorm2d(2), (2, 2, 2)),
    "BatchNorm3d": lambda: Images(nn.BatchNorm3d(1), (1, 2, 2, 2)),
    "InstanceNorm1d": Instances,
    "spectral_norm": lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(8, 8)),
}


@pytest.mark.parametrize("technique", ["lora", "head_only", "bitfit", "full"])
@pytest.mark.parametrize("in_head", [False, True])
@pytest.mark.parametrize("layer", LAYERS)
def test_layers_of_every_kind_in_modules(layer, in_head, technique, tmp_path):
    def make():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            net = Lines(LAYERS[layer](), in_head)
            net.train()(torch.randn(32, 16) * 2 + 1)
        return net.eval()

    net, x = make(), torch.randn(40, 16, generator=torch.Generator().manual_seed(1))
    assert layers_with_statistics(net)
    targets = {"target_modules": ["second"]} if technique == "lora" else {}
    runs = [
        wb.train_module(
            net,
            (x, (x[:, 0] > 0).long()),
            cross_entropy,
            technique=technique,
            learning_rate=1e-2,
            max_steps=4,
            eval_steps=2,
            runs=tmp_path,
            progress=False,
            **targets,
        )
        for _ in range(2)
    ]
    assert figures(runs[0].events) == figures(runs[1].events)
    bits = make().state_dict()
    assert all(torch.equal(bits[key], value) for key, value in net.state_dict().items())
    run, loaded = runs[0], make()
    if technique == "full":
        load_model(loaded, str(run.path / "model" / "model.safetensors"))
        assert moving_statistics(run.model)
    elif technique == "lora":
        loaded = PeftModel.from_pretrained(loaded, str(run.path / "adapter"))
        assert not moving_statistics(run.model)
    else:
        saved = load_file(run.path / "adapter" / "trained.safetensors")
        assert not loaded.load_state_dict(saved, strict=False).unexpected_keys
        assert set(moving_statistics(run.model)) == set(saved) - set(run.plan["selected"])
    with torch.no_grad():
        assert torch.equal(loaded.eval()(x), run.model.eval()(x))
