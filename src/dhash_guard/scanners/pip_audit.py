"""Reads the JSON of `pip-audit --format json`, which states no severities at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from attrs import frozen

from dhash_guard.records.vulnerability import Severity, Vulnerability
from dhash_guard.scanners.reading import Unreadable, listing, mapping, text


@frozen(kw_only=True)
class PipAudit:
    """A report of pip-audit: the file at `path`, or what the command `run` prints.

    `unrated` is the severity that counts where the report states none, which with pip-audit is always.
    """

    kind: Literal["pip-audit"]
    path: str | None = None
    run: tuple[str, ...] | None = None
    unrated: Severity | None = None

    def read(self, data: Any) -> list[Vulnerability]:
        """The vulnerabilities, and the packages that could not be examined; raise Unreadable where none were named."""
        packages = data if isinstance(data, list) else mapping(data, "JSON object").get("dependencies")
        dependencies = listing(packages, "dependencies")
        if not dependencies:
            raise Unreadable("names no package that was examined")
        found = []
        for entry in dependencies:
            package = mapping(entry, "dependency")
            name, version = str(package["name"]), text(package.get("version"))
            if "skip_reason" in package:
                reason = text(package["skip_reason"])
                found.append(Vulnerability(id="not-examined", package=name, version=version, title=reason, examined=False))
                continue
            found += [
                _one(name, version, mapping(one, "vulns")) for one in listing(package.get("vulns"), f"vulns of {name}")
            ]
        return found


def _one(package: str, version: str, one: Mapping[str, Any]) -> Vulnerability:
    fixed = [text(each) for each in one.get("fix_versions") or []]
    return Vulnerability(
        id=str(one["id"]),
        package=package,
        version=version,
        title=text(one.get("description")).strip().split("\n")[0][:300],
        known_as=tuple(text(alias) for alias in one.get("aliases") or []),
        mend=f"use {' or '.join(fixed)}" if fixed else "",
    )
