"""Touches the terminal it is given: a live table of the watch, redrawn in place without flicker or threads."""

from __future__ import annotations

from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

from dhash_guard.report.escape import terminal
from dhash_guard.report.live import LiveRow, LiveView, bar, coverage, dots, sparkline
from dhash_guard.report.words import clock

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.live import Live
    from rich.table import Table
    from rich.text import Text

_STYLES = {"good": "green", "bad": "bold red", "unknown": "yellow", "warn": "yellow", "quiet": "dim"}
_NARROW, _WIDE, _WIDEST = 72, 100, 120


class LiveTimeline:
    """Show each look of a watch on a terminal; use it as a context, call `show` after every look."""

    def __init__(self, stream: IO[str], *, width: int | None = None) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console: Console = Console(file=stream, width=width, highlight=False)
        self._live: Live = Live(console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._live.stop()

    def show(self, shown: LiveView) -> None:
        """Redraw."""
        ascii_only = not (self._console.encoding or "").lower().startswith("utf")
        self._live.update(_screen(shown, self._console.width, self._console.height, ascii_only), refresh=True)

    def say(self, line: str) -> None:
        """Print a line that stays, above the table."""
        self._console.print(_text(line, wraps=True))


def _screen(shown: LiveView, width: int, height: int, ascii_only: bool) -> Group:
    from rich.console import Group

    # What does not fit on the screen would scroll it at every look: the quiet rows give way first.
    room = max(height - 6, 3)
    order = {"bad": 0, "unknown": 1, "warn": 2}
    worst = sorted(range(len(shown.rows)), key=lambda i: (order.get(shown.rows[i].tone, 3), i))[:room]
    rows = [shown.rows[i] for i in sorted(worst)]
    hidden = f"{len(shown.rows) - len(rows)} more rows" if len(rows) < len(shown.rows) else ""
    return Group(_text(shown.title, "bold"), _table(rows, width, ascii_only), _footer(shown, hidden, width, ascii_only))


def _table(rows: list[LiveRow], width: int, ascii_only: bool) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("gate", overflow="ellipsis", no_wrap=True, max_width=max(width // 3, 12))
    if width >= _NARROW:
        table.add_column("trend", no_wrap=True)
    table.add_column("now", justify="right", overflow="ellipsis", no_wrap=True)
    table.add_column("passes", justify="right", overflow="ellipsis", no_wrap=True)
    table.add_column("strikes", no_wrap=True, min_width=7)
    if width >= _WIDE:
        table.add_column("window", justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True, overflow="ellipsis")
    for row in rows:
        table.add_row(*_cells(row, width, ascii_only))
    return table


def _cells(row: LiveRow, width: int, ascii_only: bool) -> list[Text]:
    style = _STYLES.get(row.tone, "")
    trend = sparkline(row.history, 30 if width >= _WIDEST else 17 if width >= _WIDE else 12, ascii_only=ascii_only)
    cells = [
        _text(row.name),
        _text(trend, "cyan") if width >= _NARROW else None,
        _text(row.value, style if row.tone != "quiet" else ""),
        _text(row.limit, "dim"),
        _text(dots(row, ascii_only=ascii_only), style if row.strikes and row.strikes[0] else "dim"),
        _text(coverage(row, ascii_only=ascii_only), "dim") if width >= _WIDE else None,
        _text(row.status, style),
    ]
    return [cell for cell in cells if cell is not None]


def _footer(shown: LiveView, hidden: str, width: int, ascii_only: bool) -> Text:
    share = shown.elapsed / shown.planned if shown.planned > 0 else 1.0
    times = (
        f"{bar(share, min(24, width // 4), ascii_only=ascii_only)} {clock(shown.elapsed)[1:]} of {clock(shown.planned)[1:]}"
    )
    upcoming = f"next look in {max(shown.next_look, 0):.0f} s" if shown.next_look is not None else ""
    joint = " - " if ascii_only else " · "
    return _text(joint.join(part for part in (times, upcoming, hidden, shown.note) if part), "dim", wraps=True)


def _text(words: str, style: str = "", *, wraps: bool = False) -> Text:
    from rich.text import Text

    # Text, never markup: brackets in a name are a name's.
    return Text(terminal(words), style=style, no_wrap=not wraps)
