"""Finds everything that would stop a deployment before it begins, all of it in one run."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from dhash_guard.backup.stores.object import ObjectStore
from dhash_guard.backup.stores.objects import HASTY
from dhash_guard.config.verbs import Tool
from dhash_guard.errors import GuardError, NoGo, UsageProblem
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.sample import Health
from dhash_guard.records.stage import Finding, StageStatus
from dhash_guard.records.units import format_bytes
from dhash_guard.rollout.check_tag import tag_findings
from dhash_guard.rollout.run import Done, Guarded
from dhash_guard.signals.health import look

_VERSION = re.compile(r"\d+(?:\.\d+)*")
_LASTING = "backups that last"
_STORE_LOOK = 10.0


class ChecksFailed(NoGo):
    """Something that a deployment needs is not there; `findings` has all of it."""

    code = "check-failed"


class NothingLasts(UsageProblem):
    """The machine goes away after the job, and backups would go with it; `findings` has this and everything else."""

    code = "nothing-lasts"


def prove_ready(run: Guarded, *, reachable: bool = True, tag: str = "") -> Done:
    """Check everything; raise ChecksFailed naming each thing that is wrong.

    `reachable` also looks at what a deployment from here would need and a rehearsal does not: the service, the store, and
    that backups outlive this machine; where they do not, raise NothingLasts.
    """
    findings = (*(tag_findings(run, tag) if tag else ()), *_findings(run, reachable))
    wrong = [finding for finding in findings if finding.status is StageStatus.FAILED]
    if wrong:
        text = "; ".join(f"{finding.check}: {finding.text}" for finding in wrong)
        kind = NothingLasts if any(finding.check == _LASTING for finding in wrong) else ChecksFailed
        raise kind(f"{len(wrong)} of {len(findings)} checks failed: {text}", cure=wrong[0].cure, findings=findings)
    noted = [f"{finding.check}: {finding.text}" for finding in findings if finding.warned]
    return Done("; ".join([f"{len(findings)} checks passed", *noted]), findings)


def check(run: Guarded, tag: str = "") -> Evidence:
    """The `check` verb, also of a release; exit 0 or 1, and 2 where backups could not outlive this machine."""
    try:
        run.stage("check", lambda: prove_ready(run, tag=tag))
    except (ChecksFailed, NothingLasts) as problem:
        return run.seal(run.evidence(result=problem.code, exit_code=problem.exit_code))
    return run.seal(run.evidence(result="ready", exit_code=0))


def _findings(run: Guarded, reachable: bool) -> Iterator[Finding]:
    settings = run.configuration.environment.check
    root = run.configuration.layout.root
    for name, tool in settings.tools.items():
        yield _tool(run, name, tool)
    for variable in settings.variables:
        there = bool(run.machine.environ.get(variable))
        yield _finding(f"variable {variable}", there, "set", "not set", f"Set {variable}.")
    for name in settings.files:
        yield _finding(f"file {name}", (root / name).is_file(), "there", "missing", f"Create {name}.")
    yield from _commands(run, root)
    yield _backup(run)
    if reachable:
        yield from _lasting(run)
        yield from _unpublished(run)
    yield _room(run)
    yield from _writable(run)
    if reachable and run.configuration.environment.base_url is not None:
        yield _service(run)


def _finding(check: str, good: bool, yes: str, no: str, cure: str) -> Finding:
    status = StageStatus.PASSED if good else StageStatus.FAILED
    return Finding(check=check, status=status, text=yes if good else no, cure="" if good else cure)


def _tool(run: Guarded, name: str, tool: Tool) -> Finding:
    command = tool.run or (name, "--version")
    done = run.machine.processes.run(command, cwd=run.configuration.layout.root, timeout=20.0, changes=False)
    if done.exit_code is None:
        return _finding(f"tool {name}", False, "", done.problem, f"Install {name}.")
    found = _VERSION.search(done.output + done.errors)
    if tool.at_least is None:
        return _finding(f"tool {name}", done.ok, found[0] if found else "there", done.explain(), f"Install {name}.")
    if found is None:
        return _finding(
            f"tool {name}", False, "", "said no version", f"Give check.tools.{name}.run, a command that prints it."
        )
    good = _parts(found[0]) >= _parts(tool.at_least)
    return _finding(f"tool {name}", good, found[0], f"{found[0]}, needs {tool.at_least}", f"Install {name} {tool.at_least}.")


def _parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _commands(run: Guarded, root: Path) -> Iterator[Finding]:
    """The project's own commands start with a program that is there and may be run."""
    environment = run.configuration.environment
    sections: list[tuple[str, Sequence[str] | None]] = []
    if environment.deploy is not None:
        sections += [("deploy.run", environment.deploy.run), ("deploy.plan", environment.deploy.plan)]
    if environment.migrate is not None:
        sections += [("migrate.run", environment.migrate.run), ("migrate.plan", environment.migrate.plan)]
    if environment.service_control is not None:
        control = environment.service_control
        sections += [("service_control.stop", control.stop), ("service_control.start", control.start)]
    for where, command in sections:
        if command is not None:
            there = _runnable(root, command[0], run.machine.environ.get("PATH", ""))
            text = f"{command[0]} is not there or may not be run"
            yield _finding(where, there, command[0], text, f"Mend {where} in the configuration, or the file's mode.")


def _runnable(root: Path, program: str, path: str) -> bool:
    if "/" in program or "\\" in program:
        return os.access(root / program, os.X_OK) and (root / program).is_file()
    return shutil.which(program, path=path) is not None


def _backup(run: Guarded) -> Finding:
    """Everything that a backup would hold is there and can be read."""
    try:
        found = run.vault.rehearse()
    except GuardError as problem:
        return _finding("backup", False, "", problem.what, problem.cure)
    cure = "Mend the paths, or remove what is never there." if found.missing else ""
    return Finding(check="backup", status=StageStatus.PASSED, text=found.text, cure=cure, warned=bool(found.missing))


def _lasting(run: Guarded) -> Iterator[Finding]:
    """What is on a hosted runner goes away with it: backups need a store there, and a store has to answer."""
    store, environ = run.configuration.environment.backup.store, run.machine.environ
    hosted = run.in_job and environ.get("RUNNER_ENVIRONMENT") == "github-hosted"
    if isinstance(store, ObjectStore):
        yield _store(run, store)
    elif hosted:
        yield _finding(
            _LASTING,
            False,
            "",
            "this runner is hosted by GitHub: its disk goes away after the job, and backup.store is local",
            "Give backup.store: {kind: object, url: s3://bucket/prefix}, or use a self-hosted runner.",
        )


def _unpublished(run: Guarded) -> Iterator[Finding]:
    """Backups and records hold what production holds, and `git add .` would take them along; nothing where git is none."""
    layout = run.configuration.layout
    folders = [f"{layout.relative(folder)}/" for folder in (layout.state, layout.backups, layout.logs, layout.artifacts)]
    command = ["git", "check-ignore", "--quiet", "--no-index", "--"]
    answers = {
        folder: run.machine.processes.run([*command, folder], cwd=layout.root, timeout=20.0, changes=False).exit_code
        for folder in folders
    }
    if not {*answers.values()} <= {0, 1}:
        return
    shown = [folder for folder, answer in answers.items() if answer == 1]
    text, cure = (f"does not ignore {', '.join(shown)}", "Name them in .gitignore.") if shown else ("ignored", "")
    yield Finding(check="git", status=StageStatus.PASSED, text=text, cure=cure, warned=bool(shown))


def _store(run: Guarded, settings: ObjectStore) -> Finding:
    try:
        store = settings.open(run.machine, HASTY, _STORE_LOOK)
        number = len(store.listing())
    except GuardError as problem:
        return _finding("backup store", False, "", problem.what, problem.cure or "Mend backup.store, or what it names.")
    return _finding("backup store", True, f"{store.where} answers, backups there: {number}", "", "")


def _room(run: Guarded) -> Finding:
    wanted = run.configuration.environment.check.free
    free = run.machine.host.free_bytes(run.configuration.layout.root)
    if free is None:
        return _finding("disk", wanted is None, "not known, and nothing is asked for", "free space is not known", "")
    text = f"{format_bytes(free)} free"
    good = wanted is None or free >= wanted.value
    return _finding("disk", good, text, f"{text}, needs {wanted}", "Make room.")


def _writable(run: Guarded) -> Iterator[Finding]:
    layout = run.configuration.layout
    for directory in (layout.backups, layout.logs, layout.artifacts, layout.state):
        there = next(parent for parent in (directory, *directory.parents) if parent.exists())
        name = layout.relative(directory)
        yield _finding(
            f"directory {name}", os.access(there, os.W_OK), "writable", "not writable", f"Let this user write {name}."
        )


def _service(run: Guarded) -> Finding:
    environment = run.configuration.environment
    seen = look(environment.health, environment.base_url or "", run.machine.http)
    good = seen.health is not Health.UNHEALTHY
    return _finding(
        "service", good, f"{seen.health.value}: {seen.reason}", seen.reason, "Start the service, or mend base_url."
    )
