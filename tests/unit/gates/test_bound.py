"""When the exact bound of few events lies beyond a limit, at its very edge too."""

from __future__ import annotations

from typing import Any

import pytest

from dhash_guard.gates.bound import bound, surely, tail
from dhash_guard.gates.settings import Gate
from dhash_guard.records.outcome import Action, Status
from dhash_guard.records.sample import Counts
from dhash_guard.records.units import Ratio, parse_quantity
from support.watching import judged


@pytest.mark.parametrize(
    ("rule", "counts", "side", "limit", "confidence", "sure"),
    [
        # Under 5 %, two or more of seven have a chance of 4.4 %, and of eight one of 5.7 %.
        ("2 of 7 are surely above 5%", Counts(2, 7), "above", 0.05, 0.95, True),
        ("2 of 8 are not", Counts(2, 8), "above", 0.05, 0.95, False),
        ("5 of 7 are surely below 95%", Counts(5, 7), "below", 0.95, 0.95, True),
        ("6 of 8 are not", Counts(6, 8), "below", 0.95, 0.95, False),
        ("2 of 7 are surely at least 5%", Counts(2, 7), "from", 0.05, 0.95, True),
        ("2 of 8 are not that either", Counts(2, 8), "from", 0.05, 0.95, False),
        ("5 of 7 are surely at most 95%", Counts(5, 7), "to", 0.95, 0.95, True),
        ("6 of 8 are not that either", Counts(6, 8), "to", 0.95, 0.95, False),
        # Crumbs of an extrapolated rate are no evidence; what binary fractions add is no crumb.
        ("a bit less than two events is one", Counts(1.999, 7), "above", 0.05, 0.95, False),
        ("a bit more than seven trials are eight", Counts(2, 7.001), "above", 0.05, 0.95, False),
        ("a bit less than two failures is one", Counts(5.001, 7), "below", 0.95, 0.95, False),
        ("rounding takes no event away", Counts(2 - 1e-12, 7), "above", 0.05, 0.95, True),
        ("rounding adds no trial", Counts(2, 7 + 1e-12), "above", 0.05, 0.95, True),
        ("rounding takes no failure away", Counts(5 + 1e-12, 7), "below", 0.95, 0.95, True),
        # One of one has a chance of exactly one half under 50 %.
        ("above: a chance that is just allowed proves nothing", Counts(1, 1), "above", 0.5, 0.5, False),
        ("from: it proves", Counts(1, 1), "from", 0.5, 0.5, True),
        ("below: it proves nothing", Counts(0, 1), "below", 0.5, 0.5, False),
        ("to: it proves", Counts(0, 1), "to", 0.5, 0.5, True),
        ("no number of events proves that all fail", Counts(90, 90), "from", 1.0, 0.95, False),
        ("nor that all do not", Counts(0, 90), "to", 0.0, 0.95, False),
    ],
)
def test_what_is_sure(rule: str, counts: Counts, side: str, limit: float, confidence: float, sure: bool) -> None:
    assert surely(counts, side, limit, confidence) is sure, rule


@pytest.mark.parametrize(
    ("rule", "counts", "side", "shown"),
    [
        # Clopper and Pearson, one-sided 95 %.
        ("2 of 8 are at least 4.64%", Counts(2, 8), "above", 0.046389),
        ("to include the limit changes no bound", Counts(2, 8), "from", 0.046389),
        ("6 of 8 are at most 95.36%", Counts(6, 8), "below", 0.953611),
        ("nor does it on the other side", Counts(6, 8), "to", 0.953611),
        ("an event that is not whole is none", Counts(2.9, 8), "above", 0.046389),
        ("a trial that is not whole is one", Counts(2, 7.1), "above", 0.046389),
        ("nor is a failure", Counts(5.1, 8), "below", 0.953611),
        ("rounding takes nothing away", Counts(2 - 1e-12, 8 + 1e-12), "above", 0.046389),
        ("nor from the failures", Counts(6 + 1e-12, 8), "below", 0.953611),
    ],
)
def test_the_bound_that_people_read(rule: str, counts: Counts, side: str, shown: float) -> None:
    assert bound(counts, side, 0.95) == pytest.approx(shown, abs=1e-6), rule


@pytest.mark.parametrize("share", [1.0, 0.0])
def test_the_tail_at_the_ends_of_a_share(share: float) -> None:
    assert [tail(successes, 5, share) for successes in (0, 1, 5, 6)] == [1.0, share, share, 0.0]


@pytest.mark.parametrize(
    ("limit", "word", "status"),
    [
        ({"fail_from": "5%"}, "1/3", Status.HEALTHY),
        ({"fail_from": "5%"}, "2/3", Status.DEGRADED),
        ({"fail_to": "70%"}, "2/5", Status.HEALTHY),
        ({"fail_to": "70%"}, "1/5", Status.DEGRADED),
        ({"fail_from": "100%"}, "9/9", Status.HEALTHY),
    ],
)
def test_inclusive_limits_want_proof_as_well(limit: dict[str, str], word: str, status: Status) -> None:
    limits: dict[str, Any] = {key: parse_quantity(value) for key, value in limit.items()}
    one = Gate(signal="x", action=Action.ROLLBACK, confidence=Ratio(0.95), **limits)
    assert judged(one, f"{word} {word}")[1].status is status
