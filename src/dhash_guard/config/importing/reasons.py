"""The sentences that say why a value of a foreign file has no place in ours, and the values that every family carries."""

from __future__ import annotations

from dhash_guard.config.importing.families import Left, Rule
from dhash_guard.config.importing.parts import TEXT

PROSE = Left(TEXT)
NOTIFY = Left("notification channels are written under notify")
CI = Left("is measured in CI, not by watching a service")
SCRIPTS = Left("the project's own commands are written under deploy, migrate, smoke and service_control")
RETENTION = Left("retention is said by backup.keep, such as {older_than: 7d}, and applied by `backup prune`")
VERIFIED = Left("every backup is verified before it is restored; requires.backup asks for it before a deployment")
ROLLBACK_TIME = Left("a rollback has no overall limit; its commands have theirs (deploy.timeout, service_control.timeout)")
CONFIRMED = Left("a rollback by hand asks on every production environment; an automatic one never does")
APPROVALS = Left("approvals are asked for under requires.approvals")
TESTING = Left("belongs to a test mode of its scripts; --dry-run judges with the real gates")
COMPLIANCE = Left("is not decided by gates; every run is sealed as evidence")
LOGGING = Left("is a matter of the service's own monitoring, not of gates")
RECOVERY = Left("an alert does not recover here: the verdict of a watch stands")
PACE = Left("the watch keeps its pace while a gate is breached")
COUNTED = Left("counts alerts, which no signal of a service is")
STARTED = Left("an environment is watched when monitor is called for it")
MARK = Left("a word about the file itself")

COMMON: tuple[Rule, ...] = (
    ("$schema|$id|type|version|schema_version|last_updated|updated", MARK),
    ("title|description", PROSE),
    ("documentation.**", PROSE),
    ("notifications.**", NOTIFY),
    ("placeholders.**", PROSE),
)
