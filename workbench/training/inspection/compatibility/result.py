"""What became of trying a technique on a base: light, for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.registry.techniques import get


@dataclass(frozen=True)
class Compatibility:
    """Whether a technique fits a base.

    Parameters
    ----------
    technique : str
    compatible : bool
    task : str
        What it was tried for.
    reason : str
        Why not; empty if it fits.
    remedy : str
        What would make it fit; empty if nothing is known to.
    trainable : int
        Parameters that it would train on the base; 0 where that is not known before the base is
        loaded.
    matched : tuple of str
        The base's modules that it touches. Prompts touch none.
    """

    technique: str
    compatible: bool
    task: str
    reason: str = ""
    remedy: str = ""
    trainable: int = 0
    matched: tuple[str, ...] = ()

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
