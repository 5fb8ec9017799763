"""Finds reports that come from nowhere or two places, names that are no systems, and patterns that cannot be read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dhash_guard.config.check_commands import outside
from dhash_guard.config.check_gates import Findings
from dhash_guard.config.names import suggest
from dhash_guard.config.node import Fault, KeyPath, Node
from dhash_guard.config.schema import Environment
from dhash_guard.config.verbs import PremergeSettings, SecuritySettings
from dhash_guard.records.leg import NAME
from dhash_guard.records.units import Dimension
from dhash_guard.scanners import Report


def premerge(settings: PremergeSettings, node: Node) -> Iterator[Fault]:
    """Everything that is wrong with the section `premerge`, each at its place in the file."""
    for path, text in _faults(settings):
        yield Fault(node.nearest(("premerge", *path)), text)


def logs(environment: Environment) -> Findings:
    """Patterns of secrets that are no regular expressions, and sizes that are no sizes."""
    settings = environment.logs
    if settings.largest.dimension is not Dimension.BYTES:
        yield ("logs", "largest"), "is no size; write one such as 100MiB"
    for index, pattern in enumerate(settings.files):
        if text := outside(pattern):
            yield ("logs", "files", index), text
    for name, pattern in settings.secrets.items():
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as problem:
            yield ("logs", "secrets", name), f"is no regular expression: {problem}; mend it"


def _faults(settings: PremergeSettings) -> Iterator[tuple[KeyPath, str]]:
    for path, text in _security(settings.security):
        yield ("security", *path), text
    for name in ("systems", "may_miss"):
        for index, system in enumerate(getattr(settings, name)):
            if not NAME.fullmatch(system):
                yield (name, index), f"{system!r} is no name for files; use letters, digits, dots, hyphens and underscores"
    for index, system in enumerate(settings.may_miss):
        if settings.systems and system not in settings.systems:
            yield ("may_miss", index), f"there is no system {system}; {suggest(system, settings.systems)}"
    for index, leg in enumerate(settings.may_skip):
        if leg not in settings.legs:
            names = [one.value for one in settings.legs]
            yield ("may_skip", index), f"{leg.value} is no leg of this project; {suggest(leg.value, names)}"


def _security(settings: SecuritySettings) -> Iterator[tuple[KeyPath, str]]:
    for index, report in enumerate(settings.reports):
        for path, text in _report_faults(report):
            yield ("reports", index, *path), text
    if settings.warn.rank > settings.block.rank:
        yield ("warn",), "is graver than block, so nothing would ever warn; write a lesser one"
    for index, allowance in enumerate(settings.allow):
        for name in ("id", "reason"):
            if not getattr(allowance, name).strip():
                yield ("allow", index, name), "is empty; write it, so that it can be judged later"


def _report_faults(report: Report) -> Iterator[tuple[KeyPath, str]]:
    given = [key for key in ("path", "run") if getattr(report, key) is not None]
    if len(given) != 1:
        what = "has both path and run" if given else "names nothing"
        yield tuple(given[-1:]), f"{what}; give exactly one of path and run"
    if report.path is not None and (text := outside(report.path)):
        yield ("path",), text
    if report.run is not None and (not report.run or not report.run[0].strip()):
        yield ("run",), "is empty; write the program and its arguments"
