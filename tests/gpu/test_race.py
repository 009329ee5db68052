"""A race on one GPU: the losses of each run are those it has alone."""

from __future__ import annotations

import pytest
import torch
import transformers

import workbench as wb
from tests.gpu.helpers import largest_difference, recipe_for, train
from tests.serving import ASK, TRAINED, adapters_for
from workbench.registry.techniques import arguments

# These must have the same bits: one of each way to train that is used most.
TO_THE_BIT = ("lora", "ia3", "full", "prompt_tuning", "houlsby", "qlora", "bitfit", "prefix_tuning")
# What CUDA adds up in no fixed order, so that two runs alone differ from one another too.
IN_NO_ORDER = {
    "frod": "products with sparse matrices",
    "fourierft": "entries of the spectrum put in place by their indices",
    "waveft": "entries of the spectrum put in place by their indices",
    "vblora": "vectors of the bank that several layers pick",
    "shira": "entries of the weights put in place by their indices",
}
REST = [name for name in TRAINED if name not in TO_THE_BIT and name != "boft"]
PARTS = {f"rest {at + 1}": REST[at::6] for at in range(6)}


def with_dropout(recipe: wb.Recipe) -> wb.Recipe:
    """Let a technique draw random numbers in each step, where it can."""
    names = [name for name in arguments(recipe.technique) if name.endswith("dropout")]
    return recipe.replace(**dict.fromkeys(names, 0.1))


def recipes_for(names, model, data, folder):
    steps = {"max_steps": 4, "eval_steps": 2}
    recipes = [with_dropout(recipe_for(name, model, data, **steps)) for name in names]
    if any(name in ASK for name in names):
        base = transformers.AutoModelForCausalLM.from_pretrained(model)
        adapters = adapters_for(base, folder / "adapters")
        recipes = [
            one.replace(adapters=adapters) if one.technique in ASK else one for one in recipes
        ]
    return recipes


def figures(run: wb.Run) -> list[float]:
    """Return all losses and gradient norms of a run."""
    kinds = {"train": ("loss", "grad_norm"), "eval": ("loss",)}
    return [e[name] for kind, names in kinds.items() for e in run.events if e["event"] == kind
            for name in names]  # fmt: skip


def race(recipes: list[wb.Recipe], folder, **settings) -> list[wb.Run]:
    made = wb.Race(recipes, folder / "race", **settings).start().wait()
    wrong = {run.recipe.technique: str(run.error) for run in made.members if run.error}
    assert not wrong
    return made.members


@pytest.mark.limit(150)
@pytest.mark.parametrize("workers", [1, 3])
def test_each_run_has_the_bits_that_it_has_alone(workers, model, data, tmp_path):
    recipes = recipes_for(TO_THE_BIT, model, data, tmp_path)
    alone = {one.technique: figures(train(one, tmp_path / "alone")) for one in recipes}
    raced = {
        run.recipe.technique: figures(run)
        for run in race(recipes, tmp_path, workers=workers, fuse=False)
    }
    differences = {
        name: largest_difference(raced[name], alone[name])
        for name in alone
        if raced[name] != alone[name]
    }
    assert not differences, f"largest relative differences: {differences}"


@pytest.mark.limit(200)
@pytest.mark.parametrize("part", PARTS)
def test_the_other_techniques(part, model, data, device, tmp_path, note):
    recipes = recipes_for(PARTS[part], model, data, tmp_path)
    alone = {one.technique: figures(train(one, tmp_path / "alone")) for one in recipes}
    differences = {}
    for run in race(recipes, tmp_path, fuse=False):
        name, told = run.recipe.technique, figures(run)
        if told == alone[name]:
            continue
        # Is it the race, or has it no fixed bits alone either?
        again = largest_difference(figures(train(run.recipe, tmp_path / "again")), alone[name])
        differences[name] = largest_difference(told, alone[name])
        why = IN_NO_ORDER.get(name, "not known")
        note(f"{name} differs by {differences[name]:.1e}, alone by {again:.1e} (reason: {why})")
    assert device == "cuda" or not differences
    far = {name: by for name, by in differences.items() if by > 0.05}
    unexplained = [name for name in differences if name not in IN_NO_ORDER]
    assert not far, f"they are not the same training: {far}"
    assert not unexplained, f"other bits than alone, for no known reason: {unexplained}"


@pytest.mark.parametrize("setting", ["bf16", "gradient_checkpointing", "padding_free"])
def test_with_a_setting(setting, model, data, tmp_path):
    dropout = {"technique_args": {"lora_dropout": 0.1}}
    plain = recipe_for("lora", model, data, task="lm", **{setting: True}, **dropout)
    recipes = [plain, plain.replace(seed=2)]
    alone = [figures(train(one, tmp_path / "alone")) for one in recipes]
    raced = [figures(run) for run in race(recipes, tmp_path, fuse=False)]
    assert raced == alone, f"differs by {[*map(largest_difference, raced, alone)]}"


@pytest.mark.parametrize("length", [64, 512])
def test_rows_of_several_blocks_of_attention(length, middle, tmp_path, note, device):
    """Attention's gradient on CUDA may add up the parts of long rows in no fixed order."""
    recipe = wb.Recipe(model=middle, data="chronicle", task="lm", technique="lora", max_steps=5,
                       max_length=length, per_device_train_batch_size=2, eval_steps=5,
                       max_eval_samples=2, max_train_samples=16)  # fmt: skip
    first, second = (figures(train(recipe, tmp_path)) for _ in range(2))
    by = largest_difference(second, first)
    note(f"rows of {length} tokens: a second run differs by {by:.1e}")
    assert by < 1e-3
    if length == 64 or device == "cpu":
        assert by == 0


def test_drawing_beside_a_run_changes_nothing(recipe, device, tmp_path):
    alone = train(recipe, tmp_path).losses
    torch.manual_seed(99)
    torch.rand(3, device=device)
    state = torch.cuda.get_rng_state if device == "cuda" else torch.get_rng_state
    before = state()
    assert train(recipe, tmp_path).losses == alone
    assert torch.equal(state(), before)


@pytest.mark.parametrize(
    ("task", "quantization"),
    [("classify", None), ("lm", None), ("instruct", None), ("classify", "nf4")],
)
def test_fused_runs_are_close(task, quantization, model, data, tmp_path, note):
    first = recipe_for("lora", model, data, task=task, max_steps=8, quantization=quantization)
    recipes = [first.replace(seed=seed, r=4 * (seed + 1), name=f"run {seed}") for seed in range(4)]
    alone = [train(one, tmp_path / "alone").losses for one in recipes]
    made = wb.Race(recipes, tmp_path / "race", workers=1, fuse=True).start().wait()
    told = " ".join(made.notes)
    assert "are trained fused" in told, told
    assert [run.plan["fused"] for run in made.members] == [4] * 4
    by = max(map(largest_difference, [run.losses for run in made.members], alone))
    note(f"fused losses differ by {by:.1e}; {told[told.find('through their base') :][:80]}")
    assert by < 1e-3
