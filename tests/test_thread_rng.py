"""Random numbers of one thread are those of the default generator, which stays as it is."""

from __future__ import annotations

import random
import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.serving import every, mechanisms
from tests.test_techniques import data, model, recipe_for  # noqa: F401 (fixtures)
from workbench.training.prepare import prepare
from workbench.training.runtime.rng import Randomness
from workbench.training.runtime.thread_rng import drawing_from, drawing_operators

half = torch.full((64,), 0.5)
# A way to draw by each operator; what they do to the generator must be seen.
DRAWS = {
    "_sample_dirichlet": lambda: torch._sample_dirichlet(half),
    "_standard_gamma": lambda: torch._standard_gamma(half),
    "bernoulli.out": lambda: torch.bernoulli(half, out=torch.empty(64)),
    "bernoulli_.Tensor": lambda: torch.empty(64).bernoulli_(half),
    "bernoulli_.float": lambda: F.dropout(torch.ones(64), 0.3),
    "binomial": lambda: torch.binomial(half * 20, half),
    "cauchy_": lambda: torch.empty(64).cauchy_(),
    "exponential_": lambda: torch.empty(64).exponential_(),
    "geometric_": lambda: torch.empty(64).geometric_(0.5),
    "log_normal_": lambda: torch.empty(64).log_normal_(),
    "multinomial": lambda: torch.multinomial(half, 9),
    "multinomial.out": lambda: torch.multinomial(half, 9, out=torch.empty(9, dtype=torch.long)),
    "normal.Tensor_Tensor": lambda: torch.normal(half, half),
    "normal.Tensor_Tensor_out": lambda: torch.normal(half, half, out=torch.empty(64)),
    "normal.Tensor_float": lambda: torch.normal(half, 2.0),
    "normal.Tensor_float_out": lambda: torch.normal(half, 2.0, out=torch.empty(64)),
    "normal.float_Tensor": lambda: torch.normal(2.0, half),
    "normal.float_Tensor_out": lambda: torch.normal(2.0, half, out=torch.empty(64)),
    "normal_": lambda: torch.randn(64),
    "poisson": lambda: torch.poisson(half * 8),
    "random_": lambda: torch.empty(64, dtype=torch.long).random_(),
    "random_.from": lambda: torch.randint(3, 9, (64,)),
    "random_.to": lambda: torch.empty(64).random_(9),
    "randperm.generator_out": lambda: torch.randperm(64),
    "rrelu_with_noise": lambda: F.rrelu(half - 1, training=True),
    "rrelu_with_noise.out": lambda: torch._C._nn.rrelu_with_noise(
        half - 1, torch.empty(64), 0.1, 0.3, True, out=torch.empty(64)
    ),
    "rrelu_with_noise_": lambda: F.rrelu(half - 1, training=True, inplace=True),
    "uniform_": lambda: torch.nn.init.kaiming_uniform_(torch.empty(8, 8)),
    "native_dropout": lambda: torch.native_dropout(torch.ones(64), 0.3, True)[0],
    "attention": lambda: F.scaled_dot_product_attention(
        *torch.ones(3, 1, 2, 8, 8).unbind(), dropout_p=0.3
    ),
    "gradient": lambda: torch.autograd.grad(
        F.dropout(own := torch.ones(64, requires_grad=True), 0.5).sum(), own
    )[0],
}


def named(operator):
    return operator.name().removeprefix("aten::")


def test_every_operator_that_draws_is_tried():
    operators = {named(operator) for operator in drawing_operators()}
    assert operators
    assert operators <= set(DRAWS)


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_thread_draws_what_the_default_generator_would(draw):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        wanted = [draw(), draw()]
        torch.manual_seed(99)
        before = torch.get_rng_state()
        own = torch.Generator().manual_seed(5)
        with drawing_from(own):
            got = [draw()]
        # What is drawn between is nobody's business.
        assert torch.equal(torch.get_rng_state(), before)
        torch.rand(3)
        with drawing_from(own):
            got.append(draw())
    assert all(map(torch.equal, got, wanted))
    assert not torch.equal(own.get_state(), torch.Generator().manual_seed(5).get_state())


def test_a_generator_that_is_named_is_used():
    with drawing_from(torch.Generator().manual_seed(5)):
        drawn = torch.rand(9, generator=torch.Generator().manual_seed(3))
    assert torch.equal(drawn, torch.rand(9, generator=torch.Generator().manual_seed(3)))


def test_threads_that_draw_at_the_same_time_do_not_take_from_each_other():
    def work(seed, drawn):
        with drawing_from(torch.Generator().manual_seed(seed)):
            drawn.extend(F.dropout(torch.ones(5000), 0.5) for _ in range(50))

    alone, together = {}, {}
    for seed in range(3):
        work(seed, alone.setdefault(seed, []))
    threads = [
        threading.Thread(target=work, args=(seed, together.setdefault(seed, [])))
        for seed in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in range(3):
        assert all(map(torch.equal, together[seed], alone[seed]))


def test_a_run_can_change_between_the_default_generators_and_its_own():
    def draw(*ways):
        randomness, drawn = Randomness(4), []
        for way in ways:
            with randomness.beside() if way == "beside" else randomness:
                drawn.append(torch.randn(3))
        return torch.stack(drawn)

    wanted = draw("default", "default", "default")
    assert torch.equal(draw("beside", "default", "beside"), wanted)
    assert torch.equal(draw("default", "beside", "default"), wanted)


@pytest.mark.parametrize("technique", every(slow_beyond=mechanisms()))
def test_steps_draw_from_no_generator_that_threads_share(technique, model, data):  # noqa: F811
    prepared = prepare(recipe_for(technique, model, data, max_steps=3))
    assert prepared.own_thread_rng
    before = states()
    with prepared.randomness.beside():
        events = list(prepared.steps)
    assert events[-1]["event"] == "eval"
    assert states() == before


def states():
    """The states of the generators that all threads share, to be compared."""
    numpy = np.random.get_state()
    return random.getstate(), numpy[1].tolist(), numpy[2:], torch.get_rng_state().tolist()
