"""The window, the review queue and the metrics count right, on a clock the tests turn by hand."""

from __future__ import annotations

from metrics import BUCKETS, Metrics, as_json, as_prometheus
from review import ReviewQueue
from window import MOST_JOBS, Summary, Window, percentile


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_percentile_is_the_nearest_rank() -> None:
    assert percentile([1.0], 95) == 1
    assert percentile(list(range(1, 21)), 95) == 19
    assert percentile(list(range(1, 101)), 95) == 95


def test_window_forgets_what_is_old() -> None:
    clock = Clock()
    window = Window(10, clock)
    window.add(0.125, failed=True)
    clock.now += 6
    window.add(0.25, failed=False)
    assert window.summary() == Summary(2, 1, 50.0, 187.5, 250.0)
    clock.now += 6
    assert window.summary() == Summary(1, 0, 0.0, 250.0, 250.0)
    clock.now += 6
    assert window.summary() == Summary(0, 0, None, None, None)


def test_window_holds_so_many_jobs() -> None:
    window = Window(10, Clock())
    for _ in range(MOST_JOBS + 5):
        window.add(0.1, failed=False)
    assert window.summary().extractions == MOST_JOBS


def test_review_queue_grows_and_is_worked_off() -> None:
    clock = Clock()
    queue = ReviewQueue(0.5, clock)
    for _ in range(3):
        queue.put()
    assert len(queue) == 3
    clock.now += 2
    assert len(queue) == 2
    clock.now += 1
    assert len(queue) == 2  # half reviewed still waits
    clock.now += 100
    assert len(queue) == 0
    queue.put()  # idle reviewers cannot have worked ahead
    assert len(queue) == 1


def test_without_work_there_is_null_and_not_zero() -> None:
    shown = as_json(Metrics(10, 0.4, 0.5, Clock()).totals(), 10)
    assert shown["avg_hash_time"] is shown["p95_hash_time"] is shown["extraction_failures_rate"] is None
    assert shown["extractions"] == shown["total_hashes_generated"] == 0


def test_counts() -> None:
    clock = Clock()
    metrics = Metrics(10, 0.4, 0.5, clock)
    for confidence in (0.9, 0.1, None, 0.4):
        metrics.record(0.02, confidence)
    shown = as_json(metrics.totals(), 10)
    assert shown["extractions"] == 4
    assert shown["extraction_failures"] == 1
    assert shown["extraction_failures_rate"] == 25
    assert shown["avg_hash_time"] == shown["p95_hash_time"] == 20
    assert shown["low_confidence_queue_length"] == 1
    assert shown["total_hashes_generated"] == 3
    clock.now += 60
    later = as_json(metrics.totals(), 10)
    assert later["avg_hash_time"] is None
    assert later["total_hashes_generated"] == 3


def test_prometheus_text() -> None:
    metrics = Metrics(10, 0.4, 0.5, Clock())
    assert "milliseconds" not in as_prometheus(metrics.totals(), "1", "good")  # absent, not 0
    for seconds in (0.01, 0.02, 9.0):
        metrics.record(seconds, 0.9)
    lines = as_prometheus(metrics.totals(), '1"2', "good").splitlines()
    assert r'dhash_build_info{release="good",version="1\"2"} 1' in lines
    assert "# TYPE dhash_hash_seconds histogram" in lines
    assert 'dhash_hash_seconds_bucket{le="0.005"} 0' in lines
    assert 'dhash_hash_seconds_bucket{le="0.01"} 1' in lines  # a bound belongs to its bucket
    assert f'dhash_hash_seconds_bucket{{le="{BUCKETS[-1]:g}"}} 2' in lines
    assert 'dhash_hash_seconds_bucket{le="+Inf"} 3' in lines
    assert "dhash_hash_seconds_count 3" in lines
    assert "dhash_hash_seconds_sum 9.03" in lines
    assert "dhash_extractions_total 3" in lines
    families = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(families) == len(set(families))
