"""The command about what protects a branch."""

from __future__ import annotations

from pathlib import Path

import click

from dhash_guard.cli.hub import open_hub, token_of
from dhash_guard.cli.invocation import Invocation, common, named
from dhash_guard.records.codec import to_data
from dhash_guard.rollout import protection as auditing


@click.command()
@common
@named("--branch", metavar="NAME", help="The branch; protection.branch, else the repository's default branch.")
@named("--repository", metavar="OWNER/NAME", help="Another repository than GITHUB_REPOSITORY.")
@click.option(
    "--workflows",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="Other workflow files than .github/workflows of this project.",
)
def protection(call: Invocation, branch: str | None, repository: str | None, workflows: Path | None) -> int:
    """Find holes in what protects a branch: rules, protection, and whether required checks stand for everything."""
    known = bool(token_of(call.machine) and (repository or call.machine.environ.get("GITHUB_REPOSITORY", "").strip()))
    api = open_hub(call.machine, repository) if known else None
    run = call.open("protection")
    folder = workflows or run.configuration.layout.root / auditing.FOLDER
    evidence, audited = auditing.protection(run, api, branch or "", folder)
    return call.finish(run, evidence, more={"protection": to_data(audited), "requests": audited.requests})
