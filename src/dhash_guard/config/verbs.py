"""What a project says about its own commands: deploy, migrate, service control, smoke checks; and what production asks."""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal, NewType

from attrs import field, frozen

from dhash_guard.backup.settings import Hook
from dhash_guard.gates.approvals import ApprovalRequirement
from dhash_guard.gates.calendar import Window
from dhash_guard.records.statement import Tier
from dhash_guard.records.units import Dimension, Quantity, Ratio, Seconds
from dhash_guard.records.vulnerability import Severity
from dhash_guard.scanners import Report

PLACEHOLDERS = ("env", "tag", "commit", "backup", "input", "output", "scratch")
"""The only names that may stand in braces in a command; `scratch` is where a drill restores to."""

Instant = NewType("Instant", float)
"""A moment as UTC epoch seconds, written 2026-12-23T00:00Z."""


@frozen(kw_only=True)
class DeploySettings:
    """The `deploy:` section: `run` changes the project, `plan` prints what it would do, `migrates` runs the migration first.

    After it the service has `settle` seconds to become healthy.
    """

    run: tuple[str, ...]
    plan: tuple[str, ...] | None = None
    timeout: Seconds = Seconds(600.0)
    settle: Seconds = Seconds(30.0)
    migrates: bool = False


@frozen(kw_only=True)
class MigrateSettings:
    """The `migrate:` section; `input` is the file that changes, `reversible` a promise of the project."""

    run: tuple[str, ...]
    plan: tuple[str, ...] | None = None
    input: str | None = None
    reversible: bool = False
    timeout: Seconds = Seconds(600.0)


@frozen(kw_only=True)
class ServiceControl:
    """How the service is stopped and started; without `restart` it is stop, then start."""

    stop: tuple[str, ...]
    start: tuple[str, ...]
    restart: tuple[str, ...] | None = None
    timeout: Seconds = Seconds(60.0)


@frozen(kw_only=True)
class SmokeCheck:
    """One smoke check: exactly one of get, head, post (a path) or run (a command), and what to expect of it."""

    name: str
    get: str | None = None
    head: str | None = None
    post: str | None = None
    run: tuple[str, ...] | None = None
    json: dict[str, Any] | None = None
    expect: int = 200
    at: str | None = None
    matches: str | None = None
    equals: str | None = None
    contains: str | None = None
    headers: dict[str, str] = field(factory=dict)
    below: Seconds | None = None
    timeout: Seconds = Seconds(10.0)
    quick: bool = False


@frozen(kw_only=True)
class RollbackSettings:
    """The `rollback:` section: whether a degraded watch rolls back by itself, and how its result is verified.

    With `watch_after` the environment is watched that long after a rollback by a person; that watch rolls nothing back.
    `by` is the least role in the repository with which a person may order one through a workflow.
    """

    automatic: bool | None = None
    watch_after: Seconds | None = None
    consecutive: int = 3
    apart: Seconds = Seconds(10.0)
    by: Literal["write", "maintain", "admin"] = "write"


@frozen(kw_only=True)
class BackupRequirement:
    """What the gate asks of a backup."""

    verified: bool = True
    younger_than: Seconds | None = None
    drilled_within: Seconds | None = None


@frozen(kw_only=True)
class MonitoredRequirement:
    """Another environment whose watch must have ended with this verdict, not longer ago than `within`."""

    environment: str
    verdict: Literal["healthy"] = "healthy"
    within: Seconds | None = None


@frozen(kw_only=True)
class Requirements:
    """The `requires:` section: every condition that `gate` asks for before this environment is deployed to."""

    premerge: Literal["proceed"] | None = None
    backup: BackupRequirement | None = None
    monitored: MonitoredRequirement | None = None
    approvals: ApprovalRequirement | None = None
    checklist: Literal["required"] | None = None


@frozen(kw_only=True)
class Freeze:
    """A time in which nothing is deployed; both ends are UTC times such as 2026-12-23T00:00Z."""

    since: Instant
    until: Instant
    reason: str = ""


@frozen(kw_only=True)
class MaintenanceSettings:
    """The `maintenance:` section: weekly windows in UTC in which alone anything is deployed (none: always), and the commands
    that put the service into maintenance before it is changed and take it out again, which always runs.
    """

    windows: tuple[Window, ...] = ()
    enter: Hook | None = None
    leave: Hook | None = None


@frozen(kw_only=True)
class QueueExportSettings:
    """Where the entries of the low-confidence queue stand: `path` is asked, `items_at` leads to their list in the answer
    (left out: the answer is the list), and the other places to the values of each entry.

    `unit` is that of the confidence; only entries `below` it are exported (left out: all). `total_at` leads to how many
    wait, where an answer may hold only some of them.
    """

    path: str
    items_at: str | None = None
    id_at: str = "id"
    hash_at: str = "dhash"
    confidence_at: str = "confidence"
    image_at: str | None = None
    total_at: str | None = None
    unit: Literal["fraction", "percent"] = "fraction"
    below: Ratio | None = None
    timeout: Seconds = Seconds(10.0)


@frozen(kw_only=True)
class QueueSettings:
    """The `queue:` section: the endpoint of the low-confidence queue, and where its two numbers stand in the answer.

    `export` says where the entries themselves are.
    """

    path: str = "/api/dhash/queue/status"
    length_at: str = "low_confidence"
    processed_at: str | None = None
    timeout: Seconds = Seconds(5.0)
    export: QueueExportSettings | None = None


@frozen(kw_only=True)
class Tool:
    """A program that must be there: `run` prints its version (default: `<name> --version`), `at_least` is the floor."""

    run: tuple[str, ...] | None = None
    at_least: str | None = None


@frozen(kw_only=True)
class CheckSettings:
    """The `check:` section: programs by name, variables and files that must be there, and how much room is needed."""

    tools: dict[str, Tool] = field(factory=dict)
    variables: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    free: Quantity | None = None


@frozen(kw_only=True)
class LogSettings:
    """The `logs:` section: which files are logs, what each line must have, how large and how old a file may become.

    `files` are patterns below the logs directory; `required` are keys of each line; `secrets` are patterns of the
    project's own, by name, that must not occur, beside those that are known.
    """

    files: tuple[str, ...] = ("*.log",)
    required: tuple[str, ...] = ("timestamp", "level", "message")
    largest: Quantity = Quantity(100 * 1024.0 * 1024.0, Dimension.BYTES)
    keep: Seconds = Seconds(30 * 86400.0)
    secrets: dict[str, str] = field(factory=dict)


class Leg(Enum):
    """One part of the validation before a merge."""

    CHECK = "check"
    BACKUP = "backup"
    DEPLOY = "deploy"
    MIGRATE = "migrate"
    SMOKE = "smoke"
    SECURITY = "security"
    LOGGING = "logging"


@frozen(kw_only=True)
class Allowance:
    """A vulnerability that is borne for a while: its id or an alias, `package` where only there, why, until when (UTC)."""

    id: str
    reason: str
    until: Instant
    package: str | None = None


@frozen(kw_only=True)
class SecuritySettings:
    """Which scanners' reports are read, from which severity on a finding blocks and from which it warns, and what is borne.

    The commands of the reports have `timeout` seconds each.
    """

    reports: tuple[Report, ...] = ()
    block: Severity = Severity.CRITICAL
    warn: Severity = Severity.HIGH
    allow: tuple[Allowance, ...] = ()
    timeout: Seconds = Seconds(600.0)


@frozen(kw_only=True)
class PremergeSettings:
    """The `premerge:` section: which legs run, in this order, and what may be missing of the matrix without a no.

    `systems` are the parts of the matrix; `may_skip` names legs that may be left out, `may_miss` systems that may be
    absent, cancelled or cut short (never failed). `earlier_attempts` accepts results of earlier attempts of the same run.
    """

    legs: tuple[Leg, ...] = (Leg.CHECK, Leg.BACKUP, Leg.DEPLOY, Leg.MIGRATE, Leg.SMOKE)
    security: SecuritySettings = SecuritySettings()
    systems: tuple[str, ...] = ()
    may_skip: tuple[Leg, ...] = ()
    may_miss: tuple[str, ...] = ()
    earlier_attempts: bool = False


@frozen(kw_only=True)
class TrustSettings:
    """The `trust:` section: whose evidence counts, and how old it may be. Without workflows no run's does.

    `workflows` are paths of workflow files, or path@commit; `events` what may have started their runs. `tier` says who
    has to vouch: `run` (GitHub) in a job of GitHub Actions and `local` (the ledger here) elsewhere where it is left out.
    `key_env` is the variable with the key of `tier: keyed`, `key_id` its name; what it vouches for counts for `lifetime`.
    """

    workflows: tuple[str, ...] = ()
    max_age: Seconds = Seconds(86400.0)
    tier: Tier | None = None
    events: tuple[str, ...] = ("push", "pull_request", "merge_group", "workflow_dispatch", "schedule", "release")
    key_env: str | None = None
    key_id: str = "main"
    lifetime: Seconds = Seconds(30 * 86400.0)


class StatePlace(Enum):
    """Where the shared state of an environment is kept."""

    AUTO = "auto"
    LOCAL = "local"
    REF = "ref"


@frozen(kw_only=True)
class StateSettings:
    """The `state:` section: who holds an environment, and which evidence is used up, is kept on a git ref or on this disk.

    `auto` takes the ref in a job of GitHub Actions that has a token, else the disk.
    """

    kind: StatePlace = StatePlace.AUTO


@frozen(kw_only=True)
class ProtectionSettings:
    """The `protection:` section: what must protect the branch that is deployed from.

    `branch` is the default branch where it is left out, `checks` the names that have to be required, `optional` the jobs
    that the gate job may leave out, or pass although they were skipped, cancelled, or failed.
    """

    branch: str | None = None
    checks: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
