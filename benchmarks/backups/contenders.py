"""Who takes part: the installed program and, where installed, zip, Python, restic, borg, sha256sum, cp and unzip."""

from __future__ import annotations

import shlex
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from benchmarks.backups.corpora import Corpus, tidy
from benchmarks.backups.program import STDLIB, Program
from benchmarks.backups.timing import Contender

PLAIN = f"{shlex.quote(sys.executable)} -I -S {shlex.quote(str(Path(__file__).with_name('plain.py')))}"

CREATE_FAST, CREATE_STDLIB = "create, with isal", "create, standard library only"
VERIFY, RESTORE = "verify", "restore, synced"
ZIP, COPY, COPY_SYNC, UNZIP = "zip -r && sha256sum", "cp -r", "cp -r && sync", "unzip"
HASH_TOOL, HASH_LOOP = "sha256sum of all files", "hashlib loop over all files"
ARCHIVE_TOOL, ARCHIVE_LOOP = "sha256sum of the archive", "hashlib loop over the archive"
RESTIC, BORG, ZIPFILE = "restic init + backup", "borg init + create", "Python zipfile + hashlib"


class Contest:
    """The contenders on one corpus, in groups each of which finds what it needs, and the sizes of their archives."""

    def __init__(self, corpus: Corpus, program: Program) -> None:
        self.program = program
        self.project, self.peers = corpus.project, corpus.peers
        self.sizes: dict[str, int] = {}

    def groups(self) -> list[list[Contender]]:
        """Those of a group may run in any order."""
        groups = (self._creates(), self._reads(), self._verifies(), self._restores())
        return [[one for one in group if installed(one.command)] for group in groups]

    def _creates(self) -> list[Contender]:
        return [
            self._guarded(CREATE_STDLIB, self.program.create, **STDLIB),
            self._peer(ZIP, "zip -qr ../peers/zip/data.zip data && sha256sum ../peers/zip/data.zip", "zip"),
            self._peer(ZIPFILE, f"{PLAIN} zip data ../peers/zipfile/data.zip", "zipfile", keep=False),
            self._peer(RESTIC, "restic init && restic backup data", "restic"),
            self._peer(BORG, "borg init --encryption none && borg create ::one data", "borg"),
        ]

    def _reads(self) -> list[Contender]:
        """The archive that is made here, where isal is, is the one on which the later groups work."""
        return [
            *([self._guarded(CREATE_FAST, self.program.create)] if find_spec("isal") else []),
            Contender(HASH_TOOL, "find data -type f -print0 | xargs -0 sha256sum", self.project),
            Contender(HASH_LOOP, f"{PLAIN} hash data", self.project),
        ]

    def _verifies(self) -> list[Contender]:
        return [
            Contender(VERIFY, self.program.verify, self.project),
            Contender(ARCHIVE_TOOL, "sha256sum backups/*.zip", self.project),
            Contender(ARCHIVE_LOOP, f"{PLAIN} hash backups/*.zip", self.project),
            Contender("unzip -t of zip's archive", "unzip -tq ../peers/zip/data.zip", self.project),
        ]

    def _restores(self) -> list[Contender]:
        """A restore begins without the trees that an earlier one kept; removing them is untimed, as for every peer."""
        return [
            Contender(RESTORE, self.program.restore, self.project, before=lambda: tidy(self.project, "backups")),
            self._peer(COPY, "cp -r data ../peers/copy", "copy", keep=False),
            self._peer(COPY_SYNC, "cp -r data ../peers/copy && sync -f ../peers/copy", "copy", keep=False),
            self._peer(UNZIP, "unzip -q ../peers/zip/data.zip -d ../peers/unzip", "unzip", keep=False),
            self._peer("restic restore", "restic restore latest --target ../peers/restored", "restored", keep=False),
            self._peer("borg extract", "cd ../peers/extracted && borg extract ::one", "extracted", keep=False),
        ]

    def _guarded(self, name: str, command: str, **variables: str) -> Contender:
        def weigh() -> None:
            self.sizes[name] = sum(archive.stat().st_size for archive in self.project.glob("backups/*.zip"))

        return Contender(name, command, self.project, lambda: tidy(self.project), weigh, variables)

    def _peer(self, name: str, command: str, below: str, *, keep: bool = True) -> Contender:
        """One that writes into a new directory of its own, and removes it at once where nobody reads it later."""
        folder = self.peers / below

        def fresh() -> None:
            empty(folder)
            # cp makes its target itself, and would copy into one that exists.
            (folder.parent if name in {COPY, COPY_SYNC} else folder).mkdir(parents=True, exist_ok=True)

        def after() -> None:
            if name == ZIP:
                self.sizes[name] = (folder / "data.zip").stat().st_size
            if not keep:
                empty(folder)

        return Contender(name, command, self.project, fresh, after, self._stores())

    def _stores(self) -> dict[str, str]:
        return {
            "RESTIC_REPOSITORY": str(self.peers / "restic" / "store"),
            "RESTIC_CACHE_DIR": str(self.peers / "restic" / "cache"),
            "RESTIC_PASSWORD": "a bench has no secrets",
            "BORG_REPO": str(self.peers / "borg" / "store"),
            "BORG_BASE_DIR": str(self.peers / "borg" / "base"),
            "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
            "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes",
        }


def empty(folder: Path) -> None:
    """Remove the directory, where there is one."""
    if folder.exists():
        shutil.rmtree(folder)


def installed(command: str) -> bool:
    """Whether every tool that the command names is on this machine."""
    tools = ("zip", "unzip", "restic", "borg", "sha256sum", "find", "xargs", "cp")
    return all(shutil.which(tool) for tool in tools if tool in command.split())
