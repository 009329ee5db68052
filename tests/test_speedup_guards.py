"""A speed-up whose private means are gone, or compute something else, is off and says so."""

import pytest
import torch

import workbench as wb
from workbench.training.batched_lora import eligibility
from workbench.training.prepare import prepare
from workbench.training.speedups import apply, onednn, settings


@pytest.fixture(autouse=True)
def _asked_anew():
    onednn._difference.cache_clear()
    yield
    onednn._difference.cache_clear()


def refuse(*_):
    raise AttributeError("no such operator")


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="needs oneDNN")
@pytest.mark.parametrize(
    ("product", "said"), [(refuse, "no such operator"), (lambda x, w, b=None: x @ w.t(), "other")]
)
def test_onednn_is_off_where_its_operator_is_not_what_it_was(monkeypatch, product, said):
    assert onednn.obstacle() is None
    onednn._difference.cache_clear()
    monkeypatch.setattr(settings, "product", product)
    recipe = wb.Recipe(data="reviews", onednn=True)
    model = torch.nn.Linear(2, 2)
    apply.set_up(recipe, model)
    assert "forward" not in vars(model)
    if not torch.cuda.is_available():
        (note,) = [note for note in apply.computing_notes(recipe) if "onednn" in note]
        assert said in note


def test_runs_train_by_themselves_where_layers_are_not_what_they_were(monkeypatch):
    run = prepare(wb.Recipe(data="reviews", max_steps=1, max_train_samples=8, max_eval_samples=4))
    assert eligibility.obstacle(run) is None
    monkeypatch.setattr(eligibility, "_layer_obstacles", refuse)
    assert "other layers than the versions" in eligibility.obstacle(run)
