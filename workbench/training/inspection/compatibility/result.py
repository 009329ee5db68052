"""The result of testing a technique on a base; imports neither torch nor PEFT."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.registry.techniques import get


@dataclass(frozen=True)
class Compatibility:
    """Whether a technique works with a base model.

    Parameters
    ----------
    technique : str
    compatible : bool
    task : str
        The task for which it was tested.
    reason : str
        Why it does not work; empty if it does.
    remedy : str
        What would help; empty if nothing is known.
    trainable : int
        Number of parameters that it would train on the base; 0 where this is not known before the base
        is loaded.
    matched : tuple of str
        The base's modules to which it is applied. Prompt techniques have none.
    total : int
        Number of all parameters of the adapted base; 0 where ``trainable`` is.
    """

    technique: str
    compatible: bool
    task: str
    reason: str = ""
    remedy: str = ""
    trainable: int = 0
    matched: tuple[str, ...] = ()
    total: int = 0

    def __str__(self) -> str:
        title = get(self.technique).title
        if self.compatible:
            if not self.trainable:
                return f"{title} works with this base."
            where = f" in {len(self.matched)} modules" if self.matched else ""
            return (
                f"{title} works with this base: it would train {self.trainable:,} "
                f"parameters{where}."
            )
        remedy = f": {self.remedy}" if self.remedy else ""
        stop = "" if remedy.endswith("?") else "."
        return f"{title} does not work with this base: {self.reason}{remedy}{stop}"
