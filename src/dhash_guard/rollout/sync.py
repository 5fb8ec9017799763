"""The verb that puts into the store what is only local."""

from __future__ import annotations

from dhash_guard.backup.stores.object import ObjectStore
from dhash_guard.errors import Damaged, UsageProblem
from dhash_guard.records.evidence import Evidence
from dhash_guard.rollout.run import Guarded
from dhash_guard.rollout.syncing import rehearse, send


def sync(run: Guarded) -> Evidence:
    """The `backup sync` verb: exit 7 where the store does not answer, 8 where another host writes, 4 for damaged ones."""
    settings = run.configuration.environment.backup.store
    if not isinstance(settings, ObjectStore):
        raise UsageProblem("there is no store to sync with", cure="Give backup.store: {kind: object, url: s3://…}.")
    store = settings.open(run.machine)

    def work() -> str:
        if run.machine.dry:
            sent = rehearse(run.machine, run.configuration, settings, store)
        else:
            sent = send(run.machine, run.configuration, settings, store, run.say)
        if sent.damaged:
            raise Damaged(f"{sent.text}; {sent.damage}", cure="Look at them with `dhash-guard backup verify --all`.")
        return sent.text

    run.stage("sync", work)
    return run.seal(run.evidence(result="planned" if run.machine.dry else "synced", exit_code=0))
