"""Decides whether required checks stand for everything: each name reports, and each gate job fails for every job."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence

from attrs import field, frozen

from dhash_guard.github.workflows.expression import Unknown
from dhash_guard.github.workflows.file import Job, Workflow
from dhash_guard.github.workflows.gate_job import BAD, fails, hidden, runs, worst
from dhash_guard.github.workflows.hole import Hole, Weight
from dhash_guard.github.workflows.names import Reported, own_names, reported
from dhash_guard.github.workflows.privileged import privileged_holes
from dhash_guard.github.workflows.shell import Truth
from dhash_guard.github.workflows.triggers import PULL_EVENTS, for_pulls, trigger_holes

ACTIONS = 15368
"""The App that reports the jobs of workflows."""


@frozen(kw_only=True)
class Required:
    """What the branch asks for: names of checks and the App each must come from, 0 where any may report it.

    `ours` are the names that this repository's workflows must report, whatever App; `optional` the ids of jobs that need
    not succeed; `queue` says whether there is a merge queue.
    """

    checks: Mapping[str, int] = field(factory=dict)
    ours: Collection[str] = ()
    optional: Collection[str] = ()
    branch: str = "main"
    queue: bool = False


def completeness(workflows: Sequence[Workflow], required: Required) -> list[Hole]:
    """Every hole in the workflow files of one repository, by file and line."""
    found = list(_Completeness({workflow.path: workflow for workflow in workflows}, required).holes())
    return sorted(dict.fromkeys(found), key=lambda hole: (hole.path, hole.line, hole.rule, hole.text))


@frozen
class _Completeness:
    workflows: Mapping[str, Workflow]
    required: Required

    def holes(self) -> Iterator[Hole]:
        # A workflow that is only called reports under the names of its callers.
        roots = [workflow for workflow in self.workflows.values() if set(workflow.triggers) != {"workflow_call"}]
        everything = [(root, job, reported(job, self.workflows)) for root in roots for job in root.jobs.values()]
        shown = [check for _, _, checks in everything for check in checks]
        for name in self.required.checks:
            made = [(root, job) for root, job, checks in everything if any(check.fits(name) for check in checks)]
            yield from self._name(name, made, shown)
        for workflow in self.workflows.values():
            yield from privileged_holes(workflow)
            yield from self._called(workflow)
        for root in roots:
            yield from self._workflow(root, root, ("",))

    def _name(self, name: str, made: Sequence[tuple[Workflow, Job]], checks: Sequence[Reported]) -> Iterator[Hole]:
        """A required name that nobody reports, that several report, or whose workflow may stay away."""
        if not made:
            near = _below(name, checks) or difflib.get_close_matches(
                name, [check.shown for check in checks], n=1, cutoff=0.75
            )
            sure = bool(near) or name in self.required.ours or self.required.checks[name] == ACTIONS
            hint = f"Did you mean {near[0]!r}?" if near else "Require a name that a job has, or remove it."
            yield Hole(
                path=".github/workflows",
                line=0,
                rule="no-such-check",
                text=f"{name!r} is required, and no job of a workflow here reports it",
                cure=hint if sure else "If another App reports it, bind the check to that App in the rule.",
                weight=Weight.HOLE if sure else Weight.UNKNOWN,
            )
        pulls = [(workflow, job) for workflow, job in made if for_pulls(workflow)]
        if len({(workflow.path, job.id) for workflow, job in pulls}) > 1:
            others = ", ".join(f"{workflow.path}:{job.line}" for workflow, job in pulls[1:])
            first, job = pulls[0]
            yield _hole(
                first, job.line, "same-name", f"{name!r} is also reported by {others}: either of them satisfies the rule"
            )
        for workflow, _ in pulls or made:
            yield from trigger_holes(workflow, name, self.required.branch, queue=self.required.queue)

    def _called(self, workflow: Workflow) -> Iterator[Hole]:
        for job in workflow.jobs.values():
            path = job.uses.removeprefix("./")
            if job.uses.startswith("./") and path not in self.workflows:
                yield _hole(workflow, job.line, "no-such-workflow", f"job {job.id} calls {path}, which is not there")
            for need in job.needs:
                if need not in workflow.jobs:
                    text = f"job {job.id} needs {need!r}, and there is no such job: the workflow does not start"
                    yield _hole(workflow, job.needs_line, "no-such-job", text)

    def _workflow(self, root: Workflow, workflow: Workflow, prefixes: tuple[str, ...]) -> Iterator[Hole]:
        """The jobs of a workflow that reports something required; `root` starts it, `prefixes` are its callers' names."""
        jobs = workflow.jobs
        gates = {job.id for job in jobs.values() if any(map(self._is_required, self._checks(job, prefixes)))}
        if not gates:
            return
        called = {name: found for name in gates if (found := self._gated(jobs[name], prefixes)) is not None}
        whole = {name for name in gates if all(map(self._is_required, self._checks(jobs[name], prefixes)))} | set(called)
        seen = {need for gate in gates for need in _ancestors(jobs, gate)}
        for job in jobs.values():
            if job.id not in {*self.required.optional, *whole, *seen}:
                yield from self._unseen(workflow, job, gates)
        for name in sorted(gates):
            yield from self._gate(root, workflow, jobs[name], whole)
        for inner, longer in called.values():
            yield from self._workflow(root, inner, longer)
        for name in sorted({*gates, *seen} - set(self.required.optional)):
            if jobs[name].forgiven not in ("", "false"):
                certain = jobs[name].forgiven == "true"
                text = f"job {name} has continue-on-error: its failure counts as success"
                line = workflow.line("jobs", name, "continue-on-error")
                yield _hole(workflow, line, "continue-on-error", text, weight=Weight.HOLE if certain else Weight.UNKNOWN)

    def _unseen(self, workflow: Workflow, job: Job, gates: Collection[str]) -> Iterator[Hole]:
        """A job that nothing required stands for."""
        if job.id in gates:
            text = f"only some of the checks of job {job.id} are required, and no gate job needs it"
            yield _hole(workflow, job.line, "legs-not-required", text, "Require each, or let a gate job need it.")
        elif not _after(workflow.jobs, job.id, gates) and not _elsewhere(job):
            text = f"job {job.id} is neither required nor needed by what is ({', '.join(sorted(gates))}): it may fail unseen"
            yield _hole(workflow, job.line, "not-in-needs", text, f"Add {job.id} to the `needs` of the gate job.")

    def _gate(self, root: Workflow, workflow: Workflow, gate: Job, whole: Collection[str]) -> Iterator[Hole]:
        """What a required job makes of every job it needs, directly or through others."""
        events = [event for event in PULL_EVENTS if event in root.triggers][:1]
        events += ["merge_group"] if self.required.queue and "merge_group" in root.triggers else []
        if not [need for need in gate.needs if need in workflow.jobs]:
            yield from self._alone(root, workflow, gate, events)
            return
        needs = [need for need in gate.needs if need in workflow.jobs]
        for need in [need for need in needs if need not in {*self.required.optional, *whole}]:
            for result in BAD:
                yield from self._sees(workflow, gate, need, result, events)
        for name in sorted(_ancestors(workflow.jobs, gate.id) - set(self.required.optional)):
            between = workflow.jobs[name]
            for need in between.needs:
                covered = need in {*needs, *whole, *self.required.optional} or need not in workflow.jobs
                if not covered and hidden(between, need):
                    text = f"job {name} is started although {need} failed, so that {gate.id} does not see it"
                    yield _hole(
                        workflow, between.condition_line, "hidden-failure", text, f"Add {need} to the `needs` of {gate.id}."
                    )

    def _alone(self, root: Workflow, workflow: Workflow, job: Job, events: Sequence[str]) -> Iterator[Hole]:
        """A required job without needs: skipped by its own `if`, it counts as passed."""
        if not job.condition or job.id in self.required.optional:
            return
        told = worst(runs(job, {}, event=event) for event in events) if events else True
        if told is not True:
            how = "is skipped" if told is False else "may be skipped"
            text = f"job {job.id} {how} by its `if`, and a skipped check counts as passed"
            yield _hole(
                workflow, job.condition_line, "skipped-passes", text, "Decide inside the job, or let a gate job need it."
            )
        elif "draft" in job.condition:
            types = root.triggers.get("pull_request", {}).get("types") or []
            if "ready_for_review" not in types:
                text = f"job {job.id} is skipped on drafts, and not started when a draft becomes ready"
                yield _hole(workflow, job.condition_line, "skipped-passes", text, "Add ready_for_review to `types`.")

    def _sees(self, workflow: Workflow, gate: Job, need: str, result: str, events: Sequence[str]) -> Iterator[Hole]:
        results = dict.fromkeys(gate.needs, "success") | {need: result}
        told: list[tuple[Truth, Truth]] = []
        for event in events or ("pull_request",):
            for cancelled in (False, True) if result == "cancelled" else (False,):
                told.append(
                    (
                        runs(gate, results, event=event, cancelled=cancelled),
                        fails(gate, results, event=event, cancelled=cancelled),
                    )
                )
        started, failed = worst(one for one, _ in told), worst(one for _, one in told)
        if started is not True:
            how = "is" if started is False else "may be"
            text = f"gate {gate.id} {how} skipped when {need} ended as {result}, and a skipped check counts as passed"
            yield _hole(workflow, gate.condition_line, "gate-skipped", text, "Give it `if: always()`.")
        elif failed is False:
            text = f"gate {gate.id} passes although {need} ended as {result}"
            yield _hole(workflow, gate.line, "gate-passes", text, f"Fail on every result of {need} that is not success.")
        elif isinstance(failed, Unknown):
            text = f"whether gate {gate.id} fails when {need} ended as {result} cannot be seen"
            cure = "Compare each result with success in one step that exits with 1."
            yield _hole(workflow, gate.line, "gate-unclear", text, cure, weight=Weight.UNKNOWN)

    def _checks(self, job: Job, prefixes: tuple[str, ...]) -> list[Reported]:
        """What a job reports, with its callers' names before it."""
        found = reported(job, self.workflows)
        return [Reported(tuple(prefix + name for prefix in prefixes for name in check.names)) for check in found]

    def _is_required(self, check: Reported) -> bool:
        return any(check.fits(name) for name in self.required.checks)

    def _gated(self, job: Job, prefixes: tuple[str, ...]) -> tuple[Workflow, tuple[str, ...]] | None:
        """The workflow that a job calls, where one of the called jobs is what is required, and the names before those."""
        inner = self.workflows.get(job.uses.removeprefix("./")) if job.uses.startswith("./") else None
        if inner is None:
            return None
        longer = tuple(f"{prefix}{name} / " for prefix in prefixes for check in own_names(job) for name in check.names)
        found = [check for each in inner.jobs.values() for check in self._checks(each, longer)]
        return (inner, longer) if any(map(self._is_required, found)) else None


def _below(name: str, checks: Sequence[Reported]) -> list[str]:
    """How a job of this name is called where a workflow calls it: below its caller, which a rule easily forgets."""
    split = [one.rpartition(" / ") for check in checks for one in check.names]
    return [f"{caller} / {name}" for caller, _, called in split if caller and Reported((called,)).fits(name)][:1]


def _elsewhere(job: Job) -> bool:
    """Whether the job is for other events alone, such as the deployment after the merge."""
    good = dict.fromkeys(job.needs, "success")
    return bool(job.condition) and all(runs(job, good, event=event) is False for event in (*PULL_EVENTS, "merge_group"))


def _ancestors(jobs: Mapping[str, Job], name: str) -> set[str]:
    found: set[str] = set()
    todo = list(jobs[name].needs)
    while todo:
        need = todo.pop()
        if need in jobs and need not in found and need != name:
            found.add(need)
            todo += jobs[need].needs
    return found


def _after(jobs: Mapping[str, Job], name: str, gates: Collection[str]) -> bool:
    """Whether a job comes after a gate, so that the gate cannot need it."""
    return bool(_ancestors(jobs, name) & set(gates))


def _hole(
    workflow: Workflow, line: int, rule: str, text: str, cure: str = "Mend the workflow.", *, weight: Weight = Weight.HOLE
) -> Hole:
    return Hole(path=workflow.path, line=line, rule=rule, text=text, cure=cure, weight=weight)
