"""No text ends its own output, breaks out of an annotation, or becomes a command between the fences."""

from __future__ import annotations

import io
import random
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from dhash_guard.github.commands import Annotation, Kind, annotation_command, fence, usable
from dhash_guard.github.runner import SUMMARY_LIMIT, Runner, cut_summary
from dhash_guard.system.files import SystemFiles
from unit.github.parser import Command, obeyed, read_outputs

_PIECES = st.sampled_from(
    [
        "::", "\n", "\r", "\r\n", "%", "%0A", "%0D", "%25", "%3A", ",", ":", "=", "<<", "##[", "]", "error", "add-mask", " ",
        "stop-commands", "set-env name=A::b", "title=", "EOF", "a" * 16, "\x85", "\u2028", "\x1b[31m", "```", "\0",
    ]
)  # fmt: skip
_TEXTS = st.one_of(st.text(), st.lists(st.one_of(_PIECES, st.text(max_size=3))).map("".join))
_NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,20}", fullmatch=True)
_PRINTABLE = str.maketrans({code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n\r"} | {127: 0x2421})


@given(
    st.lists(st.dictionaries(_NAMES, _TEXTS, max_size=4), max_size=3),
    st.sampled_from(["", "theirs=1\n", "theirs=1", "theirs<<E\n1\nE\n", "theirs<<E\n1\nE"]),
    st.randoms(use_true_random=False),
)
def test_outputs_round_trip(writes: list[dict[str, str]], before: str, chance: random.Random) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "output"
        path.write_text(before)
        runner = Runner(
            {"GITHUB_OUTPUT": str(path)}, SystemFiles(), io.StringIO(), lambda: f"{chance.getrandbits(128):032x}"
        )
        expected = {"theirs": "1"} if before else {}
        for values in writes:
            runner.outputs(values)
            expected |= values
        content = path.read_bytes().decode()
        assert read_outputs(content if content.endswith("\n") or not content else content + "\n") == expected


@given(st.sampled_from(Kind), _TEXTS, _TEXTS, _TEXTS, st.one_of(st.none(), st.integers(1, 10**6)))
def test_an_annotation_is_one_command(kind: Kind, text: str, title: str, file: str, line: int | None) -> None:
    written = annotation_command(Annotation(kind=kind, text=text, title=title, file=file, line=line))
    assert "\n" not in written
    assert "\r" not in written
    command = Command(kind.value, {}, text.translate(_PRINTABLE) or "(no text)")
    (read,) = obeyed(written)
    assert (read.name, read.data) == (command.name, command.data)
    assert set(read.properties) <= {"title", "file", "line"}
    assert read.properties.get("line") == (str(line) if line else None)
    assert read.properties.get("title", "").strip() == title.translate(_PRINTABLE).strip()


@given(_TEXTS, st.sampled_from(["a" * 16, "deadbeefdeadbeef", "STOP-COMMANDS-STOP"]))
def test_nothing_between_the_fences_is_obeyed(text: str, token: str) -> None:
    if usable(token, text):
        after = obeyed(fence(text, token) + "::notice::after\n")
        assert after == [Command("notice", {}, "after")]


@given(st.lists(_TEXTS, max_size=30), st.integers(-10, 400))
def test_a_cut_summary_fits_and_begins_as_the_whole(parts: list[str], room: int) -> None:
    whole = "\n".join(parts).encode()
    kept = cut_summary(whole, room)
    assert len(kept) <= max(room, 0)
    if len(whole) > room:
        head = kept.split(b"\n_The summary is cut here")[0].rsplit(b"\n", 1)[0]
        assert whole.startswith(head) or head.lstrip(b"`~") == b""
    assert SUMMARY_LIMIT == 1_048_576
