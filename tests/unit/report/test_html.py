from __future__ import annotations

from html.parser import HTMLParser

import pytest
from attrs import evolve

from dhash_guard.report.html import render_report
from support import report_stories as stories

TAGS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "main",
    "header",
    "p",
    "code",
    "h1",
    "h2",
    "h3",
    "b",
    "ul",
    "li",
    "ol",
    "dl",
    "dt",
    "dd",
    "div",
    "section",
    "span",
    "i",
    "svg",
    "line",
    "defs",
    "pattern",
    "path",
    "rect",
    "figure",
    "figcaption",
    "g",
    "text",
    "clippath",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}
VOID = {"meta", "line", "path", "rect"}


class Page(HTMLParser):
    """Collects tags, attributes and texts, and checks that every tag is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.ids: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


ALL = [stories.healthy, stories.rolled_back, stories.cannot_tell, stories.many, lambda: stories.premerge(failed=True)]


@pytest.mark.parametrize("story", ALL)
def test_the_report_is_one_file_that_asks_for_nothing(story: object) -> None:
    assert callable(story)
    text = render_report(*story())
    page = Page(text)
    assert page.open == []
    assert page.tags <= TAGS
    assert len(page.ids) == len(set(page.ids))
    assert not {"src", "href", "action", "srcset", "data"} & {name for name, _ in page.attributes}
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in text
    assert "@import" not in text
    assert text == render_report(*story())


@pytest.mark.parametrize("word", stories.HOSTILE, ids=range(len(stories.HOSTILE)))
def test_hostile_words_stay_text(word: str) -> None:
    plain, foul = Page(render_report(*stories.hostile("x"))), Page(render_report(*stories.hostile(word)))
    assert foul.tags == plain.tags
    assert foul.open == []
    assert {name for name, _ in foul.attributes} == {name for name, _ in plain.attributes}


def test_the_report_tells_the_story() -> None:
    text = render_report(*stories.rolled_back())
    for said in (
        "Degraded and rolled back",
        "mean 2310 ms &gt; 2000 ms over 15m",
        "It would have passed",
        "7e" * 32,
        "evidence verify",
        "Proven",
    ):
        assert said in text


def test_a_restoration_that_is_not_identical_is_not_called_good() -> None:
    evidence, ticks = stories.rolled_back()
    assert evidence.restoration
    text = render_report(evolve(evidence, restoration=evolve(evidence.restoration, identical=False)), ticks)
    assert "Not proven" in text
    assert "A person is needed now" in text


def test_the_size_is_bounded() -> None:
    assert len(render_report(*stories.many(300))) < 2_000_000
