"""Picks who packs and unpacks: Intel's ISA-L where it is installed (extra `fast`), else the standard library."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, Protocol

from attrs import frozen

RAW = -15
"""Bare deflate, as zip holds it."""

_FASTEST = 1


class Unpacker(Protocol):
    """What both libraries give for reading deflate piece by piece."""

    @property
    def unconsumed_tail(self) -> bytes: ...

    @property
    def unused_data(self) -> bytes: ...

    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes | memoryview, max_length: int = ..., /) -> bytes: ...


@frozen
class Deflate:
    """The functions of one library. Level 1 is three times as fast as 6 for a few percent of size."""

    name: str
    _library: Any

    @property
    def error(self) -> type[Exception]:
        """What reading broken bytes raises."""
        raised: type[Exception] = self._library.error
        return raised

    def whole(self, data: bytes) -> bytes:
        """Pack a small file."""
        packed: bytes = self._library.compress(data, _FASTEST, wbits=RAW)
        return packed

    def part(self, data: memoryview, *, last: bool) -> bytes:
        """Pack a piece that joins others: it ends at a byte and refers to nothing before it."""
        packer = self._library.compressobj(_FASTEST, zlib.DEFLATED, RAW)
        packed: bytes = packer.compress(data) + packer.flush(zlib.Z_FINISH if last else zlib.Z_FULL_FLUSH)
        return packed

    def unpacker(self) -> Unpacker:
        """Read deflate piece by piece."""
        unpacker: Unpacker = self._library.decompressobj(RAW)
        return unpacker

    def crc32(self, data: bytes | memoryview, value: int = 0) -> int:
        """The checksum that zip wants."""
        checksum: int = self._library.crc32(data, value)
        return checksum


def chosen(environ: Mapping[str, str]) -> Deflate:
    """The fastest that is there; `DHASH_GUARD_DEFLATE=stdlib` asks for the standard library."""
    if environ.get("DHASH_GUARD_DEFLATE") != "stdlib":
        try:
            from isal import isal_zlib
        except ImportError:
            pass
        else:
            return Deflate("isal", isal_zlib)
    return STANDARD


STANDARD = Deflate("zlib", zlib)
