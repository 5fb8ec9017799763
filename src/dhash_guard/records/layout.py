"""Where the files of a project lie: one place that knows every path and file name."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from attrs import frozen


@frozen(kw_only=True)
class Layout:
    """The project root, the service's name, and the directories; all of them lie inside the root."""

    root: Path
    service: str
    backups: Path
    logs: Path
    artifacts: Path
    templates: Path | None = None
    covered: tuple[tuple[str, str], ...] = ()
    """Each component and a path that it names: all that a backup without a manifest can be put back to."""
    unnamed: str = ""
    """The environment of backups whose name tells none; empty where that cannot be told."""

    @property
    def state(self) -> Path:
        return self.root / ".dhash-guard"

    @property
    def ledger(self) -> Path:
        return self.state / "ledger.jsonl"

    @property
    def journal(self) -> Path:
        """The journal of a restore that is under way; present only between its first and last step."""
        return self.state / "restore.json"

    @property
    def undo(self) -> Path:
        """Where the trees that the last restore replaced are remembered."""
        return self.state / "undo.json"

    @property
    def receipts(self) -> Path:
        """What proves archives: one file of lines for each archive hash."""
        return self.state / "receipts"

    @property
    def pre_rollback(self) -> Path:
        return self.backups / "pre_rollback"

    @property
    def fallback(self) -> Path:
        return self.logs / "notification_fallback.jsonl"

    def deployment(self, environment: str) -> Path:
        return self.state / "deployments" / f"{environment}.json"

    def lock(self, environment: str) -> Path:
        return self.state / "locks" / f"{environment}.lock"

    def shared_state(self, environment: str) -> Path:
        """Who holds the environment, where no other machine deploys to it."""
        return self.state / "shared" / f"{environment}.json"

    def claimed(self, environment: str) -> Path:
        """The tokens of the last claim that was granted to this disk, and of those that were tried since."""
        return self.state / "shared" / f"{environment}.token"

    def unreconciled(self, environment: str) -> Path:
        """What rollbacks did while the shared state could not be reached."""
        return self.state / "shared" / f"{environment}.unreconciled.json"

    def collected(self, environment: str) -> Path:
        """The looks that a collector writes down for whoever judges later."""
        return self.state / "collected" / f"{environment}.jsonl"

    def runs(self, environment: str) -> Path:
        return self.state / "runs" / environment

    def run(self, environment: str, run_id: str) -> Path:
        return self.runs(environment) / run_id

    def relative(self, path: Path) -> str:
        """The path below the root with forward slashes, as sidecars and evidence write it."""
        return path.relative_to(self.root).as_posix()


def stamp(at: float) -> str:
    """UTC time as file names carry it: 20261121_031500."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y%m%d_%H%M%S")


def iso(at: float) -> str:
    """UTC time as logs carry it, with milliseconds: 2026-11-21T03:15:00.123Z."""
    return datetime.fromtimestamp(round(at, 3), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def run_id(at: float, commit: str, attempt: int) -> str:
    """`<UTC time>-<short commit>-<attempt>`; the time carries milliseconds so that two runs of a second differ."""
    moment = datetime.fromtimestamp(round(at, 3), UTC)
    return f"{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03d}Z-{commit[:12] or 'nocommit'}-{attempt}"
