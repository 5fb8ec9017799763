"""Decides how SVG is written: escaped in one place, with short numbers, so that equal input gives equal bytes."""

from __future__ import annotations

from html import escape

from dhash_guard.report.escape import clip, one_line

_MOST = 300


def words(text: str) -> str:
    """Foreign text as SVG content."""
    return escape(clip(one_line(text), _MOST), quote=False)


def element(tag: str, *body: str, **attributes: object) -> str:
    """An element; `body` is SVG already, attribute names take `class_` and `stroke_width` for class and stroke-width."""
    written = "".join(f' {_name(key)}="{_written(value)}"' for key, value in attributes.items())
    return f"<{tag}{written}>{''.join(body)}</{tag}>" if body else f"<{tag}{written}/>"


def _name(key: str) -> str:
    return key.rstrip("_") if key.endswith("_") else key.replace("_", "-")


def _written(value: object) -> str:
    return short(value) if isinstance(value, int | float) else escape(str(value))


def short(value: float) -> str:
    """A coordinate with one decimal at most."""
    text = f"{value:.1f}"
    return text.removesuffix(".0")


def percent(share: float) -> str:
    """A share of the width; the drawing stretches, its texts do not."""
    return f"{share * 100:.2f}".rstrip("0").rstrip(".") + "%"


def title(text: str) -> str:
    """What a screen reader says and a pointer shows."""
    return element("title", words(text))
