"""An S3 store behind a proxy that cuts, lies, forgets and refuses at every request: sealed whole, or not there."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve

from dhash_guard.backup.stores.bucket import Bucket
from dhash_guard.backup.stores.lease import Chain
from dhash_guard.backup.stores.object import ObjectStore
from dhash_guard.backup.stores.objects import Patience, Patient
from dhash_guard.backup.stores.pairs import ObjectPairs
from dhash_guard.backup.stores.store import Put, Store, StoreSilent
from dhash_guard.errors import Damaged, GuardError
from dhash_guard.records.backup import BackupFacts, Purpose
from dhash_guard.system import Machine, this_machine
from support.s3 import CREDENTIALS, Client, Fault, Proxy, Request, s3_server
from support.world import SleptClock

pytestmark = pytest.mark.xdist_group("s3-faults")
NAME = "dhash_production_20260921_120000.zip"
CONTENT = bytes(range(256)) * 300
ONCE = Patience(attempts=1)
START = 1_790_000_000.0


def client_of(proxy: Proxy) -> Any:
    """The client that the settings make."""
    settings = ObjectStore(
        kind="object", url="s3://b", endpoint_url=proxy.url, key_env="STORE_KEY", secret_env="STORE_SECRET"
    )
    return settings.client(this_machine(CREDENTIALS))


@define
class World:
    """A bucket, the proxy before it, and the one archive that is stored."""

    client: Client
    proxy: Proxy
    archive: Path
    facts: BackupFacts
    machine: Machine
    prefix: str = "p"
    files: Any = None

    def open(self, patience: Patience = ONCE, deadline: float = 20.0) -> Store:
        """The store with one client for all, because opening one takes as long as twenty requests."""
        if self.files is None:
            self.files = client_of(self.proxy)
        bucket = Bucket(self.files, f"{self.client.bucket}/{self.prefix}", "s3", deadline)
        objects = Patient(bucket, self.machine.clock, patience)
        return ObjectPairs(objects, lambda holder: Chain(objects, self.machine.clock, holder, secrets.token_hex(8)))

    def put(self, patience: Patience = ONCE, deadline: float = 20.0) -> Put:
        store = self.open(patience, deadline)
        with store.lease("here", self.facts.size, 0) as lease:
            return store.put(NAME, self.archive, self.facts, lease)

    def later(self) -> None:
        """After every lease has ended."""
        clock = SleptClock(START)
        clock.at = self.machine.clock.now() + 10_000
        self.machine = evolve(self.machine, clock=clock)

    def judge(self) -> bool:
        """Look at the bucket with another client: whatever is sealed is whole. Returns whether it is sealed."""
        keys = self.client.keys()
        for key in keys:
            if key.endswith(".zip.sha256"):
                archive = key.removesuffix(".sha256")
                assert archive in keys, keys
                line = f"{hashlib.sha256(self.client.read(archive)).hexdigest()}  backups/{NAME}\n"
                assert self.client.read(key).decode() == line
        return f"{self.prefix}/{NAME}.sha256" in keys

    def fetched(self, store: Store) -> bytes:
        blocks: list[bytes] = []
        store.fetch(NAME, self.facts.size, lambda block: blocks.append(bytes(block)))
        return b"".join(blocks)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as url:
        yield url


_COUNTER = iter(range(10_000))


@pytest.fixture
def world(server: str, tmp_path: Path) -> Iterator[World]:
    with Proxy(server).serving() as proxy:
        archive = tmp_path / NAME
        archive.write_bytes(CONTENT)
        facts = BackupFacts(
            name=f"backups/{NAME}",
            environment="production",
            purpose=Purpose.BACKUP,
            sequence=1,
            sealed_at=1.0,
            size=len(CONTENT),
            sha256=hashlib.sha256(CONTENT).hexdigest(),
            members=1,
            components=("database",),
        )
        client = Client(server, f"faults-{next(_COUNTER)}")
        yield World(client, proxy, archive, facts, evolve(this_machine(CREDENTIALS), clock=SleptClock(START)))


def at(number: int, fault: Fault) -> Any:
    return lambda request: fault if request.number == number else None


SHORT = {Fault.CUT_AFTER, Fault.WRONG_BYTES}


def each(*faults: Fault) -> list[Any]:
    """As parameters; those that fail like another one are of the long form."""
    return [fault if fault in SHORT else pytest.param(fault, marks=pytest.mark.full) for fault in faults]


@pytest.mark.parametrize("fault", each(*(fault for fault in Fault if fault is not Fault.SLOW)))
def test_a_fault_at_every_request_seals_nothing_that_is_not_whole(world: World, fault: Fault) -> None:
    number = 0
    while True:
        number += 1
        world.prefix = f"p{number}"
        world.proxy.start_over(at(number, fault))
        try:
            done = world.put()
        except GuardError as problem:
            assert problem.exit_code in (4, 7, 8, 3), problem
            done = None
        hit = bool(world.proxy.hits)
        sealed = world.judge()
        assert sealed or done is None, (number, fault)
        if not hit:
            break
        assert world.proxy.hits[0][0].number == number
        world.proxy.start_over(lambda _: None)
        world.later()
        assert world.put() in (Put.SEALED, Put.PRESENT)  # the next run finishes it
        assert world.judge()
        assert world.fetched(world.open()) == CONTENT
    assert number > 10


@pytest.mark.parametrize("fault", each(Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.ERROR_500, Fault.ERROR_503, Fault.TRUNCATED))
def test_one_transient_fault_anywhere_is_survived(world: World, fault: Fault) -> None:
    number = 0
    while True:
        number += 1
        world.prefix = f"p{number}"
        world.proxy.start_over(at(number, fault))
        assert world.put(Patience()) is Put.SEALED, number
        assert world.judge()
        if not world.proxy.hits:
            break
    assert number > 10


@pytest.mark.parametrize("fault", [Fault.ERROR_503, Fault.CUT_BEFORE])
def test_asking_again_has_an_end(world: World, fault: Fault) -> None:
    world.proxy.start_over(lambda _: fault)
    with pytest.raises(StoreSilent):
        world.put(Patience())
    assert len(world.proxy.seen) <= 8  # the client itself asks once more where it was cut off
    assert world.client.keys() == []


READING = [Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.ERROR_500, Fault.TRUNCATED, Fault.WRONG_BYTES, Fault.LOST_BODY]


@pytest.mark.parametrize("fault", READING)
def test_a_fetch_yields_the_archive_or_fails(world: World, fault: Fault) -> None:
    world.put()
    number, failed = 0, 0
    while True:
        number += 1
        world.proxy.start_over(at(number, fault))
        try:
            assert world.fetched(world.open()) == CONTENT
        except (StoreSilent, Damaged):
            failed += 1
        if not world.proxy.hits:
            break
    # Where it was cut off, the client itself asks once more.
    assert number > 2
    assert failed == number - 1 or fault in (Fault.CUT_BEFORE, Fault.CUT_AFTER)


def test_a_slow_store_costs_its_deadline_and_no_more(world: World) -> None:
    world.proxy.start_over(lambda _: Fault.SLOW)
    with pytest.raises(StoreSilent):
        world.open(ONCE, 0.5).listing()


def test_a_slow_upload_is_given_up(world: World) -> None:
    world.proxy.start_over(lambda request: Fault.SLOW if request.method == "PUT" and ".zip" in request.path else None)
    with pytest.raises(StoreSilent):
        world.put(ONCE, 0.5)
    assert not world.judge()


def test_a_stale_list_lets_nobody_else_in(world: World) -> None:
    world.open().listing()
    store = world.open()
    with store.lease("one", 0, 0):
        world.proxy.start_over(lambda request: Fault.STALE_LIST if request.is_list else None)
        with pytest.raises(GuardError), world.open().lease("two", 0, 0):
            pass


def test_a_store_that_ignores_conditions_is_told(world: World) -> None:
    world.proxy.start_over(lambda request: Fault.NO_CONDITION if request.method == "PUT" else None)
    store = world.open()
    with store.lease("one", 0, 0):
        assert "ignores" in store.guard


def test_a_locked_backup_stays_and_is_told(world: World) -> None:
    world.put()

    def locked(request: Request) -> Fault | None:
        return Fault.FORBIDDEN if request.method == "DELETE" and request.path.endswith(".sha256") else None

    world.proxy.start_over(locked)
    store = world.open()
    with store.lease("here", 0, 0) as lease:
        assert "locked" in store.delete(NAME, lease)
    assert world.judge()
    assert world.fetched(world.open()) == CONTENT


def test_removing_begins_with_the_checksum_file(world: World) -> None:
    for number in range(1, 4):
        world.prefix = f"d{number}"
        world.proxy.start_over(lambda _: None)
        world.put()
        world.later()
        deletes: list[Request] = []

        def cut(request: Request, deletes: list[Request] = deletes, last: int = number) -> Fault | None:
            if request.method == "DELETE" and ".lease" not in request.path:
                deletes.append(request)
                return Fault.ERROR_503 if len(deletes) == last else None
            return None

        world.proxy.start_over(cut)
        store = world.open()
        with store.lease("here", 0, 0) as lease, pytest.raises(StoreSilent):
            store.delete(NAME, lease)
        assert world.judge() is (number == 1)


class TestParts:
    """A file that goes up in parts."""

    PART = 5 * 1024 * 1024

    @pytest.fixture
    def large(self, world: World) -> World:
        content = bytes(range(256)) * (11 * 4096)
        world.archive.write_bytes(content)
        world.facts = evolve(world.facts, size=len(content), sha256=hashlib.sha256(content).hexdigest())
        return world

    def bucket(self, world: World) -> Bucket:
        return Bucket(client_of(world.proxy), f"{world.client.bucket}/{world.prefix}", "s3", 20.0, part=self.PART)

    def test_it_arrives_whole_with_its_hash_as_metadata(self, large: World) -> None:
        self.bucket(large).upload(NAME, large.archive, large.facts.sha256)
        assert large.client.read(f"p/{NAME}") == large.archive.read_bytes()
        told = large.client.s3.head_object(Bucket=large.client.bucket, Key=f"p/{NAME}")["Metadata"]
        assert told == {"sha256": large.facts.sha256}
        with pytest.raises(FileExistsError):
            self.bucket(large).upload(NAME, large.archive, large.facts.sha256)

    @pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.ERROR_500])
    def test_a_cut_leaves_no_object_and_no_open_parts(self, large: World, fault: Fault) -> None:
        def parts(request: Request) -> Fault | None:
            return fault if "partNumber=2" in request.path else None

        large.proxy.start_over(parts)
        with pytest.raises(StoreSilent):
            self.bucket(large).upload(NAME, large.archive, large.facts.sha256)
        assert large.proxy.hits
        assert large.client.keys() == []
        assert large.client.open_uploads() == []

    def test_a_part_that_was_lost_is_noticed(self, large: World) -> None:
        large.proxy.start_over(lambda request: Fault.LOST_BODY if "partNumber=2" in request.path else None)
        with pytest.raises(StoreSilent):
            self.bucket(large).upload(NAME, large.archive, large.facts.sha256)
        assert large.client.keys() == []

    def test_the_lease_is_renewed_while_the_parts_go_up(self, large: World) -> None:
        """The second part does not arrive before the lease that was taken first is followed by another."""
        clock = large.machine.clock
        assert isinstance(clock, SleptClock)
        store = ObjectPairs(
            Patient(self.bucket(large), clock, ONCE), lambda holder: Chain(self.bucket(large), clock, holder, "token")
        )
        renewed = threading.Event()

        def plan(request: Request) -> Fault | None:
            if "partNumber=2" in request.path:
                clock.at += 200
            if request.method == "PUT" and "/.lease/" in request.path:
                renewed.set()
            return None

        with store.lease("here", 0, 0) as lease:
            first = lease.number
            large.proxy.held = lambda request: renewed if "partNumber=2" in request.path else None
            large.proxy.start_over(plan)
            assert store.put(NAME, large.archive, large.facts, lease) is Put.SEALED
            assert lease.number > first
        assert large.judge()

    def test_the_parts_of_a_killed_upload_are_given_up(self, large: World) -> None:
        large.client.s3.create_multipart_upload(Bucket=large.client.bucket, Key=f"p/{NAME}")
        self.bucket(large).upload(NAME, large.archive, large.facts.sha256)
        assert large.client.open_uploads() == []
