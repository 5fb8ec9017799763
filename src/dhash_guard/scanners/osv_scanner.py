"""Reads the JSON of `osv-scanner --format json`: groups of one vulnerability under several names, with their scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from attrs import frozen

from dhash_guard.records.vulnerability import Severity, Vulnerability
from dhash_guard.scanners.cvss import base_score
from dhash_guard.scanners.reading import Unreadable, by_score, by_word, gravest, listing, mapping, text


@frozen(kw_only=True)
class OsvScanner:
    """A report of osv-scanner: the file at `path`, or what the command `run` prints.

    `unrated` is the severity that counts where the report states none.
    """

    kind: Literal["osv-scanner"]
    path: str | None = None
    run: tuple[str, ...] | None = None
    unrated: Severity | None = None

    def read(self, data: Any) -> list[Vulnerability]:
        """One per group and package; raise Unreadable where `results` is missing."""
        results = listing(mapping(data, "JSON object").get("results"), "results")
        return [found for result in results for found in _found(mapping(result, "result"))]


def _found(result: Mapping[str, Any]) -> Iterator[Vulnerability]:
    place = text(mapping(result.get("source", {}), "source").get("path"))
    for entry in listing(result.get("packages"), "packages"):
        package = mapping(entry["package"], "package")
        known = {str(one["id"]): mapping(one, "vulnerability") for one in entry.get("vulnerabilities") or []}
        grouped = listing(entry.get("groups") or [{"ids": [name]} for name in known], "groups")
        named = {name for group in grouped for name in group["ids"]}
        if not known.keys() <= named or not named <= known.keys():
            raise Unreadable(f"groups vulnerabilities of {package['name']} that it does not hold; it is not whole")
        for group in grouped:
            ids = [str(name) for name in group["ids"]]
            ones = [known[name] for name in ids]
            aliases = [str(alias) for source in (group, *ones) for alias in source.get("aliases") or []]
            yield Vulnerability(
                id=ids[0],
                package=str(package["name"]),
                version=text(package.get("version")),
                severity=gravest(_scored(group.get("max_severity")), *map(_severity, ones)),
                title=next((text(one.get("summary")) for one in ones if one.get("summary")), ""),
                known_as=tuple(dict.fromkeys(name for name in [*ids[1:], *aliases] if name != ids[0])),
                place=place,
                mend=_mend(ones),
            )


def _scored(score: Any) -> Severity | None:
    """An empty text, and the 0 that stands where there is no score, say nothing."""
    return by_score(score) if score and by_score(score) is not None and float(score) > 0 else None


def _severity(one: Mapping[str, Any]) -> Severity | None:
    vectors = [text(rated.get("score")) for rated in one.get("severity") or [] if isinstance(rated, Mapping)]
    stated = one.get("database_specific")
    word = stated.get("severity") if isinstance(stated, Mapping) else None
    return gravest(by_word(word), *(by_score(base_score(vector)) for vector in vectors))


def _mend(ones: list[Mapping[str, Any]]) -> str:
    fixed = [
        text(event["fixed"])
        for one in ones
        for affected in one.get("affected") or []
        for span in affected.get("ranges") or []
        for event in span.get("events") or []
        if "fixed" in event and span.get("type") != "GIT"
    ]
    return f"use {' or '.join(dict.fromkeys(fixed))}" if fixed else ""
