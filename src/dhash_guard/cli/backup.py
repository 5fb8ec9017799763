"""The backup commands: create, list, verify, prune, drill, restore, recover, undo."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from dhash_guard.backup import facade as vault
from dhash_guard.backup.settings import Keep
from dhash_guard.cli.invocation import Duration, Invocation, common, named
from dhash_guard.errors import CannotTell, Damaged, NeedsPerson, NoGo
from dhash_guard.records.backup import BackupFacts, Verification
from dhash_guard.records.codec import to_data
from dhash_guard.records.units import Seconds, format_bytes
from dhash_guard.report.escape import terminal
from dhash_guard.rollout.remote import open_vault, places
from dhash_guard.rollout.restore import restore as restoring
from dhash_guard.rollout.run import recovery_text
from dhash_guard.rollout.vault import Vault
from dhash_guard.rollout.verify import of_days, read

_COUNT = click.IntRange(min=1)


@click.group()
def backup() -> None:
    """Take, list, verify and restore backups."""


@contextmanager
def _room_is_said() -> Iterator[None]:
    """A full disk is a no-go that says what to do, whichever file it was; a sealed backup stays what it is."""
    try:
        yield
    except OSError as problem:
        if problem.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise NoGo(
            "the disk is full: backup, log or record could not be written",
            where=str(problem.filename or Path.cwd()),
            cure="Make room, for instance with `dhash-guard backup prune`; `dhash-guard backup list` shows what is sealed.",
        ) from problem


@backup.command()
@common
@named("--components", metavar="NAMES", help="Comma-separated; `all` takes every one. Default: those that are always taken.")
@click.option("--single", metavar="[PATH]", is_flag=False, flag_value="", help="A plain copy of this one file instead.")
@click.option("--verify", "verified", is_flag=True, help="Read every member back once it is sealed.")
@click.option("--prune", "prune_too", is_flag=True, help="Once it is sealed, remove what backup.keep does not keep.")
def create(call: Invocation, components: str | None, single: str | None, verified: bool, prune_too: bool) -> int:
    """Take a backup: sealed, and its bytes read back."""
    if single is not None and (components is not None or verified or prune_too):
        raise click.UsageError("--single goes with none of --components, --verify and --prune.")
    with _room_is_said():
        run = call.open("backup create")
        if single is not None:
            from dhash_guard.rollout.single import take_single

            return call.finish(run, take_single(run, single))
        from dhash_guard.rollout.backup import take

        chosen = None if components is None else [name.strip() for name in components.split(",") if name.strip()]
        keep = run.configuration.environment.backup.keep if prune_too else None
        return call.finish(run, take(run, chosen, keep, verified=verified))


@backup.command("list")
@common
def list_(call: Invocation) -> int:
    """List the backups of the environment, oldest first: sealed, verified and drilled when, or why one is bad."""
    return show_listing(call)


def show_listing(call: Invocation) -> int:
    """Print the catalogue."""
    from dhash_guard.cli.catalogue import entries, table

    configuration = call.load()
    known = places(open_vault(call.machine, configuration, call.say))
    found = entries(configuration.layout, known, call.machine.clock.now())
    text = table(found) if found else f"no backups of {configuration.name}"
    call.show(text, [entry.data() for entry in found])
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
    if sum((reference is not None, named_backup is not None, days is not None, every)) > 1:
        raise click.UsageError("Name one backup, or give --days, or --all.")
    reference = named_backup if reference is None else reference
    backups = open_vault(call.machine, configuration, call.say)
    if reference is not None:
        chosen = [backups.find(reference)]
    else:
        chosen = backups.listing()
        if days is not None:
            chosen = of_days(chosen, days, call.machine.clock.now())
        elif not every:
            last = vault.last_taken(chosen)
            chosen = [] if last is None else [last]
    if not chosen:
        raise CannotTell(f"no backup of {configuration.name} to verify", cure="dhash-guard backup create")
    results = [_verified(call, backups, facts) for facts in chosen]
    call.show("\n".join(_result(result) for result in results), to_data(results))
    return 0 if all(result.ok for result in results) else Damaged.exit_code


def _verified(call: Invocation, backups: Vault, facts: BackupFacts) -> Verification:
    call.say(f"reading {facts.name} …")
    return read(backups, facts)


@backup.command()
@common
@named("--keep-last", type=_COUNT, help="Keep the newest N.")
@named("--keep-daily", type=_COUNT, help="Keep the newest of each of the last N days (UTC) that have one.")
@named("--keep-weekly", type=_COUNT, help="Keep the newest of each of the last N weeks that have one.")
@named("--keep-monthly", type=_COUNT, help="Keep the newest of each of the last N months that have one.")
@named("--keep-within", type=Duration(), help="Keep what is at most so much older than the newest good one.")
@named("--older-than", type=Duration(), help="Remove only what is older than the newest good one by more, such as 30d.")
def prune(
    call: Invocation,
    keep_last: int | None,
    keep_daily: int | None,
    keep_weekly: int | None,
    keep_monthly: int | None,
    keep_within: Seconds | None,
    older_than: Seconds | None,
) -> int:
    """Remove backups that no rule keeps; never the last good one. Without options: by backup.keep."""
    from dhash_guard.rollout.prune import prune as pruning

    asked = Keep(
        last=keep_last,
        daily=keep_daily,
        weekly=keep_weekly,
        monthly=keep_monthly,
        within=keep_within,
        older_than=older_than,
    )
    run = call.open("backup prune")
    evidence, fates = pruning(run, run.configuration.environment.backup.keep if asked == Keep() else asked)
    if fates and not call.json:
        click.echo("\n".join(terminal(f"{fate.backup}  {fate.text}") for fate in fates))
    return call.finish(run, evidence, more={"backups": to_data(fates)})


@backup.command()
@common
@named("--backup", "reference", metavar="BACKUP", help="The backup to drill; default: the newest.")
@named(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Restore below this directory; default: the system's for temporary files.",
)
def drill(call: Invocation, reference: str | None, into: Path | None) -> int:
    """Prove that a backup can be put back: restore it to a scratch directory, compare every hash, run backup.drill."""
    from dhash_guard.rollout.drill import drill as drilling

    run = call.open("backup drill")
    return call.finish(run, drilling(run, reference, into))


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
    """Finish a restore that was interrupted; every other command does this too. A file that then differs is exit 6, as is
    one that was perhaps not loaded."""
    layout = call.load(finish=False).layout
    planned = vault.foreseen(layout) if call.machine.dry else None
    done = None if call.machine.dry else vault.recover(call.machine, layout)
    text = "nothing was left unfinished"
    if planned is not None:
        text = recovery_text(planned, ended="would be")
    elif done is not None:
        text = recovery_text(done)
    call.show(text, {"recovered": to_data(done), "planned": to_data(planned)})
    well = done is None or (done.identical is not False and not done.unloaded)
    return 0 if well else NeedsPerson.exit_code


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


def _result(result: Verification) -> str:
    if result.ok:
        entries = f"{result.members} entries" if result.members_read else result.proof
        return f"✓ {result.name}  {entries}, {format_bytes(result.bytes_read)} read, sha256 {result.sha256}"
    return "\n".join([f"✗ {result.name}", *(f"    {problem}" for problem in result.problems)])
