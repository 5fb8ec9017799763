"""Writes what a step leaves behind on a runner: outputs, summary, annotations, masks; never GITHUB_ENV or GITHUB_PATH."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from dhash_guard.errors import Bug
from dhash_guard.github.commands import Annotation, Kind, annotation_commands, fence, mask_commands, usable
from dhash_guard.system.files import Files
from dhash_guard.system.redaction import Redactor

SUMMARY_LIMIT = 1024 * 1024
"""Bytes; the runner drops a step's whole summary above it."""

_CUT = "\n_The summary is cut here; the report has the rest._\n"
_ROOM_TO_CLOSE = len(_CUT.encode()) + 128
"""Bytes kept for the note and for the end of a code block."""

_TOKENS = 8


class Runner:
    """The step that this process is; off a runner nothing but fenced text is written.

    `token` gives a new random name of 16 to 100 letters and digits at each call. The masks of `secrets` are written
    before anything else. Text passes through `redactor` first.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        files: Files,
        stream: TextIO,
        token: Callable[[], str],
        *,
        secrets: Iterable[str] = (),
        redactor: Redactor | None = None,
    ) -> None:
        self._environ = environ
        self._files = files
        self._stream = stream
        self._token = token
        self._pending = list(secrets)
        self._clean = (redactor or Redactor([])).text
        self._used = dict.fromkeys(Kind, 0)

    @property
    def present(self) -> bool:
        """Whether this process runs on a runner."""
        return self._environ.get("GITHUB_ACTIONS") == "true"

    def mask(self, secrets: Iterable[str]) -> None:
        """Hide values, and each line of them, in everything the runner shows from now on."""
        self._pending += secrets
        self._say([])

    def outputs(self, values: Mapping[str, str]) -> bool:
        """Set the step's outputs in one write; False where there is no GITHUB_OUTPUT. Raise OSError, or Bug for a name."""
        path = self._file("GITHUB_OUTPUT")
        if path is None or not values:
            return path is not None
        self._say([])
        blocks = [output_block(name, self._clean(value), self._token) for name, value in values.items()]
        glue = b"" if _ends_a_line(path) else b"\n"
        self._files.append(path, glue + "".join(blocks).encode("utf-8", "replace"))
        return True

    def summary(self, text: str) -> bool:
        """Append Markdown to the step's summary; False where it was cut, or where there is none. Raise OSError."""
        path = self._file("GITHUB_STEP_SUMMARY")
        if path is None:
            return False
        self._say([])
        taken = path.stat().st_size if path.exists() else 0
        glue = b"" if _ends_a_line(path) else b"\n"
        whole = self._clean(text).encode("utf-8", "replace") + (b"" if text.endswith("\n") else b"\n")
        written = cut_summary(whole, SUMMARY_LIMIT - 1 - taken - len(glue))
        if written:
            self._files.append(path, glue + written)
        return written == whole

    def annotate(self, notes: Sequence[Annotation]) -> None:
        """Write annotations in the order given, at most ten of each kind; the tenth counts what is left."""
        for kind in Kind:
            commands = annotation_commands(_cleaned(notes, self._clean), kind, self._used[kind])
            self._used[kind] += len(commands)
            self._say(commands)

    def fenced(self, text: str) -> None:
        """Write foreign text so that nothing in it is a workflow command."""
        clean = self._clean(text)
        if self.present:
            self._say([])
            self._stream.write(fence(clean, _fresh(self._token, clean)))
        else:
            self._stream.write(clean)

    def _say(self, commands: Sequence[str]) -> None:
        """Write commands, the masks that are still due first."""
        if self.present:
            masks, self._pending = mask_commands(self._pending), []
            self._stream.writelines(f"{line}\n" for line in [*masks, *commands])
            self._stream.flush()

    def _file(self, variable: str) -> Path | None:
        value = self._environ.get(variable, "")
        return Path(value) if value else None


def output_block(name: str, value: str, token: Callable[[], str]) -> str:
    """One output as the runner's file wants it; raise Bug where the name is none."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,99}", name):
        raise Bug(f"{name!r} cannot name an output")
    delimiter = _fresh(token, value)
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"


def cut_summary(text: bytes, room: int) -> bytes:
    """`text` in at most `room` bytes: whole lines, an open code block closed, and a note; nothing where there is no room."""
    if len(text) <= room:
        return text
    room -= _ROOM_TO_CLOSE
    kept = text[: text.rfind(b"\n", 0, room) + 1] if room > 0 else b""
    closing = _open_block(kept.decode("utf-8", "replace"))
    end = (f"{closing}\n" if 0 < len(closing) <= 100 else "") + _CUT
    return kept + end.encode() if room >= 0 else b""


def _open_block(markdown: str) -> str:
    """The fence of a code block that is still open at the end, or nothing."""
    fence_open = ""
    for found in re.finditer(r"^ {0,3}(`{3,}|~{3,})([^\n]*)$", markdown, re.MULTILINE):
        marks, rest = found[1], found[2]
        if not fence_open:
            fence_open = marks
        elif marks[0] == fence_open[0] and len(marks) >= len(fence_open) and not rest.strip():
            fence_open = ""
    return fence_open


def _ends_a_line(path: Path) -> bool:
    """Whether what other tools wrote ends with a line end; the runner's parser would else glue ours to it."""
    if not path.exists() or not path.stat().st_size:
        return True
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"


def _fresh(token: Callable[[], str], text: str) -> str:
    for _ in range(_TOKENS):
        if usable(candidate := token(), text):
            return candidate
    raise Bug("no random token that does not occur in the text")


def _cleaned(notes: Sequence[Annotation], clean: Callable[[str], str]) -> list[Annotation]:
    return [
        Annotation(kind=note.kind, text=clean(note.text), title=clean(note.title), file=clean(note.file), line=note.line)
        for note in notes
    ]
