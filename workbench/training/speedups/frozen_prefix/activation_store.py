"""Activations that are stored between steps: in memory up to a limit, then in a temporary file.

Exported scripts carry this.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from typing import IO, ClassVar

import torch


class Activations:
    """Tensors by key; what there is no space for is not stored.

    Nothing is dropped for something newer: rows come back in another order in each epoch, so what was
    stored first is worth as much as what comes later.

    Parameters
    ----------
    memory : int, default 1 GiB
        Bytes that this store and all others may hold in memory together; the rest goes to disk.
    disk : float, default 0.25
        Share of the free disk that the rest may take.

    Attributes
    ----------
    in_memory, on_disk : int
        Bytes held.
    """

    # Every store that is still in use.
    alive: ClassVar[weakref.WeakSet] = weakref.WeakSet()

    def __init__(self, memory: int = 1 << 30, disk: float = 0.25):
        self.memory, self.disk = memory, disk
        self.in_memory = self.on_disk = 0
        self._tensors: dict[bytes, torch.Tensor] = {}
        self._locations: dict[bytes, tuple[int, torch.Size, torch.dtype]] = {}
        self._file: IO[bytes] | None = None
        self._disk_limit = 0
        self._full = False
        # Runs that share a base share its store, and each has a thread of its own.
        self._lock = threading.Lock()
        self.alive.add(self)

    def get(self, key: bytes) -> torch.Tensor | None:
        """Return the tensor that is stored under a key; None where there is none."""
        if key in self._tensors:
            return self._tensors[key]
        if key not in self._locations or self._file is None:
            return None
        start, shape, dtype = self._locations[key]
        tensor = torch.empty(shape, dtype=dtype)
        with self._lock:
            self._file.seek(start)
            self._file.readinto(_bytes(tensor))  # type: ignore[attr-defined]
        return tensor

    def put(self, key: bytes, tensor: torch.Tensor) -> None:
        """Store a copy of a tensor, where there is space for it."""
        with self._lock:
            if self._full or key in self._tensors or key in self._locations:
                return
            size = tensor.numel() * tensor.element_size()
            if sum(store.in_memory for store in self.alive) + size <= self.memory:
                self._tensors[key] = tensor.detach().to("cpu", copy=True)
                self.in_memory += size
            else:
                self._write(key, tensor.detach().cpu().contiguous(), size)

    def _write(self, key: bytes, tensor: torch.Tensor, size: int) -> None:
        try:
            if self._file is None:
                self._disk_limit = int(shutil.disk_usage(tempfile.gettempdir()).free * self.disk)
                # Nobody else can see it, and the system deletes it with the store or the process.
                self._file = tempfile.TemporaryFile()  # noqa: SIM115
            if self.on_disk + size > self._disk_limit:
                raise OSError("the limit of disk space is reached")
            self._file.seek(self.on_disk)
            self._file.write(_bytes(tensor))
            self._file.flush()
        except OSError:
            self._full = True
            return
        self._locations[key] = (self.on_disk, tensor.shape, tensor.dtype)
        self.on_disk += size


def _bytes(tensor: torch.Tensor) -> memoryview:
    """Return the memory of a contiguous tensor."""
    return tensor.view(torch.uint8).numpy().data.cast("B")
