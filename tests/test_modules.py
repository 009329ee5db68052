"""Modules from the notebook: adapted by whatever can, trained as any other run, never changed."""

from __future__ import annotations

import re
import runpy
import threading
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, load_model
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

import workbench as wb
from workbench.errors import TrainingError, WorkbenchError
from workbench.registry.techniques import TECHNIQUES
from workbench.training.adaptation.plain_module_layers import default_arguments

README = Path(__file__).parents[1] / "README.md"


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(16, 32), nn.Linear(32, 32), nn.Linear(32, 3)
        self.norm, self.dropout = nn.LayerNorm(32), nn.Dropout(0.1)

    def forward(self, x):
        hidden = self.second(torch.relu(self.norm(self.first(x))))
        return self.head(self.dropout(torch.relu(hidden)))


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1)
        self.norm, self.hidden, self.head = nn.BatchNorm2d(8), nn.Linear(256, 32), nn.Linear(32, 3)

    def forward(self, x):
        x = torch.relu(self.norm(self.conv1(x.view(-1, 1, 4, 4))))
        x = torch.relu(self.conv2(x)).flatten(1)
        return self.head(torch.relu(self.hidden(x)))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.encoder, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(16, 3)

    def forward(self, x):
        return self.head(self.encoder(x[:, None].expand(-1, 4, -1)).mean(1))


NETS = {"MLP": MLP, "CNN": CNN, "Encoder": Encoder}
# What must work on every net; of the others, each works or says why it does not.
SURE = (
    "lora", "dora", "pissa", "adalora", "lora_plus", "lora_fa", "loha", "lokr", "hira", "ia3", "oft",
    "vera", "bitfit", "head_only", "full",
)  # fmt: skip
CELLS = [
    (name, net) for name in TECHNIQUES for net in NETS if name in SURE or net == "MLP"
]  # fmt: skip


def make(net):
    """Build a net of the same weights each time, with statistics that are not those of the start."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        made = NETS[net]()
        made(torch.randn(64, 16))
    return made.eval()


def rows(count=96, seed=1):
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(count, 16, generator=draw)
    return x, x[:, :3].argmax(1)


def bits(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same(before, module):
    after = module.state_dict()
    return set(before) == set(after) and all(torch.equal(before[n], after[n]) for n in before)


def settings(tmp_path, **more):
    return {"max_steps": 12, "eval_steps": 6, "runs": tmp_path, **more}


def train(net, tmp_path, **more):
    chosen = settings(tmp_path, **more)
    return wb.train_module(net, rows(), cross_entropy, progress=False, **chosen)


@pytest.mark.parametrize(("technique", "net"), CELLS)
def test_a_technique_trains_a_copy_and_loads_again(technique, net, tmp_path):
    module = make(net)
    before, flags = bits(module), [p.requires_grad for p in module.parameters()]
    try:
        run = train(module, tmp_path, technique=technique, eval_data=rows(32, seed=2))
    except WorkbenchError as error:
        assert technique not in SURE, error
        assert re.match(r"\w+ must .+[.?]$", str(error))
        return
    finally:
        assert same(before, module)
        assert [p.requires_grad for p in module.parameters()] == flags
        assert all(p.grad is None for p in module.parameters())
    assert run.losses[-1] != run.losses[0]
    assert 0 <= run.evaluations[-1]["accuracy"] <= 1
    x = rows(32, seed=2)[0]
    outputs = scores(run.model, x)
    assert not torch.allclose(outputs, scores(module, x), atol=1e-6)
    assert torch.allclose(scores(load(run, make(net)), x), outputs, atol=1e-5)


def load(run, module):
    if TECHNIQUES[run.recipe.technique].trainable == "all":
        load_model(module, str(run.path / "model" / "model.safetensors"))
        return module
    if TECHNIQUES[run.recipe.technique].trainable == "selected":
        trained = load_file(run.path / "adapter" / "trained.safetensors")
        assert set(module.load_state_dict(trained, strict=False).unexpected_keys) == set()
        return module
    return PeftModel.from_pretrained(module, str(run.path / "adapter"))


def scores(module, x):
    """Compute without the fast path, as the run's notes say."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad():
            return module.eval()(x)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


@pytest.mark.parametrize(
    ("technique", "said"),
    [
        ("prompt_tuning", "layers of any module.*Prompt tuning needs a language model"),
        ("qlora", "layers of any module.*QLoRA quantizes the base while it is loaded"),
        ("eva", "layers of any module.*EVA is initialized with the rows of a language model"),
        ("last_layers", "find parameters to train.*MLP, which has no last_layers"),
        ("embeddings_only", "one that works with MLP"),
    ],
)
def test_what_cannot_adapt_a_module_says_why(technique, said):
    with pytest.raises(WorkbenchError, match=f"^technique must (be )?.*{said}"):
        wb.adapt(make("MLP"), technique)


@pytest.mark.parametrize(
    ("net", "technique", "found"),
    [
        ("MLP", "lora", ["first", "second"]),
        ("CNN", "lora", ["conv1", "conv2", "hidden"]),
        ("Encoder", "lora", ["linear1", "linear2"]),
    ],
)
def test_layers_but_not_the_head_are_wrapped(net, technique, found):
    arguments = default_arguments(TECHNIQUES[technique], make(net), {})
    assert arguments["target_modules"] == found
    module = make(net)
    adapted = wb.adapt(module, technique, target_modules=["head"], r=2)
    assert {name.split(".")[2] for name, p in adapted.named_parameters() if p.requires_grad} == {
        "head"
    }


def test_the_end_of_a_list_of_layers_is_the_head():
    net = nn.Sequential(nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 2)]))
    assert default_arguments(TECHNIQUES["lora"], net, {})["target_modules"] == ["0.0"]


def test_an_adapted_module_starts_as_the_module():
    x = rows(8)[0]
    for net in NETS:
        module = make(net)
        assert torch.allclose(wb.adapt(module)(x), module(x), atol=1e-6)


def test_an_evaluation_sees_the_adapter_of_a_transformer(tmp_path):
    module = make("Encoder")
    run = train(module, tmp_path, learning_rate=0.05)
    x = rows(8)[0]
    run.model.eval()
    with torch.no_grad():
        fast = run.model(x)
    assert torch.allclose(fast, scores(run.model, x), atol=1e-5)
    assert not torch.allclose(fast, scores(module, x), atol=1e-3)
    assert any("set_fastpath_enabled" in note for note in run.notes)


def test_interleaved_runs_have_the_losses_of_solo_runs(tmp_path):
    module = make("MLP")
    alone = [train(module, tmp_path, seed=seed).losses for seed in (0, 1)]
    chosen = settings(tmp_path)
    runs = [wb.ModuleRun(module, rows(), cross_entropy, seed=s, **chosen).start() for s in (0, 1)]
    assert [run.wait(60).losses for run in runs] == alone
    assert alone[0] != alone[1]


def test_a_run_pauses_and_resumes_with_the_same_bits(tmp_path):
    module = make("MLP")
    alone = train(module, tmp_path).losses
    run = wb.ModuleRun(module, rows(), cross_entropy, **settings(tmp_path))
    paused = threading.Event()
    run.subscribe(lambda run, event: _at(event, 3) and run.pause())
    run.subscribe(lambda _, event: event.get("state") == "paused" and paused.set())
    run.start()
    assert paused.wait(60) and len(run.losses) == 3
    run.resume()
    assert run.wait(60).losses == alone


def test_a_run_stops_and_keeps_what_was_learnt(tmp_path):
    run = wb.ModuleRun(make("MLP"), rows(), cross_entropy, **settings(tmp_path, max_steps=5000))
    run.subscribe(lambda run, event: _at(event, 5) and run.stop())
    run.start().wait(60)
    assert run.state == "stopped" and len(run.losses) == 5
    assert (run.path / "adapter" / "adapter_model.safetensors").is_file()
    assert run.memory["peak"] > run.memory["weights"] > 0


def _at(event, step):
    return event["event"] == "train" and event["step"] == step


def test_accumulated_batches_give_the_loss_of_one_large_batch(tmp_path):
    module = make("MLP")
    module.dropout.p = 0.0
    held = rows(8, seed=2)  # so that all 96 rows are trained on
    large = train(module, tmp_path, per_device_train_batch_size=16, eval_data=held)
    small = train(
        module,
        tmp_path,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=4,
        eval_data=held,
    )
    assert small.losses == pytest.approx(large.losses, abs=1e-4)
    tokens = [event["tokens"] for event in small.events if event["event"] == "train"]
    assert tokens == [16 * step for step in range(1, 13)]


def test_runs_are_stored_and_compared(tmp_path):
    module = make("CNN")
    runs = [train(module, tmp_path, technique=name) for name in ("lora", "full")]
    held = rows(32, seed=2)
    runs.append(train(module, tmp_path, technique="ia3", eval_data=held))
    for comparison in (wb.compare(runs), wb.compare(tmp_path)):
        assert list(comparison.frame["metric"]) == ["accuracy"] * 3
        text = repr(comparison)
        assert "★" in text and "Module that classifies" in text
        starred = [
            line.split()[0] for line in text.splitlines() if " ★" in line and "best" not in line
        ]
        # Asked on other rows, so not a rival.
        assert starred and not set(starred) & {"ia3-CNN"}
    record = wb.load_run(runs[0].path)
    assert record.losses == runs[0].losses
    assert record.plan["loss"] == "torch.nn.functional.cross_entropy"
    assert record.recipe.technique == "lora"


def test_a_regression_is_compared_by_its_loss(tmp_path):
    x = rows()[0]
    module = nn.Sequential(nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))
    chosen = settings(tmp_path, progress=False)
    runs = [
        wb.train_module(module, (x, x[:, :1]), mse_loss, learning_rate=rate, **chosen)
        for rate in (1e-6, 1e-2)
    ]
    frame = wb.compare(runs).frame
    assert list(frame["metric"]) == ["loss", "loss"]
    assert frame["quality"][1] < frame["quality"][0]


def test_several_inputs_and_datasets_are_taken(tmp_path):
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right, self.head = nn.Linear(16, 8), nn.Linear(16, 8), nn.Linear(8, 3)

        def forward(self, a, b):
            return self.head(torch.relu(self.left(a) + self.right(b)))

    x, y = rows()
    module = Two()
    chosen = settings(tmp_path, progress=False)
    by_tensors = wb.train_module(
        module, (x.numpy().astype("float64"), x, y.int()), cross_entropy, **chosen
    )
    data = torch.utils.data.TensorDataset(x, x, y)
    by_dataset = wb.train_module(module, data, cross_entropy, **chosen)
    assert by_tensors.losses == by_dataset.losses
    assert by_dataset.recipe.data == "TensorDataset-96"


def test_a_recipe_may_hold_the_settings(tmp_path):
    recipe = wb.Recipe(technique="lora", technique_args={"r": 2}, max_steps=3, name="mine")
    run = wb.train_module(
        make("MLP"), rows(), cross_entropy, recipe=recipe, runs=tmp_path, progress=False
    )
    assert run.path.name == "mine" and len(run.losses) == 3
    assert run.plan["config"]["r"] == 2


def test_the_panel_follows_a_run(tmp_path):
    bench = wb.Bench(runs=tmp_path)
    run = bench.follow(wb.ModuleRun(make("MLP"), rows(), cross_entropy, **settings(tmp_path)))
    run.wait(60)
    bench._tick()
    assert bench.selected is run and run.state == "finished"
    xs, ys = bench.chart.points("run-0/train")
    assert (len(xs), ys) == (12, pytest.approx(run.losses))
    with pytest.raises(TrainingError, match="no script can repeat it.*PeftModel.from_pretrained"):
        bench.export(run, tmp_path / "train.py")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"module": MLP}, "module must be a torch.nn.Module, but is 'type'"),
        ({"module": nn.ReLU()}, "module must be one that has parameters"),
        ({"module": nn.Sequential(nn.LazyLinear(3))}, "run a batch through"),
        ({"module": nn.Linear(16, 3)}, "target_modules must be given for Linear"),
        ({"data": (torch.zeros(4, 16), torch.zeros(5).long())}, "data must be .* same number of rows"),
        ({"data": torch.zeros(4, 16)}, "data must be inputs and targets"),
        ({"data": (torch.zeros(4, 7), torch.zeros(4).long())}, r"data must be what MLP takes.*\(2, 7\)"),
        ({"data": (["a"], ["b"])}, "data must be inputs and targets"),
        ({"eval_data": (torch.zeros(0, 16), torch.zeros(0))}, "eval_data must be .* at least one"),
        ({"loss": "mse"}, "loss must be a function"),
        ({"loss": lambda o, y: cross_entropy(o, y, reduction="none")}, r"one number.*shape \(2,\)"),
        ({"loss": lambda o, y: 1 / 0}, "loss must be .*division by zero"),
        ({"loss": lambda o, y: torch.tensor(1.0)}, "technique must be one whose trained parameters affect the loss"),
        ({"technique": "lorra"}, "did you mean 'lora'"),
        ({"r": 0, "learning_rate": -1}, "(?s)learning_rate must.*r must|r must.*learning_rate must"),
        ({"max_length": 8, "model": "gpt2"}, "(?s)max_length must be left out.*model must be left out"),
        ({"target_modules": ["frist"]}, "did you mean 'first'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_a_sentence(changes, said, tmp_path):
    given = {"module": make("MLP"), "data": rows(), "loss": cross_entropy} | changes
    with pytest.raises(WorkbenchError, match=said):
        wb.train_module(progress=False, runs=tmp_path, **given)
    assert list(tmp_path.iterdir()) == []


def test_the_readme_s_module_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = next(
        block for block in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
        if "train_module" in block
    )  # fmt: skip
    (tmp_path / "example.py").write_text("import workbench as wb\n" + code)
    names = runpy.run_path("example.py")
    assert names["run"].state == "finished"
    assert names["run"].evaluations[-1]["accuracy"] > 0.8
