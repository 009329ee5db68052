"""The bare step as a captured CUDA graph: what is left where launching a kernel costs nothing."""

from __future__ import annotations

from typing import Any

import torch

from gpu_sections.loops import adapted, batches_of
from gpu_sections.setup import DEVICE
from workbench.training.resolve import Resolved

WARM = 3


class Graph:
    """Steps of a captured graph over static inputs; without a GPU the same step uncaptured.

    Rows have no padding, so the mask that tells it is left out: whether it has zeros would be asked for
    at each step, which a graph cannot do.
    """

    def __init__(self, resolved: Resolved, base: Any):
        self._model = adapted(resolved, base)
        self._trained = [part for part in self._model.parameters() if part.requires_grad]
        self._optimizer = torch.optim.AdamW(
            self._trained, lr=resolved.recipe.learning_rate, weight_decay=0.0,
            fused=DEVICE == "cuda", capturable=DEVICE == "cuda",
        )  # fmt: skip
        self._batches = [
            {name: batch[name].to(DEVICE) for name in ("input_ids", "labels")}
            for batch in batches_of(resolved)
            if len(batch["labels"]) == resolved.recipe.per_device_train_batch_size
        ]
        self._inputs = {name: tensor.clone() for name, tensor in self._batches[0].items()}
        self._taken = 0
        self._replay = self._capture() if DEVICE == "cuda" else self._step

    def _step(self) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        # What autocast keeps of casts must not outlive a capture.
        with torch.autocast(DEVICE, torch.bfloat16, cache_enabled=False):
            loss = self._model(**self._inputs, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._trained, 1.0, foreach=True)
        self._optimizer.step()

    def _capture(self) -> Any:
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM):
                self._step()
        torch.cuda.current_stream().wait_stream(stream)
        self._optimizer.zero_grad(set_to_none=True)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._step()
        return self._graph.replay

    def take(self, count: int) -> None:
        """Take so many steps."""
        for _ in range(count):
            batch = self._batches[self._taken % len(self._batches)]
            for name, tensor in self._inputs.items():
                tensor.copy_(batch[name])
            self._replay()
            self._taken += 1

    def close(self) -> None:
        """Let the graph's memory go."""
        vars(self).clear()
