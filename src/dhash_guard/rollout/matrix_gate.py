"""The gate over the matrix: gathers the result files of all systems as untrusted input, and answers for all of them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import evolve

from dhash_guard.errors import CannotTell, NoGo, UsageProblem
from dhash_guard.github.context import read_context
from dhash_guard.records.codec import from_data
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.leg import NAME, LegReport
from dhash_guard.records.stage import StageStatus
from dhash_guard.report.words import plural
from dhash_guard.rollout.matrix import JOB_RESULTS, Asked, Result, judge
from dhash_guard.rollout.premerge import provided
from dhash_guard.rollout.run import Done, Guarded

_FILE = re.compile(r"result-(?P<system>.+)\.json")
_LARGEST = 4_000_000
_MOST = 1024
_DEEPEST = 3


def gate_matrix(run: Guarded, folder: Path, *, expected: Sequence[str], jobs: str, others: Sequence[str] = ()) -> Evidence:
    """Answer for the whole matrix: 0 when every system's every leg passed, 1 when one failed, 3 when one cannot be told.

    `folder` holds the artifacts of the legs; `expected` are systems beside those of the configuration. `jobs` is what
    GitHub says of the legs' jobs, `others` of jobs that have to succeed beside them.
    """
    asked = asked_of(run, expected)
    if asked.head and asked.head != run.facts.commit:
        # What is checked out is the base, whose configuration judges; what the answer is about is the head.
        run.facts = evolve(run.facts, commit=asked.head, tree="")
    for told in (*([jobs] if jobs else []), *others):
        if told not in JOB_RESULTS:
            raise UsageProblem(f"{told!r} is no result of a job", cure=f"It is one of {', '.join(JOB_RESULTS)}.")
    if not folder.is_dir():
        raise CannotTell("there are no results", where=str(folder), cure="Download the artifacts of the legs there.")

    def work() -> Done:
        found = judge(list(results(folder)), asked, jobs, others)
        failed = [one for one in found if one.status is StageStatus.FAILED]
        unknown = [one for one in found if one.status is StageStatus.CANNOT_TELL]
        text = "; ".join(f"{one.check}: {one.text}" for one in (*failed, *unknown))
        if failed:
            raise NoGo(text, cure=failed[0].cure, findings=found)
        if unknown:
            raise CannotTell(text, cure=unknown[0].cure, findings=found)
        return Done(f"{plural(len(asked.systems), 'system')}, {plural(len(asked.legs), 'leg')} each", found)

    try:
        run.stage("matrix", work)
    except (NoGo, CannotTell) as problem:
        result = "no-go" if isinstance(problem, NoGo) else "cannot-tell"
        return run.seal(run.evidence(result=result, exit_code=problem.exit_code))
    return run.seal(run.evidence(result="proceed", exit_code=0))


def results(folder: Path) -> Iterator[Result]:
    """Every result file below `folder`, in the order of their paths; links are not followed, and no file is believed."""
    for count, path in enumerate(_files(folder)):
        source = path.relative_to(folder).as_posix()
        if count == _MOST:
            raise CannotTell(f"there are more than {_MOST} results", where=str(folder))
        system = _FILE.fullmatch(path.name)
        assert system is not None
        yield _read(path, system["system"], source)


def _files(folder: Path) -> list[Path]:
    found = []
    for root, folders, names in os.walk(folder):
        here = Path(root)
        if len(here.relative_to(folder).parts) >= _DEEPEST:
            folders.clear()
        found += [here / name for name in names if _FILE.fullmatch(name)]
    return sorted(found)


def _read(path: Path, system: str, source: str) -> Result:
    if not NAME.fullmatch(system):
        return Result(system="?", source=source, problem="has a name that no system has")
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST:
            return Result(system=system, source=source, problem="is no plain file of a sensible size")
        report = from_data(LegReport, json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError, RecursionError) as problem:
        return Result(system=system, source=source, problem=f"cannot be read: {str(problem)[:200]}")
    if report.leg != system:
        return Result(system=system, source=source, problem=f"says it is of {report.leg[:64]}")
    return Result(system=system, source=source, report=report)


def asked_of(run: Guarded, expected: Sequence[str]) -> Asked:
    """What has to be there by the configuration of this checkout, for the commit that the event is about."""
    settings, environ = run.configuration.premerge, run.machine.environ
    systems = tuple(dict.fromkeys([*settings.systems, *expected]))
    if not systems:
        raise UsageProblem("no system is expected", cure="Name them in premerge.systems, or with --expected.")
    context = read_context(environ) if environ.get("GITHUB_EVENT_NAME") else None
    ours = context is not None and context.event != "workflow_run"  # that one judges the results of another run
    legs = [leg for leg in settings.legs if provided(run.configuration.environment, leg)]
    return Asked(
        service=run.facts.service,
        environment=run.environment,
        systems=systems,
        legs=tuple(leg.value for leg in legs),
        head=context.sha if context is not None else run.facts.commit,
        run=context.run_id if context is not None and ours else "",
        attempt=context.attempt if context is not None and ours else 0,
        may_skip=frozenset(leg.value for leg in settings.may_skip),
        may_miss=frozenset(settings.may_miss),
        earlier_attempts=settings.earlier_attempts,
    )
