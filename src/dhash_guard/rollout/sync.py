"""The verb that puts into the store what is only local."""

from __future__ import annotations

from dhash_guard.backup.stores.object import ObjectStore
from dhash_guard.errors import Damaged, UsageProblem
from dhash_guard.records.evidence import Evidence
from dhash_guard.rollout.run import Guarded
from dhash_guard.rollout.syncing import missing, send


def sync(run: Guarded) -> Evidence:
    """The `backup sync` verb: exit 7 where the store does not answer, 8 where another host writes, 4 for damaged ones."""
    settings = run.configuration.environment.backup.store
    if not isinstance(settings, ObjectStore):
        raise UsageProblem("there is no store to sync with", cure="Give backup.store: {kind: object, url: s3://…}.")
    store = settings.open(run.machine)

    def work() -> str:
        if run.machine.dry:
            names = [facts.name for facts in missing(run.machine, run.configuration, settings, store)]
            return f"would put into {store.where}: {', '.join(names)}" if names else f"{store.where} has everything"
        sent = send(run.machine, run.configuration, settings, store, run.say)
        if sent.damaged:
            raise Damaged(f"{sent.text}; damaged and not uploaded: {', '.join(sent.damaged)}")
        return sent.text

    run.stage("sync", work)
    return run.seal(run.evidence(result="planned" if run.machine.dry else "synced", exit_code=0))
