"""Settings that change how a model computes: what each does, and where it cannot work."""

from __future__ import annotations

import copy

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import workbench as wb
from tests.serving import every
from tests.test_export import recipe_for
from tests.tiny import ARCHITECTURES
from workbench.errors import RecipeError
from workbench.registry.techniques import get
from workbench.training.adaptation.optimizer import make_optimizer, optimizer_facts
from workbench.training.evaluate import evaluate_lm, evaluation
from workbench.training.inputs import collate as batches
from workbench.training.prepare import prepare
from workbench.training.speedups import apply
from workbench.training.speedups.labelled_logits import is_possible
from workbench.training.speedups.settings import (
    multiplying,
    use_labelled_logits,
    use_onednn,
    use_padding_free,
)


def losses(recipe, folder):
    return wb.train(recipe, folder / "runs", progress=False).losses


@pytest.fixture
def recipe_of_village():
    """The bundled base: its products are large enough for oneDNN."""
    return wb.Recipe(
        task="lm", data="chronicle", max_steps=2, max_length=64, max_eval_samples=4, eval_steps=1
    )


def test_gradient_checkpointing_saves_memory_and_no_bits(tiny_llama, tmp_path):
    recipe = recipe_for("lora", "instruct", tiny_llama, tmp_path, max_steps=2)
    plain, kept = (
        wb.train(recipe.replace(gradient_checkpointing=on), tmp_path / "runs", progress=False)
        for on in (False, True)
    )
    assert plain.losses == kept.losses
    assert kept.memory["activations"] < 0.7 * plain.memory["activations"]


def test_bf16_is_near_and_not_equal(tiny_llama, tmp_path):
    recipe = recipe_for("lora", "instruct", tiny_llama, tmp_path, max_steps=2)
    plain, near = losses(recipe, tmp_path), losses(recipe.replace(bf16=True), tmp_path)
    assert plain != near
    assert plain == pytest.approx(near, rel=0.02)


def test_bf16_that_is_emulated_is_said(monkeypatch):
    recipe = wb.Recipe(bf16=True)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert apply.computing_notes(recipe) == []
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert "neither AVX512-BF16 nor AMX" in apply.computing_notes(recipe)[0]
    assert apply.computing_notes(recipe.replace(bf16=False)) == []


class Products(TorchDispatchMode):
    """Notes what oneDNN is given."""

    def __init__(self):
        super().__init__()
        self.given = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.mkldnn._linear_pointwise.default:
            self.given += args[:2]
        return func(*args, **(kwargs or {}))


def test_onednn_differs_in_the_last_bits_only(recipe_of_village, tmp_path):
    plain, near = (losses(recipe_of_village.replace(onednn=on), tmp_path) for on in (False, True))
    assert plain == pytest.approx(near, rel=1e-6)
    for on in (False, True):
        prepared = prepare(recipe_of_village.replace(onednn=on))
        with prepared.randomness, Products() as products:
            next(prepared.steps)
        assert bool(products.given) == on


@pytest.mark.parametrize("other", ["gradient_checkpointing", "cache_frozen_prefix"])
def test_onednn_keeps_its_bits_with(other, recipe_of_village, tmp_path):
    recipe = recipe_of_village.replace(onednn=True, technique="last_layers")
    plain, kept = (losses(recipe.replace(**{other: on}), tmp_path) for on in (False, True))
    near = {"rel": 1e-6} if other == "cache_frozen_prefix" else {"rel": 0, "abs": 0}
    assert plain == pytest.approx(kept, **near)


@pytest.mark.parametrize("bias", [False, True])
def test_onednn_gives_products_and_gradients(bias):
    given = [torch.randn(4, 64, 512), torch.randn(256, 512), *([torch.randn(256)] if bias else [])]
    grad = torch.randn(4, 64, 256)
    results = []
    for multiply in (torch.nn.functional.linear, multiplying(torch.nn.functional.linear)):
        tensors = [tensor.clone().requires_grad_() for tensor in given]
        with Products() as products:
            output = multiply(*tensors)
            output.backward(grad)
        assert len(products.given) == (6 if results else 0)
        results.append([output, *(tensor.grad for tensor in tensors)])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=2e-4)


@pytest.mark.parametrize(
    ("rows", "dtype"), [(8, torch.float32), (64, torch.float64), (64, torch.bfloat16)]
)
def test_onednn_is_not_asked_where_it_takes_longer_or_is_asked_anyway(rows, dtype):
    x = torch.randn(rows, 512, dtype=dtype)
    with Products() as products:
        multiplying(torch.nn.functional.linear)(x, torch.randn(512, 512, dtype=dtype))
    assert not products.given


@pytest.mark.parametrize(
    "multiply",
    [torch.matmul, torch.mm, torch.Tensor.matmul, torch.Tensor.mm, lambda x, matrix: x @ matrix],
)
def test_onednn_multiplies_however_it_is_written(multiply):
    x, matrix = torch.randn(64, 512), torch.randn(512, 256)
    with Products() as products:
        output = multiplying(multiply)(x, matrix)
    assert len(products.given) == 2
    torch.testing.assert_close(output, x @ matrix, rtol=1e-5, atol=2e-4)


@pytest.mark.parametrize("shape", [(256,), (64, 256)])
def test_onednn_adds_a_bias_to_a_product_and_no_matrix(shape):
    added, x, matrix = torch.randn(shape), torch.randn(64, 512), torch.randn(512, 256)
    with Products() as products:
        output = multiplying(torch.addmm)(added, x, matrix)
    assert len(products.given) == (2 if len(shape) == 1 else 0)
    torch.testing.assert_close(output, torch.addmm(added, x, matrix), rtol=1e-5, atol=2e-4)


@pytest.mark.parametrize("technique", every(slow_beyond=["lora", "adalora", "vera"]))
def test_every_technique_can_multiply_in_onednn(technique, tmp_path):
    tasks = {"classify": "reviews", "lm": "chronicle", "instruct": "village-qa"}
    task = next((task for task in tasks if task in get(technique).tasks), None)
    if task is None or get(technique).selection == "biases":
        pytest.skip("it does not fit the bundled base")
    recipe = wb.Recipe(
        technique=technique, task=task, data=tasks[task], max_steps=2, max_length=64,
        max_train_samples=16, max_eval_samples=4, max_new_tokens=2, onednn=True,
    )  # fmt: skip
    near = losses(recipe, tmp_path)
    plain = losses(recipe.replace(onednn=False), tmp_path)
    assert plain == pytest.approx(near, rel=1e-4)


def test_onednn_is_given_no_tensors_with_gaps():
    x = torch.randn(64, 8, 512)[:, ::2, :384].requires_grad_()
    weight = torch.randn(256, 448)[:, :384].requires_grad_()
    with Products() as products:
        output = multiplying(torch.nn.functional.linear)(x, weight)
        output.backward(torch.randn(4, 64, 256).transpose(0, 1))
    assert len(products.given) == 6
    for one in products.given:
        assert one.is_contiguous() or one.t().is_contiguous()
    torch.testing.assert_close(output, torch.nn.functional.linear(x, weight), rtol=1e-5, atol=2e-4)


def test_onednn_that_changes_nothing_is_said(monkeypatch):
    recipe = wb.Recipe(onednn=True)
    assert apply.computing_notes(recipe) == []
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert "has no oneDNN" in apply.computing_notes(recipe)[0]
    model = ARCHITECTURES["llama"]()
    use_onednn(model)
    assert "forward" not in vars(model)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert "on the GPU" in apply.computing_notes(recipe)[0]


@pytest.mark.parametrize(
    "changes, device, fused",
    [
        ({}, "cuda", True),
        ({"optim": "sgd"}, "cuda", True),
        ({"optim": "rmsprop"}, "cuda", False),  # PyTorch has none
        (
            {"technique": "lora_plus", "technique_args": {"loraplus_lr_ratio": 16.0}},
            "cuda",
            False,
        ),  # PEFT's function takes no such argument
        ({}, "cpu", False),
        ({}, None, False),
    ],
)
def test_on_a_gpu_the_plan_has_a_fused_optimizer(changes, device, fused):
    recipe = wb.Recipe(learning_rate=1e-3, **changes)
    facts = optimizer_facts(recipe, get(recipe.technique), device)
    assert facts["arguments"].get("fused", False) is fused
    one, other = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    other.load_state_dict(one.state_dict())
    if facts["function"] is None:
        plain = optimizer_facts(recipe, get(recipe.technique))
        for model, how in ((one, facts), (other, plain)):
            optimizer = make_optimizer(how, model)
            for _ in range(3):
                model(torch.ones(4, 3)).square().sum().backward()
                optimizer.step()
        torch.testing.assert_close(one.weight, other.weight)


@pytest.mark.parametrize("other", ["bf16", "torch_compile"])
def test_onednn_is_refused_with_what_multiplies_otherwise(other):
    (problem,) = wb.Recipe(onednn=True, **{other: True}).problems()
    assert f"onednn must be False with {other}" in str(problem)


def test_without_a_compiler_torch_compile_is_refused_before_the_first_step():
    from torch._inductor import config

    model, recipe = ARCHITECTURES["llama"](), wb.Recipe(task="lm", torch_compile=True)
    with config.patch({"cpp.cxx": ("no-such-compiler",)}):
        with pytest.raises(RecipeError, match="C\\+\\+ compiler is found.*install one, such as g"):
            apply.set_up(recipe, model)
        apply.set_up(recipe.replace(torch_compile=False), model)


@pytest.mark.parametrize("technique", ["prefix_tuning", "cartridge", "poly", "monteclora"])
def test_what_cannot_be_computed_again_is_refused(technique):
    problems = wb.Recipe(technique=technique, gradient_checkpointing=True).problems()
    assert [problem.parameter for problem in problems] == ["gradient_checkpointing"]
    assert "cannot be computed again" in str(problems[0])
    fit = wb.compatible("village-3m", technique, gradient_checkpointing=True)
    assert not fit.compatible


def test_what_trains_nothing_has_nothing_to_save():
    recipe = wb.Recipe(technique="zero_shot", gradient_checkpointing=True, torch_compile=True)
    assert len(recipe.problems()) == 2
    assert recipe.replace(gradient_checkpointing=False, torch_compile=False).problems() == []


def test_a_module_takes_bf16_and_refuses_what_is_about_layers():
    torch.manual_seed(0)
    x = torch.randn(64, 16)
    net = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 3))
    given = net, (x, x[:, :3].argmax(1)), torch.nn.functional.cross_entropy
    run = wb.ModuleRun(*given, bf16=True)
    assert run.recipe.bf16
    names = ("gradient_checkpointing", "torch_compile", "cache_frozen_prefix", "padding_free")
    for name in names:
        with pytest.raises(RecipeError, match=f"{name} must be False for a module"):
            wb.ModuleRun(*given, **{name: True})


@pytest.mark.parametrize("other", ["gradient_checkpointing", "torch_compile"])
def test_what_is_compiled_or_computed_again_is_not_passed_by(other):
    (problem,) = wb.Recipe(cache_frozen_prefix=True, **{other: True}).problems()
    assert f"cache_frozen_prefix must be False with {other}" in str(problem)


ROWS = [
    {"input_ids": [5, 9, 8, 7, 6, 11, 12, 13, 40], "labels": [-100, 9, 8, 7, 6, 11, 12, 13, 40]},
    {"input_ids": [50, 9, 4], "labels": [-100, -100, 4]},
    {"input_ids": [3, 3, 30, 31, 32], "labels": [-100, 3, 30, 31, 32]},
]

DECODERS = ["llama", "qwen3", "gemma", "mistral", "phi", "gpt-neox", "gpt2"]


@pytest.mark.parametrize(
    ("name", "settings"),
    [*((name, {}) for name in DECODERS), ("mistral", {"sliding_window": 4})],
)
def test_rows_behind_one_another_are_as_padded_ones(name, settings):
    model = ARCHITECTURES[name](**settings)
    padded = batches.collate_tokens(ROWS, pad_token_id=0)
    with torch.no_grad():
        apart = model(**padded)
        use_padding_free(model)
        together = model(**batches.collate_flat(ROWS))
        again = model(**padded)
    rows = together.logits[0].split([len(row["input_ids"]) for row in ROWS])
    for row, whole in zip(rows, apart.logits, strict=True):
        torch.testing.assert_close(row, whole[: len(row)], rtol=1e-5, atol=1e-5)
    assert float(together.loss) == pytest.approx(float(apart.loss), rel=1e-6)
    assert torch.equal(again.logits, apart.logits)


def test_training_without_padding_is_near_and_reads_the_same_tokens(tiny_llama, tmp_path):
    recipe = recipe_for("lora", "instruct", tiny_llama, tmp_path)
    padded, flat = (
        wb.train(recipe.replace(padding_free=on), tmp_path / "runs", progress=False)
        for on in (False, True)
    )
    assert flat.losses == pytest.approx(padded.losses, rel=1e-6)
    read = [[event.get("tokens") for event in run.events] for run in (padded, flat)]
    assert read[0] == read[1]


def test_a_model_that_mixes_rows_is_refused():
    model = ARCHITECTURES["opt"]()
    recipe = wb.Recipe(task="lm", padding_free=True)
    with pytest.raises(RecipeError, match="padding_free must be False with OPTForCausalLM"):
        apply.guard(recipe, model, batches.collate_flat(ROWS))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"task": "classify"}, "it is for the training of causal language models"),
        ({"task": "lm", "technique": "prompt_tuning"}, "must come before each row"),
        ({"task": "lm", "technique": "prefix_tuning"}, "must come before each row"),
        ({"task": "lm", "torch_compile": True}, "where each row ends"),
        ({"task": "lm", "technique": "zero_shot"}, "it trains nothing"),
    ],
)
def test_where_rows_must_be_padded_is_said(changes, why):
    (problem,) = wb.Recipe(padding_free=True, **changes).problems()
    assert problem.parameter == "padding_free"
    assert why in str(problem)


@pytest.mark.parametrize("name", [*DECODERS, "opt"])
def test_a_loss_where_labels_are_is_the_loss(name):
    model, lean = ARCHITECTURES[name](), ARCHITECTURES[name]()
    assert is_possible(wb.Recipe(task="lm"), lean)
    use_labelled_logits(lean)
    lean = copy.deepcopy(lean)  # what hangs on it must be its own
    batch = batches.collate_tokens(ROWS, pad_token_id=0)
    whole, some = model(**batch), lean(**batch)
    assert some.loss.item() == pytest.approx(whole.loss.item(), rel=1e-6)
    if name != "opt":  # calls the decoder of its backbone only
        assert some.logits.shape[:2] == (1, 13)
    for loss in (whole.loss, some.loss):
        loss.backward()
    for one, other in zip(model.parameters(), lean.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)
    asked = {key: batch[key] for key in ("input_ids", "attention_mask")}
    assert torch.equal(model(**asked).logits, lean(**asked).logits)


def test_evaluation_scores_the_same_with_logits_where_labels_are():
    model, lean = ARCHITECTURES["llama"](), ARCHITECTURES["llama"]()
    use_labelled_logits(lean)
    batch = batches.collate_tokens(ROWS, pad_token_id=0)
    scores = []
    for one in (model, lean):
        evaluator = evaluate_lm(one, [batch, {k: v[1:2] for k, v in batch.items()}])
        *_, found = evaluation(evaluator, 2, 0)
        scores.append((found["token_accuracy"], pytest.approx(found["loss"], rel=1e-6)))
    assert scores[0] == scores[1]
