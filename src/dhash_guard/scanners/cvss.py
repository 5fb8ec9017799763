"""Decides the base score of a CVSS vector, for reports that give a vector and no score: versions 2, 3.0 and 3.1."""

from __future__ import annotations

import math
import re

_VECTOR = re.compile(r"(?:CVSS:(?P<version>3\.[01])/)?(?P<metrics>[A-Za-z]+:[A-Za-z]+(?:/[A-Za-z]+:[A-Za-z]+)*)")

_THREE = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_PRIVILEGES = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}
_TWO = {
    "AV": {"L": 0.395, "A": 0.646, "N": 1.0},
    "AC": {"H": 0.35, "M": 0.61, "L": 0.71},
    "AU": {"M": 0.45, "S": 0.56, "N": 0.704},
    "C": {"N": 0.0, "P": 0.275, "C": 0.660},
    "I": {"N": 0.0, "P": 0.275, "C": 0.660},
    "A": {"N": 0.0, "P": 0.275, "C": 0.660},
}


def base_score(vector: str) -> float | None:
    """The base score, 0 to 10; None for version 4, whose score is a table, and for what is no whole vector."""
    found = _VECTOR.fullmatch(vector.strip().strip("()"))
    if found is None:
        return None
    pairs = [part.upper().split(":") for part in found["metrics"].split("/")]
    metrics = dict(pairs)
    if len(metrics) != len(pairs):
        return None
    try:
        return _three(metrics, found["version"]) if found["version"] else _two(metrics)
    except KeyError:
        return None


def _three(metrics: dict[str, str], version: str) -> float:
    weight = {name: values[metrics[name]] for name, values in _THREE.items()}
    changed = {"U": False, "C": True}[metrics["S"]]
    lost = 1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"])
    impact = 7.52 * (lost - 0.029) - 3.25 * (lost - 0.02) ** 15 if changed else 6.42 * lost
    privileges = _PRIVILEGES[metrics["S"]][metrics["PR"]]
    if impact <= 0:
        return 0.0
    exploitability = 8.22 * weight["AV"] * weight["AC"] * privileges * weight["UI"]
    score = min((1.08 if changed else 1.0) * (impact + exploitability), 10.0)
    return math.ceil(score * 10) / 10 if version == "3.0" else _rounded_up(score)


def _rounded_up(score: float) -> float:
    """The rounding of 3.1, which floating point cannot disturb."""
    whole = round(score * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10


def _two(metrics: dict[str, str]) -> float:
    weight = {name: values[metrics[name]] for name, values in _TWO.items()}
    impact = 10.41 * (1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"]))
    exploitability = 20 * weight["AV"] * weight["AC"] * weight["AU"]
    return round((0.6 * impact + 0.4 * exploitability - 1.5) * (0.0 if impact == 0 else 1.176), 1)
