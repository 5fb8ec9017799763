from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from dhash_guard.report.comment import marker, render_comment
from dhash_guard.report.escape import one_line
from dhash_guard.report.summary import render_summary
from support import gfm
from support import report_stories as stories

LINKS = (("Run", "https://github.com/o/r/actions/runs/1"),)
FOLDS = ("Stages", "Findings", "All other gates", "Missing data", "Messages sent", "Run and evidence")
OURS = {
    "html </details>",
    "html_inline <code>",
    "html_inline </code>",
    "html_inline </sub>",
    "html_inline <sub>",
}


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


def test_the_marker_is_first_then_the_verdict_then_one_action() -> None:
    marked, verdict, action, *_ = lines(render_comment(*stories.rolled_back()))
    assert marked == "<!-- dhash-guard:v1:deploy:production -->"
    assert verdict.startswith(
        "## ↩️ Degraded and rolled back: **dhash deploy on production** — 5 of 6 gates healthy, 1 degraded"
    )
    assert verdict.endswith("`9f3c2a1`")
    assert action.startswith("**Next:** ")
    assert render_comment(*stories.rolled_back()).count("**Next:**") == 1


def test_failing_rows_come_first_with_value_and_limit() -> None:
    rows = [line for line in lines(render_comment(*stories.rolled_back())) if line.startswith("| `")]
    assert rows[0].startswith("| `p95-hash-time` | ❌ degraded | 2310 ms | ≤ 2000 ms | mean over 15m")
    assert rows[1].startswith("| `error-rate` | ⚠️ warning")


def test_unknown_is_said_with_its_reason() -> None:
    text = render_comment(*stories.cannot_tell())
    assert "❔ cannot tell | cannot tell: timeout ×14, http-status ×4 | ≤ 5%" in text
    assert "Cannot tell" in lines(text)[1]


def test_a_premerge_run_shows_stages_and_the_cure() -> None:
    text = render_comment(*stories.premerge(failed=True))
    assert lines(text)[2] == "**Next:** “check”: install FFmpeg 6 or newer"
    assert "<details open>" in text
    assert "merge;" in lines(render_comment(*stories.premerge(failed=False)))[2]


@pytest.mark.parametrize("story", [stories.healthy, stories.rolled_back, stories.cannot_tell, stories.many])
def test_equal_input_gives_equal_text(story: object) -> None:
    assert callable(story)
    assert render_comment(*story()) == render_comment(*story())
    assert render_summary(*story()) == render_summary(*story())


def test_300_gates_fit_and_2000_are_cut_with_a_note() -> None:
    assert len(render_comment(*stories.many(300))) <= 60_000
    text = render_comment(*stories.many(2000))
    assert len(text) <= 60_000
    assert "Left out to fit: " in text
    assert "500 gates in need" not in text
    assert len(render_summary(*stories.many(2000)).encode()) <= 900_000


def test_of_many_gates_in_need_the_first_twenty_stand_open() -> None:
    text = render_comment(*stories.many(300))
    before, _, after = text.partition("<details><summary>130 more gates in need of attention</summary>")
    assert (before.count("| `gate-"), after.count("❌ degraded") + before.count("❌ degraded")) == (20, 75)
    assert "more gates in need" not in render_comment(*stories.rolled_back())


def test_why_is_what_failed_and_never_a_code_word_alone() -> None:
    failed, _ = stories.premerge(failed=True)
    assert "**Why:** check: 1 of 9 checks failed (`no-go`)" in render_comment(evolve(failed, result="no-go"), [])
    passed, _ = stories.premerge(failed=False)
    assert "**Why:**" not in render_comment(evolve(passed, result="proceed"), [])


def test_what_was_watched_is_not_told_to_be_watched() -> None:
    watched, ticks = stories.healthy()
    watched = evolve(watched, run=evolve(watched.run, verb="deploy"))
    assert "**Next:** nothing to do; v2.4.1 stays on production." in render_comment(watched, ticks)
    assert "**Next:** watch it." in render_comment(evolve(watched, verdict=None), [])
    assert "**Next:** deploy; every condition holds." in render_comment(
        evolve(watched, verdict=None, run=evolve(watched.run, verb="gate")), []
    )


@pytest.mark.parametrize("budget", [60_000, 20_000, 9_000])
def test_a_smaller_budget_is_kept(budget: int) -> None:
    assert len(render_comment(*stories.many(300), budget=budget)) <= budget


def test_tables_keep_their_columns() -> None:
    for story in (stories.rolled_back(), stories.cannot_tell()):
        assert gfm.structure(render_comment(*story))["table_open"] >= 4


@pytest.mark.parametrize("word", stories.HOSTILE, ids=range(len(stories.HOSTILE)))
@pytest.mark.parametrize("render", [render_comment, render_summary])
def test_hostile_words_add_nothing_to_the_structure(word: str, render: object) -> None:
    assert callable(render)
    story = stories.hostile(word)
    text = render(*story, links=LINKS)
    found = gfm.structure(text)
    assert len(text) <= 60_000 if render is render_comment else len(text.encode()) <= 900_000
    assert found["link_open"] == 1
    assert not {"image", "s_open", "em_open", "code_block", "blockquote_open", "hr", "ordered_list_open"} & set(found)
    html = {kind for kind in found if kind.startswith("html")} - {"html_block"}
    mine = {f"html {marker(story[0].run.verb, word)}", *(f"html <details><summary>{name}</summary>" for name in FOLDS)}
    assert html <= OURS | mine
    assert gfm.references(text) == []
    assert "[ ]" not in text.replace("\\[ \\]", "")


@given(st.text(), st.text())
def test_a_marker_is_one_comment_and_tells_names_apart(one: str, other: str) -> None:
    marked = marker("deploy", one)
    assert marked.startswith("<!-- dhash-guard:v1:deploy:")
    assert marked.index("-->") == len(marked) - 3
    assert "--" not in marked[4:-3]
    assert one == other or marker("deploy", other) != marked or len(one) > 40


def test_a_marker_of_plain_names_is_plain() -> None:
    assert marker("premerge", "eu-west.1") == "<!-- dhash-guard:v1:premerge:eu-west.1 -->"


def test_the_chart_of_stages_holds_no_foreign_syntax() -> None:
    evidence, ticks = stories.rolled_back()
    foul = tuple(evolve(stage, name="a:b, crit\n```\nclick x") for stage in evidence.stages)
    text = render_summary(evolve(evidence, stages=foul), ticks)
    chart = text[text.index("```mermaid") :].split("```")[1].splitlines()
    assert len(chart) == 6 + len(foul)
    assert all(line.count(":") == 1 for line in chart[-len(foul) :])
    assert gfm.structure(text)["fence"] == 1


def test_no_word_is_lost() -> None:
    evidence, ticks = stories.rolled_back()
    shown = " ".join(gfm.visible(render_comment(evidence, ticks))).replace("\u200b", "")
    assert evidence.verdict is not None
    assert one_line(evidence.verdict.reason) in shown


def test_a_command_is_shown_whole_or_not_at_all() -> None:
    evidence, ticks = stories.cannot_tell()
    for length, shown in ((300, True), (3000, False)):
        foul = evolve(evidence, run=evolve(evidence.run, environment="e" * length))
        small = render_comment(foul, ticks, budget=9_000)
        assert (f"`dhash-guard monitor --env {'e' * length}`" in small) is shown
        assert ("dhash-guard monitor" in small) is shown
