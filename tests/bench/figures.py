"""Prints figures of several runs with their spread, beside the target they are meant for."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Figure:
    """One measured quantity over several runs.

    Attributes:
        target: what it should reach, in words; empty if there is none.
    """

    name: str
    unit: str
    runs: Sequence[float]
    target: str = ""

    def __str__(self) -> str:
        low, middle, high = min(self.runs), median(self.runs), max(self.runs)
        spread = f"{low:.3g} … {high:.3g}" if len(self.runs) > 1 else "one run"
        target = f"   target {self.target}" if self.target else ""
        return f"  {self.name:<58} {middle:>9.3g} {self.unit:<6} ({spread}, n={len(self.runs)}){target}"


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def show(title: str, how: str, figures: Sequence[Figure]) -> None:
    """Prints one benchmark."""
    print(f"\n{title}\n  {how}")
    for figure in figures:
        print(figure)
