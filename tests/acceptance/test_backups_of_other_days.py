"""Many backups at once: those of some days, those that some rule keeps, and those that mean harm."""

from __future__ import annotations

import struct
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path

from attrs import evolve

from support.project import Project
from support.vaults import layout_of, sealed_at
from unit.backup.hostile import Forgery, below_config, file, link, root

DAY = 86400.0
CONFIG = (root("config"),)
_SIZE, _CLAIMED = 30_000_000, 10


def _noon(*dates: str) -> list[float]:
    return [datetime.fromisoformat(f"{date}T12:00").replace(tzinfo=UTC).timestamp() for date in dates]


def test_the_backups_of_some_days_are_verified(project: Project) -> None:
    now = time.time()
    [old] = sealed_at(project, now - 10 * DAY)
    none = project.guard("backup", "verify", "--days", "7")
    assert none.code == 3, "nothing to verify is not verified"
    recent = sealed_at(project, now - 6 * DAY, now - 1 * DAY)
    done = project.guard("backup", "verify", "--days", "7", "--json")
    assert done.code == 0, done.err
    assert [(one["name"], one["members"], one["problems"]) for one in done.json] == [(one.name, 2, []) for one in recent]
    (project.root / old.name).write_bytes(b"not a zip")
    done = project.guard("backup", "verify", "--days", "7")
    assert done.code == 4, "what is known to be bad is told, whatever its age"
    assert f"✗ {old.name}" in done.out
    assert f"✓ {recent[0].name}" in done.out


def test_weeks_and_months_keep_the_newest_of_each_and_say_so(project: Project) -> None:
    dates = ["2025-01-10", "2025-01-31", "2025-02-10", "2025-02-14", "2025-02-28", "2025-03-03", "2025-03-05"]
    names = [facts.name for facts in sealed_at(project, *_noon(*dates))]
    rules = ("backup", "prune", "--keep-weekly", "2", "--keep-monthly", "3")
    planned = project.guard(*rules, "--dry-run")
    assert planned.code == 0, planned.err
    told = dict(line.split("  ", 1) for line in planned.out.splitlines() if line.startswith("backups/"))
    assert told == {
        names[0]: "delete: no rule keeps it",
        names[1]: "keep: monthly 2025-01",
        names[2]: "delete: no rule keeps it",
        names[3]: "delete: no rule keeps it",
        names[4]: "keep: weekly 2025-W09; monthly 2025-02",
        names[5]: "delete: no rule keeps it",
        names[6]: "keep: weekly 2025-W10; monthly 2025-03",
    }
    assert len(list((project.root / "backups").glob("*.zip"))) == 7, "nothing was touched"
    assert project.guard(*rules).code == 0
    left = sorted(path.name for path in (project.root / "backups").glob("*.zip"))
    assert left == [Path(names[index]).name for index in (1, 4, 6)]


def _understated(content: bytes) -> bytes:
    """The zip's directory says of the bomb what the manifest says, so that only unpacking shows what it is."""
    return content.replace(struct.pack("<I", _SIZE), struct.pack("<I", _CLAIMED))


def _sharing(content: bytes) -> bytes:
    """Two names of the zip's directory share the bytes of one entry, as bombs of a high ratio do."""
    first = content.index(b"PK\x01\x02")
    second = content.index(b"PK\x01\x02", first + 1)
    third = content.index(b"PK\x01\x02", second + 1)
    return content[: third + 42] + content[second + 42 : second + 46] + content[third + 46 :]


def test_archives_that_mean_harm_are_told_apart_and_write_nothing(project: Project, tmp_path: Path) -> None:
    """Their checksum files are right: whoever can write to the backups can write both."""
    bomb = (evolve(file("config/a")[0], size=_CLAIMED), bytes(_SIZE))
    forgeries = {
        "larger than the manifest says": Forgery(list(below_config(bomb)), CONFIG, raw=_understated),
        "stands twice": Forgery(list(below_config(file("config/a", b"1"), file("config/a", b"2"))), CONFIG),
        "one name on some disks": Forgery(list(below_config(file("config/a"), file("config/A"))), CONFIG),
        "start where": Forgery(list(below_config(file("config/a"), file("config/b"))), CONFIG, raw=_sharing),
        "below the project root": Forgery(list(below_config(file("config/../../escaped"))), CONFIG),
        "leads out": Forgery(list(below_config(link("config/l", "../../escaped"))), CONFIG),
    }
    (project.root / "config").mkdir()
    (project.root / "config/app.yml").write_text("a: 1\n")
    project.environment["backup"]["components"]["config"] = {"paths": ["config/"]}
    project.write()
    start = time.time() - len(forgeries) * 60
    models = sealed_at(project, *(start + 60 * number for number in range(len(forgeries))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile notices duplicate names while the test writes them
        for forgery, model in zip(forgeries.values(), models, strict=True):
            forgery.seal(layout_of(project), model)
    before = _all(tmp_path)
    verified = project.guard("backup", "verify", "--all", "--json")
    assert verified.code == 4, verified.err
    told = {one["name"]: " ".join(one["problems"]) for one in verified.json}
    for reason, model in zip(forgeries, models, strict=True):
        assert reason in told[model.name], told[model.name]
        done = project.guard("backup", "restore", "--backup", model.name, "--force")
        assert done.code == 4, done.out
        assert reason in done.err
    assert _all(tmp_path) == before


def _all(above: Path) -> dict[str, bytes]:
    """Every file but backups, records and logs, by its path: also those beside the project."""
    ours = ("backups", ".dhash-guard", "monitor_logs")
    paths = (path for path in above.rglob("*") if not set(ours).intersection(path.parts))
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in paths}
