"""A node's metrics name nobody, and each has a description."""

import gc
from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from useby import metrics


@pytest.fixture
def timed() -> Iterator[None]:
    before = gc.callbacks[:]
    metrics.time_collector()
    metrics.time_collector()
    yield
    gc.callbacks[:] = before


def test_a_pause_of_the_collector_is_measured_once(timed: None) -> None:
    labels = {"generation": "2"}
    before = REGISTRY.get_sample_value("useby_gc_pause_seconds_count", labels) or 0
    gc.disable()
    gc.collect()
    gc.enable()
    assert REGISTRY.get_sample_value("useby_gc_pause_seconds_count", labels) == before + 1


def test_no_label_names_a_user_a_token_or_an_address() -> None:
    ours = [each for each in vars(metrics).values() if isinstance(each, MetricWrapperBase)]
    names = {name for each in ours for name in each._labelnames}
    assert names <= {"code", "reason", "method", "route", "status", "generation", "quota"} | {
        *("kind", "outcome"),
    }


def test_every_metric_has_a_description() -> None:
    ours = [each for each in vars(metrics).values() if isinstance(each, MetricWrapperBase)]
    assert ours
    assert all(each._documentation.endswith(".") for each in ours)
    assert all(each._name.startswith("useby_") for each in ours)
