"""Unpacks the bytes of one entry block by block, and never more of them than somebody asks for."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

from dhash_guard.backup.archive.deflate import Deflate
from dhash_guard.backup.archive.zipformat import DEFLATED, STORED, Entry

BLOCK = 1 << 20


def unpacked(deflate: Deflate, entry: Entry, packed: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    """The plain bytes of an entry, at most a megabyte at a time; raise ValueError where they are broken."""
    if entry.method == STORED:
        yield from packed
        return
    if entry.method != DEFLATED:
        raise ValueError(f"it is packed by the unknown method {entry.method}")
    unpacker = deflate.unpacker()
    for block in packed:
        if unpacker.eof:
            raise ValueError("there are bytes behind its end")
        data = block
        while True:
            try:
                plain = unpacker.decompress(data, BLOCK)
            except deflate.error as problem:
                raise ValueError(str(problem)) from problem
            if plain:
                yield plain
            data = unpacker.unconsumed_tail
            if unpacker.eof or (not data and len(plain) < BLOCK):
                break
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("its bytes end at the wrong place")


class Blocks(io.RawIOBase):
    """Blocks of bytes as a file."""

    def __init__(self, blocks: Iterator[bytes | memoryview]) -> None:
        self._blocks = blocks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]  # what BufferedReader hands over
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = memoryview(block)
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
