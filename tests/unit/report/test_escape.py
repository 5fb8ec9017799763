from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dhash_guard.report.escape import Md, clip, code, link, markdown, one_line, terminal
from support import gfm
from support import report_stories as stories

ALLOWED_INLINE = {"paragraph_open", "inline", "paragraph_close"}
TABLE = {"table_open", "thead_open", "tr_open", "th_open", "inline", "th_close", "tr_close", "thead_close"}
TABLE |= {"tbody_open", "td_open", "td_close", "tbody_close", "table_close"}
NASTY = st.text(alphabet=st.sampled_from("ab1@#|\\`*_~[]()<>!&;:/.-+=$\n\r\t {}%^'\"w\u202e\u200b")) | st.text()
foreign = NASTY | st.sampled_from(stories.HOSTILE)


@settings(deadline=None)
@given(foreign)
@example("2. x")
@example("a\\|b")
@example("&amp; &lt;")
def test_text_in_a_paragraph_stays_exactly_that_text(word: str) -> None:
    written = markdown(word)
    assert set(gfm.structure(written)) <= ALLOWED_INLINE
    assert "".join(gfm.visible(written)).replace("\u200b", "") == one_line(word)
    assert gfm.references(written) == []
    assert "$" not in written


@settings(deadline=None)
@given(foreign)
def test_text_in_a_table_cell_stays_in_its_cell(word: str) -> None:
    page = f"| a | b |\n|---|---|\n| {markdown(word)} | end |\n"
    assert set(gfm.structure(page)) <= TABLE
    shown = gfm.visible(page)
    assert shown[3] == "end"
    assert shown[2].replace("\u200b", "") == one_line(word)


@settings(deadline=None)
@given(foreign)
def test_code_stays_in_its_cell_and_makes_nothing_but_code(word: str) -> None:
    page = f"| a | b |\n|---|---|\n| {code(word)} | end |\n"
    assert set(gfm.structure(page)) <= TABLE | {"code_inline", "html_inline <code>", "html_inline </code>"}
    assert gfm.visible(page)[3] == "end"


@settings(deadline=None)
@given(foreign)
def test_terminal_lines_begin_no_workflow_command(word: str) -> None:
    said = terminal(word)
    assert "\n" not in said
    assert "\x1b" not in said
    assert not said.lstrip().startswith("::")
    assert "##[" not in said


@settings(deadline=None)
@given(foreign)
def test_one_line_hides_nothing(word: str) -> None:
    assert not {"\u202e", "\u200b", "\u2066", "\x1b", "\x07", "\n", "\r"} & set(one_line(word))
    one_line(word).encode()


def test_invisible_characters_are_named() -> None:
    assert one_line("a\u202eb") == "a⟨U+202E⟩b"


def test_clip_says_what_is_missing() -> None:
    assert clip("abcdef", 4) == "abcd… (2 more characters)"
    assert clip("abcd", 4) == "abcd"


def test_our_markdown_decays_to_a_plain_string() -> None:
    ours = Md("**x**")
    assert type(ours + "<b>") is str
    assert type(ours.upper()) is str
    assert type(f"{ours}") is str


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "http://a.example",
        "https://a.example/)(x",
        "https://a.example/ x",
        "https://a.example/<x>",
        "//a",
    ],
)
def test_only_https_becomes_a_link(address: str) -> None:
    assert "link_open" not in gfm.structure(link("Run", address))


def test_a_link_links() -> None:
    assert gfm.structure(link("a [b]", "https://github.com/o/r/actions/runs/1?x=1#s"))["link_open"] == 1
