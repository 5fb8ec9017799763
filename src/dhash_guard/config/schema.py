"""Composes the rooms' settings into one environment and one configuration; defines nothing of its own that a room could."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Literal

from attrs import field, frozen

from dhash_guard.backup.settings import BackupSettings
from dhash_guard.config.verbs import (
    CheckSettings,
    DeploySettings,
    Freeze,
    LogSettings,
    MaintenanceSettings,
    MigrateSettings,
    PremergeSettings,
    ProtectionSettings,
    QueueSettings,
    Requirements,
    RollbackSettings,
    ServiceControl,
    SmokeCheck,
    StateSettings,
    TrustSettings,
)
from dhash_guard.gates.plan import WatchPlan
from dhash_guard.gates.settings import Gate
from dhash_guard.gates.waves import Target, Undo, Waves
from dhash_guard.notify.settings import NotifySettings
from dhash_guard.records.layout import Layout
from dhash_guard.signals import Signal
from dhash_guard.signals.health import HealthSettings


class Kind(Enum):
    """What an environment is for; only production asks before it is changed."""

    PRODUCTION = "production"
    STAGING = "staging"
    DEVELOPMENT = "development"


@frozen(kw_only=True)
class Environment:
    """One environment after merging defaults, preset and its own keys. `gates` has the preset already expanded."""

    kind: Kind = Kind.STAGING
    base_url: str | None = None
    health: HealthSettings = HealthSettings()
    signals: dict[str, Signal] = field(factory=dict)
    gates: dict[str, Gate] = field(factory=dict)
    monitor: WatchPlan = WatchPlan()
    backup: BackupSettings = field(factory=BackupSettings)
    deploy: DeploySettings | None = None
    migrate: MigrateSettings | None = None
    service_control: ServiceControl | None = None
    check: CheckSettings = field(factory=CheckSettings)
    smoke: tuple[SmokeCheck, ...] = ()
    queue: QueueSettings | None = None
    logs: LogSettings = LogSettings()
    rollback: RollbackSettings = RollbackSettings()
    requires: Requirements | None = None
    freeze: tuple[Freeze, ...] = ()
    maintenance: MaintenanceSettings = MaintenanceSettings()
    notify: NotifySettings = field(factory=NotifySettings)


@frozen(kw_only=True)
class WaveSettings:
    """The `waves:` section of an environment with targets: `undo` is what is rolled back when one of them degrades."""

    undo: Undo = Undo.WAVE


@frozen(kw_only=True)
class Directories:
    """Where the project keeps backups, logs and artifacts; relative to the project root and inside it.

    `templates` is a directory with templates of the project's own; each file there takes the place of ours.
    """

    backups: str = "backups"
    logs: str = "monitor_logs"
    artifacts: str = "premerge_artifacts"
    templates: str | None = None


@frozen(kw_only=True)
class Configuration:
    """A loaded configuration for one environment, with everything that commands need to know of the project.

    Where the environment has targets it is for one of them, `target` of `waves`, and `name` is that target's place.
    `digest` is the sha256 of the environment's settled values, so that evidence says under which rules it was made;
    `notes` are sentences for the person who waits.
    """

    path: Path
    layout: Layout
    name: str
    environment: Environment
    digest: str
    others: tuple[str, ...] = ()
    premerge: PremergeSettings = PremergeSettings()
    protection: ProtectionSettings = ProtectionSettings()
    trust: TrustSettings = TrustSettings()
    state: StateSettings = StateSettings()
    notes: tuple[str, ...] = ()
    target: Target | None = None
    waves: Waves = Waves()


@frozen(kw_only=True)
class Document:
    """The file as a whole. Every environment is `notify`, then `defaults`, then its own section, laid upon each other."""

    version: Literal[1]
    service: str
    default_environment: str | None = None
    directories: Directories = Directories()
    defaults: Environment = field(factory=Environment)
    environments: dict[str, Environment]
    premerge: PremergeSettings = PremergeSettings()
    protection: ProtectionSettings = ProtectionSettings()
    trust: TrustSettings = TrustSettings()
    state: StateSettings = StateSettings()
    notify: NotifySettings = field(factory=NotifySettings)
