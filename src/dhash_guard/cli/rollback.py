"""The rollback command: shows the candidates, asks with what would happen, goes back, proves it, and watches."""

from __future__ import annotations

import sys
from typing import Any

import click
from attrs import frozen

from dhash_guard.cli.catalogue import aged, when
from dhash_guard.cli.invocation import Invocation, common, named
from dhash_guard.cli.progress import Line, Meter
from dhash_guard.cli.viewers import viewer_for
from dhash_guard.errors import GuardError, NeedsPerson, NoGo, UsageProblem
from dhash_guard.records.backup import BackupFacts
from dhash_guard.records.blast import BlastRadius
from dhash_guard.records.codec import to_data
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.layout import iso
from dhash_guard.records.units import Seconds, format_bytes, format_duration
from dhash_guard.report.escape import terminal
from dhash_guard.rollout import rollback as rolling_back
from dhash_guard.rollout.blast import blast_radius_at_a_glance, summary
from dhash_guard.rollout.deputy import require_leave
from dhash_guard.rollout.picking import candidates, pick_target
from dhash_guard.rollout.publish import publish
from dhash_guard.rollout.run import Guarded, open_run
from dhash_guard.rollout.target import Candidate, Chance
from dhash_guard.rollout.watch_after import arranged, watch_after

_MARKS = {Chance.TARGET: "→", Chance.USABLE: "✓", Chance.REFUSED: "✗", Chance.SNAPSHOT: "·"}


@frozen
class Watched:
    """What the watch after a rollback came to; `exit_code` is that of the whole command."""

    exit_code: int
    data: dict[str, Any]


@click.command()
@common
@named("--backup", metavar="BACKUP", help="What to go back to; default: the newest verified one from before the deployment.")
@click.option("--list", "listing", is_flag=True, help="List every backup with what speaks for or against it, and stop.")
@click.option("--force", is_flag=True, help="Answer the confirmation and go on without a snapshot.")
@click.option("--confirm", metavar="NAME", help="Answer the confirmation by typing the environment's name.")
@click.option("--auto", is_flag=True, help="Like --force, for machines; nothing is watched afterwards.")
@click.option(
    "--skip-validation", is_flag=True, help="Do not prove the service well afterwards; overrides the safety table."
)
@click.option("--override-safety", is_flag=True, help="Go back also where the safety table says that data may not fit.")
@click.option("--verify", is_flag=True, help="Prove the service well afterwards (this is the default).")
@click.option("--watch/--no-watch", "watched", default=None, help="Watch afterwards, as rollback.watch_after says, or not.")
@click.option("--reason", default="", help="Why; kept in the record.")
@named("--from-env", metavar="NAME", help="Allow a backup of this other environment.")
def rollback(
    call: Invocation,
    backup: str | None,
    listing: bool,
    force: bool,
    confirm: str | None,
    auto: bool,
    skip_validation: bool,
    override_safety: bool,
    verify: bool,
    watched: bool | None,
    reason: str,
    from_env: str | None,
) -> int:
    """Put a verified backup back, and prove the service well. With --dry-run: what would disappear, change and come back."""
    if skip_validation and verify:
        raise click.UsageError("--verify and --skip-validation exclude each other.")
    typed = confirm is not None and call.typed(call.load().name, confirm)
    answered = typed or force or auto
    if skip_validation and not (force or auto):
        raise click.UsageError("--skip-validation goes with --force.")
    if listing:
        return _list(call)
    duration = _watch_duration(call, watched, auto=auto)
    if not sys.stdin.isatty():  # nobody can answer: that needs no reading of backups
        call.confirm("Roll back?", answered=answered)
    run = call.open("rollback", reason=reason)
    orders = rolling_back.Orders(insist=force or auto, skip_validation=skip_validation, override_safety=override_safety)
    target: BackupFacts | None = None
    try:
        target = pick_target(run, backup, from_env)
        require_leave(run, target, forced=force)
        rolling_back.require_safe(run, target, orders)
    except UsageProblem:
        raise
    except GuardError as problem:
        return call.finish(run, rolling_back.refused(run, problem, target))
    radius = None
    if not (answered or call.machine.dry):
        radius = _glance(run, target)
        call.confirm(_question(run, target, radius), answered=False)
    with Meter("compared", target.members, Line(call.quiet, first=0.0)) as meter:
        evidence = rolling_back.rollback(run, target, orders, radius=radius, progress=meter)
    if duration is None or call.machine.dry or evidence.exit_code:
        return call.finish(run, evidence)
    after = _watch(call, run, evidence, duration)
    call.finish(run, evidence, more={"watch": after.data})
    if not call.json:
        call.show(f"Watched:  {terminal(str(after.data['result']))}: {terminal(str(after.data['reason']))}", None)
    return after.exit_code


def _watch_duration(call: Invocation, watched: bool | None, *, auto: bool) -> Seconds | None:
    """How long to watch afterwards; None for not at all."""
    duration = call.load().environment.rollback.watch_after
    if watched and not duration:
        raise UsageProblem("--watch, but nothing says for how long", cure="Give rollback: {watch_after: 30m}.")
    return duration if duration and (watched or (watched is None and not auto)) else None


def _glance(run: Guarded, target: BackupFacts) -> BlastRadius | None:
    try:
        return blast_radius_at_a_glance(run, target)
    except GuardError as problem:  # a question must not fail where the rollback itself would work
        run.say(f"warning: what would be lost cannot be told: {problem.what}")
        return None


def _question(run: Guarded, target: BackupFacts, radius: BlastRadius | None) -> str:
    age = format_duration(max(0.0, float(round(run.machine.clock.now() - target.sealed_at))))
    what = summary(radius) if radius is not None else "what would be lost, --dry-run tells"
    return f"Roll {run.environment} back to {target.name}, sealed {iso(target.sealed_at)}, {age} ago? ({what})"


def _watch(call: Invocation, rolled: Guarded, evidence: Evidence, duration: Seconds) -> Watched:
    """Watch in a run of its own: the rollback is sealed by now, whatever becomes of this."""
    publish(rolled, evidence, ())
    call.say(f"rolled back; watching for {format_duration(duration)}, alerts only (interrupt to stop; the rollback stands)")
    configuration = arranged(rolled.configuration, duration)
    run = open_run(call.machine, configuration, "monitor", call.say, reason=f"after {rolled.facts.id}", verbose=call.verbose)
    viewer = viewer_for(
        run, quiet=call.quiet, terminal=sys.stderr.isatty() and call.machine.environ.get("GITHUB_ACTIONS") != "true"
    )
    try:
        found = watch_after(run, viewer)
    except GuardError as problem:
        call.say(f"warning: not watched: {problem}")
        return Watched(0, {"result": problem.code, "exit_code": problem.exit_code, "reason": problem.what})
    publish(run, found, viewer.ticks)
    reason = found.verdict.reason if found.verdict is not None else found.result
    data = {"run": run.facts.id, "result": found.result, "exit_code": found.exit_code, "reason": reason}
    return Watched(NeedsPerson.exit_code if found.exit_code == NoGo.exit_code else 0, data)


def _list(call: Invocation) -> int:
    """Every backup, newest first, and how it stands."""
    run = call.open("rollback --list")
    call.say("reading backups …")
    choice = candidates(run)
    now = call.machine.clock.now()
    for warning in choice.warnings:
        call.say(f"warning: {warning}")
    lines = [_line(one, now) for one in choice.candidates] or [f"no backups of {run.environment}"]
    told = [{"chance": one.chance.value, "reason": one.reason} | to_data(one.facts) for one in choice.candidates]
    call.show("\n".join(lines), told)
    return 0


def _line(one: Candidate, now: float) -> str:
    facts = one.facts
    known = ""
    if not facts.problem:
        known = f"{when(facts.sealed_at)}  {aged(now - facts.sealed_at)} old  {format_bytes(facts.size)}  "
    return f"{_MARKS[one.chance]} {facts.name}  {known}{one.chance.value}: {one.reason}"
