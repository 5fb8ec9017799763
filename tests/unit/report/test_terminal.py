from __future__ import annotations

import io

import pytest
from attrs import evolve

from dhash_guard.cli.viewers import Trace
from dhash_guard.records.stage import Finding, StageStatus
from dhash_guard.report.live import LiveRow, LiveView, coverage, dots, plain_line, sparkline
from dhash_guard.report.story import print_story
from dhash_guard.report.timeline import LiveTimeline
from support import report_stories as stories

ROW = LiveRow(name="error-rate", value="0.4%", limit="≤ 5%", status="healthy", tone="good", history=(1.0, None, 2.0))
BAD = LiveRow(
    name="p95 [bold]", value="2310 ms", limit="≤ 2000 ms", status="breach", tone="bad", strikes=(2, 3), coverage=0.4
)
VIEW = LiveView(
    title="dhash monitor on production · 9f3c2a1", elapsed=61, planned=3600, rows=(ROW, BAD), before=31, next_look=30
)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def shown(view: LiveView, width: int) -> str:
    stream = Terminal()
    with LiveTimeline(stream, width=width) as live:
        live.show(view)
        live.say("::error::x\x1b[2J")
    return stream.getvalue()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_live_table_has_a_row_per_gate_at_any_width(width: int) -> None:
    text = shown(VIEW, width)
    assert "●●○" in text
    assert "error-rate"[:5] in text
    assert ("40%" in text) is (width >= 100)
    assert "\x1b[2J" not in text
    assert "\n::error" not in text


def test_markup_in_names_is_text() -> None:
    assert "p95 [bold]" in shown(VIEW, 120)


def test_many_rows_never_overflow_the_screen() -> None:
    rows = tuple(evolve(ROW, name=f"g{i}") for i in range(300))
    text = shown(evolve(VIEW, rows=(*rows, BAD)), 120)
    assert "p95" in text
    assert "more rows" in text


def test_a_line_a_minute_and_a_line_a_change() -> None:
    assert plain_line(evolve(VIEW, before=None, elapsed=0)) is not None
    assert plain_line(evolve(VIEW, before=61, elapsed=91)) is None
    assert plain_line(evolve(VIEW, before=91, elapsed=121)) is not None
    line = plain_line(evolve(VIEW, before=61, elapsed=91), changed=("p95: healthy -> breach",))
    assert line == "+1:31 of 1:00:00 · p95: healthy -> breach · p95 [bold] 2310 ms (≤ 2000 ms) breach 2/3, 1 of 2 quiet"


def test_a_sparkline_shows_absence_as_absence() -> None:
    assert sparkline((0.0, None, 1.0), 10) == "▁·█"
    assert sparkline((0.0, None, 1.0), 2) == "·▁", "the scale is that of what is shown"
    assert sparkline((5.0, 5.0), 10) == "▁▁"
    assert sparkline((None,), 10, ascii_only=True) == " "
    assert sparkline((), 10) == ""


def test_strikes_are_dots_and_numbers_where_dots_would_not_do() -> None:
    assert dots(BAD) == "●●○"
    assert dots(BAD, ascii_only=True) == "2/3"
    assert dots(evolve(BAD, strikes=(9, 3))) == "●●●"
    assert dots(evolve(BAD, strikes=(4, 12))) == "4/12"
    assert dots(evolve(BAD, strikes=(0, 1))) == ""
    assert dots(ROW) == ""


def test_a_window_shows_how_much_of_it_is_covered() -> None:
    assert coverage(BAD) == "██░░░  40%"
    assert coverage(BAD, ascii_only=True) == "##---  40%"
    assert coverage(evolve(BAD, coverage=0.999)).endswith(" 99%"), "not covered yet"
    assert coverage(ROW) == ""


def test_a_terminal_without_unicode_gets_ascii() -> None:
    class Plain(Terminal):
        encoding = "ascii"

    stream = Plain()
    with LiveTimeline(stream, width=120) as live:
        live.show(VIEW)
    text = stream.getvalue()
    assert "2/3" in text
    assert "##---  40%" in text
    assert not set("●○█░▁") & set(text)


def test_the_window_fills_with_time_and_absences_leave_it_open() -> None:
    trace = Trace(60.0, 1000.0)
    seen = []
    for i in range(9):
        trace.observe(1000.0 + 15 * i, None if i in (5, 6) else 1.0)
        seen.append(trace.coverage)
    assert seen == [0, 0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.5, 0.5]
    assert list(trace.history)[5:7] == [None, None]
    assert Trace(None, 1000.0).coverage is None


def test_the_story_ends_with_verdict_reason_restoration_report_next() -> None:
    lines = print_story(stories.rolled_back()[0], report="runs/x/report.html")
    assert [line.split(":")[0] for line in lines[-5:]] == ["Verdict", "Reason", "Restored", "Report", "Next"]
    assert "identical" in lines[-3]
    assert "mean 2310 ms > 2000 ms over 15m" in lines[-4]


def test_the_story_says_each_sentence_once() -> None:
    found = [
        Finding(check=name, status=StageStatus.FAILED, text=text, cure=cure)
        for name, text, cure in (("a", "gone", "Fetch a."), ("b", "shut", "Ask."), ("c", "shut", "Ask."))
    ]
    text = "3 of 9 checks failed: a: gone\n  Fetch a."
    bad = stories.stage("check", 0, 1, StageStatus.FAILED, text, findings=tuple(found))
    said = "\n".join(print_story(stories.evidence(exit_code=1, result="check-failed", stages=(bad,))))
    for once in ("3 of 9 checks failed", "a: gone", "Fetch a.", "b, c: shut -> Ask."):
        assert said.count(once) == 1, said
    assert said.endswith("Next:     “check”: Fetch a.")


@pytest.mark.parametrize("word", stories.HOSTILE, ids=range(len(stories.HOSTILE)))
def test_hostile_words_break_no_line_and_begin_no_command(word: str) -> None:
    for line in print_story(stories.hostile(word)[0]):
        assert "\n" not in line
        assert "\x1b" not in line
        assert not line.lstrip().startswith("::")
        assert "##[" not in line
        assert len(line) < 600


def test_a_narrow_terminal_cuts_cells_and_wraps_none() -> None:
    lines = shown(evolve(VIEW, rows=(evolve(ROW, name="a" * 90), BAD)), 60).splitlines()
    limits = [line for line in lines if "2000" in line]
    assert limits
    assert all("2310 ms" in line and "≤ 2000 ms" in line for line in limits)
