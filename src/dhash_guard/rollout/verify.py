"""Reads backups whole, those of the last days among them, and compares what the store keeps with what was sealed."""

from __future__ import annotations

from collections.abc import Sequence

from dhash_guard.backup.stores.fetch import name_in_store
from dhash_guard.backup.stores.object import ObjectStore
from dhash_guard.backup.stores.store import Store, StoreSilent
from dhash_guard.errors import CannotTell, Damaged, GuardError
from dhash_guard.records.backup import BackupFacts, Verification
from dhash_guard.records.stage import Finding, StageStatus
from dhash_guard.records.units import format_bytes
from dhash_guard.report.words import plural
from dhash_guard.rollout.remote import Place, places
from dhash_guard.rollout.run import Done, Guarded
from dhash_guard.rollout.vault import Vault

_DAY = 86400.0


def of_days(backups: Sequence[BackupFacts], days: int, now: float) -> list[BackupFacts]:
    """Those that were sealed in the last `days` before `now` (UTC epoch seconds), and every one that is known to be bad."""
    return [facts for facts in backups if facts.problem or facts.sealed_at >= now - days * _DAY]


def read(vault: Vault, facts: BackupFacts) -> Verification:
    """Read it whole, fetched first where only the store has it; what makes it unusable already is its problem."""
    if facts.problem:
        return Verification(name=facts.name, sha256=facts.sha256, members=0, bytes_read=0, problems=(facts.problem,))
    return vault.verify(facts)


def prove_whole(run: Guarded, days: int) -> Done:
    """Read every backup of the last days, here or in the store; raise Damaged for any that does not read back, CannotTell
    where there is none."""
    chosen = _chosen(run, days)
    found = []
    for facts in chosen:
        run.say(f"reading {facts.name} …")
        found.append(read(run.vault, facts))
    findings = tuple(_finding(one) for one in found)
    bad = [one for one in found if not one.ok]
    if bad:
        text = "; ".join(f"{one.name}: {one.problems[0]}" for one in bad)
        raise Damaged(text, cure="Take a new backup, and move the damaged one away.", findings=findings)
    size = format_bytes(sum(one.bytes_read for one in found))
    return Done(f"{plural(len(found), 'backup')} of the last {plural(days, 'day')} read whole, {size}", findings)


def prove_stored(run: Guarded, settings: ObjectStore, days: int) -> Done:
    """Read back from the store what it keeps of the last days and is here as well; `prove_whole` reads what is only there.

    Raise Damaged where the bytes are others, StoreSilent where it does not answer, CannotTell where it has none of them.
    """
    store = settings.open(run.machine)
    there = store.listing()  # asked for itself: the vault goes on without a store that is silent
    layout = run.configuration.layout
    lies = {facts.name: place for facts, place in places(run.vault)}
    findings = []
    for facts in _chosen(run, days):
        name = name_in_store(layout, layout.root / facts.name)
        if lies.get(facts.name) is Place.STORE:
            findings.append(_well(facts, "only in the store"))
        elif name in there:
            findings.append(_stored(store, name, there[name], facts))
        elif not facts.problem:
            findings.append(_only_here(facts))
    bad = [finding for finding in findings if finding.status is StageStatus.FAILED]
    if bad:
        text = "; ".join(f"{finding.check}: {finding.text}" for finding in bad)
        raise Damaged(text, where=store.where, cure=bad[0].cure, findings=tuple(findings))
    alone = sum(finding.warned for finding in findings)
    if alone == len(findings):
        what, cure = f"no backup of the last {plural(days, 'day')} is there", "dhash-guard backup sync"
        raise CannotTell(what, where=store.where, cure=cure, findings=tuple(findings))
    told = f"{len(findings) - alone} of {plural(len(findings), 'backup')} there, read back"
    return Done(f"{store.where}: {told}" + (f", {alone} only here" if alone else ""), tuple(findings))


def _chosen(run: Guarded, days: int) -> list[BackupFacts]:
    chosen = of_days(run.vault.listing(), days, run.machine.clock.now())
    if not chosen:
        what = f"no backup of {run.environment} in the last {plural(days, 'day')}"
        raise CannotTell(what, cure="dhash-guard backup create")
    return chosen


def _stored(store: Store, name: str, size: int, facts: BackupFacts) -> Finding:
    try:
        agrees = store.fetch(name, size, lambda _: None) == facts.sha256
    except StoreSilent:
        raise
    except GuardError as problem:
        agrees, told = False, problem.what
    else:
        told = "the store has other bytes under its name"
    if agrees:
        return _well(facts, f"{format_bytes(size)} read back from the store")
    cure = "Remove it from the store, then `dhash-guard backup sync`."
    return Finding(check=facts.name, status=StageStatus.FAILED, text=told, cure=cure)


def _well(facts: BackupFacts, text: str) -> Finding:
    return Finding(check=facts.name, status=StageStatus.PASSED, text=text)


def _only_here(facts: BackupFacts) -> Finding:
    cure = "dhash-guard backup sync"
    return Finding(check=facts.name, status=StageStatus.PASSED, text="is not in the store", cure=cure, warned=True)


def _finding(found: Verification) -> Finding:
    if found.ok:
        return Finding(check=found.name, status=StageStatus.PASSED, text=found.proof)
    return Finding(check=found.name, status=StageStatus.FAILED, text="; ".join(found.problems[:3]))
