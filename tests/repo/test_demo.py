"""`make demo` in earnest: good release, bad release, rollback, identical tree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.xdist_group("waiting")  # for watches, most of a minute: not beside another that waits
def test_the_demo_ends_as_it_says() -> None:
    pytest.importorskip("PIL", reason="the demo needs Pillow: pip install 'dhash-guard[demo]'")
    done = subprocess.run(
        [sys.executable, "examples/demo.py"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "(exit code 5)" in done.stdout
    assert "all 242 files agree with the backup" in done.stdout
    assert "60 ms over 5s, n=" in done.stdout
    report = ROOT / done.stdout.split("The HTML report: ")[1].splitlines()[0]
    assert "<svg" in report.read_text("utf-8")
