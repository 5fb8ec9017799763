"""The backup commands: create, list, verify, restore, recover, undo."""

from __future__ import annotations

import click

from dhash_guard import backup as vault
from dhash_guard.cli.invocation import Invocation, common, named
from dhash_guard.errors import CannotTell, Damaged
from dhash_guard.records.backup import BackupFacts, Purpose, Verification
from dhash_guard.records.codec import to_data
from dhash_guard.records.layout import Layout, iso
from dhash_guard.records.units import Seconds, format_bytes, format_duration
from dhash_guard.rollout.restore import restore as restoring
from dhash_guard.rollout.run import recovery_text


@click.group()
def backup() -> None:
    """Take, list, verify and restore backups."""


@backup.command()
@common
@named("--components", metavar="NAMES", help="Comma-separated; `all` takes every one. Default: those that are always taken.")
def create(call: Invocation, components: str | None) -> int:
    """Take a backup, sealed and read back."""
    run = call.open("backup create")
    chosen = None if components is None else [name.strip() for name in components.split(",") if name.strip()]
    from dhash_guard.rollout.backup import take

    return call.finish(run, take(run, chosen))


@backup.command("list")
@common
def list_(call: Invocation) -> int:
    """List the backups of the environment, oldest first, the unusable ones with their reason."""
    return show_listing(call)


def show_listing(call: Invocation) -> int:
    """Print the catalogue."""
    configuration = call.load()
    found = vault.listing(configuration.layout, configuration.name)
    now = call.machine.clock.now()
    lines = [_line(facts, now) for facts in found] or [f"no backups of {configuration.name}"]
    call.show("\n".join(lines), to_data(found))
    return 0


@backup.command()
@common
@click.argument("reference", required=False)
@named("--backup", "named_backup", metavar="BACKUP", help="Verify this one; default: the newest.")
@named("--days", type=click.IntRange(min=1), help="Verify every backup of the last N days.")
@click.option("--all", "every", is_flag=True, help="Verify every backup of the environment.")
def verify(call: Invocation, reference: str | None, named_backup: str | None, days: int | None, every: bool) -> int:
    """Read a backup whole: archive hash, every member, structure. Nothing to verify is exit 3."""
    configuration = call.load()
    reference = reference or named_backup
    if sum((reference is not None, days is not None, every)) > 1:
        raise click.UsageError("Name a backup, or give --days, or --all.")
    if reference is not None:
        chosen = [vault.find(configuration.layout, reference, configuration.name)]
    else:
        chosen = vault.listing(configuration.layout, configuration.name)
        if days is not None:
            horizon = call.machine.clock.now() - days * 86400
            chosen = [facts for facts in chosen if facts.problem or facts.sealed_at >= horizon]
        elif not every:
            chosen = [facts for facts in chosen if facts.purpose is Purpose.BACKUP][-1:]
    if not chosen:
        raise CannotTell(f"no backup of {configuration.name} to verify", cure="dhash-guard backup create")
    results = [_verified(call, configuration.layout, facts) for facts in chosen]
    call.show("\n".join(_result(result) for result in results), to_data(results))
    return 0 if all(result.ok for result in results) else Damaged.exit_code


def _verified(call: Invocation, layout: Layout, facts: BackupFacts) -> Verification:
    call.say(f"reading {facts.name} …")
    if facts.problem:
        return Verification(name=facts.name, sha256=facts.sha256, members=0, bytes_read=0, problems=(facts.problem,))
    return vault.verify(layout, facts)


@backup.command()
@common
@named("--backup", "reference", metavar="BACKUP", required=True, help="The backup to put back.")
@click.option("--force", is_flag=True, help="Answer the confirmation.")
@named("--from-env", metavar="NAME", help="Allow a backup of this other environment.")
def restore(call: Invocation, reference: str, force: bool, from_env: str | None) -> int:
    """Put a backup's files back, without stopping or checking the service; `rollback` does the whole of it."""
    configuration = call.load()
    call.confirm(f"Replace the files of {configuration.name} by {reference}?", answered=force)
    run = call.open("backup restore")
    return call.finish(run, restoring(run, reference, from_env))


@backup.command()
@common
def recover(call: Invocation) -> int:
    """Finish a restore that was interrupted; every other command does this as well."""
    configuration = call.load()
    done = vault.recover(call.machine, configuration.layout) if not call.machine.dry else None
    text = recovery_text(done) if done is not None else "nothing was left unfinished"
    call.show(text, {"recovered": to_data(done)})
    return 0


@backup.command()
@common
@click.option("--force", is_flag=True, help="Answer the confirmation.")
def undo(call: Invocation, force: bool) -> int:
    """Take the last restore back: the files it replaced come into place again."""
    configuration = call.load()
    call.confirm(f"Take the last restore of {configuration.name} back?", answered=force)
    run = call.open("backup undo")
    from dhash_guard.rollout.restore import undo as undoing

    return call.finish(run, undoing(run))


def _line(facts: BackupFacts, now: float) -> str:
    if facts.problem:
        return f"✗ {facts.name}  {facts.problem}"
    age = format_duration(Seconds(max(0.0, round(now - facts.sealed_at))))
    kind = "" if facts.purpose is Purpose.BACKUP else f"  ({facts.purpose.value})"
    parts = f"{format_bytes(facts.size)}  {facts.members} entries  {', '.join(facts.components)}"
    return f"✓ {facts.name}  {iso(facts.sealed_at)}  {age} old  {parts}{kind}"


def _result(result: Verification) -> str:
    if result.ok:
        return f"✓ {result.name}  {result.members} entries, {format_bytes(result.bytes_read)} read, sha256 {result.sha256}"
    return "\n".join([f"✗ {result.name}", *(f"    {problem}" for problem in result.problems)])
