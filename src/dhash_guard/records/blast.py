"""What a rollback would take away, change and bring back: counts, bytes and the first names, never all of them."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Share:
    """One kind of difference; links count as files, bytes are those on the disk now (of what returns: in the backup).

    `names` are the first paths, relative to the project. A folder that belongs here as a whole ends with a slash and
    stands for everything below it.
    """

    files: int = 0
    folders: int = 0
    bytes: int = 0
    names: tuple[str, ...] = ()

    @property
    def entries(self) -> int:
        return self.files + self.folders


@frozen(kw_only=True)
class LibraryChange:
    """What happened to the entries of a JSON file since the backup; `section` is the key they stand under, or empty.

    `added` would be lost and `removed` would come back; the names are the first of them. `problem` says why the file
    could not be compared; then nothing else is known of it.
    """

    path: str
    section: str = ""
    added: int = 0
    removed: int = 0
    changed: int = 0
    added_names: tuple[str, ...] = ()
    removed_names: tuple[str, ...] = ()
    problem: str = ""


@frozen(kw_only=True)
class BlastRadius:
    """The difference between what stands there now and what a backup holds.

    `lost` exists only now, `returning` only in the backup, `changed` differs in kind, content or mode; `same` counts all
    other entries. Not `exact` means that size and time decided, and no file was read.
    """

    backup: str
    exact: bool
    lost: Share = Share()
    changed: Share = Share()
    returning: Share = Share()
    same: int = 0
    libraries: tuple[LibraryChange, ...] = ()
    libraries_left: int = 0
    """Changed JSON files beyond those that were compared."""
