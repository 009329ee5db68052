"""A step of a recipe's run without its weights: the run's own code on tensors that are shapes only.

The technique is applied on the meta device, as :mod:`workbench.training.inspection.skeleton` does; then every
tensor becomes a fake one of the run's device, and the loop itself takes a step with the widest batch
of the run, while :class:`workbench.training.forecast.tracker.Live` follows what is allocated and let go of.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
import transformers
from accelerate import Accelerator

from workbench.errors import ModelError, WorkbenchError
from workbench.recipe import Recipe
from workbench.registry.tasks import TASKS
from workbench.registry.techniques import config_class, get
from workbench.sources.datasets.load import Table
from workbench.sources.models.describe import ModelFacts
from workbench.training.adaptation.meters import MemoryMeter
from workbench.training.adaptation.optimizer import make_optimizer, optimizer_facts
from workbench.training.adaptation.quantize import beside_weights, plain, storage
from workbench.training.adaptation.refusals import Refusal
from workbench.training.adaptation.running_stats import moving_statistics
from workbench.training.evaluate import word_scores
from workbench.training.forecast import layer_stacks
from workbench.training.forecast.fake_model import (
    CpuLayout,
    ExpertProducts,
    Faker,
    pack,
    with_packed_layers,
)
from workbench.training.forecast.torch_internals import FakeTensorMode
from workbench.training.forecast.tracker import KINDS, Live
from workbench.training.inputs import collate
from workbench.training.inputs.few_shot_plan import prompt_facts
from workbench.training.inputs.largest_batch import widest
from workbench.training.inputs.limits import (
    START_ROWS,
    choose_rows,
    count_steps,
    counts_positions,
    padding_side,
)
from workbench.training.inputs.processor import virtual_labels
from workbench.training.inputs.row_order import drawn, in_turn
from workbench.training.inputs.task_inputs import TaskInputs
from workbench.training.inspection.skeleton import adapt_shapes, shapes_of
from workbench.training.loop import train
from workbench.training.runtime.quiet_loading import quiet_transformers
from workbench.training.speedups.apply import labels_some, set_up
from workbench.training.speedups.settings import use_mask_positions

TRAINING, EVALUATION, METER = "training", "evaluation", "meter"
# Some starts look at weights: so many numbers can be made up for them.
_WEIGHED = 200_000_000
# CUDA's allocator hands out memory in blocks of so many bytes.
_BLOCKS = {"cuda": 512}


class _Unequal(Exception):
    """The blocks of a model are not equal once it is adapted: two do not tell what all take."""


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
    whole : int
        The bytes of the base in full precision.
    recomputes : bool
        Whether the base can do with gradient checkpointing.
    """

    def __init__(self, recipe: Recipe, facts: ModelFacts, table: Table, device: str):
        self._recipe, self._table, self._device = recipe, table, device
        self._task, self._technique = TASKS[recipe.task], get(recipe.technique)
        self._shapes, self._new_parameters = shapes_of(recipe, len(table.labels) or None)
        self._inputs = TaskInputs.of(recipe, facts, table)
        self._train_rows, self._eval_rows = choose_rows(recipe, table)
        self._side = padding_side(self._shapes)
        self._batches: dict[str, list[dict]] = {}
        self._stacks = layer_stacks.stacks(self._shapes)
        self._thins = any(stack.rounds > layer_stacks.MANY for stack in self._stacks) and not (
            layer_stacks.singles_out(self._technique, recipe.technique_args)
        )
        self._labelled_logits = labels_some(recipe, self._shapes)
        self.recomputes = self._shapes.supports_gradient_checkpointing
        held = (*self._shapes.parameters(), *self._shapes.buffers())
        self.whole = sum(tensor.nbytes for tensor in held)

    @property
    def trains(self) -> bool:
        """Whether the run trains anything."""
        return self._technique.trainable != "nothing"

    def peaks(self, size: int, *, whole: bool = True, **changes: Any) -> dict[str, dict[str, int]]:
        """Return what is alive at the fullest moment of each phase of a step and of an evaluation.

        Parameters
        ----------
        size : int
            Rows in the training batch.
        whole : bool
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
            return self._peaks(recipe, size, whole)
        except (WorkbenchError, MemoryError):
            raise
        except Exception:  # whatever a base refuses, its run does without
            if not self._labelled_logits:
                raise
        # Shapes have no loss that could be held against another, but they fail where numbers do.
        self._labelled_logits = False
        return self._peaks(recipe, size, whole)

    def _peaks(self, recipe: Recipe, size: int, whole: bool) -> dict[str, dict[str, int]]:
        if self._thins:
            few = [2] * len(self._stacks)
            more = [[*few[:at], 3, *few[at + 1 :]] for at in range(len(few))]
            with contextlib.suppress(_Unequal):
                least, *others = (
                    self._follow(recipe, size, whole, rounds) for rounds in (few, *more)
                )
                return layer_stacks.extended(least, others, self._stacks)
        return self._follow(recipe, size, whole)

    def _follow(
        self, recipe: Recipe, size: int, whole: bool, rounds: Sequence[int] | None = None
    ) -> dict[str, dict[str, int]]:
        model, kept, config = self._model(recipe, rounds)
        live = Live(_BLOCKS.get(self._device, 1))
        layer_stacks.mark(model, self._stacks, live.phase)
        with self._mode, ExpertProducts(), live, quiet_transformers():
            for kind, tensors in kept.items():
                live.hold(tensors, kind)
            meter = MemoryMeter(model)
            if self.trains:
                meter = self._train(live, model, config, recipe, size)
            if not whole:
                return live.peaks
            if self.trains:
                with meter.counting():
                    model(**self._batch("train", size, config))
            live.begin(EVALUATION)
            self._evaluate(model, config)
        figures = meter.read()
        return live.peaks | {METER: {kind: figures.get(kind, 0) for kind in KINDS}}

    # -- the model ----------------------------------------------------------------------------------

    def _model(
        self, recipe: Recipe, rounds: Sequence[int] | None
    ) -> tuple[torch.nn.Module, dict[str, list[torch.Tensor]], Mapping[str, Any]]:
        """Make the model of shapes, what is in memory before the run begins, and PEFT's config."""
        technique = self._technique
        shapes = self._shapes
        if rounds is not None:
            shapes = layer_stacks.thinned(shapes, self._stacks, rounds)
        if technique.needs_weights and sum(one.numel() for one in shapes.parameters()) > _WEIGHED:
            raise ModelError(
                f"The memory of {technique.title} cannot be forecast on {recipe.model!r}: its "
                "initialization reads weights, and this base has too many to simulate them."
            )
        model, linears = copy.deepcopy(shapes), []
        if recipe.quantization:
            stored = storage(model, recipe.quantization, self._new_parameters)
            model, linears = with_packed_layers(model, stored)
        names = _slots(model)
        rows = partial(self._encode, self._train_rows[:START_ROWS], {})
        layout = CpuLayout() if self._device == "cpu" else contextlib.nullcontext()
        try:
            with layout:
                model, adaptation = adapt_shapes(recipe, model, self._new_parameters, rows)
        except Refusal as error:
            if recipe.quantization is None:
                raise
            raise ModelError(
                f"The memory of {technique.title} with quantization={recipe.quantization!r} "
                "cannot be forecast: its initialization reads quantized weights."
            ) from error
        if rounds is not None and not layer_stacks.equal(model, self._stacks):
            raise _Unequal
        if self._task.reads_last_token(self._side):
            model.config.pad_token_id = self._inputs.processor.pad_token_id
        if counts_positions(recipe, shapes):
            use_mask_positions(model)
        self._mode = FakeTensorMode(allow_non_fake_inputs=True)
        faker = Faker(self._mode, self._device)
        if recipe.quantization:
            pack(linears, stored, faker)
        found = faker.model(model)
        # Compiling changes what is alive too, in ways that only compiling tells.
        uncompiled = recipe.replace(torch_compile=False)
        set_up(uncompiled, model, labelled_logits=self._labelled_logits)
        if self.trains:
            self._wake(model, adaptation.config)
        private = {*moving_statistics(shapes)}
        if self.trains:
            private |= adaptation.private(shapes)
        kept = self._kept(model, names, private)
        # What a technique keeps elsewhere than in parameters and buffers is its own.
        known = {part.untyped_storage()._cdata for some in kept.values() for part in some}
        kept["adapters"] += [
            part
            for one in found
            for part in plain(one)
            if part.untyped_storage()._cdata not in known
        ]
        return model, kept, adaptation.config

    def _wake(self, model: torch.nn.Module, config: Mapping[str, Any]) -> None:
        """Have what a start puts off on the meta device done, as a run has before its first step."""
        with self._mode, ExpertProducts(), Live(), torch.no_grad(), quiet_transformers():
            model(**self._batch("train", self._recipe.per_device_train_batch_size, config))

    def _kept(
        self, model: torch.nn.Module, names: Mapping[tuple[int, str], str], private: set[str]
    ) -> dict[str, list[torch.Tensor]]:
        """Tell the base's tensors from the run's own, which has copies of what it changes."""
        base, own = [*beside_weights(model)], []
        for module in model.modules():
            for attribute, tensor in (*module._parameters.items(), *module._buffers.items()):
                if tensor is None:
                    continue
                name = names.get((id(module), attribute))
                changed = name is None or name in private or tensor.requires_grad
                (own if changed else base).append(tensor)
                if changed and name is not None:
                    with self._mode:
                        base.append(torch.empty_like(tensor))
        kept = {"weights": base, "adapters": own}
        return {kind: [part for one in some for part in plain(one)] for kind, some in kept.items()}

    # -- what it is put through -----------------------------------------------------------------------

    def _train(
        self,
        live: Live,
        model: torch.nn.Module,
        config: Mapping[str, Any],
        recipe: Recipe,
        size: int,
    ) -> MemoryMeter:
        tail = None
        optimizer = make_optimizer(optimizer_facts(recipe, self._technique), model)
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        # The optimizer makes its state in the first step, when activations are gone: the step that
        # takes the most memory is one after it.
        for parameter in trained:
            parameter.grad = torch.empty_like(parameter)
        optimizer.step()
        optimizer.zero_grad()
        if self._technique.after_step:
            tail = partial(self._technique.after_step.load(), model)
        batch = self._batch("train", size, config)
        steps = train(
            Accelerator(),
            model,
            optimizer,
            transformers.get_scheduler("constant", optimizer),
            [batch],
            lambda step: iter(()),
            max_steps=3,
            # A third pass needs no more memory than the second one does.
            gradient_accumulation_steps=min(2, recipe.gradient_accumulation_steps),
            max_grad_norm=recipe.max_grad_norm,
            after_step=tail,
        )
        if tail is not None:
            next(steps)  # makes a state of its own
        live.settle("optimizer")
        live.hold(batch.values(), "activations")
        for parameter in trained:
            parameter.register_post_accumulate_grad_hook(
                lambda one: live.hold([one.grad], "gradients")
            )
        optimizer.register_step_pre_hook(lambda *_: live.phase("optimizer"))
        live.begin(TRAINING)
        next(steps)
        steps.close()
        live.begin("rest")
        return MemoryMeter(model, optimizer)

    def _evaluate(self, model: torch.nn.Module, config: Mapping[str, Any]) -> None:
        model.eval()
        batch = self._batch("eval", self._recipe.per_device_eval_batch_size, config)
        if "words" in batch:
            word_scores(model, batch, normalize=False)
        else:
            with torch.no_grad():
                model(**batch)

    # -- what goes into it ------------------------------------------------------------------------------

    def _batch(self, part: str, size: int, config: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """Make a batch of so many rows, as wide as the widest of the run."""
        found = self._widest(part, config)
        rows = [found[number % len(found)] for number in range(size)]
        if "words" in rows[0]:
            pad_token_id = self._inputs.processor.pad_token_id
            batch = collate.collate_words(rows[:1], pad_token_id=pad_token_id)
        elif part == "train" and self._recipe.padding_free:
            batch = collate.collate_flat(rows)
        else:
            batch = self._inputs.collator(self._side)(rows)
        # Ids and masks are real, as some code looks at them; images are not.
        return {
            name: torch.empty_like(value) if value.is_floating_point() else value
            for name, value in batch.items()
        }

    def _widest(self, part: str, config: Mapping[str, Any]) -> list[dict]:
        if part not in self._batches:
            recipe, columns = self._recipe, [*self._table.columns.values()]
            if part == "train":
                rows, size = self._train_rows, recipe.per_device_train_batch_size
                steps = count_steps(recipe, len(rows))
                numbers = partial(drawn, len(rows), recipe, steps)
            else:
                rows, size = self._eval_rows, recipe.per_device_eval_batch_size
                numbers = partial(in_turn, len(rows), size)
            if self._task.reads_images:
                columns = []
            encode = partial(self._encode, config=config)
            self._batches[part] = widest(rows, numbers, size, columns, encode)
        return self._batches[part]

    def _encode(self, rows: list[dict], config: Mapping[str, Any]) -> list[dict]:
        technique, inputs, train_rows = self._technique, self._inputs, self._train_rows
        if not self.trains:
            prompt = prompt_facts(self._recipe, inputs.processor, train_rows, self._table)
            return inputs.encode_prompts(rows, prompt, train_rows)
        peft_class = config_class(technique.name) if technique.config else None
        return inputs.encode(rows, virtual_labels(self._task, peft_class, config) if config else 0)


def _slots(model: torch.nn.Module) -> dict[tuple[int, str], str]:
    """Name the parameters and buffers of a model by where they are."""
    return {
        (id(module), attribute): f"{path}.{attribute}" if path else attribute
        for path, module in model.named_modules()
        for attribute in (*module._parameters, *module._buffers)
    }
