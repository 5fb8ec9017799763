"""The step of the action: turns its inputs into one command line, runs it, and tells the runner how it ended."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, TextIO

from attrs import frozen

from dhash_guard.cli import program, run
from dhash_guard.cli.inputs import Inputs, arguments, take
from dhash_guard.cli.outputs import Ending, decision_of, outputs, reason_of
from dhash_guard.cli.surface import Surface
from dhash_guard.errors import CannotTell, GuardError, OutsideSilent, UsageProblem
from dhash_guard.github.commands import Annotation, Kind
from dhash_guard.github.runner import Runner
from dhash_guard.records.evidence import Evidence
from dhash_guard.report.escape import markdown, terminal
from dhash_guard.system import this_machine
from dhash_guard.system.machine import Machine
from dhash_guard.system.redaction import Redactor

if TYPE_CHECKING:
    from dhash_guard.github.api import GithubApi
    from dhash_guard.github.comment import CommentResult
    from dhash_guard.records.context import RunContext

COMMENTED = ("gate", "deploy", "monitor", "rollback")
"""Verbs that, beside the legs of `premerge`, a pull request waits for; the others would only be noise there."""

Run = Callable[[Sequence[str], Surface], int]


def main() -> NoReturn:
    """Run the step of this process."""
    # The runner reads both streams at once: only in one stream does our fence certainly stand around foreign text.
    sys.stderr.flush()
    os.dup2(sys.stdout.fileno(), sys.stderr.fileno())
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # typeshed does not know that it is a TextIOWrapper
    sys.exit(step(os.environ, sys.stdout, run))


def step(environ: MutableMapping[str, str], stream: TextIO, run: Run) -> int:
    """The whole step: mask, run, outputs, summary, annotation, comment. The exit code is the program's."""
    inputs = take(environ)
    token = inputs["github-token"].strip()
    machine = this_machine(dict(environ))
    redactor = Redactor.of({**environ, "GITHUB_TOKEN": token})
    runner = Runner(environ, machine.files, stream, _token, secrets=[token] if token else [], redactor=redactor)
    runner.mask([])
    ending = Ending(token)
    code = _run(inputs, runner, stream, ending, run)
    return _Telling(machine, runner, inputs, ending, redactor).tell(code)


def _run(inputs: Inputs, runner: Runner, stream: TextIO, ending: Ending, run: Run) -> int:
    """The program's exit code; inputs that make no command line end like any wrong usage."""
    try:
        _ = inputs.comments  # refused before anything is touched
        _enter(inputs["working-directory"])
        line = arguments(inputs, program)
    except GuardError as problem:
        ending.fail(problem)
        return problem.exit_code
    with _fence(runner, stream):
        return run(line, ending)


def _enter(directory: str) -> None:
    if directory:
        try:
            os.chdir(directory)
        except OSError as problem:
            raise UsageProblem(
                f"the input working-directory cannot be entered: {problem.strerror}",
                where=directory,
                cure="Name a folder, relative to the workspace.",
            ) from problem


@contextmanager
def _fence(runner: Runner, stream: TextIO) -> Iterator[None]:
    """Between these two lines nothing that the program, its services or its commands print is a command to the runner."""
    if not runner.present:
        yield
        return
    token = _token()
    stream.write(f"::stop-commands::{token}\n")
    stream.flush()
    try:
        yield
    finally:
        sys.stderr.flush()
        # The line end is for a last line of foreign text that has none.
        stream.write(f"\n::{token}::\n")
        stream.flush()


def _token() -> str:
    return secrets.token_hex(16)


@frozen
class _Telling:
    """What the runner is told. Only outputs that cannot be written change the exit code: later steps decide by them."""

    machine: Machine
    runner: Runner
    inputs: Inputs
    ending: Ending
    redactor: Redactor

    def tell(self, code: int) -> int:
        workspace = self.machine.environ.get("GITHUB_WORKSPACE", "")
        try:
            self.runner.outputs(outputs(self.ending, code, workspace))
        except OSError as problem:
            self._warn("the outputs could not be written", problem)
            code = code or OutsideSilent.exit_code
        self._try("no annotation", lambda: self._annotate(code))
        self._try("no summary", lambda: self._summarise(code))
        self._try("no comment", self._comment)
        self._try("no commit status", self._status)
        self._try("no count of requests", self._count)
        return code

    def _try(self, what: str, work: Callable[[], None]) -> None:
        """Telling fails open: how the run ended stays as it is."""
        try:
            work()
        except Exception as problem:  # noqa: BLE001  # the run is decided: nothing of the telling may change how it ended
            self._warn(what, problem)

    def _warn(self, what: str, problem: Exception) -> None:
        text = f"{what}: {problem}" if isinstance(problem, GuardError) else f"{what}: {type(problem).__name__}: {problem}"
        self.runner.annotate([Annotation(kind=Kind.WARNING, title="dhash-guard", text=text)])

    def _annotate(self, code: int) -> None:
        problem, evidence = self.ending.problem, self.ending.evidence
        if code == 0:
            return
        decision = decision_of(evidence, code).value
        title = f"dhash-guard {self.inputs['command']}: {decision} (exit {code}, {reason_of(self.ending, code)})"
        text = str(problem) if problem is not None else _reason(evidence)
        self.runner.annotate([Annotation(kind=Kind.ERROR, title=title, text=text or title)])
        if not self.runner.present and problem is not None:
            self.runner.fenced(f"error: {terminal(text)}\n")

    def _summarise(self, code: int) -> None:
        evidence, problem = self.ending.evidence, self.ending.problem
        if evidence is not None:
            from dhash_guard.report.summary import render_summary

            self.runner.summary(render_summary(evidence, self.ending.ticks, templates=self.ending.templates))
        elif problem is not None:
            head = f"### dhash-guard {markdown(self.inputs['command'])}: exit {code}, {markdown(problem.code)}"
            # Masked first: once Markdown is escaped, a secret with an underscore is no longer found.
            parts = [markdown(self.redactor.text(part)) for part in (problem.where, problem.what, problem.cure) if part]
            self.runner.summary("\n\n".join([head, *parts]))

    def _count(self) -> None:
        """How much of the hour's requests this step has used, the comment's own among them."""
        asked = self.ending.requests
        self.runner.outputs({"api-requests": str(asked)})
        if asked and self.ending.evidence is not None:
            self.runner.summary(f"<sub>{asked} requests to GitHub</sub>")

    def _api(self, context: RunContext) -> GithubApi:
        from dhash_guard.github.api import GithubApi

        api = GithubApi(self.ending.token, context, self.machine.clock)
        self.ending.opened(api)
        return api

    def _comment(self) -> None:
        if not (self.ending.legs or self._for_comment()) or not self.ending.token or not self.inputs.comments:
            return
        from dhash_guard.github.context import read_context

        context = read_context(self.machine.environ)
        if context.pull_request is None:
            return
        done = self._commented(self._api(context), context, context.pull_request)
        self.runner.outputs({"comment-url": done.url})
        if done.notes:
            self.runner.annotate([Annotation(kind=Kind.NOTICE, title="dhash-guard", text="\n".join(done.notes))])

    def _status(self) -> None:
        """The answer of the gate stands on the commit it is about, where branch rules and people look for it."""
        evidence = self.ending.evidence
        if evidence is None or evidence.run.verb != "gate" or not self.ending.token or evidence.run.dry_run:
            return
        from dhash_guard.github.context import read_context
        from dhash_guard.github.ports import State
        from dhash_guard.github.status import set_status

        context = read_context(self.machine.environ)
        sha = context.sha or evidence.run.commit
        state = {0: State.SUCCESS, CannotTell.exit_code: State.PENDING}.get(evidence.exit_code, State.FAILURE)
        text = f"{evidence.run.environment}: {evidence.result}"
        set_status(self._api(context), sha, "gate", state, text, self.machine.clock, context.run_url)

    def _for_comment(self) -> Evidence | None:
        evidence = self.ending.evidence
        return evidence if evidence is not None and evidence.run.verb in COMMENTED else None

    def _commented(self, api: GithubApi, context: RunContext, number: int) -> CommentResult:
        """Legs of the matrix share one comment; any other verb has one of its own."""
        if self.ending.legs:
            from dhash_guard.rollout.comment import comment_legs

            legs, expected, templates = self.ending.legs, self.ending.expected, self.ending.templates
            return comment_legs(self.machine, api, context, legs, expected, templates=templates)
        from dhash_guard.rollout.comment import comment_run

        evidence, templates = self._for_comment(), self.ending.templates
        assert evidence is not None
        links = [("the run", context.run_url)] if context.run_url else []
        return comment_run(self.machine, api, number, evidence, self.ending.ticks, links=links, templates=templates)


def _reason(evidence: Evidence | None) -> str:
    """One or two sentences on why it is no go."""
    if evidence is None:
        return "The log of this step says why."
    if evidence.verdict is not None:
        return evidence.verdict.reason
    return "\n".join(stage.text for stage in evidence.stages if stage.status.value in ("failed", "cannot-tell"))
