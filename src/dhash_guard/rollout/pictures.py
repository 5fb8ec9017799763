"""Fetches the images of queue entries from the service itself, and takes for an image only what is one."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import urlsplit

from attrs import define, evolve

from dhash_guard.records.units import format_bytes
from dhash_guard.records.waiting import Waiting
from dhash_guard.system.http import Http, NoAnswer

_MOST = 64 << 20
_MAGIC = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"GIF87a": "gif", b"GIF89a": "gif"}


@define
class Pictures:
    """The images of one export; together they have an end, because each becomes part of one file."""

    http: Http
    base: str
    timeout: float
    size: int = 0

    def with_picture(self, entry: Waiting) -> Waiting:
        """The entry with its image, or with the problem that kept it away."""
        content = self._content(entry.image)
        if isinstance(content, str):
            return evolve(entry, problem=content)
        kind = kind_of(content)
        if not kind:
            return evolve(entry, problem=f"{len(content)} bytes that are no PNG, JPEG, GIF or WebP")
        self.size += len(content)
        if self.size > _MOST:
            return evolve(entry, problem=f"more than {format_bytes(_MOST)} of images")
        return evolve(entry, picture=f"data:image/{kind};base64,{base64.b64encode(content).decode()}")

    def _content(self, image: str) -> bytes | str:
        """The bytes, or why there are none."""
        if not image:
            return "the service names no image"
        if image.startswith("data:"):
            return _decoded(image)
        url = address(image, self.base)
        if not url:
            return "the image lies outside of the service, which is not asked"
        if self.size > _MOST:
            return f"more than {format_bytes(_MOST)} of images"
        answer = self.http.request("GET", url, timeout=self.timeout)
        if isinstance(answer, NoAnswer):
            return f"{answer.trouble.value} ({answer.detail})"
        return answer.body if answer.status == 200 else f"HTTP {answer.status}"


def address(image: str, base: str) -> str:
    """Where an image is fetched: below the service's address; empty for any other place."""
    try:
        given, ours = urlsplit(image), urlsplit(base)
        foreign = (given.scheme, given.hostname, given.port) != (ours.scheme, ours.hostname, ours.port)
    except ValueError:
        return ""
    if not given.scheme and not given.netloc:
        return f"{base.rstrip('/')}/{image.lstrip('/')}"
    return "" if foreign or "@" in given.netloc else image


def kind_of(content: bytes) -> str:
    """The kind of image by its first bytes; empty where it is none."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    return next((kind for magic, kind in _MAGIC.items() if content.startswith(magic)), "")


def _decoded(image: str) -> bytes | str:
    head, _, data = image.partition(",")
    try:
        return base64.b64decode(data, validate=True) if head.endswith(";base64") else "a data address without base64"
    except (binascii.Error, ValueError):
        return "a data address that is no base64"
