"""Going back by hand through the installed program: what would be lost, which backup and why, the proof, the watch after."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import time
from collections.abc import Sequence
from typing import Any

import pytest

from support.loopback import body
from support.project import PROGRAM, Project, clean_environment
from support.terminal import on_a_terminal

QUEUE = "/api/dhash/queue/status"


@pytest.fixture
def deployed(project: Project) -> Project:
    """A library and pictures, deployed over, and lived in since."""
    root = project.root
    (root / "uploads").mkdir()
    (root / "uploads/kept.png").write_bytes(b"kept")
    (root / "uploads/gone.png").write_bytes(b"g" * 20)
    (root / "library.json").write_text(json.dumps({"version": 1, "games": [{"id": "a"}, {"id": "b"}]}))
    project.environment["backup"]["components"]["uploads"] = {"paths": ["uploads/"]}
    project.write()
    project.deployed()
    (root / "library.json").write_text(json.dumps({"version": 1, "games": [{"id": "b"}, {"id": "c"}, {"id": "d"}]}))
    (root / "uploads/gone.png").unlink()
    (root / "uploads/new").mkdir()
    (root / "uploads/new/x.png").write_bytes(b"new")
    (root / "uploads/.env").write_text("SECRET=1\n")
    return project


def stages(evidence: Any) -> dict[str, Any]:
    return {stage["name"]: stage for stage in evidence["stages"]}


def queue(project: Project, *lengths: int) -> None:
    """A queue that tells these lengths, one after the other."""
    project.environment["queue"] = {"processed_at": "processed"}
    project.write()
    answers = [body({"low_confidence": length, "processed": 10 * index}) for index, length in enumerate(lengths)]
    project.service.script(QUEUE, answers)


def test_a_dry_run_says_what_would_be_lost_and_touches_nothing(deployed: Project) -> None:
    before = {path: path.read_bytes() for path in deployed.root.rglob("*") if path.is_file()}
    done = deployed.guard("rollback", "--dry-run")
    assert done.code == 0, done.err
    assert "would remove 1 file and 1 folder (3 B) only there now: uploads/new/" in done.out
    assert "would change back 2 files" in done.out
    assert "would bring back 1 file (20 B) gone now: uploads/gone.png" in done.out
    assert "would lose 2 entries of library.json (games) added since: c, d" in done.out
    assert "would bring back 1 entry of library.json (games) removed since: a" in done.out
    assert ".env" not in done.out
    assert {path: path.read_bytes() for path in deployed.root.rglob("*") if path.is_file()} == before


def test_the_dry_run_told_the_truth(deployed: Project) -> None:
    told = deployed.guard("rollback", "--dry-run", "--json").json["blast"]
    assert told["exact"]
    assert (told["lost"]["files"], told["lost"]["folders"], told["lost"]["names"]) == (1, 1, ["uploads/new/"])
    assert (told["changed"]["names"], told["returning"]["names"]) == (["library.json", "version.txt"], ["uploads/gone.png"])
    (library,) = told["libraries"]
    assert (library["section"], library["added_names"], library["removed_names"]) == ("games", ["c", "d"], ["a"])
    assert deployed.guard("rollback", "--force").code == 0
    root = deployed.root
    assert not (root / "uploads/new").exists()
    assert (root / "uploads/gone.png").read_bytes() == b"g" * 20
    assert (root / "uploads/.env").read_text() == "SECRET=1\n", "environment files are no part of it"
    assert [game["id"] for game in json.loads((root / "library.json").read_text())["games"]] == ["a", "b"]
    again = deployed.guard("rollback", "--dry-run", "--json").json["blast"]
    assert (again["lost"]["files"], again["changed"]["files"], again["returning"]["files"]) == (0, 0, 0)


def test_environment_files_that_go_with_their_folder_are_named(deployed: Project) -> None:
    (deployed.root / "uploads/new/.env").write_text("SECRET=2\n")
    dry = deployed.guard("rollback", "--dry-run", "--json")
    assert dry.code == 0, dry.err
    lost = dry.json["blast"]["lost"]
    assert lost["names"] == ["uploads/new/", "uploads/new/.env"]
    assert (lost["files"], lost["folders"]) == (2, 1)
    assert deployed.guard("rollback", "--force").code == 0
    assert not (deployed.root / "uploads/new").exists()
    assert (deployed.root / "uploads/.env").exists(), "that of a folder that stays is kept"


def test_a_library_that_cannot_be_read_is_said(deployed: Project) -> None:
    (deployed.root / "library.json").write_text("{")
    done = deployed.guard("rollback", "--dry-run")
    assert done.code == 0, done.err
    assert "which entries, cannot be told: the present version cannot be read as JSON" in done.out


def test_names_from_outside_steer_no_terminal(deployed: Project) -> None:
    (deployed.root / "uploads/\x1b[31mred\n::stop::.png").write_text("x")
    done = deployed.guard("rollback", "--dry-run", "--force")  # such a name keeps the snapshot from being taken
    assert done.code == 0, done.err
    assert "red" in done.out
    assert "\x1b" not in done.out
    assert "\n::stop" not in done.out


def test_every_candidate_has_its_verdict(deployed: Project) -> None:
    backups = deployed.root / "backups"
    assert deployed.guard("backup", "create").code == 0
    newest = max(backups.glob("*.zip"))
    done = deployed.guard("rollback", "--list")
    assert done.code == 0, done.err
    late, target = done.out.strip().splitlines()
    assert newest.name in late
    assert "refused: taken after the deployment began" in late
    assert "target: the newest from before the deployment, every member read and sound" in target
    told = deployed.guard("rollback", "--list", "--json").json
    assert [one["chance"] for one in told] == ["refused", "target"]
    assert deployed.guard("rollback", "--force").code == 0
    assert [one["chance"] for one in deployed.guard("rollback", "--list", "--json").json] == [
        "snapshot",
        "refused",
        "target",
    ]
    rejected = stages(deployed.evidence())["rollback target"]["findings"]
    assert ("skipped", "taken after the deployment began") in [(one["status"], one["text"]) for one in rejected]


def test_a_backup_of_the_release_takes_no_number_of_one_before_it(deployed: Project) -> None:
    """The way back is cut off, then the night comes: its backup holds what is to be undone."""
    [before] = (deployed.root / "backups").glob("dhash_production_*.zip")
    before.write_bytes(before.read_bytes()[:-40])
    stands = (deployed.root / "library.json").read_bytes()
    assert deployed.guard("backup", "create").code == 0
    told = deployed.guard("rollback", "--list", "--json").json
    assert [one["chance"] for one in told] == ["refused", "refused"]
    assert "taken after the deployment began" in {one["reason"] for one in told}
    assert deployed.guard("rollback", "--force").code == 3
    assert (deployed.root / "library.json").read_bytes() == stands


def test_a_rollback_without_a_target_is_recorded_with_every_reason(project: Project) -> None:
    assert project.guard("backup", "create").code == 0
    archive = next((project.root / "backups").glob("*.zip"))
    archive.write_bytes(archive.read_bytes().replace(b"schema", b"schemx"))
    done = project.guard("rollback", "--force", "--json")
    assert done.code == 3
    (finding,) = stages(project.evidence())["rollback target"]["findings"]
    assert finding["check"] == f"backups/{archive.name}"
    assert (done.json["exit_code"], stages(done.json)["rollback target"]["status"]) == (3, "cannot-tell")


def test_a_person_is_asked_with_target_age_and_what_would_be_lost(deployed: Project) -> None:
    declined = on_a_terminal(deployed, b"n\n", "rollback")
    assert declined.code == 2
    assert "Roll production back to backups/dhash_production_" in declined.err
    assert "ago?" in declined.err
    assert "1 file and 1 folder (3 B) would disappear" in declined.err
    assert deployed.version == "next"
    agreed = on_a_terminal(deployed, b"y\n", "rollback")
    assert agreed.code == 0, agreed.err
    assert deployed.version == "good"
    blast = deployed.evidence()["blast"]
    assert (blast["exact"], blast["lost"]["names"]) == (False, ["uploads/new/"]), "what was agreed to is kept"


def test_a_terminal_sees_how_far_it_has_come(deployed: Project) -> None:
    done = on_a_terminal(deployed, b"", "rollback", "--dry-run")
    assert done.code == 0
    assert "compared 1 of about" in done.err


def test_a_target_that_is_gone_before_the_answer_stops_nothing(deployed: Project) -> None:
    deployed.environment["service_control"] = {"stop": ["touch", "stopped"], "start": ["touch", "started"]}
    deployed.write()
    before = (deployed.root / "library.json").read_bytes()
    [target] = (deployed.root / "backups").glob("dhash_production_*.zip")

    def prune() -> None:
        for path in (target, target.with_name(target.name + ".sha256")):
            path.unlink()

    done = on_a_terminal(deployed, b"y\n", "rollback", meanwhile=prune)
    assert done.code == 3, done.err
    assert not (deployed.root / "stopped").exists()
    assert (deployed.root / "library.json").read_bytes() == before
    assert stages(deployed.evidence())["rollback target at hand"]["status"] == "cannot-tell"
    assert not list((deployed.root / "backups/pre_rollback").glob("*.zip")), "nothing was begun"


def test_a_migration_that_no_backup_covers_stops_a_rollback_until_it_is_said(deployed: Project) -> None:
    record = deployed.root / ".dhash-guard/deployments/production.json"
    record.write_text(record.read_text().replace('"migrated":false', '"migrated":true'))
    asked = on_a_terminal(deployed, b"y\n", "rollback")
    assert (asked.code, "Roll production" in asked.err) == (6, False), "refused before anybody is asked"
    done = deployed.guard("rollback", "--force")
    assert done.code == 6
    assert "--override-safety" in done.out
    assert deployed.version == "next"
    assert deployed.evidence()["exit_code"] == 6
    assert deployed.guard("rollback", "--force", "--override-safety").code == 0
    assert "overridden" in stages(deployed.evidence())["rollback safety"]["text"]
    assert deployed.version == "good"


def test_skipping_the_validation_overrides_the_safety_table_too(deployed: Project) -> None:
    record = deployed.root / ".dhash-guard/deployments/production.json"
    record.write_text(record.read_text().replace('"migrated":false', '"migrated":true'))
    assert deployed.guard("rollback", "--auto", "--skip-validation").code == 0
    assert deployed.evidence()["result"] == "unverified"


def test_nothing_overrides_the_hash(deployed: Project) -> None:
    archive = next((deployed.root / "backups").glob("*.zip"))
    archive.write_bytes(archive.read_bytes()[:-1])
    reference = f"backups/{archive.name}"
    done = deployed.guard("rollback", "--backup", reference, "--force", "--skip-validation", "--override-safety")
    assert done.code == 4
    assert deployed.version == "next"


def test_a_record_that_cannot_be_read_stops_no_rollback_to_a_backup_that_is_named(deployed: Project) -> None:
    record = deployed.root / ".dhash-guard/deployments/production.json"
    newer = record.read_text().replace('"id"', '"unheard_of": 1, "id"')
    record.write_text(newer)
    unnamed = deployed.guard("rollback", "--force")
    assert unnamed.code == 4
    assert "--backup BACKUP" in unnamed.out
    archive = next((deployed.root / "backups").glob("*.zip"))
    done = deployed.guard("rollback", "--backup", f"backups/{archive.name}", "--force")
    assert done.code == 0, done.err
    assert "whether a migration is to be undone is not known" in done.err
    assert (deployed.version, record.read_text()) == ("good", newer)


def test_the_checklist_is_ticked_from_evidence(deployed: Project) -> None:
    deployed.service.say("/ok", {})
    deployed.environment["smoke"] = [{"name": "ok", "get": "/ok"}]
    queue(deployed, 5, 4, 3, 2, 1)
    assert deployed.guard("rollback", "--force", "--verify").code == 0
    done = deployed.guard("report", "--format", "summary")
    assert done.code == 0, done.err
    assert (done.out.count("- [x]"), done.out.count("- [ ]")) == (6, 0)


def test_what_was_proven_before_it_failed_is_ticked(deployed: Project) -> None:
    deployed.service.say("/health", {"status": "unhealthy"})
    assert deployed.guard("rollback", "--force").code == 6
    done = deployed.guard("report", "--format", "summary")
    ticked = [line for line in done.out.splitlines() if line.startswith("- [x]")]
    assert ["kept" in ticked[0], "sha256" in ticked[1], "artifacts" in ticked[2], len(ticked)] == [True, True, True, 3]


def test_what_was_left_out_stays_open(deployed: Project) -> None:
    assert deployed.guard("rollback", "--force", "--skip-validation").code == 0
    done = deployed.guard("report", "--format", "summary")
    assert (done.out.count("- [x]"), done.out.count("- [ ]")) == (3, 3)


@pytest.mark.parametrize(
    ("lengths", "code"),
    [((9, 8, 7, 6, 5), 0), ((5, 6, 7, 8, 9), 6), ((3, 9, 5, 4, 3.5), 0)],
    ids=["drains", "grows", "slope"],
)
def test_a_queue_that_grows_is_no_verified_rollback(deployed: Project, lengths: Sequence[int], code: int) -> None:
    queue(deployed, *lengths)
    done = deployed.guard("rollback", "--force")
    assert done.code == code, done.err
    assert deployed.version == "good"
    assert stages(deployed.evidence())["rollback queue"]["status"] == ("passed" if code == 0 else "failed")


def test_a_queue_that_does_not_answer_proves_nothing(deployed: Project) -> None:
    deployed.environment["queue"] = {}
    deployed.write()
    assert deployed.guard("rollback", "--force").code == 6
    assert stages(deployed.evidence())["rollback queue"]["status"] == "cannot-tell"


def test_three_in_a_row_start_over_after_a_failure(deployed: Project) -> None:
    well, sick = body({"status": "healthy"}), body({"status": "unhealthy"})
    deployed.environment["rollback"]["apart"] = "400ms"
    deployed.write()
    deployed.service.script("/health", [well, well, sick, well, well, well])
    assert deployed.guard("rollback", "--force").code == 0
    looks = [one["text"].split(":")[0] for one in stages(deployed.evidence())["rollback health"]["findings"]]
    assert looks == ["healthy", "healthy", "unhealthy", "healthy", "healthy", "healthy"]


def test_logs_and_records_are_kept_beside_the_evidence(deployed: Project) -> None:
    assert deployed.guard("rollback", "--force").code == 0
    folder = deployed.run_folder() / "artifacts"
    sums = {line[66:]: line[:64] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    assert sums.keys() == {path.name for path in folder.iterdir()} - {"SHA256SUMS"}
    assert all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == stated for name, stated in sums.items())
    assert any(name.startswith("deploy_production_") for name in sums)
    assert "production.json" in sums


def test_a_failed_snapshot_stops_a_person_who_does_not_insist(deployed: Project) -> None:
    (deployed.root / "backups/pre_rollback").rmdir()
    (deployed.root / "backups/pre_rollback").write_text("in the way")
    done = on_a_terminal(deployed, b"y\n", "rollback")
    assert done.code not in (0, 70), done.err
    assert deployed.version == "next"
    assert stages(deployed.evidence())["rollback snapshot"]["status"] == "failed"
    done = deployed.guard("rollback", "--force")
    assert done.code == 0, done.err
    assert "could not be kept" in done.err
    assert deployed.version == "good"
    assert stages(deployed.evidence())["rollback snapshot"]["status"] == "failed"


def records(project: Project, verb: str) -> list[Any]:
    """Every sealed record of this verb, oldest first."""
    found = [json.loads(path.read_bytes()) for path in sorted((project.root / ".dhash-guard/runs").rglob("evidence.json"))]
    return [one for one in found if one["run"]["verb"] == verb]


def test_it_is_watched_afterwards_where_that_is_configured(deployed: Project) -> None:
    deployed.environment["rollback"]["watch_after"] = "400ms"
    deployed.write()
    done = deployed.guard("rollback", "--force")
    assert done.code == 0, done.err
    assert "Watched:  healthy" in done.out
    (rolled,), (watched,) = records(deployed, "rollback"), records(deployed, "monitor")
    assert watched["verdict"]["status"] == "healthy"
    assert watched["run"]["reason"] == f"after {rolled['run']['id']}"
    assert deployed.guard("evidence", "verify").code == 0


@pytest.mark.parametrize("flag", ["--no-watch", "--auto"])
def test_the_watch_can_be_left_out(deployed: Project, flag: str) -> None:
    deployed.environment["rollback"]["watch_after"] = "1h"
    deployed.write()
    assert deployed.guard("rollback", "--force", flag).code == 0
    assert records(deployed, "monitor") == []


def test_a_watch_that_nothing_configures_is_refused(deployed: Project) -> None:
    done = deployed.guard("rollback", "--force", "--watch")
    assert done.code == 2
    assert "watch_after" in done.err
    assert deployed.version == "next"


def test_degraded_after_a_rollback_calls_a_person_and_rolls_nothing_back(deployed: Project) -> None:
    deployed.environment["rollback"]["watch_after"] = "400ms"
    deployed.write()
    deployed.service.say("/metrics", {"p95": 9000.0, "rate": 0.01})
    done = deployed.guard("rollback", "--force", "--json")
    assert done.code == 6, done.err
    assert (done.json["exit_code"], done.json["watch"]["result"], done.json["watch"]["exit_code"]) == (0, "degraded", 1)
    assert len(records(deployed, "rollback")) == 1
    assert json.loads((deployed.root / ".dhash-guard/deployments/production.json").read_bytes())["rollbacks"] == 1


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_watch_can_be_ended_and_the_rollback_stands(deployed: Project, kind: signal.Signals) -> None:
    deployed.environment["rollback"]["watch_after"] = "1h"
    deployed.write()
    seen = len(deployed.service.asked)
    child = subprocess.Popen(
        [str(PROGRAM), "rollback", "--force", "--json"],
        cwd=deployed.root,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 30
    while sum("metrics" in asked for asked in deployed.service.asked[seen:]) < 3:
        assert time.monotonic() < end
        time.sleep(0.01)
    child.send_signal(kind)
    out, err = child.communicate(timeout=30)
    if kind is not signal.SIGKILL:
        assert child.returncode == 0, err
        assert json.loads(out)["watch"]["exit_code"] == 3
    assert deployed.version == "good"
    assert records(deployed, "rollback")[-1]["result"] == "rolled-back", "sealed before the watch began"
    assert deployed.guard("evidence", "verify").code == 0


def test_a_watch_after_a_rollback_opens_no_gate(project: Project) -> None:
    """What runs there is the version before; it must not speak for the commit that was rolled back."""
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "1"],
    ):
        subprocess.run(["git", *command], cwd=project.root, check=True)
    staging = json.loads(json.dumps(project.environment)) | {"kind": "staging"}
    staging["rollback"]["watch_after"] = staging["monitor"]["duration"]
    project.settings["environments"]["staging"] = staging
    project.environment["requires"] = {"monitored": {"environment": "staging", "verdict": "healthy"}}
    project.write()
    assert project.guard("deploy", "--env", "staging", "--tag", "next", "--backup-first", "--force").code == 0
    assert project.guard("monitor", "--env", "staging").code == 0
    assert project.guard("gate", "--env", "production").code == 0
    assert project.guard("rollback", "--env", "staging", "--force").code == 0
    assert project.guard("gate", "--env", "production").code == 3


def test_a_file_that_became_a_link_is_a_change(project: Project) -> None:
    project.deployed()
    (project.root / "library.json").unlink()
    (project.root / "library.json").symlink_to("version.txt")
    told = project.guard("rollback", "--dry-run", "--json")
    assert told.code == 0, told.err
    assert "library.json" in told.json["blast"]["changed"]["names"]
    assert told.json["blast"]["libraries"] == [], "a link is no library"
