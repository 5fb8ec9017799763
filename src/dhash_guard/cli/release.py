"""The commands that change a release: deploy, migrate, service."""

from __future__ import annotations

from pathlib import Path

import click

from dhash_guard.backup.settings import Keep
from dhash_guard.cli.invocation import Invocation, OutFile, Tag, common, named
from dhash_guard.config import Configuration, Kind
from dhash_guard.errors import UsageProblem
from dhash_guard.records.units import Seconds
from dhash_guard.rollout import deploy as deploying
from dhash_guard.rollout import migrating
from dhash_guard.rollout.automatic import automatic_by_configuration
from dhash_guard.rollout.migrate import migration
from dhash_guard.rollout.service import service as controlling


@click.command()
@common
@named("--tag", type=Tag(), help="The release to deploy; fills {tag} in the project's commands, and is needed for that.")
@click.option("--backup-first", is_flag=True, help="Take and read back a backup before anything changes.")
@named(
    "--backup-retention",
    type=click.IntRange(min=1),
    metavar="DAYS",
    help="Back up first, then remove backups that are more than DAYS days older than the new one.",
)
@named("--backup-file", metavar="BACKUP", help="The backup to go back to, verified before anything changes.")
@click.option("--force", is_flag=True, help="Answer the confirmation.")
@click.option("--confirm", metavar="NAME", help="Answer the confirmation by typing the environment's name.")
@click.option("--skip-health-check", is_flag=True, help="Do not look at the service afterwards; ends unverified.")
@named("--mode", metavar="KIND", help="Must agree with the environment's kind.")
@click.option(
    "--auto-rollback/--no-rollback", "automatic", default=None, help="Roll back by itself when the deployment fails."
)
def deploy(
    call: Invocation,
    tag: str | None,
    backup_first: bool,
    backup_retention: int | None,
    backup_file: str | None,
    force: bool,
    confirm: str | None,
    skip_health_check: bool,
    mode: str | None,
    automatic: bool | None,
) -> int:
    """Deploy a release: look, back up, migrate, deploy, prove; or go back."""
    backup_first = backup_first or backup_retention is not None
    if backup_first and backup_file:
        raise click.UsageError("--backup-first and --backup-retention exclude --backup-file.")
    configuration = call.load()
    _agree(configuration, mode)
    typed = confirm is not None and call.typed(configuration.name, confirm)
    if configuration.environment.kind is Kind.PRODUCTION:
        call.confirm(f"Deploy {tag or 'what is checked out'} to {configuration.name}?", answered=typed or force)
    run = call.open("deploy", tag=tag or "")
    orders = deploying.DeployOrders(
        tag=tag or "",
        backup_first=backup_first,
        retention=None if backup_retention is None else Keep(older_than=Seconds(backup_retention * 86400.0)),
        backup_file=backup_file,
        skip_health_check=skip_health_check,
        automatic=automatic_by_configuration(configuration) if automatic is None else automatic,
    )
    return call.finish(run, deploying.deploy(run, orders))


def _agree(configuration: Configuration, mode: str | None) -> None:
    kind = configuration.environment.kind.value
    if mode is not None and mode != kind:
        raise UsageProblem(f"--mode {mode}, but {configuration.name} is a {kind} environment", cure="Name the right --env.")


@click.command()
@common
@named("-i", "--input", "source", metavar="FILE", help="The file to migrate; default: migrate.input.")
@click.option("--out", "output", type=OutFile(), help="With --dry-run: where the result goes.")
@click.option("--force", is_flag=True, help="Answer the confirmation.")
def migrate(call: Invocation, source: str | None, output: Path | None, force: bool) -> int:
    """Run the project's migration, or with --dry-run its plan."""
    if output is not None and not call.machine.dry:
        raise click.UsageError("--out goes with --dry-run; the migration itself writes its input file.")
    configuration = call.load()
    migration(configuration)
    if configuration.environment.kind is Kind.PRODUCTION:
        call.confirm(f"Migrate {configuration.name}?", answered=force)
    run = call.open("migrate")
    return call.finish(run, migrating.migrate(run, source=source, output=output))


@click.command()
@common
@click.argument("order", type=click.Choice(["stop", "start", "restart"]))
def service(call: Invocation, order: str) -> int:
    """Stop, start or restart the service with the project's commands."""
    run = call.open("service")
    return call.finish(run, controlling(run, order))
