"""What waits in the low-confidence queue, written down by the installed program: three formats, and nothing guessed."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from support.project import Project, Result

PATH = "/api/dhash/queue/items"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
ENTRIES: list[dict[str, Any]] = [
    {"id": "b", "result": {"confidence": 0.7}, "dhash": "ffee", "image": "/images/b.png"},
    {"id": "=cmd|' /C calc'!A0", "result": {"confidence": 0.31}, "dhash": "-1+1", "image": "/images/c.png"},
    {"id": 17, "result": {"confidence": 0.31}, "dhash": "00<script>alert(1)</script>", "image": "/images/a.png"},
    {"id": "d", "result": {"confidence": 0.9}, "dhash": None},
]


@pytest.fixture
def queued(project: Project) -> Project:
    project.environment["queue"] = {
        "export": {"path": PATH, "items_at": "queue.items", "confidence_at": "result.confidence", "image_at": "image"}
    }
    project.write()
    answer(project, ENTRIES)
    for name in ("a", "b", "c"):
        project.service.routes[f"/images/{name}.png"] = lambda: (200, PNG)
    return project


def answer(project: Project, entries: Any, **more: Any) -> None:
    project.service.say(PATH, {"queue": {"items": entries, **more}})


def export(project: Project, *arguments: str) -> Result:
    return project.guard("queue", "export", "--out", "queue.out", *arguments)


def out(project: Project) -> Path:
    return project.root / "queue.out"


def test_as_json_it_has_every_entry_and_what_was_asked(queued: Project) -> None:
    done = export(queued, "--json")
    assert done.code == 0, done.err + done.out
    told = json.loads(out(queued).read_text())
    assert [entry["id"] for entry in told["entries"]] == ["17", "=cmd|' /C calc'!A0", "b", "d"], "the least confident first"
    assert told["entries"][3] == {"id": "d", "hash": "", "confidence": 0.9, "image": ""}
    assert told["statistics"] == {"exported": 4, "in_queue": 4, "lowest": 0.31, "mean": 0.555}
    assert (told["environment"], told["below"], told["source"]) == ("production", None, queued.service.url + PATH)
    assert done.json["export"]["sha256"] == hashlib.sha256(out(queued).read_bytes()).hexdigest()


@pytest.mark.parametrize("threshold", ["0.7", "70%"])
def test_only_entries_below_the_threshold_are_exported(queued: Project, threshold: str) -> None:
    done = export(queued, "--threshold", threshold)
    assert done.code == 0, done.err
    told = json.loads(out(queued).read_text())
    assert [entry["confidence"] for entry in told["entries"]] == [0.31, 0.31], "equal is not below"
    assert "2 of 4 entries" in done.out


def test_the_configured_threshold_holds_where_none_is_given(queued: Project) -> None:
    queued.environment["queue"]["export"] |= {"below": "80%"}
    queued.write()
    assert export(queued).code == 0
    assert len(json.loads(out(queued).read_text())["entries"]) == 3


@pytest.mark.parametrize("threshold", ["70", "-1", "many", "1.5", "nan"])
def test_a_threshold_that_is_none_is_refused(queued: Project, threshold: str) -> None:
    assert export(queued, "--threshold", threshold).code == 2


def test_as_csv_nothing_is_a_formula(queued: Project) -> None:
    assert export(queued, "--format", "csv").code == 0
    rows = list(csv.reader(io.StringIO(out(queued).read_text(encoding="utf-8"), newline="")))
    assert rows[0] == ["id", "hash", "confidence", "image"]
    assert rows[2][:3] == ["'=cmd|' /C calc'!A0", "'-1+1", "0.31"]
    assert not [cell for row in rows for cell in row if cell[:1] in "=+-@\t\r" and cell]


class Page(HTMLParser):
    """The elements and the texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_as_html_foreign_text_stays_text_and_images_are_in_it(queued: Project) -> None:
    done = export(queued, "--format", "html", "--include-images", "--threshold", "0.8")
    assert done.code == 0, done.err + done.out
    page = Page(out(queued).read_text(encoding="utf-8"))
    assert "script" not in [tag for tag, _ in page.tags]
    assert "00<script>alert(1)</script>" in page.texts
    sources = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    assert sources == [f"data:image/png;base64,{base64.b64encode(PNG).decode()}"] * 3
    assert not [value for _, attributes in page.tags for name, value in attributes.items() if name in ("href", "onerror")]


def test_an_image_that_cannot_be_had_is_said_and_leaves_the_others(queued: Project) -> None:
    del queued.service.routes["/images/a.png"]
    queued.service.routes["/images/b.png"] = lambda: (200, b"<svg onload=alert(1)>")
    entries = [*ENTRIES, {"id": "e", "result": {"confidence": 0.1}, "image": "http://169.254.169.254/latest"}]
    answer(queued, entries)
    done = export(queued, "--include-images")
    assert done.code == 3
    told = {entry["id"]: entry["problem"] for entry in json.loads(out(queued).read_text())["entries"]}
    assert told["17"] == "HTTP 404"
    assert "no PNG" in told["b"]
    assert "no image" in told["d"]
    assert "not asked" in told["e"]
    assert told["=cmd|' /C calc'!A0"] == ""
    assert "4 without their image" in done.out


def test_images_within_the_answer_are_taken(queued: Project) -> None:
    data = f"data:image/gif;base64,{base64.b64encode(b'GIF89a....').decode()}"
    answer(queued, [{"id": "x", "result": {"confidence": 0}, "image": data}])
    assert export(queued, "--include-images").code == 0
    assert json.loads(out(queued).read_text())["entries"][0]["picture"] == data


def test_percentages_are_a_matter_of_configuration(queued: Project) -> None:
    answer(queued, [{"id": "x", "result": {"confidence": 31.5}}])
    assert export(queued).code == 3, "no fraction"
    queued.environment["queue"]["export"] |= {"unit": "percent"}
    queued.write()
    assert export(queued).code == 0
    assert json.loads(out(queued).read_text())["entries"][0]["confidence"] == 0.315


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ((404, b"{}"), "HTTP 404"),
        ((200, b"<html>"), "no JSON"),
        ((200, b"{}"), "queue.items is no list"),
        ((200, b'{"queue": {"items": {}}}'), "queue.items is no list"),
        ((200, b'{"queue": {"items": [{"result": {"confidence": 0.1}}]}}'), "entry 1: no text or whole number at id"),
        ((200, b'{"queue": {"items": [{"id": "a", "result": {}}]}}'), "no number at result.confidence (of a)"),
        ((200, b'{"queue": {"items": [{"id": "a", "result": {"confidence": NaN}}]}}'), "no number at"),
        ((200, b'{"queue": {"items": [7]}}'), "entry 1"),
    ],
)
def test_what_cannot_be_told_writes_nothing(queued: Project, said: tuple[int, bytes], text: str) -> None:
    queued.service.routes[PATH] = lambda: said
    out(queued).write_text("before")
    done = export(queued)
    assert done.code == 3, done.out
    assert text in done.out
    assert out(queued).read_text() == "before"


def test_a_part_of_the_queue_is_not_taken_for_all_of_it(queued: Project) -> None:
    queued.environment["queue"]["export"] |= {"total_at": "queue.total"}
    queued.write()
    answer(queued, ENTRIES, total=90)
    done = export(queued)
    assert done.code == 3
    assert "holds 4 entries, but queue.total is 90" in done.out
    answer(queued, ENTRIES, total=4)
    assert export(queued).code == 0


def test_an_empty_queue_is_a_fact(queued: Project) -> None:
    answer(queued, [])
    for form in ("json", "csv", "html"):
        assert export(queued, "--format", form).code == 0
    assert "0 of 0 entries" in out(queued).read_text()


def test_where_nothing_says_where_they_stand_it_is_a_matter_of_configuration(project: Project) -> None:
    project.environment["queue"] = {}
    project.write()
    done = export(project)
    assert done.code == 2
    assert "items_at" in done.err


def test_without_a_file_it_is_a_new_one_and_a_dry_run_writes_none(queued: Project) -> None:
    dry = queued.guard("queue", "export", "--format", "html", "--dry-run")
    assert dry.code == 0, dry.err
    assert "would write 4 of 4 entries" in dry.out
    assert not (queued.root / "exports").exists()
    assert queued.guard("queue", "export", "--format", "html").code == 0
    [made] = (queued.root / "exports").iterdir()
    assert made.name.startswith("low_confidence_production_")
    assert made.suffix == ".html"


def test_a_file_that_cannot_be_is_refused_before_anybody_is_asked(queued: Project) -> None:
    for where in ("gone/queue.json", "."):
        assert queued.guard("queue", "export", "--out", where).code == 2
    assert f"GET {PATH}" not in queued.service.asked
