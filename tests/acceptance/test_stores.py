"""The installed program and an S3 server on loopback: backups go there, come back from there, and nights go on without."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve, frozen

from support.loopback import Loopback
from support.project import PROGRAM, Project, Result, clean_environment
from support.s3 import CREDENTIALS, Client, Fault, Proxy, Request, s3_server, wait_for

pytestmark = pytest.mark.xdist_group("s3-acceptance")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as url:
        yield url


_COUNTER = iter(range(10_000))


@frozen
class Stored:
    """A project whose backups also go into a bucket behind the proxy."""

    project: Project
    client: Client
    proxy: Proxy

    @property
    def root(self) -> Path:
        return self.project.root

    def guard(self, *arguments: str) -> Result:
        return self.project.guard(*arguments, env=CREDENTIALS)

    def archives(self) -> list[Path]:
        return sorted((self.root / "backups").glob("dhash_production_*.zip"))

    def created(self) -> Path:
        done = self.guard("backup", "create")
        assert done.code == 0, done.err + done.out
        return self.archives()[-1]

    def forget(self) -> None:
        """The disk of the runner is gone."""
        for path in (self.root / "backups").glob("*.zip*"):
            path.unlink()

    def whole(self) -> set[str]:
        """What is sealed in the bucket, each compared with its checksum file."""
        keys = self.client.keys()
        sealed = {key.removesuffix(".sha256") for key in keys if key.endswith(".zip.sha256")}
        for key in sealed:
            assert self.client.read(f"{key}.sha256").split()[0].decode() == hashlib.sha256(self.client.read(key)).hexdigest()
        return {key.rpartition("/")[2] for key in sealed}


@pytest.fixture
def stored(server: str, project: Project) -> Iterator[Stored]:
    with Proxy(server).serving() as proxy:
        client = Client(server, f"acceptance-{next(_COUNTER)}")
        project.environment["backup"]["store"] = {
            "kind": "object",
            "url": f"s3://{client.bucket}/dhash",
            "endpoint_url": proxy.url,
            "key_env": "STORE_KEY",
            "secret_env": "STORE_SECRET",
        }
        project.write()
        yield Stored(project, client, proxy)


def test_a_backup_goes_into_the_store_and_comes_back(stored: Stored) -> None:
    archive = stored.created()
    assert stored.whole() == {archive.name}
    stored.forget()
    (stored.root / "library.json").write_text("broken")
    done = stored.guard("rollback", "--force")
    assert done.code == 0, done.err + done.out
    assert (stored.root / "library.json").read_text() == '{"schema": 1}\n'
    assert archive.exists()


def test_a_runner_that_starts_empty_goes_on_counting(stored: Stored, tmp_path: Path, service: Loopback) -> None:
    """Also where the store stumbles over the first question; where it never answers, no number is given twice."""
    first = stored.created()
    other = Project(tmp_path / "other", service)
    other.settings = stored.project.settings
    other.write()
    stored.proxy.start_over(lambda _: Fault.ERROR_503)
    done = other.guard("backup", "create", env=CREDENTIALS)
    assert done.code == 7, done.err
    assert "no backup was taken: none lies here, and the store does not say which was the last" in done.err
    assert list((other.root / "backups").glob("*.zip")) == []
    stored.proxy.start_over(lambda request: Fault.ERROR_503 if request.number == 1 else None)
    done = other.guard("backup", "create", env=CREDENTIALS)
    assert done.code == 0, done.err
    assert stored.proxy.hits[0][0].is_list
    names = sorted(path.name for path in (other.root / "backups").glob("*.zip"))
    assert len(names) == 1, "nothing is fetched only to be counted"
    assert stored.whole() == {first.name, *names}
    listed = other.guard("backup", "list", "--json", env=CREDENTIALS).json
    assert [facts["sequence"] for facts in listed] == [1, 2]


def test_a_store_that_is_away_keeps_no_rollback_from_working(stored: Stored) -> None:
    stored.created()
    (stored.root / "library.json").write_text("broken")
    stored.proxy.start_over(lambda _: Fault.ERROR_503)
    done = stored.guard("rollback", "--force")
    assert done.code == 0, done.err + done.out
    assert "warning: the store is left out" in done.err
    assert (stored.root / "library.json").read_text() == '{"schema": 1}\n'


def test_a_failing_upload_is_exit_7_and_sync_mends_it(stored: Stored) -> None:
    stored.proxy.start_over(lambda request: Fault.ERROR_503 if request.method == "PUT" else None)
    done = stored.guard("backup", "create")
    assert done.code == 7, done.err + done.out
    assert re.search(r"only local, not in the store: backups/dhash_production_\S+\.zip", done.err)
    assert stored.whole() == set()
    assert stored.guard("backup", "verify").code == 0
    assert stored.guard("backup", "sync", "--dry-run").code == 0
    assert stored.whole() == set()
    stored.proxy.start_over(lambda _: None)
    done = stored.guard("backup", "sync")
    assert done.code == 0, done.err
    assert stored.whole() == {stored.archives()[-1].name}
    done = stored.guard("backup", "sync", "--json")
    assert (done.code, done.json["result"]) == (0, "synced")


def test_a_store_that_was_away_for_nights_loses_nothing(project: Project, tmp_path: Path) -> None:
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    project.environment["backup"]["store"] = {"kind": "object", "url": f"file://{mounted}"}
    project.write()

    def archives() -> list[Path]:
        return sorted((project.root / "backups").glob("dhash_*.zip"))

    def in_store() -> set[str]:
        return {path.name.removesuffix(".sha256") for path in mounted.glob("*.sha256")}

    assert project.guard("backup", "create").code == 0
    away = mounted.rename(tmp_path / "away")
    for _ in range(2):
        assert project.guard("backup", "create").code == 7
    first, second, third = archives()
    done = project.guard("backup", "sync")
    assert done.code == 7
    assert "which backups are only local cannot be told: the folder of the store is not there" in done.err
    done = project.guard("backup", "prune", "--keep-last", "1")
    assert done.code == 0, done.err
    assert "warning: nothing that the store may lack is removed" in done.err
    assert "pinned: the store does not say whether it has it" in done.out
    assert archives() == [first, second, third]

    away.rename(mounted)
    done = project.guard("backup", "prune", "--keep-last", "1")
    assert "pinned: it is not in the store yet" in done.out
    assert archives() == [second, third]
    second.write_bytes(second.read_bytes()[:80])
    done = project.guard("backup", "sync")
    assert done.code == 4, done.err
    assert f"damaged and not uploaded: backups/{second.name} (" in done.err
    assert in_store() == {first.name, third.name}
    done = project.guard("backup", "create")
    assert done.code == 0, done.err
    assert f"warning: damaged and not uploaded: backups/{second.name} (" in done.err
    assert in_store() == {first.name, third.name, archives()[-1].name}


def test_retain_lets_old_ones_go_and_skips_those_that_may_not(stored: Stored, server: str) -> None:
    """A locked object is hidden by the removal and its version stays; without the right to remove, it is skipped."""
    client = Client(server, f"locked-{next(_COUNTER)}", ObjectLockEnabledForBucket=True)
    lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}}
    client.s3.put_object_lock_configuration(Bucket=client.bucket, ObjectLockConfiguration=lock)
    stored.project.environment["backup"]["store"] |= {"url": f"s3://{client.bucket}/dhash", "retain": 1}
    stored.project.write()
    locked = evolve(stored, client=client)
    first, second = locked.created(), locked.created()
    assert locked.whole() == {second.name}
    versions = client.s3.list_object_versions(Bucket=client.bucket, Prefix=f"dhash/{first.name}")
    assert {each["Key"] for each in versions["Versions"]} == {f"dhash/{first.name}{end}" for end in ("", ".json", ".sha256")}

    def forbid(request: Request) -> Fault | None:
        return Fault.FORBIDDEN if request.method == "DELETE" and ".zip" in request.path else None

    locked.proxy.start_over(forbid)
    done = locked.guard("backup", "create")
    assert done.code == 0, done.err
    assert f"{second.name} stays in the store: {second.name}.sha256 is locked or may not be deleted" in done.err
    assert locked.whole() == {second.name, locked.archives()[-1].name}


def test_wrong_bytes_from_the_store_are_never_restored(stored: Stored) -> None:
    archive = stored.created()
    stored.forget()
    (stored.root / "library.json").write_text("now")

    def lie(request: Request) -> Fault | None:
        return Fault.WRONG_BYTES if request.method == "GET" and request.key.endswith(".zip") else None

    stored.proxy.start_over(lie)
    assert stored.guard("rollback", "--force").code == 3  # the only candidate is refused
    done = stored.guard("rollback", "--backup", f"backups/{archive.name}", "--force")
    assert done.code == 4, done.err
    assert stored.proxy.hits
    assert (stored.root / "library.json").read_text() == "now"
    assert stored.archives() == []


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_a_run_that_is_killed_while_it_uploads_seals_nothing(stored: Stored) -> None:
    stored.proxy.start_over(lambda request: Fault.SLOW if request.method == "PUT" and ".zip" in request.path else None)
    command = [str(PROGRAM), "backup", "create"]
    running = subprocess.Popen(
        command, cwd=stored.root, env=clean_environment() | CREDENTIALS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    wait_for(lambda: bool(stored.proxy.hits), 30)
    running.kill()
    running.communicate()
    assert stored.whole() == set()
    (stored.root / "library.json").write_text("broken")
    done = stored.guard("rollback", "--force")
    assert done.code == 0, done.err
    assert (stored.root / "library.json").read_text() == '{"schema": 1}\n'


def test_without_credentials_nothing_is_taken(stored: Stored) -> None:
    done = stored.project.guard("backup", "create")
    assert done.code == 2, done.err
    assert "STORE_KEY" in done.err
    assert stored.archives() == []


def test_sync_without_a_store_is_exit_2(project: Project) -> None:
    done = project.guard("backup", "sync")
    assert done.code == 2
    assert "kind: object" in done.err


def test_secrets_of_the_store_are_nowhere(stored: Stored) -> None:
    stored.created()
    stored.proxy.start_over(lambda _: Fault.FORBIDDEN)
    done = stored.guard("backup", "create", "--verbose")
    assert done.code == 7
    secret = CREDENTIALS["STORE_SECRET"]
    assert secret not in done.err + done.out
    for path in stored.root.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path
