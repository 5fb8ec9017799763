"""Reads the JSON of `npm audit --json`: that of npm 6, with advisories, and that of npm 7 and later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from attrs import frozen

from dhash_guard.records.vulnerability import Severity, Vulnerability
from dhash_guard.scanners.cvss import base_score
from dhash_guard.scanners.reading import Unreadable, by_score, by_word, listing, mapping, text


@frozen(kw_only=True)
class NpmAudit:
    """A report of npm audit: the file at `path`, or what the command `run` prints.

    `unrated` is the severity that counts where the report states none.
    """

    kind: Literal["npm-audit"]
    path: str | None = None
    run: tuple[str, ...] | None = None
    unrated: Severity | None = None

    def read(self, data: Any) -> list[Vulnerability]:
        """The advisories; raise Unreadable for an error report and for one that contradicts its own counts."""
        report = mapping(data, "JSON object")
        if "error" in report:
            error = report["error"]
            said = text(error.get("summary") or error.get("code")) if isinstance(error, Mapping) else text(error)
            raise Unreadable(f"npm audit failed: {said[:200] or 'it did not say why'}")
        counts = mapping(mapping(report.get("metadata"), "metadata").get("vulnerabilities"), "metadata.vulnerabilities")
        counted = sum(number for word, number in counts.items() if word != "total")
        if "advisories" in report:
            found = list(_six(mapping(report["advisories"], "advisories")))
            whole = bool(found) == bool(counted)
        else:
            packages = mapping(report.get("vulnerabilities"), "vulnerabilities")
            found = list(_seven(packages))
            whole = len(packages) == counted and bool(found) == bool(packages)
        if not whole:
            raise Unreadable(f"counts {counted} but holds {len(found)}; it is not whole")
        return found


def _six(advisories: Mapping[str, Any]) -> Iterator[Vulnerability]:
    for number, entry in advisories.items():
        one = mapping(entry, f"advisory {number}")
        places = listing(one.get("findings", []), "findings")
        versions = [text(place.get("version")) for place in places if isinstance(place, Mapping)]
        patched = text(one.get("patched_versions"))
        cves = [text(cve) for cve in one.get("cves") or []]
        yield Vulnerability(
            id=text(one.get("github_advisory_id")) or _advisory(one.get("url")) or f"npm-{number}",
            package=text(one["module_name"]),
            version=", ".join(sorted(set(filter(None, versions)))),
            severity=_severity(one),
            title=text(one.get("title")),
            known_as=tuple(filter(None, [*cves, f"npm-{number}"])),
            mend=f"use {patched}" if patched not in ("", "<0.0.0") else "",
        )


def _seven(packages: Mapping[str, Any]) -> Iterator[Vulnerability]:
    """One per advisory; `via` names other packages as text, and those stand in the report themselves."""
    for name, entry in packages.items():
        package = mapping(entry, f"vulnerability of {name}")
        fix = package.get("fixAvailable")
        mend = f"use {text(fix.get('name'))} {text(fix.get('version'))}" if isinstance(fix, Mapping) else ""
        via = listing(package["via"], f"via of {name}")
        for one in via:
            if isinstance(one, Mapping):
                yield Vulnerability(
                    id=_advisory(one.get("url")) or f"npm-{one['source']}",
                    package=text(one.get("name")) or name,
                    version=text(one.get("range")),
                    severity=_severity(one),
                    title=text(one.get("title")),
                    known_as=(f"npm-{one['source']}",) if "source" in one else (),
                    mend=mend or ("npm audit fix" if fix is True else ""),
                )
            elif one not in packages:
                raise Unreadable(f"does not hold {one}, which {name} depends on; it is not whole")


def _severity(one: Mapping[str, Any]) -> Severity | None:
    """The word of the advisory; where it has none, its score or its vector."""
    cvss = one.get("cvss")
    score, vector = (cvss.get("score"), text(cvss.get("vectorString"))) if isinstance(cvss, Mapping) else (None, "")
    rated = by_score(score) if score else None  # npm writes 0 where there is no score
    return by_word(one.get("severity")) or rated or by_score(base_score(vector))


def _advisory(url: Any) -> str:
    name = text(url).rstrip("/").rsplit("/", 1)[-1]
    return name if name.startswith("GHSA-") else ""
