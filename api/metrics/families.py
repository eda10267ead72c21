"""Makes families of metrics from counts and durations. Pure."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

from api.metrics.recorded import Durations


def counter(
    name: str, what: str, labels: list[str], counts: Iterable[tuple[tuple[str, ...], int]]
) -> CounterMetricFamily:
    """Return a counter with a value for each of its labels' values."""
    family = CounterMetricFamily(name, what, labels=labels)
    for values, count in counts:
        family.add_metric(values, count)
    return family


def histogram(name: str, what: str, label: str, durations: Durations) -> HistogramMetricFamily:
    """Return a histogram of durations for each value of its label."""
    family = HistogramMetricFamily(name, what, labels=[label])
    for value, buckets, total in durations.histograms():
        family.add_metric([value], buckets, total)
    return family
