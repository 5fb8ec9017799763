"""The checksum file: one form written, many read, and the name inside never used."""

from __future__ import annotations

from pathlib import Path

import pytest

from dhash_guard.backup import sidecar
from dhash_guard.errors import CannotTell, Damaged

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text",
    [
        f"{HEX}  backups/dhash_production_20260921_141320.zip\n",
        f"{HEX}  dhash.zip",
        f"{HEX} *dhash.zip\n",
        f"{HEX}  /srv/project/backups/dhash.zip\n",
        f"{HEX}  ../../../etc/passwd\n",
        f"{HEX.upper()}  dhash.zip\r\n",
        f"\ufeff{HEX}  dhash.zip\n",
        f"\\{HEX}  a\\nb.zip\n",
        f"{HEX}\n",
        f"\n\n{HEX}  dhash.zip\n\n",
        f"SHA256 (dhash.zip) = {HEX}\n",
        f"SHA2-256(dhash.zip)= {HEX}\n",
        f'{{"sha256": "{HEX}"}}',
        f'{{"name": "x", "sha256": "{HEX.upper()}"}}\n',
    ],
)
def test_forms_that_are_read(tmp_path: Path, text: str) -> None:
    archive = tmp_path / "a.zip"
    sidecar.path_of(archive).write_bytes(text.encode())
    assert sidecar.read(archive) == HEX


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "no hash here",
        HEX[:-1],
        f"{HEX}0",
        f"{HEX}dhash.zip",
        f"{HEX}  a.zip\n{HEX}  b.zip\n",
        f"MD5 (dhash.zip) = {HEX}",
        "{}",
        '{"sha256": 7}',
        f'{{"sha256": "{HEX[1:]}"}}',
        f'{{"sha256": "{HEX}"',
        f'["{HEX}"]',
        "\udcff" + HEX,
    ],
)
def test_anything_else_is_damaged(tmp_path: Path, text: str) -> None:
    archive = tmp_path / "a.zip"
    sidecar.path_of(archive).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(Damaged, match="no single hash"):
        sidecar.read(archive)


def test_absent_and_absurd(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with pytest.raises(CannotTell, match="never sealed"):
        sidecar.read(archive)
    sidecar.path_of(archive).write_bytes(b" " * 100_000)
    with pytest.raises(Damaged, match="too large"):
        sidecar.read(archive)
    sidecar.path_of(archive).unlink()
    sidecar.path_of(archive).mkdir()
    with pytest.raises(CannotTell, match="cannot be read"):
        sidecar.read(archive)


def test_the_form_that_is_written() -> None:
    assert sidecar.line(HEX.upper(), "backups/a.zip") == f"{HEX}  backups/a.zip\n".encode()
