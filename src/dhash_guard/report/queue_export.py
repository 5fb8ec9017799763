"""Decides how an exported queue is written: JSON for programs, CSV that no spreadsheet runs, one HTML page for people."""

from __future__ import annotations

import csv
import io
import json
import re
from enum import Enum
from pathlib import Path

from dhash_guard.records.codec import to_data
from dhash_guard.records.waiting import QueueExport
from dhash_guard.report.escape import one_line
from dhash_guard.report.templates import render_html


class Form(Enum):
    """A format of an export."""

    JSON = "json"
    CSV = "csv"
    HTML = "html"


_FORMULA = re.compile(r"\s*[=+\-@|＝＋－＠]")  # spreadsheets take the wide ones for the same
_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+=*")


def written(export: QueueExport, form: Form, *, images: bool, templates: Path | None = None) -> bytes:
    """The export as the bytes of a file; equal input gives equal bytes. `images` says that pictures were asked for."""
    match form:
        case Form.JSON:
            return _json(export, images=images)
        case Form.CSV:
            return _csv(export, images=images)
        case Form.HTML:
            return _html(export, images=images, templates=templates)


def _json(export: QueueExport, *, images: bool) -> bytes:
    data = {"schema_version": 1, **to_data(export), "statistics": _statistics(export)}
    if not images:
        for entry in data["entries"]:
            del entry["picture"], entry["problem"]
    return (json.dumps(data, ensure_ascii=False, indent=2) + "\n").encode()


def _csv(export: QueueExport, *, images: bool) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["id", "hash", "confidence", "image", *(["picture", "problem"] if images else [])])
    for entry in export.entries:
        more = [entry.picture, _cell(entry.problem)] if images else []
        writer.writerow([_cell(entry.id), _cell(entry.hash), f"{entry.confidence:.6g}", _cell(entry.image), *more])
    return text.getvalue().encode()


def _html(export: QueueExport, *, images: bool, templates: Path | None) -> bytes:
    from markupsafe import Markup

    # The pictures are the only values that are not cut and escaped: they are letters and digits of our own encoding.
    entries = [
        {"entry": entry, "src": Markup(entry.picture) if _PICTURE.fullmatch(entry.picture) else ""}  # noqa: S704
        for entry in export.entries
    ]
    context = {"export": export, "entries": entries, "images": images, "statistics": _statistics(export)}
    return render_html("queue-export.html", context, templates).encode()


def _statistics(export: QueueExport) -> dict[str, int | float | None]:
    """Counts, and the least and mean confidence of what is exported; None where that is nothing."""
    found = [entry.confidence for entry in export.entries]
    mean = round(sum(found) / len(found), 6) if found else None
    return {"exported": len(found), "in_queue": export.in_queue, "lowest": min(found, default=None), "mean": mean}


def _cell(text: str) -> str:
    """Foreign text that no spreadsheet takes for a formula; what is invisible in it can be seen."""
    flat = one_line(text)
    return f"'{flat}" if _FORMULA.match(flat) else flat
