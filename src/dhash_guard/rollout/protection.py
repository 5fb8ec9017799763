"""Audits what protects a branch, in three layers: rulesets, classic protection, and the workflow files themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from dhash_guard.errors import CannotTell, GuardError, NoGo, UsageProblem
from dhash_guard.gates.approvals import Stale
from dhash_guard.gates.protection import Answer, Grade, Layer, LayerAnswer, ProtectionFacts, Wanted, audit
from dhash_guard.github.api import GithubApi
from dhash_guard.github.errors import GithubProblem
from dhash_guard.github.protection import default_branch, read_protection
from dhash_guard.github.workflows import Hole, Required, Unreadable, Weight, Workflow, completeness, read
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.stage import Finding, StageStatus
from dhash_guard.report.words import plural
from dhash_guard.rollout.run import Done, Guarded

FOLDER = ".github/workflows"
_MOST_FILES = 300
_STATUS = {
    Grade.GOOD: StageStatus.PASSED,
    Grade.HOLE: StageStatus.FAILED,
    Grade.UNKNOWN: StageStatus.CANNOT_TELL,
    Grade.NOTE: StageStatus.SKIPPED,
}


class Unprotected(NoGo):
    """The branch, or a workflow that reports its required checks, has a hole."""

    code = "protection-hole"


class Unclear(CannotTell):
    """Nobody told whether the branch is protected as it has to be."""

    code = "protection-unclear"


@frozen(kw_only=True)
class Audited:
    """The three layers, every question with its answer, and the holes of the workflow files."""

    branch: str
    layers: tuple[LayerAnswer, ...]
    answers: tuple[Answer, ...]
    holes: tuple[Hole, ...]
    requests: int


def protection(run: Guarded, api: GithubApi | None, branch: str, folder: Path) -> tuple[Evidence, Audited]:
    """The `protection` verb: 0 no hole, 1 a hole, 3 where something could not be told. Without `api` only files are read."""
    held: list[Audited] = []

    def work() -> Done:
        held.append(_audited(run, api, branch, folder))
        return _told(held[0])

    try:
        run.stage("protection", work)
    except UsageProblem:
        raise
    except GuardError as problem:
        if not held:
            raise
        evidence = run.seal(run.evidence(result=problem.code, exit_code=problem.exit_code))
    else:
        evidence = run.seal(run.evidence(result="protected", exit_code=0))
    return evidence, held[0]


def findings_of(audited: Audited) -> tuple[Finding, ...]:
    """Layers, answers and holes as findings of a stage."""
    layers = [
        Finding(
            check=layer.layer.value,
            status=StageStatus.PASSED if layer.answered else StageStatus.SKIPPED,
            text=("answered: " if layer.answered else "did not answer: ") + layer.text,
            cure=layer.cure,
        )
        for layer in audited.layers
    ]
    answers = [
        Finding(
            check=answer.check,
            status=_STATUS[answer.grade],
            text=answer.text + (f" (by the {answer.layer.value})" if answer.layer is not None else ""),
            cure=answer.cure,
        )
        for answer in audited.answers
    ]
    holes = [
        Finding(
            check=hole.rule,
            status=StageStatus.FAILED if hole.weight is Weight.HOLE else StageStatus.CANNOT_TELL,
            text=f"{hole.where}: {hole.text}",
            cure=hole.cure,
        )
        for hole in audited.holes
    ]
    return (*layers, *answers, *holes)


def workflows_in(folder: Path, shown: str) -> tuple[list[Workflow], list[Hole]]:
    """Every workflow file of a folder, called below `shown`, and those that are none."""
    files = sorted(path for path in folder.glob("*") if path.suffix in (".yml", ".yaml") and path.is_file())
    if len(files) > _MOST_FILES:
        raise UsageProblem(f"holds {len(files)} workflow files", where=str(folder), cure="Name the right folder.")
    found, refused = [], []
    for path in files:
        name = f"{shown}/{path.name}"
        try:
            found.append(read(name, path.read_text("utf-8")))
        except UnicodeDecodeError:
            refused.append(_unreadable(name, Unreadable("is not UTF-8")))
        except Unreadable as problem:
            refused.append(_unreadable(name, problem))
    return found, refused


def _audited(run: Guarded, api: GithubApi | None, branch: str, folder: Path) -> Audited:
    settings, requires = run.configuration.protection, run.configuration.environment.requires
    facts = _facts(run, api, branch or settings.branch or "")
    approvals = requires.approvals if requires is not None else None
    wanted = Wanted(
        approvals=max(approvals.at_least if approvals is not None else 1, 1),
        fresh=approvals is not None and approvals.stale is not Stale.IGNORE,
        checks=settings.checks,
    )
    workflows, refused = workflows_in(folder, FOLDER)
    known = dict.fromkeys(settings.checks, 0) | facts.checks
    required = Required(
        checks=known, ours=settings.checks, optional=settings.optional, branch=facts.branch, queue=facts.queue
    )
    holes = [*refused, *completeness(workflows, required)]
    if not known:
        holes.append(_no_names(facts))
    text = f"{len(workflows)} of {len(workflows) + len(refused)} files are read; required: {', '.join(known) or 'unknown'}"
    files = LayerAnswer(layer=Layer.FILES, answered=bool(workflows), text=text if workflows else f"no workflow in {folder}")
    return Audited(
        branch=facts.branch,
        layers=(*facts.layers, files),
        answers=tuple(audit(facts, wanted)),
        holes=tuple(holes),
        requests=api.requests_made if api is not None else 0,
    )


def _facts(run: Guarded, api: GithubApi | None, branch: str) -> ProtectionFacts:
    if api is not None:
        try:
            return read_protection(api, branch or default_branch(api))
        except GithubProblem as problem:
            why, cure = problem.what.splitlines()[0], problem.cure
    else:
        why, cure = "there is no repository, or no token", "Set GITHUB_REPOSITORY and GITHUB_TOKEN."
    layers = [LayerAnswer(layer=layer, answered=False, text=why, cure=cure) for layer in (Layer.RULESETS, Layer.CLASSIC)]
    return ProtectionFacts(branch=branch or "main", described=[], layers=layers)


def _no_names(facts: ProtectionFacts) -> Hole:
    return Hole(
        path=FOLDER,
        line=0,
        rule="no-required-check",
        text=f"no check is known to be required on {facts.branch}, so no gate job can be looked at",
        cure="Require the gate job's check, or name it in protection.checks.",
        weight=Weight.UNKNOWN,
    )


def _unreadable(name: str, problem: Unreadable) -> Hole:
    text = f"the file {problem.text}"
    return Hole(path=name, line=problem.line, rule="unreadable", text=text, cure="Mend it: GitHub does not start it either.")


def _told(audited: Audited) -> Done:
    findings = findings_of(audited)
    bad = _of(findings, StageStatus.FAILED)
    unknown = _of(findings, StageStatus.CANNOT_TELL)
    silent = [layer.layer.value for layer in audited.layers if not layer.answered]
    text = f"{audited.branch}: {plural(len(bad), 'hole')}, {len(unknown)} not told"
    text += f"; did not answer: {', '.join(silent)}" if silent else "; all three layers answered"
    text += f" ({audited.requests} requests)"
    if bad:
        raise Unprotected(f"{text}: {bad[0].text}", cure=bad[0].cure, findings=findings)
    if unknown:
        raise Unclear(f"{text}: {unknown[0].text}", cure=unknown[0].cure, findings=findings)
    return Done(text, findings)


def _of(findings: Sequence[Finding], status: StageStatus) -> list[Finding]:
    return [finding for finding in findings if finding.status is status]
