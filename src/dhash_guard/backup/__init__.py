"""Takes, seals, lists, verifies and restores backups: a crash at any step leaves the old or the new, never half."""

from dhash_guard.backup.archive.verify import verify
from dhash_guard.backup.catalog import facts_of, find, listing, newest, path_of
from dhash_guard.backup.create import BackupPlan, create, plan
from dhash_guard.backup.restoring.digest import manifest_roots_digest, tree_digest
from dhash_guard.backup.restoring.journal import wait_until_free
from dhash_guard.backup.restoring.recover import Recovery, recover
from dhash_guard.backup.restoring.restore import differences, rehearse, restore
from dhash_guard.backup.restoring.undo import Undone, undo

__all__ = [
    "BackupPlan",
    "Recovery",
    "Undone",
    "create",
    "differences",
    "facts_of",
    "find",
    "listing",
    "manifest_roots_digest",
    "newest",
    "path_of",
    "plan",
    "recover",
    "rehearse",
    "restore",
    "tree_digest",
    "undo",
    "verify",
    "wait_until_free",
]
