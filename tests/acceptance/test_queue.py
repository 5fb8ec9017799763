"""The queue through the installed program: backlog, rates, direction, and what it says when it cannot tell."""

from __future__ import annotations

import pytest

from support.loopback import body
from support.project import Project, Result

PATH = "/api/dhash/queue/status"


def status(project: Project, *lengths: object, samples: int = 5, json: bool = False) -> Result:
    """Ask a queue that tells these lengths, one after the other; it has processed ten more at each look."""
    project.environment["queue"] = {"path": PATH, "length_at": "low_confidence", "processed_at": "processed"}
    project.write()
    answers = [body({"low_confidence": length, "processed": 10 * index}) for index, length in enumerate(lengths)]
    project.service.script(PATH, answers)
    more = ["--json"] if json else []
    return project.guard("queue", "status", "--env", "production", "--samples", str(samples), "--interval", "20ms", *more)


@pytest.mark.parametrize(
    ("lengths", "samples", "code", "word"),
    [
        ((9, 8, 7, 6, 5), 5, 0, "draining"),
        ((9, 8), 2, 0, "draining"),
        ((4, 4, 4, 4, 4), 5, 0, "stable"),
        ((5, 6, 7, 8, 9), 5, 1, "growing"),
        ((5, 6), 2, 3, "too few"),
        ((5,), 1, 3, "one look"),
        ((-1, -1), 2, 3, "no number of entries"),
        (("many", "many"), 2, 3, "no number of entries"),
    ],
)
def test_the_exit_code_says_where_it_is_going(
    project: Project, lengths: tuple[object, ...], samples: int, code: int, word: str
) -> None:
    done = status(project, *lengths, samples=samples)
    assert done.code == code, done.out + done.err
    assert word in done.out


def test_as_data_it_has_backlog_rates_and_verdict(project: Project) -> None:
    done = status(project, 9, 8, 7, 6, 5, json=True)
    assert done.code == 0, done.err
    queue = done.json["queue"]
    assert (queue["length"], queue["drainage"], len(queue["looks"])) == (5, "draining", 5)
    assert queue["processing_rate"] == pytest.approx(-10 * queue["backlog_rate"])
    assert queue["backlog_rate"] < 0


def test_without_a_queue_it_is_a_matter_of_configuration(project: Project) -> None:
    done = project.guard("queue", "status")
    assert done.code == 2
    assert "length_at" in done.err


def test_a_silent_queue_cannot_be_told(project: Project) -> None:
    project.environment["queue"] = {}
    project.write()
    done = project.guard("queue", "status", "--interval", "10ms")
    assert done.code == 3
    assert "HTTP 404" in done.out


def test_some_silent_looks_leave_the_others(project: Project) -> None:
    project.environment["queue"] = {}
    project.write()
    project.service.script(PATH, [body({"low_confidence": 9}), body({}, 500), body({"low_confidence": 4})])
    done = project.guard("queue", "status", "--samples", "3", "--interval", "10ms")
    assert done.code == 0, done.out
    assert "HTTP 500" in done.out
    assert "9 waited at first, 4 at last" in done.out
