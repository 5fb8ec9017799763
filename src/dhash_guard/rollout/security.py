"""The security leg: reads what scanners report, and decides by the thresholds and allowances of the project."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

from attrs import frozen

from dhash_guard.config.verbs import Allowance, SecuritySettings
from dhash_guard.errors import CannotTell, NoGo
from dhash_guard.records.layout import iso
from dhash_guard.records.stage import Finding, StageStatus
from dhash_guard.records.vulnerability import Scan, Vulnerability
from dhash_guard.rollout.run import Done, Guarded
from dhash_guard.scanners import LARGEST, Report, scan
from dhash_guard.system.files import inside

MOST = 200
"""Findings that are written out, the worst first; the reports themselves have all of them."""

_ENDINGS = (0, 1)
"""How a scanner that did its work ends: without findings, or with some."""


@frozen
class Judged:
    """What the reports come to: every finding, the worst first, and how many of each kind."""

    findings: tuple[Finding, ...]
    blocking: int
    unknown: int
    warned: int
    allowed: int

    @property
    def text(self) -> str:
        """The counts in words."""
        parts = (
            (self.blocking, "block"),
            (self.unknown, "cannot be told"),
            (self.warned, "warn"),
            (self.allowed, "allowed"),
        )
        said = ", ".join(f"{count} {word}" for count, word in parts if count)
        return said or "nothing that blocks or warns"


def prove_secure(run: Guarded) -> Done:
    """Read every report and judge; raise NoGo where something blocks, CannotTell where something cannot be told."""
    settings = run.configuration.premerge.security
    if not settings.reports:
        raise CannotTell(
            "no vulnerability report is named",
            cure="Give premerge.security.reports, such as [{kind: npm-audit, run: [npm, audit, --json]}].",
        )
    judged = judge([_scanned(run, report) for report in settings.reports], settings, run.machine.clock.now())
    shown = judged.findings[:MOST]
    if len(judged.findings) > MOST:
        rest = f"{len(judged.findings) - MOST} more that are no worse than these; the reports have them"
        shown = (*shown, Finding(check="security", status=StageStatus.PASSED, text=rest, warned=True))
    if judged.blocking:
        raise NoGo(judged.text, cure=shown[0].cure, findings=shown)
    if judged.unknown:
        raise CannotTell(judged.text, cure=shown[0].cure, findings=shown)
    return Done(judged.text, shown)


def judge(scans: Sequence[Scan], settings: SecuritySettings, now: float) -> Judged:
    """Every vulnerability against the thresholds at `now` (UTC epoch seconds); one of two reports counts once."""
    ranked: list[tuple[tuple[int, int, str, str], Finding]] = []
    counts = dict.fromkeys(("blocking", "unknown", "warned", "allowed"), 0)
    seen: set[tuple[str, str, str, str]] = set()
    for one in scans:
        if one.problem:
            counts["unknown"] += 1
            ranked.append(((1, 0, one.kind, one.source), _unread(one)))
        unrated = next((r.unrated for r in settings.reports if r.kind == one.kind and source_of(r) == one.source), None)
        for found in one.found:
            key = (found.id, found.package, found.version, found.place)
            if key in seen:
                continue
            seen.add(key)
            severity = found.severity or (unrated if found.examined else None)
            allowance = _allowed(found, settings.allow)
            rank = 9 - (severity.rank if severity is not None else 0)
            if allowance is not None and now < allowance.until:
                what, order, status, warned = "allowed", 3, StageStatus.PASSED, False
            elif severity is None:
                what, order, status, warned = "unknown", 1, StageStatus.CANNOT_TELL, False
            elif severity.rank >= settings.block.rank:
                what, order, status, warned = "blocking", 0, StageStatus.FAILED, False
            elif severity.rank >= settings.warn.rank:
                what, order, status, warned = "warned", 2, StageStatus.PASSED, True
            else:
                continue
            counts[what] += 1
            text = _described(found, severity.value if severity is not None else "", assumed=found.severity is None)
            text += _borne(allowance, now) if allowance is not None else ""
            finding = Finding(
                check=f"{found.package} {found.version}".strip() or found.id,
                status=status,
                text=text,
                cure="" if status is StageStatus.PASSED and not warned else _cure(found, severity is None),
                warned=warned,
            )
            ranked.append(((order, rank, found.package, found.id), finding))
    ranked.sort(key=lambda pair: pair[0])
    return Judged(findings=tuple(finding for _, finding in ranked), **counts)


def source_of(report: Report) -> str:
    """Where a report comes from, for people: its path, or its command."""
    return report.path if report.path is not None else " ".join(report.run or ())


def _scanned(run: Guarded, report: Report) -> Scan:
    """One report, from its file or its command; whatever keeps it from being read is its problem."""
    source = source_of(report)
    content: bytes | str = _printed(run, report.run) if report.run is not None else _file(run, report.path or "")
    if isinstance(content, str):
        return Scan(kind=report.kind, source=source, problem=content)
    return scan(report, content, source)


def _file(run: Guarded, name: str) -> bytes | str:
    path = inside(run.configuration.layout.root, name)
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as problem:
        return f"cannot be read: {problem.strerror or problem}"


def _printed(run: Guarded, command: Sequence[str]) -> bytes | str:
    """What the command prints; a string where it did not do its work."""
    timeout = run.configuration.premerge.security.timeout
    with tempfile.TemporaryFile() as output:
        done = run.machine.processes.run(
            command, cwd=run.configuration.layout.root, timeout=timeout, changes=False, into=output
        )
        output.seek(0)
        content = output.read(LARGEST + 1)
    if done.problem or done.exit_code not in _ENDINGS:
        return f"could not be made: {done.explain()}"
    return content


def _unread(one: Scan) -> Finding:
    text = f"the report {one.source} {one.problem}"
    cure = "Make the report anew; without a whole one nothing is known."
    return Finding(check=one.kind, status=StageStatus.CANNOT_TELL, text=text, cure=cure)


def _allowed(found: Vulnerability, allowances: Sequence[Allowance]) -> Allowance | None:
    """The allowance that lasts longest of those that name this vulnerability."""
    names = {name.casefold() for name in (found.id, *found.known_as)}
    fitting = [
        one for one in allowances if one.id.casefold() in names and (one.package is None or one.package == found.package)
    ]
    return max(fitting, key=lambda one: one.until, default=None)


def _described(found: Vulnerability, severity: str, *, assumed: bool) -> str:
    if not found.examined:
        return f"not examined: {found.title or 'the scanner does not say why'}"
    rating = (f"{severity}, as the configuration rates it" if assumed else severity) if severity else "severity not stated"
    place = f" ({found.place})" if found.place else ""
    return f"{rating}: {found.id} {found.title}".rstrip() + place


def _borne(allowance: Allowance, now: float) -> str:
    day = iso(allowance.until)[:16] + "Z"
    said = f"allowed until {day}" if now < allowance.until else f"its allowance ended {day}"
    return f"; {said}: {allowance.reason}"


def _cure(found: Vulnerability, unknown: bool) -> str:
    if not found.examined:
        return f"Let the scanner see {found.package}, or allow not-examined for this package with a reason."
    if unknown:
        return f"Rate it: unrated on the report, or allow {found.id} with a reason and an end."
    return f"{found.package}: {found.mend}." if found.mend else f"Replace {found.package}, or allow {found.id} for a while."
