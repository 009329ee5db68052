"""A step of a recipe's run without its weights: the run's own code on tensors that are shapes only.

The technique is applied on the meta device and every tensor becomes a fake one of the run's device
(:mod:`workbench.training.forecast.dry_model`). Then the loop itself takes a step with the largest batch of
the run, while :class:`workbench.training.forecast.tracker.Live` follows what is allocated and freed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
import transformers

from workbench.errors import WorkbenchError
from workbench.recipe import Recipe
from workbench.registry.techniques import get
from workbench.sources.datasets.load import Table
from workbench.sources.models.describe import ModelFacts
from workbench.training.adaptation.meters import MemoryMeter
from workbench.training.adaptation.optimizer import make_optimizer, optimizer_facts
from workbench.training.evaluate import word_scores
from workbench.training.forecast import layer_stacks
from workbench.training.forecast.dry_model import DryModel, make_dry_model
from workbench.training.forecast.fake_model import ExpertProducts
from workbench.training.forecast.largest_batches import LargestBatches
from workbench.training.forecast.tracker import KINDS, Live
from workbench.training.inputs.limits import padding_side
from workbench.training.inspection.skeleton import shapes_of
from workbench.training.loop import train
from workbench.training.runtime.accelerator import plain_accelerator
from workbench.training.runtime.quiet_loading import quiet_transformers
from workbench.training.speedups.labelled_logits import is_possible

TRAINING, EVALUATION, METER = "training", "evaluation", "meter"
# CUDA's allocator hands out memory in blocks of so many bytes.
_BLOCKS = {"cuda": 512}
# Where PyTorch's optimizers step all parameters at once, which takes more memory than one by one.
_FOREACH = {"cuda"}


class _UnequalBlocks(Exception):
    """Blocks are no longer equal once the model is adapted, so two of them do not tell what all take."""


class DryRun:
    """What a recipe's run would allocate, found out with shapes only.

    Parameters
    ----------
    recipe : Recipe
        A resolved one without problems.
    facts : ModelFacts
    table : Table
    device : {"cpu", "cuda"}

    Attributes
    ----------
    full_precision_bytes : int
        The bytes of the base in full precision.
    can_checkpoint : bool
        Whether the base supports gradient checkpointing.
    """

    def __init__(self, recipe: Recipe, facts: ModelFacts, table: Table, device: str):
        self._recipe, self._device = recipe, device
        self._technique = get(recipe.technique)
        self._shapes, self._new_parameters = shapes_of(recipe, lambda _: table)
        self._batches = LargestBatches(recipe, facts, table, padding_side(self._shapes), device)
        self._stacks = layer_stacks.stacks(self._shapes)
        self._thins = any(stack.rounds > layer_stacks.MANY for stack in self._stacks) and not (
            layer_stacks.singles_out(self._technique, recipe.technique_args)
        )
        self._labelled_logits = is_possible(recipe, self._shapes)
        self.can_checkpoint = bool(self._shapes.supports_gradient_checkpointing)
        tensors = (*self._shapes.parameters(), *self._shapes.buffers())
        self.full_precision_bytes = sum(tensor.nbytes for tensor in tensors)

    @property
    def trains(self) -> bool:
        """Whether the run trains anything."""
        return self._technique.trainable != "nothing"

    def peaks(
        self, size: int, *, evaluate: bool = True, **changes: Any
    ) -> dict[str, dict[str, int]]:
        """Return what is alive at the fullest moment of each phase of a step and of an evaluation.

        Parameters
        ----------
        size : int
            Rows in the training batch.
        evaluate : bool
            Whether to evaluate too, and to count as a run's meter does.
        **changes
            Settings of the recipe that are to be other ones, such as ``gradient_checkpointing``.

        Returns
        -------
        dict
            Of each phase, the bytes of each kind (:data:`workbench.training.forecast.tracker.KINDS`). Phases of
            the evaluation begin with :data:`EVALUATION`; :data:`METER` is what a run's meter counts.
        """
        recipe = self._recipe.replace(**changes)
        try:
            return self._peaks(recipe, size, evaluate)
        except (WorkbenchError, MemoryError):
            raise
        except Exception:  # whatever a base refuses, its run does without
            if not self._labelled_logits:
                raise
        # Shapes have no loss that could be held against another, but they fail where numbers do.
        self._labelled_logits = False
        return self._peaks(recipe, size, evaluate)

    def _peaks(self, recipe: Recipe, size: int, evaluate: bool) -> dict[str, dict[str, int]]:
        if self._thins:
            two = [2] * len(self._stacks)
            three = [[*two[:at], 3, *two[at + 1 :]] for at in range(len(two))]
            with contextlib.suppress(_UnequalBlocks):
                least, *others = (
                    self._follow(recipe, size, evaluate, rounds) for rounds in (two, *three)
                )
                return layer_stacks.extended(least, others, self._stacks)
        return self._follow(recipe, size, evaluate)

    def _follow(
        self, recipe: Recipe, size: int, evaluate: bool, rounds: Sequence[int] | None = None
    ) -> dict[str, dict[str, int]]:
        """Take a step and evaluate while memory is followed.

        Parameters
        ----------
        rounds : sequence of int, optional
            How many rounds of equal blocks are left in each stack; all of them if not given.
        """
        dry = self._make(recipe, rounds)
        live = Live(_BLOCKS.get(self._device, 1))
        layer_stacks.mark(dry.model, self._stacks, live.phase)
        with dry.mode, ExpertProducts(), live, quiet_transformers():
            for kind, tensors in dry.tensors.items():
                live.hold(tensors, kind)
            meter = MemoryMeter(dry.model)
            if self.trains:
                meter = self._train(live, dry, recipe, size)
            if not evaluate:
                return live.peaks
            if self.trains:
                with meter.counting():
                    loss = dry.model(**self._batches.batch("train", size, dry.config)).loss
                    # What is counted is kept alive until a backward pass has used it.
                    loss.backward()
                del loss
                dry.model.zero_grad()
            live.begin(EVALUATION)
            self._evaluate(dry)
        # The meter does not see the base under the run's copies of it.
        standing = {kind: live.alive(kind) for kind in ("weights", "adapters")}
        figures = meter.read() | standing
        return live.peaks | {METER: {kind: figures[kind] for kind in KINDS}}

    def _make(self, recipe: Recipe, rounds: Sequence[int] | None) -> DryModel:
        shapes = self._shapes
        if rounds is not None:
            shapes = layer_stacks.thinned(shapes, self._stacks, rounds)

        def check(adapted: torch.nn.Module) -> None:
            if rounds is not None and not layer_stacks.equal(adapted, self._stacks):
                raise _UnequalBlocks

        return make_dry_model(
            recipe,
            shapes,
            self._new_parameters,
            self._batches,
            self._device,
            labelled_logits=self._labelled_logits,
            check=check,
        )

    def _train(self, live: Live, dry: DryModel, recipe: Recipe, size: int) -> MemoryMeter:
        """Take the training step that needs the most memory; return a meter of the model."""
        model, after_step = dry.model, None
        facts = optimizer_facts(recipe, self._technique, self._device)
        optimizer = make_optimizer(facts, model)
        if self._device in _FOREACH:
            for group in optimizer.param_groups:
                # PyTorch chooses it for parameters with values only.
                if group.get("foreach", False) is None and not group.get("fused"):
                    group["foreach"] = True
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        # The optimizer makes its state in the first step, when activations are gone: the step that
        # takes the most memory is one after it.
        for parameter in trained:
            parameter.grad = torch.empty_like(parameter)
        optimizer.step()
        optimizer.zero_grad()
        if self._technique.after_step:
            after_step = partial(self._technique.after_step.load(), model)
        batch = self._batches.batch("train", size, dry.config)
        steps = train(
            plain_accelerator(),
            model,
            optimizer,
            transformers.get_scheduler("constant", optimizer),
            [batch],
            lambda step: iter(()),
            max_steps=3,
            # A third pass needs no more memory than the second one does.
            gradient_accumulation_steps=min(2, recipe.gradient_accumulation_steps),
            max_grad_norm=recipe.max_grad_norm,
            after_step=after_step,
        )
        if after_step is not None:
            next(steps)  # makes a state of its own
        live.settle("optimizer")
        live.hold(batch.values(), "activations")
        for parameter in trained:
            parameter.register_post_accumulate_grad_hook(
                lambda tensor: live.hold([tensor.grad], "gradients")
            )
        optimizer.register_step_pre_hook(lambda *_: live.phase("optimizer"))
        live.begin(TRAINING)
        next(steps)
        del steps  # and with it what the loop refers to
        live.begin("rest")
        return MemoryMeter(model, optimizer)

    def _evaluate(self, dry: DryModel) -> None:
        dry.model.eval()
        size = self._recipe.per_device_eval_batch_size
        batch = self._batches.batch("eval", size, dry.config)
        if "words" in batch:
            word_scores(dry.model, batch, normalize=False)
        else:
            with torch.no_grad():
                dry.model(**batch)
