"""Prometheus series made from the list of metrics: label values are bounded, and a hit costs one dictionary look-up."""

import re
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from common.observability.metric_list import OTHER, Kind, Label, MetricSpec

MAX_SERIES = 500
"""Per metric and process: all rules of a pack fit, a flood of invented names does not."""

_NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,80}")
_LONG_NUMBER = re.compile(r"\d{8}")


def _bounded(label: Label, value: str) -> str:
    if label.values is not None:
        return value if value in label.values else OTHER
    # eight digits in a row may be a phone number, which no label may hold
    return value if _NAME.fullmatch(value) and not _LONG_NUMBER.search(value) else OTHER


class Series(dict[tuple[str, ...], Callable[[float], None]]):
    """Label values → the function that counts, sets or observes; made on first use.

    Args:
        spec: the metric.
        registry: where it is exposed.
    """

    def __init__(self, spec: MetricSpec, registry: CollectorRegistry) -> None:
        super().__init__()
        self._spec = spec
        self._family = _family(spec, registry)
        self._made: dict[tuple[str, ...], Callable[[float], None]] = {}
        if not spec.labels:
            self[()] = _action(self._family)

    def __missing__(self, values: tuple[str, ...]) -> Callable[[float], None]:
        bounded = tuple(_bounded(label, value) for label, value in zip(self._spec.labels, values, strict=True))
        if bounded not in self._made and len(self._made) >= MAX_SERIES:
            bounded = (OTHER,) * len(values)
        if bounded not in self._made:
            self._made[bounded] = _action(self._family.labels(*bounded))
        if len(self) < MAX_SERIES:
            self[values] = self._made[bounded]
        return self._made[bounded]


def _family(spec: MetricSpec, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    names = [label.name for label in spec.labels]
    if spec.kind is Kind.COUNTER:
        return Counter(spec.name, spec.help, names, registry=registry)
    if spec.kind is Kind.GAUGE:
        return Gauge(spec.name, spec.help, names, registry=registry)
    return Histogram(spec.name, spec.help, names, registry=registry, buckets=spec.buckets)


def _action(child: Counter | Gauge | Histogram) -> Callable[[float], None]:
    if isinstance(child, Counter):
        return child.inc
    if isinstance(child, Gauge):
        return child.set
    return child.observe
