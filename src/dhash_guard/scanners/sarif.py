"""Reads SARIF 2.1, which many scanners write; only `security-severity` is a severity there, `level` is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from attrs import frozen

from dhash_guard.records.vulnerability import Severity, Vulnerability
from dhash_guard.scanners.reading import Unreadable, by_score, listing, mapping, text

_NO_FINDINGS = {"pass", "notApplicable", "informational"}


@frozen(kw_only=True)
class Sarif:
    """A SARIF report: the file at `path`, or what the command `run` prints.

    `unrated` is the severity that counts where the report states none. What the scanned source itself suppresses is
    left out only with `suppressions: true`, because whoever wrote the source wrote them too.
    """

    kind: Literal["sarif"]
    path: str | None = None
    run: tuple[str, ...] | None = None
    unrated: Severity | None = None
    suppressions: bool = False

    def read(self, data: Any) -> list[Vulnerability]:
        """The results of all runs; raise Unreadable for another version, for no run, and for a run that failed."""
        report = mapping(data, "JSON object")
        if not text(report.get("version")).startswith("2.1"):
            raise Unreadable(f"is SARIF of version {str(report.get('version'))[:20]}, not 2.1")
        runs = [mapping(run, "run") for run in listing(report.get("runs"), "runs")]
        if not runs:
            raise Unreadable("holds no run")
        return [found for run in runs for found in self._found(run)]

    def _found(self, run: Mapping[str, Any]) -> Iterator[Vulnerability]:
        tool = mapping(run["tool"], "tool")
        driver = mapping(tool["driver"], "driver")
        if any(done.get("executionSuccessful") is False for done in run.get("invocations") or []):
            raise Unreadable(f"{text(driver.get('name')) or 'the scanner'} did not run to its end")
        if "results" in (run.get("externalPropertyFileReferences") or {}):
            raise Unreadable("keeps its results in another file")
        rules = _Rules(driver, [mapping(one, "extension") for one in tool.get("extensions") or []])
        for entry in listing(run.get("results"), "results"):
            one = mapping(entry, "result")
            gone = one.get("baselineState") == "absent" or one.get("kind") in _NO_FINDINGS
            if not gone and not (self.suppressions and _suppressed(one)):
                yield _one(one, rules.of(one), text(driver.get("name")))


class _Rules:
    """The rules of a run, by index and by name."""

    def __init__(self, driver: Mapping[str, Any], extensions: list[Mapping[str, Any]]) -> None:
        self._lists = [driver.get("rules") or [], *(one.get("rules") or [] for one in extensions)]

    def of(self, result: Mapping[str, Any]) -> Mapping[str, Any]:
        """The rule that a result breaks; an empty one where the report does not describe it."""
        reference = result.get("rule") or {}
        name = text(result.get("ruleId")) or text(reference.get("id"))
        component = reference.get("toolComponent") or {}
        listed = self._lists[component["index"] + 1] if isinstance(component.get("index"), int) else self._lists[0]
        index = result.get("ruleIndex", reference.get("index", -1))
        if isinstance(index, int) and 0 <= index < len(listed):
            return mapping(listed[index], "rule")
        for rules in self._lists:
            for rule in rules:
                if name and (rule.get("id") == name or name.startswith(f"{rule.get('id')}/")):
                    return mapping(rule, "rule")
        return {}


def _one(result: Mapping[str, Any], rule: Mapping[str, Any], tool: str) -> Vulnerability:
    scores = [(part.get("properties") or {}).get("security-severity") for part in (result, rule)]
    described = text((rule.get("shortDescription") or {}).get("text"))
    said = text((result.get("message") or {}).get("text")).strip().split("\n")[0]
    return Vulnerability(
        id=text(result.get("ruleId")) or text(rule.get("id")) or "no-rule",
        package=tool,
        severity=by_score(next((score for score in scores if score is not None), None)),
        title=(said or described)[:300],
        place=_place(result),
    )


def _place(result: Mapping[str, Any]) -> str:
    for location in result.get("locations") or []:
        physical = location.get("physicalLocation") or {}
        uri = text((physical.get("artifactLocation") or {}).get("uri"))
        line = (physical.get("region") or {}).get("startLine")
        if uri:
            return f"{uri}:{line}" if isinstance(line, int) else uri
    return ""


def _suppressed(result: Mapping[str, Any]) -> bool:
    given = result.get("suppressions") or []
    return bool(given) and all(one.get("status", "accepted") == "accepted" for one in given)
