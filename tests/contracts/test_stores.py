"""What every store promises, whatever it keeps its objects in: dictionary, folder, or an S3 server."""

from __future__ import annotations

import errno
import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve

from dhash_guard.backup import sidecar
from dhash_guard.backup.stores.lease import FOLDER, SKEW, Chain
from dhash_guard.backup.stores.object import ObjectStore
from dhash_guard.backup.stores.objects import Patience
from dhash_guard.backup.stores.pairs import BLOCK, ObjectPairs
from dhash_guard.backup.stores.store import Put, Store, StoreSilent
from dhash_guard.errors import CannotTell, Damaged, Locked, NoGo, UsageProblem
from dhash_guard.records.backup import BackupFacts, Purpose
from dhash_guard.system import Machine, this_machine
from dhash_guard.system.files import SystemFiles
from support.s3 import CREDENTIALS, Client, s3_server, unused_address

pytestmark = pytest.mark.xdist_group("s3")
NOON = 1_790_000_000.0
NAME = "dhash_production_20260921_120000.zip"


@define
class HandClock:
    """Time that stands still until somebody waits or moves it."""

    at: float = NOON

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


@define
class World:
    """A store's settings, the machine that opens it, and a way to look at the objects from outside."""

    settings: ObjectStore
    machine: Machine
    clock: HandClock
    folder: Path

    def open(self) -> Store:
        return self.settings.open(self.machine, Patience(attempts=1))

    def elsewhere(self, ahead: float = 0.0) -> tuple[Store, HandClock]:
        """The same store from another host, whose clock is so many seconds ahead."""
        clock = HandClock(self.clock.at + ahead)
        return self.settings.open(evolve(self.machine, clock=clock), Patience(attempts=1)), clock

    def archive(
        self, name: str = NAME, content: bytes = b"an archive\n" * 999, sequence: int = 1
    ) -> tuple[Path, BackupFacts]:
        """A local archive (for a store any bytes are one) and its facts."""
        path = self.folder / name.rpartition("/")[2]
        path.write_bytes(content)
        facts = BackupFacts(
            name=f"backups/{name}",
            environment="production",
            purpose=Purpose.BACKUP,
            sequence=sequence,
            sealed_at=NOON + sequence,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            members=3,
            components=("database",),
        )
        return path, facts


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as url:
        yield url


_COUNTER = iter(range(10_000))


def _memory(_: Path, __: pytest.FixtureRequest) -> dict[str, Any]:
    return {"url": f"memory://contract-{next(_COUNTER)}"}


def _file(folder: Path, _: pytest.FixtureRequest) -> dict[str, Any]:
    (folder / "mounted").mkdir()
    return {"url": f"file://{folder}/mounted"}


def _s3(_: Path, request: pytest.FixtureRequest) -> dict[str, Any]:
    url = request.getfixturevalue("server")
    bucket = f"contract-{next(_COUNTER)}"
    Client(url, bucket)
    return {"url": f"s3://{bucket}/some/prefix", "endpoint_url": url, "key_env": "STORE_KEY", "secret_env": "STORE_SECRET"}


KINDS: dict[str, Callable[[Path, pytest.FixtureRequest], dict[str, Any]]] = {"memory": _memory, "file": _file, "s3": _s3}


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    settings = ObjectStore(kind="object", **KINDS[request.param](tmp_path, request))
    clock = HandClock()
    return World(settings, evolve(this_machine(CREDENTIALS), clock=clock), clock, tmp_path)


def put(world: World, name: str = NAME, **changes: Any) -> Put:
    path, facts = world.archive(name, **changes)
    store = world.open()
    with store.lease("here", facts.size, 0) as lease:
        return store.put(name, path, facts, lease)


def fetched(store: Store, name: str = NAME, size: int = 11 * 999) -> bytes:
    blocks: list[bytes] = []
    store.fetch(name, size, lambda block: blocks.append(bytes(block)))
    return b"".join(blocks)


def raw(world: World) -> Any:
    """The objects beneath the store; tests damage them."""
    return world.open()._objects  # type: ignore[attr-defined]


def test_a_new_store_is_empty(world: World) -> None:
    assert world.open().listing() == {}


def test_what_was_put_comes_back(world: World) -> None:
    assert put(world) is Put.SEALED
    store = world.open()
    assert dict(store.listing()) == {NAME: 11 * 999}
    assert fetched(store) == b"an archive\n" * 999
    assert store.facts([NAME])[NAME] == world.archive()[1]


def test_the_pair_in_the_store_is_the_local_pair(world: World) -> None:
    put(world)
    _, facts = world.archive()
    assert raw(world).read(NAME + ".sha256", 0, 999) == sidecar.line(facts.sha256, facts.name)


def test_snapshots_lie_apart(world: World) -> None:
    name = f"pre_rollback/pre_rollback_{NAME}"
    assert put(world, name) is Put.SEALED
    assert list(world.open().listing()) == [name]
    assert fetched(world.open(), name)


def test_putting_it_again_changes_nothing(world: World) -> None:
    put(world)
    before = dict(raw(world).sizes())
    assert put(world) is Put.PRESENT
    assert {k: v for k, v in raw(world).sizes().items() if FOLDER not in k} == {
        k: v for k, v in before.items() if FOLDER not in k
    }


def test_another_backup_of_the_same_name_is_refused(world: World) -> None:
    put(world)
    with pytest.raises(NoGo, match="another backup"):
        put(world, content=b"other")
    assert fetched(world.open()) == b"an archive\n" * 999


def test_a_local_file_that_is_not_what_its_facts_say_is_not_uploaded(world: World) -> None:
    path, facts = world.archive()
    path.write_bytes(b"changed since")
    store = world.open()
    with pytest.raises(Damaged, match="not uploaded"), store.lease("here", 1, 0) as lease:
        store.put(NAME, path, facts, lease)
    assert [key for key in raw(world).sizes() if FOLDER not in key] == []


def test_an_archive_without_its_checksum_file_is_not_there(world: World) -> None:
    raw(world).create(NAME, b"half")
    store = world.open()
    assert store.listing() == {}
    with pytest.raises(CannotTell):
        fetched(store, NAME, 4)


def test_what_an_interrupted_upload_left_is_replaced_or_finished(world: World) -> None:
    raw(world).create(NAME, b"half")
    raw(world).create(NAME + ".json", b"half")
    assert put(world) is Put.SEALED
    raw(world).remove(NAME + ".sha256")
    assert put(world) is Put.SEALED  # the archive is whole: only its end is missing
    assert fetched(world.open()) == b"an archive\n" * 999


def test_a_checksum_file_without_archive_is_no_backup(world: World) -> None:
    put(world)
    raw(world).remove(NAME)
    assert world.open().listing() == {}
    with pytest.raises(CannotTell):
        fetched(world.open())
    assert put(world) is Put.SEALED


@pytest.mark.parametrize("content", [b"An archive\n" * 999, b"short", b"an archive\n" * 1000])
def test_other_bytes_in_the_store_are_found(world: World, content: bytes) -> None:
    put(world)
    raw(world).remove(NAME)
    raw(world).create(NAME, content)
    with pytest.raises(Damaged, match="other bytes"):
        fetched(world.open())


def test_a_checksum_file_that_states_nothing_is_damage(world: World) -> None:
    put(world)
    raw(world).remove(NAME + ".sha256")
    raw(world).create(NAME + ".sha256", b"\xff\xfe")
    with pytest.raises(Damaged, match="no single hash"):
        fetched(world.open())
    with pytest.raises(Damaged, match="no single hash"):
        put(world)


def test_facts_that_cannot_be_read_are_left_out(world: World) -> None:
    put(world)
    raw(world).remove(NAME + ".json")
    assert dict(world.open().facts([NAME])) == {}
    raw(world).create(NAME + ".json", b"[]")
    assert dict(world.open().facts([NAME, "dhash_production_20260921_130000.zip"])) == {}


def test_deleting_takes_all_three(world: World) -> None:
    put(world)
    store = world.open()
    with store.lease("here", 0, 0) as lease:
        assert store.delete(NAME, lease) == ""
    assert [key for key in raw(world).sizes() if FOLDER not in key] == []


def test_the_store_itself_refuses_to_overwrite(world: World) -> None:
    put(world)
    with pytest.raises(FileExistsError):
        raw(world).create(NAME, b"other")
    path, facts = world.archive(content=b"other")
    with pytest.raises(FileExistsError):
        raw(world).upload(NAME, path, facts.sha256)
    store = world.open()
    with store.lease("here", 0, 0):
        assert "conditional" in store.guard


def test_two_hosts_never_both_hold(world: World) -> None:
    other, _ = world.elsewhere()
    with world.open().lease("one", 0, 0), pytest.raises(Locked, match="by one until"), other.lease("two", 0, 0):
        pass
    with other.lease("two", 0, 0) as lease:
        lease.confirm()


def test_numbers_only_grow(world: World) -> None:
    numbers = []
    for _ in range(3):
        with world.open().lease("one", 0, 0) as lease:
            numbers.append(lease.number)
    assert numbers == sorted(set(numbers))


def test_an_expired_lease_is_taken_over_and_its_holder_stopped(world: World) -> None:
    first = world.open().lease("died", 0, 0)
    lost = first.__enter__()
    other, clock = world.elsewhere()
    clock.at += 300 + SKEW - 1
    with pytest.raises(Locked), other.lease("two", 0, 0):
        pass
    clock.at += 2
    with other.lease("two", 0, 0) as lease:
        assert lease.number > lost.number
        with pytest.raises(Locked, match="lost"):  # its own clock has not moved: what stands in the store decides
            lost.confirm()
        lease.confirm()
    path, facts = world.archive()
    with pytest.raises(Locked):
        world.open().put(NAME, path, facts, lost)
    assert world.open().listing() == {}


def test_a_clock_that_is_a_little_ahead_takes_nothing_over(world: World) -> None:
    with world.open().lease("one", 0, 0) as lease:
        other, clock = world.elsewhere(ahead=SKEW)
        world.clock.at += 300 - SKEW - 1
        clock.at += 300 - SKEW - 1
        with pytest.raises(Locked), other.lease("two", 0, 0):
            pass
        lease.confirm()


def test_a_lease_ends_early_for_its_holder(world: World) -> None:
    with world.open().lease("one", 0, 0) as lease:
        world.clock.at += 300 - SKEW
        with pytest.raises(Locked):
            lease.confirm()


def test_a_lease_is_renewed_while_it_is_used(world: World) -> None:
    with world.open().lease("one", 0, 0) as lease:
        for _ in range(5):
            world.clock.at += 200
            lease.confirm()
        other, _ = world.elsewhere()
        with pytest.raises(Locked), other.lease("two", 0, 0):
            pass


def test_a_large_upload_has_more_time(world: World) -> None:
    with world.open().lease("one", 40 * 1024**3, 0) as lease:
        world.clock.at += 3600
        lease.confirm()


class Slow:
    """The same objects; whatever moves the archive takes minutes, and `meanwhile` happens in the middle of an upload."""

    def __init__(self, world: World, meanwhile: Callable[[], None] = lambda: None) -> None:
        self._objects = raw(world)
        self._clock = world.clock
        self._meanwhile = meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._objects, name)

    def upload(self, key: str, source: Path, sha256: str, beat: Callable[[], object]) -> None:
        for minutes in range(5):
            self._clock.at += 120
            if minutes == 2:
                self._meanwhile()
            beat()
        self._objects.upload(key, source, sha256, beat)

    def read(self, key: str, start: int, length: int) -> bytes:
        self._clock.at += 200 if key == NAME else 0
        content: bytes = self._objects.read(key, start, length)
        return content


def slow(world: World, meanwhile: Callable[[], None] = lambda: None) -> Store:
    objects: Any = Slow(world, meanwhile)
    return ObjectPairs(objects, lambda holder: Chain(objects, world.clock, holder, "token"))


def test_a_lease_is_kept_while_an_upload_and_its_reading_back_take_long(world: World) -> None:
    path, facts = world.archive()
    intruders: list[str] = []

    def intrude() -> None:
        other, _ = world.elsewhere()
        with pytest.raises(Locked, match="by here until") as refusal, other.lease("two", 0, 0):
            pass
        intruders.append(str(refusal.value))

    with slow(world, intrude).lease("here", facts.size, 0) as lease:
        first = lease.number
        assert slow(world, intrude).put(NAME, path, facts, lease) is Put.SEALED
        assert world.clock.at >= NOON + 800, "longer than any lease that is not renewed"
        assert lease.number > first
    assert intruders
    assert fetched(world.open()) == path.read_bytes()
    assert len([key for key in raw(world).sizes() if FOLDER in key]) <= 2, "what was renewed is tidied away"


def test_a_lease_that_is_lost_in_the_middle_of_an_upload_seals_nothing(world: World) -> None:
    path, facts = world.archive()

    def pause() -> None:
        """The holder stands still until somebody else has taken over."""
        world.clock.at += 400
        other, _ = world.elsewhere()
        other.lease("two", 0, 0).__enter__()

    store = slow(world, pause)
    with pytest.raises(Locked, match="lost"), store.lease("here", facts.size, 0) as lease:
        store.put(NAME, path, facts, lease)
    assert [key for key in raw(world).sizes() if FOLDER not in key] == []


def test_a_store_that_stumbles_does_not_end_a_lease_that_still_lasts(world: World) -> None:
    class Stumbling(Slow):
        def create(self, key: str, content: bytes) -> None:
            if FOLDER in key and NOON + 100 < world.clock.at < NOON + 200:
                raise StoreSilent("not now")
            self._objects.create(key, content)

    objects: Any = Stumbling(world)
    path, facts = world.archive()
    store = ObjectPairs(objects, lambda holder: Chain(objects, world.clock, holder, "token"))
    with store.lease("here", facts.size, 0) as lease:
        assert store.put(NAME, path, facts, lease) is Put.SEALED


def test_a_folder_beats_with_every_block(tmp_path: Path) -> None:
    (tmp_path / "mounted").mkdir()
    (tmp_path / "large").write_bytes(bytes(3 * BLOCK))
    store: Any = ObjectStore(kind="object", url=f"file://{tmp_path}/mounted").open(this_machine({}))
    beats: list[int] = []
    store._objects.upload("x.zip", tmp_path / "large", "", lambda: beats.append(1))
    assert len(beats) == 3


def test_who_waits_gets_it(world: World) -> None:
    first = world.open().lease("died", 0, 0)
    first.__enter__()
    other, clock = world.elsewhere()
    with other.lease("two", 0, 400.0):
        assert clock.at > NOON + 300 + SKEW


@pytest.mark.parametrize("world", ["file", "s3"], indirect=True)  # a dictionary is not shared by hosts
def test_of_many_at_once_one_holds(world: World) -> None:
    for number in range(7):  # there are old ones to look through
        raw(world).create(f"{FOLDER}{number}-not-a-lease.txt", b"x")
    ready, results, lock = threading.Barrier(6), list[str](), threading.Lock()
    kept = []  # a lease that nobody keeps is given back

    def race() -> None:
        store, _ = world.elsewhere()
        ready.wait()
        lease = store.lease("racer", 0, 0)
        kept.append(lease)
        try:
            held = lease.__enter__()
        except (Locked, StoreSilent) as problem:
            with lock:
                results.append(str(problem))
        else:
            with lock:
                results.append(str(held.number))

    threads = [threading.Thread(target=race) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(result.isdigit() for result in results) == 1, results


def test_a_lease_nobody_understands_is_not_taken_over(world: World) -> None:
    raw(world).create(f"{FOLDER}000000000007.json", b"?")
    with pytest.raises(Locked, match="cannot be understood"), world.open().lease("one", 0, 0):
        pass


BAD = [
    "backups",
    "s3://",
    "ftp://host/x",
    "s3://key:secret@bucket/x",
    "s3://bucket/x?versionId=1",
    "file:///a/../b",
    "s3://b:1/x",
    "s3://[",
]


@pytest.mark.parametrize("url", BAD)
def test_a_wrong_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        ObjectStore(kind="object", url=url).open(this_machine({}))
    assert "secret" not in str(caught.value).replace("secret_env", "")


@pytest.mark.parametrize(
    "changes",
    [
        {"key_env": "K"},
        {"key_env": "K", "secret_env": "S"},
        {"retain": 0},
        {"endpoint_url": "host:1"},
        {"endpoint_url": "http://u:p@host"},
    ],
)
def test_settings_that_cannot_be_right(changes: dict[str, Any]) -> None:
    with pytest.raises(UsageProblem):
        ObjectStore(kind="object", url="s3://bucket", **changes).open(this_machine({"K": "k"}))


def test_a_folder_that_is_not_mounted_is_no_empty_store(tmp_path: Path) -> None:
    store = ObjectStore(kind="object", url=f"file://{tmp_path}/mounted").open(this_machine({}))
    with pytest.raises(StoreSilent, match="not there"):
        store.listing()


class Syncing(SystemFiles):
    """The real disk; remembers what stood in each folder when it was synced."""

    def __init__(self, refusal: int = 0, of: str = "") -> None:
        self.synced: list[tuple[Path, set[str]]] = []
        self._refusal = refusal
        self._of = of

    def sync_directory(self, path: Path) -> None:
        if self._refusal and (path / self._of).exists():
            raise OSError(self._refusal, "refused", str(path))
        self.synced.append((path, {each.name for each in path.iterdir()}))
        super().sync_directory(path)


def mounted(tmp_path: Path, files: SystemFiles) -> World:
    (tmp_path / "mounted").mkdir()
    clock = HandClock()
    machine = evolve(this_machine({}), clock=clock, files=files)
    return World(ObjectStore(kind="object", url=f"file://{tmp_path}/mounted"), machine, clock, tmp_path)


def test_a_name_in_a_folder_is_on_the_disk_before_the_next_one_counts_on_it(tmp_path: Path) -> None:
    files = Syncing()
    name = f"pre_rollback/pre_rollback_{NAME}"
    put(mounted(tmp_path, files), name)
    folder, base = tmp_path / "mounted/pre_rollback", f"pre_rollback_{NAME}"
    stood = [names for path, names in files.synced if path == folder]
    assert any(base in names and f"{base}.sha256" not in names for names in stood), "the archive before what commits it"
    assert f"{base}.sha256" in stood[-1], "what commits it before it is called sealed"
    assert any(path == folder.parent and folder.name in names for path, names in files.synced), "the new folder too"


@pytest.mark.parametrize("of", [NAME, f"{NAME}.sha256"])
def test_a_name_that_cannot_be_brought_to_the_disk_is_not_there(tmp_path: Path, of: str) -> None:
    world = mounted(tmp_path, Syncing(errno.EIO, of))
    path, facts = world.archive()
    store = world.settings.open(world.machine)  # patient: the second attempt must not take the first for done
    with pytest.raises(StoreSilent, match="refused"), store.lease("here", facts.size, 0) as lease:
        store.put(NAME, path, facts, lease)
    assert not (tmp_path / "mounted" / of).exists()
    assert store.listing() == {}


def test_a_file_system_that_syncs_no_folders_is_taken_as_it_is(tmp_path: Path) -> None:
    assert put(mounted(tmp_path, Syncing(errno.EINVAL))) is Put.SEALED


def test_a_bucket_that_is_not_there_is_no_empty_store(server: str) -> None:
    settings = ObjectStore(kind="object", url="s3://nobody-made-it/x", endpoint_url=server, key_env="K", secret_env="S")
    with pytest.raises(StoreSilent, match="bucket"):
        settings.open(this_machine({"K": "k", "S": "s"})).listing()


def test_nobody_there_is_told_at_once(tmp_path: Path) -> None:
    settings = ObjectStore(kind="object", url="s3://b/x", endpoint_url=unused_address(), key_env="K", secret_env="S")
    with pytest.raises(StoreSilent, match="EndpointConnectionError"):
        settings.open(this_machine({"K": "k", "S": "s"}), Patience(attempts=1)).listing()
