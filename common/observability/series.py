"""Prometheus series made from the list of metrics: label values are bounded, and a hit costs one dictionary look-up.

The official client formats the exposition; the cells are our own, because its children cost 0.5 µs (counter) to
1.1 µs (histogram) a hit, measured, most of it for locks. Ours have none: all hits come from the event loop's thread.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, product
from math import prod

from prometheus_client import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from common.observability.metric_list import OTHER, Kind, Label, MetricSpec

MAX_SERIES = 500
"""Per metric and process: all rules of a pack fit, a flood of invented names does not."""

MAX_KNOWN_BEFOREHAND = 16

Values = tuple[str, ...]
Sample = tuple[str, dict[str, str], float]
"""Suffix of the name, labels besides the metric's own, value."""

_NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,80}")
_LONG_NUMBER = re.compile(r"\d{8}")


class Cell:
    """One series of a counter or gauge."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def add(self, amount: float) -> None:
        """Counts."""
        self.value += amount

    def set(self, value: float) -> None:
        """Replaces."""
        self.value = value

    def samples(self) -> Iterator[Sample]:
        """As exposed."""
        yield "", {}, self.value


class Distribution:
    """One series of a histogram; `bounds` are the upper bounds of its buckets."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Counts the value in its bucket."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def samples(self) -> Iterator[Sample]:
        """As exposed: cumulated buckets, count and sum."""
        bounds = (*map(floatToGoString, self.bounds), "+Inf")
        for bound, count in zip(bounds, accumulate(self.counts), strict=True):
            yield "_bucket", {"le": bound}, count
        yield "_count", {}, sum(self.counts)
        yield "_sum", {}, self.total


class Series(dict[Values, Callable[[float], None]]):
    """Label values → the function that counts, sets or observes; made on first use.

    Args:
        spec: the metric.
    """

    def __init__(self, spec: MetricSpec) -> None:
        super().__init__()
        self._spec = spec
        self._cells: dict[Values, Cell | Distribution] = {}
        for values in _known_beforehand(spec):
            self[values]

    def __missing__(self, values: Values) -> Callable[[float], None]:
        bounded = tuple(_bounded(label, value) for label, value in zip(self._spec.labels, values, strict=True))
        if bounded not in self._cells and len(self._cells) >= MAX_SERIES:
            bounded = (OTHER,) * len(values)
        hit = self._hit(self._cells.setdefault(bounded, self._cell()))
        if len(self) < MAX_SERIES:
            self[values] = hit
        return hit

    def _cell(self) -> Cell | Distribution:
        return Distribution(self._spec.buckets) if self._spec.kind is Kind.HISTOGRAM else Cell()

    def _hit(self, cell: Cell | Distribution) -> Callable[[float], None]:
        if isinstance(cell, Distribution):
            return cell.observe
        return cell.add if self._spec.kind is Kind.COUNTER else cell.set

    def exposed(self) -> Metric:
        """The metric with all its series."""
        metric = Metric(self._spec.name.removesuffix("_total"), self._spec.help, self._spec.kind)
        for values, cell in self._cells.items():
            labels = dict(zip((label.name for label in self._spec.labels), values, strict=True))
            for suffix, more, value in cell.samples():
                metric.add_sample(self._spec.name + suffix, {**labels, **more}, value)
        return metric


class AllSeries(Collector):
    """The series of all metrics of a list, by metric; a registry collects them."""

    def __init__(self, specs: Iterable[MetricSpec]) -> None:
        self._series = {spec.name: Series(spec) for spec in specs}

    def __getitem__(self, spec: MetricSpec) -> Series:
        return self._series[spec.name]

    def collect(self) -> Iterator[Metric]:
        """All of them, in the order of the list."""
        return (series.exposed() for series in self._series.values())


def _known_beforehand(spec: MetricSpec) -> Iterator[Values]:
    """Counters of few, known series start at 0: an increase from nothing to 1 would be no increase to Prometheus."""
    choices = [label.values for label in spec.labels]
    closed = [sorted(values) for values in choices if values is not None]
    known = len(closed) == len(choices) and prod(map(len, closed)) <= MAX_KNOWN_BEFOREHAND
    if known and (not choices or spec.kind is Kind.COUNTER):
        yield from product(*closed)


def _bounded(label: Label, value: str) -> str:
    if label.values is not None:
        return value if value in label.values else OTHER
    # eight digits in a row may be a phone number, which no label may hold
    return value if _NAME.fullmatch(value) and not _LONG_NUMBER.search(value) else OTHER
