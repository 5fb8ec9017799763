"""Decides whether the whole matrix went well, from what each system reported; what is not there is never success."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from attrs import field, frozen

from dhash_guard.records.leg import LegReport
from dhash_guard.records.stage import Finding, StageStatus

JOB_RESULTS = ("success", "failure", "cancelled", "skipped")
"""What GitHub says of the jobs that this one needs, `needs.<job>.result`."""


@frozen(kw_only=True)
class Result:
    """One result file: its system by the file's name, and the report, or why there is none."""

    system: str
    source: str
    report: LegReport | None = None
    problem: str = ""


@frozen(kw_only=True)
class Asked:
    """What has to be there: systems and legs in order, what may be left out, and which commit, run and attempt this is.

    `head` is the commit that is to be merged; `run` is empty and `attempt` 0 where results of any run may count.
    """

    service: str
    environment: str
    systems: tuple[str, ...]
    legs: tuple[str, ...]
    head: str
    run: str = ""
    attempt: int = 0
    may_skip: frozenset[str] = field(factory=frozenset)
    may_miss: frozenset[str] = field(factory=frozenset)
    earlier_attempts: bool = False


def judge(results: Sequence[Result], asked: Asked, jobs: str = "", others: Sequence[str] = ()) -> tuple[Finding, ...]:
    """A finding for every system and leg, in the order asked for; `jobs` is one of JOB_RESULTS or empty.

    `others` are such results of jobs that no system stands for, so that none that may be missing excuses them.
    """
    systems = list(dict.fromkeys([*asked.systems, *sorted({result.system for result in results})]))
    found: list[Finding] = []
    excused = False
    for system in systems:
        report, problem = _chosen([result for result in results if result.system == system], asked)
        if report is not None:
            told = list(_legs(system, report, asked))
        else:
            told = [_finding(system, StageStatus.CANNOT_TELL, problem, "Run the leg again, all of it, for this commit.")]
        if system in asked.may_miss and not any(one.status is StageStatus.FAILED for one in told):
            excused = excused or any(one.status is not StageStatus.PASSED for one in told)
            told = [_borne(one) if one.status is StageStatus.CANNOT_TELL else one for one in told]
        found += told
    return (*found, *_jobs("jobs", jobs, excused), *(one for told in others for one in _jobs("other jobs", told, False)))


def _chosen(results: Sequence[Result], asked: Asked) -> tuple[LegReport | None, str]:
    """The report of the latest attempt that may count, or why there is none."""
    if not results:
        return None, "has not reported"
    usable: dict[int, LegReport] = {}
    problem = ""
    for result in sorted(results, key=lambda one: one.source):
        report = result.report
        why = result.problem if report is None else _stale(report, asked)
        if why or report is None:
            problem = f"{why} ({result.source})"
        elif usable.setdefault(report.attempt, report) != report:
            return None, f"has two results of one attempt that differ ({result.source})"
    return (usable[max(usable)], "") if usable else (None, problem)


def _stale(report: LegReport, asked: Asked) -> str:
    """Why a report says nothing of what is asked for; empty where it does."""
    theirs = report.head or report.commit
    if not asked.head or theirs != asked.head:
        return f"is of commit {theirs[:12] or 'none'}, not {asked.head[:12] or 'known here'}"
    if (report.service, report.environment) != (asked.service, asked.environment):
        return f"is of {report.service} for {report.environment}"
    if asked.run and report.run != asked.run:
        return f"is of another run ({report.run or 'none'}, not {asked.run})"
    if asked.run and report.attempt != asked.attempt and not (asked.earlier_attempts and report.attempt < asked.attempt):
        return f"is of attempt {report.attempt}, not {asked.attempt}"
    return ""


def _legs(system: str, report: LegReport, asked: Asked) -> Iterator[Finding]:
    """Each leg by its own status; what the report says of itself as a whole is not believed."""
    there: Mapping[str, list[StageStatus]] = {stage.name: [] for stage in report.stages}
    for stage in report.stages:
        there[stage.name].append(stage.status)
    for leg in [*asked.legs, *(name for name in there if name not in asked.legs)]:
        statuses = there.get(leg, [])
        yield _leg(f"{system} {leg}", statuses, wanted=leg in asked.legs, may_skip=leg in asked.may_skip)


def _leg(check: str, statuses: Sequence[StageStatus], *, wanted: bool, may_skip: bool) -> Finding:
    if StageStatus.FAILED in statuses:
        return _finding(check, StageStatus.FAILED, "failed", "Mend what its log names.")
    if not statuses:
        return _finding(check, StageStatus.CANNOT_TELL, "is missing in the result", "Run all legs that premerge.legs names.")
    if all(status is StageStatus.PASSED for status in statuses):
        return _finding(check, StageStatus.PASSED, "passed")
    if all(status in (StageStatus.PASSED, StageStatus.SKIPPED) for status in statuses):
        if may_skip:
            return _finding(check, StageStatus.PASSED, "skipped, as may_skip allows", warned=True)
        if not wanted:
            return _finding(check, StageStatus.PASSED, "skipped, and not asked for")
        return _finding(check, StageStatus.CANNOT_TELL, "was skipped", "Run it, or name it in premerge.may_skip.")
    return _finding(check, StageStatus.CANNOT_TELL, "cannot be told", "Mend what its log names.")


def _jobs(check: str, told: str, excused: bool) -> Iterator[Finding]:
    if told == "success":
        yield _finding(check, StageStatus.PASSED, "success")
    elif told and excused:
        yield _finding(check, StageStatus.PASSED, f"{told}, and a system that may be missing is", warned=True)
    elif told == "failure":
        yield _finding(check, StageStatus.FAILED, "failure", "Look at the job that failed; its legs may not have run.")
    elif told:
        yield _finding(check, StageStatus.CANNOT_TELL, told, "Run the jobs again.")


def _borne(finding: Finding) -> Finding:
    return _finding(finding.check, StageStatus.PASSED, f"{finding.text}, as may_miss allows", warned=True)


def _finding(check: str, status: StageStatus, text: str, cure: str = "", *, warned: bool = False) -> Finding:
    return Finding(check=check, status=status, text=text, cure=cure, warned=warned)
