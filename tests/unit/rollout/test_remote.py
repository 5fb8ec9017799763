"""Backups here and in a store as one vault: two hosts on one mounted folder, which may be gone at any moment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve

from dhash_guard.backup.settings import BackupSettings, Component, When
from dhash_guard.backup.stores.object import ObjectStore
from dhash_guard.config import Configuration
from dhash_guard.config.schema import Environment
from dhash_guard.errors import CannotTell, Damaged, GuardError, Locked, NoGo, OutsideSilent, UsageProblem
from dhash_guard.records.backup import BackupFacts, Purpose
from dhash_guard.records.deployment import Deployment, DeploymentState
from dhash_guard.records.layout import Layout
from dhash_guard.rollout import deployments
from dhash_guard.rollout.remote import Place, StoredVault, open_vault, places, with_store
from dhash_guard.rollout.syncing import Sent, doomed, send
from dhash_guard.rollout.vault import DryVault, LocalVault, Taken
from dhash_guard.system import Machine, this_machine
from dhash_guard.system.host import SystemHost
from support.world import SleptClock


@define
class Host:
    """One project directory with its clock, and what was said there."""

    root: Path
    clock: SleptClock
    configuration: Configuration
    machine: Machine
    said: list[str]

    @property
    def vault(self) -> StoredVault:
        local = DryVault if self.machine.dry else LocalVault
        made = with_store(local(self.machine, self.configuration), self.machine, self.configuration, self.said.append)
        assert isinstance(made, StoredVault)
        return made

    def take(self, content: str = "one", purpose: Purpose = Purpose.BACKUP) -> BackupFacts:
        self.clock.at += 10
        (self.root / "library.json").write_text(content)
        taken = self.vault.take(purpose)
        assert taken.facts is not None
        return taken.facts

    def forget(self, facts: BackupFacts) -> None:
        """Remove the local pair."""
        for name in (facts.name, facts.name + ".sha256"):
            (self.root / name).unlink()

    def places(self) -> dict[str, Place]:
        return {facts.name: place for facts, place in self.vault.places()}

    def retaining(self, number: int) -> None:
        environment = self.configuration.environment
        store = environment.backup.store
        assert isinstance(store, ObjectStore)
        changed = evolve(environment.backup, store=evolve(store, retain=number))
        self.configuration = evolve(self.configuration, environment=evolve(environment, backup=changed))

    def rehearsing(self) -> Host:
        return evolve(self, machine=self.machine.rehearsing())

    def sync(self, fresh: BackupFacts | None = None) -> Sent:
        store = self.configuration.environment.backup.store
        assert isinstance(store, ObjectStore)
        return send(self.machine, self.configuration, store, store.open(self.machine), self.said.append, fresh)

    def take_apart(self, content: str) -> BackupFacts:
        """Take one without the store: numbered by what lies here, and uploaded by nobody."""
        self.clock.at += 10
        (self.root / "library.json").write_text(content)
        facts = LocalVault(self.machine, self.configuration).take(Purpose.BACKUP).facts
        assert facts is not None
        return facts

    def deployed(self, backup: BackupFacts) -> None:
        """A deployment began with this backup."""
        deployment = Deployment(
            id="d",
            environment="production",
            tag="",
            commit="",
            begun_at=self.clock.at,
            newest_sequence=backup.sequence,
            backup=backup.name,
            baseline=None,
            state=DeploymentState.OPEN,
        )
        deployments.keep(self.machine, self.configuration, deployment)


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    folder = tmp_path / "mounted"
    folder.mkdir()
    return folder


def host(tmp_path: Path, mounted: Path, name: str) -> Host:
    root = tmp_path / name
    root.mkdir()
    layout = Layout(
        root=root,
        service="dhash",
        backups=root / "backups",
        logs=root / "monitor_logs",
        artifacts=root / "premerge_artifacts",
    )
    settings = BackupSettings(
        components={"database": Component(paths=("library.json",))},
        store=ObjectStore(kind="object", url=f"file://{mounted}"),
    )
    environment = Environment(backup=settings)
    configuration = Configuration(path=root / "x.yml", layout=layout, name="production", environment=environment, digest="")
    clock = SleptClock(1_790_000_000.0)
    return Host(root, clock, configuration, evolve(this_machine({}), clock=clock), [])


@pytest.fixture
def one(tmp_path: Path, mounted: Path) -> Host:
    return host(tmp_path, mounted, "one")


@pytest.fixture
def two(tmp_path: Path, mounted: Path) -> Host:
    return host(tmp_path, mounted, "two")


def away(mounted: Path) -> Path:
    """Unmount."""
    return mounted.rename(mounted.with_name("unmounted"))


def test_without_a_store_nothing_is_wrapped(one: Host) -> None:
    plain = evolve(one.configuration, environment=Environment())
    local = LocalVault(one.machine, plain)
    assert with_store(local, one.machine, plain, one.said.append) is local


def test_a_backup_lies_here_and_there(one: Host, mounted: Path) -> None:
    taken = one.take()
    assert one.places() == {taken.name: Place.BOTH}
    base = taken.name.removeprefix("backups/")
    assert (mounted / base).read_bytes() == (one.root / taken.name).read_bytes()
    assert (mounted / f"{base}.sha256").read_bytes() == (one.root / f"{taken.name}.sha256").read_bytes()


def test_what_is_only_there_comes_back_for_a_restore(one: Host) -> None:
    taken = one.take("one")
    one.forget(taken)
    (one.root / "library.json").write_text("broken")
    assert one.places() == {taken.name: Place.STORE}
    found = one.vault.listing()[-1]
    assert found == taken
    assert one.vault.verify(found).ok
    assert one.places() == {taken.name: Place.BOTH}
    one.vault.restore(found)
    assert (one.root / "library.json").read_text() == "one"


@pytest.mark.parametrize("shown", ["{0}", "backups/{0}"])
def test_a_name_is_found_in_the_store(one: Host, shown: str) -> None:
    taken = one.take()
    one.forget(taken)
    assert one.vault.find(shown.format(taken.name.removeprefix("backups/"))) == taken
    assert (one.root / taken.name).is_file()


def test_another_host_sees_it_and_goes_on_counting(one: Host, two: Host) -> None:
    first = one.take("one")
    second = one.take("two")
    two.clock.at = one.clock.at
    third = two.take("three")
    assert [facts.sequence for facts in (first, second, third)] == [1, 2, 3]
    assert [facts.sequence for facts in one.vault.listing()] == [1, 2, 3]
    assert one.places()[third.name] is Place.STORE


def test_a_newest_that_is_damaged_there_keeps_nobody_from_a_backup(one: Host, two: Host, mounted: Path) -> None:
    one.take("one")
    second = one.take("two")
    (mounted / second.name.removeprefix("backups/")).chmod(0o640)
    content = (mounted / second.name.removeprefix("backups/")).read_bytes()
    (mounted / second.name.removeprefix("backups/")).write_bytes(content[:-1] + b"?")
    two.clock.at = one.clock.at
    taken = two.take("three")
    assert taken.sequence == 3  # whatever became of the newest, its number is taken


def test_the_catalogue_of_any_vault_has_places(one: Host) -> None:
    taken = one.take()
    assert places(LocalVault(one.machine, one.configuration)) == [(taken, Place.LOCAL)]
    assert places(open_vault(one.machine, one.configuration, one.said.append)) == [(taken, Place.BOTH)]


def test_a_silent_store_costs_one_warning(one: Host, mounted: Path) -> None:
    taken = one.take("one")
    (one.root / "library.json").write_text("broken")
    away(mounted)
    vault = one.vault
    one.said.clear()
    assert [facts.name for facts in vault.listing()] == [taken.name]
    assert vault.verify(vault.listing()[-1]).ok
    assert vault.find(taken.name) == taken
    vault.restore(taken)
    assert (one.root / "library.json").read_text() == "one"
    assert len([line for line in one.said if "warning" in line]) == 1


def test_a_store_that_falls_silent_after_its_list_refuses_only_its_own(one: Host, two: Host, mounted: Path) -> None:
    first = one.take("one")
    two.clock.at = one.clock.at
    second = two.take("two")
    vault = one.vault
    listed = vault.listing()
    assert [facts.name for facts in listed] == [first.name, second.name]
    away(mounted)
    assert not vault.verify(listed[1]).ok  # and does not raise: the next candidate is asked
    assert vault.verify(listed[0]).ok


def test_wrong_settings_do_not_keep_anybody_from_a_local_backup(one: Host) -> None:
    taken = one.take()
    environment = one.configuration.environment
    store = ObjectStore(kind="object", url="s3://bucket", key_env="NOT_SET", secret_env="NOT_SET")
    changed = evolve(environment, backup=evolve(environment.backup, store=store))
    one.configuration = evolve(one.configuration, environment=changed)
    assert one.vault.verify(one.vault.listing()[-1]).ok
    with pytest.raises(UsageProblem, match="NOT_SET"):
        one.take()
    assert [facts.name for facts in one.vault.listing()] == [taken.name]  # said before anything was taken


def test_a_snapshot_before_a_rollback_asks_nobody(one: Host, mounted: Path) -> None:
    elsewhere = away(mounted)
    taken = one.take(purpose=Purpose.PRE_ROLLBACK)
    assert (one.root / taken.name).is_file()
    elsewhere.rename(mounted)
    assert one.places() == {taken.name: Place.LOCAL}
    one.sync()
    assert one.places() == {taken.name: Place.BOTH}


def test_a_failing_upload_leaves_the_local_backup_and_says_so(one: Host, mounted: Path) -> None:
    first = one.take("one")
    elsewhere = away(mounted)
    with pytest.raises(OutsideSilent, match="only local") as caught:
        one.take("two")
    local = one.vault.listing()[-1]
    assert local.name in str(caught.value)
    assert first.name not in str(caught.value)
    assert one.vault.verify(local).ok
    elsewhere.rename(mounted)
    third = one.take("three")  # the next one takes the second along
    assert one.places() == dict.fromkeys((first.name, local.name, third.name), Place.BOTH)


def test_a_disk_with_no_backup_numbers_none_without_the_store(one: Host, two: Host, mounted: Path) -> None:
    """A second number 1 would be older than everything there, so that `retain` or a rollback would pass it over."""
    first = one.take("one")
    elsewhere = away(mounted)
    with pytest.raises(OutsideSilent, match=r"no backup was taken.*which was the last") as caught:
        two.take("two")
    assert (caught.value.exit_code, bool(caught.value.cure)) == (7, True)
    assert two.vault.listing() == []
    elsewhere.rename(mounted)
    two.clock.at = one.clock.at
    assert two.take("two").sequence == first.sequence + 1


def test_what_was_just_taken_is_stored_whatever_its_number(one: Host, two: Host) -> None:
    two.retaining(1)
    two.clock.at += 5
    fresh = two.take_apart("two")
    newest = [one.take(str(number)) for number in range(3)][-1]
    assert fresh.sequence < newest.sequence
    assert two.sync(fresh).text.startswith("1 in ")
    assert two.places() == {fresh.name: Place.BOTH, newest.name: Place.STORE}


def test_two_hosts_that_take_one_in_the_same_second_are_told(one: Host, two: Host) -> None:
    one.take("one")
    fresh = two.take_apart("two")
    with pytest.raises(NoGo, match=r"only local.*another backup called"):
        two.sync(fresh)


def test_the_store_keeps_what_a_rollback_would_go_back_to(one: Host) -> None:
    one.retaining(1)
    before = one.take("before")
    one.deployed(before)
    later = [one.take(str(number)) for number in range(2)]
    wanted = {before.name: Place.BOTH, later[0].name: Place.LOCAL, later[1].name: Place.BOTH}
    assert one.places() == wanted
    assert [line for line in one.said if "stays in the store" in line and "deployment d" in line]
    one.deployed(later[1])
    newest = one.take("newest")
    assert one.places() == wanted | {before.name: Place.LOCAL, newest.name: Place.BOTH}


def test_what_the_store_lacks_may_not_go_from_here(one: Host, mounted: Path) -> None:
    first = one.take("one")
    assert one.vault.unsent() == {}
    assert LocalVault(one.machine, one.configuration).unsent() == {}
    second = one.take_apart("two")
    assert list(one.vault.unsent()) == [second.name]
    assert "not in the store" in one.vault.unsent()[second.name]
    one.said.clear()
    elsewhere = away(mounted)
    silent = one.vault.unsent()
    assert set(silent) == {first.name, second.name}, "nobody says what is there"
    assert "does not say" in silent[first.name]
    assert [line for line in one.said if "warning" in line]
    elsewhere.rename(mounted)
    one.retaining(1)
    third = one.take("three")
    assert one.places()[third.name] is Place.BOTH
    assert one.vault.unsent() == {}, "what `retain` lets go may go here as well"


@pytest.mark.parametrize(("kind", "code"), [(Damaged, 4), (NoGo, 1), (Locked, 8), (CannotTell, 7), (OutsideSilent, 7)])
def test_why_an_upload_failed_decides_the_exit_code(one: Host, kind: type[GuardError], code: int) -> None:
    class Refusing:
        where, guard = "there", ""

        def listing(self) -> dict[str, int]:
            raise kind("because", cure="Do this.")

    settings = one.configuration.environment.backup.store
    assert isinstance(settings, ObjectStore)
    store: Any = Refusing()
    with pytest.raises(GuardError, match=r"only local.*because") as caught:
        send(one.machine, one.configuration, settings, store, one.said.append)
    assert caught.value.exit_code == code
    assert caught.value.cure


def test_somebody_else_writing_is_exit_8(one: Host, two: Host) -> None:
    store = two.configuration.environment.backup.store
    assert isinstance(store, ObjectStore)
    with store.open(two.machine).lease("two", 0, 0), pytest.raises(Locked, match=r"only local.*by two"):
        one.take()
    assert one.sync().text.startswith("1 in ")


def test_a_store_that_is_away_does_not_tell_what_is_only_local(one: Host, mounted: Path) -> None:
    one.take()
    away(mounted)
    with pytest.raises(OutsideSilent, match=r"which backups are only local.*is not there") as caught:
        one.sync()
    assert "nothing" not in str(caught.value)


@pytest.mark.parametrize("cut", [False, True])
def test_a_damaged_local_backup_is_not_uploaded_and_told(one: Host, cut: bool) -> None:
    local = one.take_apart("one")
    content = bytearray((one.root / local.name).read_bytes())
    content[60] ^= 1
    (one.root / local.name).write_bytes(content[:80] if cut else content)
    good = one.take("two")
    assert one.places() == {local.name: Place.LOCAL, good.name: Place.BOTH}
    assert [line for line in one.said if line.startswith("warning: damaged and not uploaded") and local.name in line]
    again = one.sync()
    assert list(again.damaged) == [local.name]
    assert "everything else" in again.text
    assert again.damage.startswith(f"damaged and not uploaded: {local.name} (")


def test_what_is_never_uploaded_is_not_called_damaged(one: Host) -> None:
    one.take()
    for name in ("notes.zip", "dhash_staging_20260921_120000.zip", "library.json.bak.20260921T120000Z"):
        path = one.root / "backups" / name
        path.write_bytes(b"x")
        path.with_name(name + ".sha256").write_bytes(b"0" * 64)
    found = one.sync()
    assert found == Sent(text=found.text)
    assert found.text.endswith("has everything")


@pytest.mark.parametrize("change", ["flip", "cut", "longer", "other"])
def test_other_bytes_are_never_restored(one: Host, mounted: Path, change: str) -> None:
    first, second = one.take("one"), one.take("two")
    path = mounted / second.name.removeprefix("backups/")
    content = path.read_bytes()
    changed = {
        "flip": content[:50] + bytes([content[50] ^ 1]) + content[51:],
        "cut": content[:-1],
        "longer": content + b"x",
        "other": (mounted / first.name.removeprefix("backups/")).read_bytes(),
    }[change]
    path.unlink()
    path.write_bytes(changed)
    one.forget(second)
    found = next((facts for facts in one.vault.listing() if facts.name == second.name), second)
    assert not one.vault.verify(found).ok
    with pytest.raises(GuardError):
        one.vault.restore(found)
    with pytest.raises((Damaged, CannotTell)):
        one.vault.find(second.name)
    assert (one.root / "library.json").read_text() == "two"
    assert sorted(p.name for p in (one.root / "backups").glob("**/*.zip*")) == sorted(
        [first.name.removeprefix("backups/"), first.name.removeprefix("backups/") + ".sha256"]
    )


def test_a_consistent_pair_under_another_name_is_refused(one: Host, mounted: Path) -> None:
    first, second = one.take("one"), one.take("two")
    old, new = (mounted / facts.name.removeprefix("backups/") for facts in (first, second))
    for suffix in ("", ".sha256"):
        target = new.with_name(new.name + suffix)
        target.unlink()
        target.write_bytes(old.with_name(old.name + suffix).read_bytes())
    one.forget(second)
    found = next(facts for facts in one.vault.listing() if facts.name == second.name)
    assert not one.vault.verify(found).ok
    with pytest.raises(GuardError):
        one.vault.restore(found)
    assert (one.root / "library.json").read_text() == "two"


def test_names_that_are_no_backup_of_the_service_are_not_seen(one: Host, mounted: Path) -> None:
    for name in ("other_production_20260921_120000.zip", "x.zip", "deep/dhash_production_20260921_120000.zip"):
        path = mounted / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
        path.with_name(path.name + ".sha256").write_bytes(b"0" * 64)
    assert one.places() == {}


def test_a_pair_without_facts_is_listed_with_its_problem_and_found_by_name(one: Host, mounted: Path) -> None:
    taken = one.take()
    one.forget(taken)
    (mounted / (taken.name.removeprefix("backups/") + ".json")).unlink()
    (listed,) = one.vault.listing()
    assert "does not say" in listed.problem
    assert one.vault.find(taken.name) == taken


def test_another_environments_backup_is_refused_before_it_is_fetched(one: Host) -> None:
    taken = one.take()
    one.forget(taken)
    one.configuration = evolve(one.configuration, name="staging")
    assert one.vault.listing() == []
    with pytest.raises(UsageProblem, match="--from-env production"):
        one.vault.find(taken.name)
    assert not (one.root / taken.name).exists()
    assert one.vault.find(taken.name, "production") == taken


def test_a_dry_run_reads_the_store_and_writes_nothing(one: Host) -> None:
    taken = one.take()
    one.forget(taken)
    (one.root / "library.json").write_text("now")
    dry = one.rehearsing()
    found = dry.vault.find(taken.name)
    assert found == taken
    looked = dry.vault.verify(found)
    assert (looked.ok, looked.members_read) == (True, False)
    assert "members were not read" in looked.proof, "only the hash was compared"
    assert "would fetch" in dry.vault.restore(found).text
    assert "put it into" in dry.vault.take(Purpose.BACKUP).text
    assert list((one.root / "backups").glob("*.zip")) == []
    assert (one.root / "library.json").read_text() == "now"


def test_too_small_a_disk_is_said_before_the_fetch(one: Host) -> None:
    taken = one.take()
    one.forget(taken)

    class Full(SystemHost):
        def free_bytes(self, path: Path) -> int | None:
            return 10

    one.machine = evolve(one.machine, host=Full())
    with pytest.raises(GuardError, match="10 B are free"):
        one.vault.find(taken.name)


def test_old_ones_go_from_the_store_and_stay_here(one: Host, mounted: Path) -> None:
    one.retaining(2)
    taken = [one.take(str(number)) for number in range(4)]
    places = one.places()
    assert [places[facts.name] for facts in taken] == [Place.LOCAL, Place.LOCAL, Place.BOTH, Place.BOTH]
    assert one.sync().text.endswith("has everything")  # what was let go is not uploaded again


def test_what_lacks_a_component_takes_no_place_in_the_store(one: Host) -> None:
    backup = one.configuration.environment.backup
    logs = Component(paths=("service.log",), when=When.REQUESTED)
    changed = evolve(backup, components={**backup.components, "logs": logs})
    one.configuration = evolve(one.configuration, environment=evolve(one.configuration.environment, backup=changed))
    one.retaining(1)
    (one.root / "service.log").write_text("one")
    whole = one.take("whole")
    for _ in range(2):
        one.clock.at += 10
        assert one.vault.take(Purpose.BACKUP, ("logs",)).facts is not None
    assert [place for name, place in one.places().items() if name == whole.name] == [Place.BOTH]
    assert list(one.places().values()).count(Place.LOCAL) == 1, "of those with the logs the older went"


def facts(sequence: int, sealed_at: float = 0.0, problem: str = "") -> BackupFacts:
    return BackupFacts(
        name=f"b{sequence}",
        environment="production",
        purpose=Purpose.BACKUP,
        sequence=sequence,
        sealed_at=sealed_at,
        size=1,
        sha256="0" * 64,
        members=1,
        components=(),
        problem=problem,
    )


def test_what_is_dated_in_the_future_or_bad_counts_for_nothing() -> None:
    known = [facts(1), facts(2), facts(3, problem="?"), facts(4, sealed_at=1e9)]
    assert [each.sequence for each in doomed(known, 1, now=100.0)] == [1]
    assert doomed(known, 2, now=100.0) == []
    assert doomed([], 1, now=0.0) == []


def test_taken_says_where_it_went(one: Host) -> None:
    taken = one.vault
    (one.root / "library.json").write_text("x")
    told: Taken = taken.take(Purpose.BACKUP)
    assert "1 in file://" in told.text
    assert "read back" in told.text


def test_a_missing_extra_is_exit_2_with_the_command(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['s3fs'] = None\n"
        "from dhash_guard.backup.stores.object import ObjectStore\n"
        "from dhash_guard.errors import UsageProblem\n"
        "from dhash_guard.system import this_machine\n"
        "try: ObjectStore(kind='object', url='s3://b').open(this_machine({}))\n"
        "except UsageProblem as problem: print(problem)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert "pip install 'dhash-guard[s3]'" in done.stdout


def test_a_missing_extra_is_a_note_of_the_configuration(tmp_path: Path) -> None:
    """What only this machine lacks; the client is not imported to tell it."""
    code = (
        "import sys; sys.modules['s3fs'] = None\n"
        "from dhash_guard.backup.stores.object import ObjectStore\n"
        "print(*ObjectStore(kind='object', url='s3://b').lacking({}), 'fsspec' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert "the library s3fs is not installed here; pip install 'dhash-guard[s3]'" in done.stdout
    assert done.stdout.rstrip().endswith("False")


def test_opening_the_program_imports_no_store_client(tmp_path: Path) -> None:
    code = (
        "import sys, dhash_guard.backup.settings, dhash_guard.rollout.remote\n"
        "print([n for n in sys.modules if 's3fs' in n or 'fsspec' in n])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.strip() == "[]"


def test_what_another_service_keeps_there_is_not_ours_to_let_go(one: Host, two: Host, mounted: Path) -> None:
    layout = evolve(two.configuration.layout, service="other")
    two.configuration = evolve(two.configuration, layout=layout)
    theirs = [two.take(str(number)).name.rpartition("/")[2] for number in range(3)]
    one.retaining(1)
    for number in range(5):
        one.take(str(number))
    assert {name for name in theirs if (mounted / name).is_file() and (mounted / f"{name}.sha256").is_file()} == set(theirs)
    assert len(list(mounted.glob("dhash_*.zip"))) == 1
