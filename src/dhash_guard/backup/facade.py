"""What the rest of the house asks of backups, in one place; this file and nothing else of the room names them all."""

from dhash_guard.backup.archive.verify import verify
from dhash_guard.backup.catalog import facts_of, find, last_taken, listing, newest, path_of
from dhash_guard.backup.create import BackupPlan, create, plan
from dhash_guard.backup.drill import Drilled, drill, rehearse_drill
from dhash_guard.backup.opening import require_sealed
from dhash_guard.backup.presence import require_present
from dhash_guard.backup.prune import Pins, Pruned, prune, weigh
from dhash_guard.backup.receipts import latest, note_verified, read_whole, receipts_for, receipts_of
from dhash_guard.backup.restoring.digest import tree_digest
from dhash_guard.backup.restoring.journal import wait_until_free
from dhash_guard.backup.restoring.recover import Recovery, foreseen, recover
from dhash_guard.backup.restoring.restore import differences, rehearse, restore
from dhash_guard.backup.restoring.undo import Undone, rehearse_undo, undo
from dhash_guard.backup.retention import Decision
from dhash_guard.backup.single import SinglePlan, create_single, plan_single

__all__ = [
    "BackupPlan",
    "Decision",
    "Drilled",
    "Pins",
    "Pruned",
    "Recovery",
    "SinglePlan",
    "Undone",
    "create",
    "create_single",
    "differences",
    "drill",
    "facts_of",
    "find",
    "foreseen",
    "last_taken",
    "latest",
    "listing",
    "newest",
    "note_verified",
    "path_of",
    "plan",
    "plan_single",
    "prune",
    "read_whole",
    "receipts_for",
    "receipts_of",
    "recover",
    "rehearse",
    "rehearse_drill",
    "rehearse_undo",
    "require_present",
    "require_sealed",
    "restore",
    "tree_digest",
    "undo",
    "verify",
    "wait_until_free",
    "weigh",
]
