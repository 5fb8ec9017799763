"""Decides what a running watch shows: a small record that the watch fills, its plain lines, and its sparklines."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from dhash_guard.report.escape import terminal
from dhash_guard.report.words import clock

_BLOCKS = "▁▂▃▄▅▆▇█"
_GAP, _ASCII_GAP = "·", " "
_ASCII_BLOCKS = "_.-:=+*#"
_MOST_DOTS = 5


@frozen(kw_only=True)
class LiveRow:
    """One gate as it stands now: texts are ready to show, `history` holds the last values (None: absent).

    `tone` is good, bad, unknown, warn or quiet; `strikes` is (seen, needed); `coverage` the covered share of a window.
    """

    name: str
    value: str
    limit: str
    status: str
    tone: str = "quiet"
    history: tuple[float | None, ...] = ()
    strikes: tuple[int, int] | None = None
    coverage: float | None = None


@frozen(kw_only=True)
class LiveView:
    """A watch at one look: all times in seconds; `before` is `elapsed` at the look before, None at the first."""

    title: str
    elapsed: float
    planned: float
    rows: tuple[LiveRow, ...]
    before: float | None = None
    next_look: float | None = None
    note: str = ""


def plain_line(shown: LiveView, changed: Sequence[str] = ()) -> str | None:
    """The line to print where there is no terminal: at the first look, once a minute, and whenever something changed."""
    new_minute = shown.before is None or int(shown.elapsed // 60) > int(shown.before // 60)
    if not changed and not new_minute:
        return None
    parts = [f"{clock(shown.elapsed)} of {clock(shown.planned)[1:]}", *changed, _standing(shown.rows), shown.note]
    return terminal(" · ".join(part for part in parts if part))


def _standing(rows: Sequence[LiveRow]) -> str:
    """The rows that need a look, with value and limit; or that there are none."""
    loud = [row for row in rows if row.tone in ("bad", "warn", "unknown")]
    quiet = len(rows) - len(loud)
    told = [f"{row.name} {row.value} ({row.limit}) {row.status}{strikes(row, ' ')}" for row in loud[:4]]
    more = [f"{len(loud) - 4} more"] if len(loud) > 4 else []
    return ", ".join([*told, *more, f"{quiet} of {len(rows)} quiet"] if loud else [f"{len(rows)} of {len(rows)} quiet"])


def strikes(row: LiveRow, lead: str = "") -> str:
    """`2/3`, empty where nothing has struck."""
    return f"{lead}{row.strikes[0]}/{row.strikes[1]}" if row.strikes and row.strikes[0] else ""


def dots(row: LiveRow, *, ascii_only: bool = False) -> str:
    """`●●○`, or `2/3` where there are too many to count by eye; empty where one look is enough."""
    if row.strikes is None or row.strikes[1] < 2:
        return ""
    needed = row.strikes[1]
    seen = min(max(row.strikes[0], 0), needed)
    if ascii_only or needed > _MOST_DOTS:
        return f"{seen}/{needed}"
    return "●" * seen + "○" * (needed - seen)


def coverage(row: LiveRow, *, ascii_only: bool = False) -> str:
    """How much of a window is filled: `██░░░ 40%`, empty where the gate has none."""
    if row.coverage is None:
        return ""
    share = min(max(row.coverage, 0.0), 1.0)
    # A window that is not yet covered must not look as if it were.
    return f"{bar(share, 5, ascii_only=ascii_only)} {int(share * 100 + 1e-9):3d}%"


def sparkline(history: Sequence[float | None], width: int, *, ascii_only: bool = False) -> str:
    """The last `width` values as blocks between their lowest and highest; an absence is a dot, never a block."""
    shown = list(history)[-width:] if width > 0 else []
    values = [value for value in shown if value is not None]
    low, high = min(values, default=0.0), max(values, default=0.0)
    blocks, gap = (_ASCII_BLOCKS, _ASCII_GAP) if ascii_only else (_BLOCKS, _GAP)
    return "".join(gap if value is None else blocks[_level(value, low, high)] for value in shown)


def _level(value: float, low: float, high: float) -> int:
    return 0 if high <= low else min(int((value - low) / (high - low) * 8), 7)


def bar(share: float, width: int, *, ascii_only: bool = False) -> str:
    """A progress bar."""
    full = round(min(max(share, 0.0), 1.0) * width)
    return ("#" if ascii_only else "█") * full + ("-" if ascii_only else "░") * (width - full)
