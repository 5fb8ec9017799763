"""A checkout without libraries installs the locked ones once; what is broken, altered or half done is never used."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ACTION = Path(__file__).parents[3] / "action"


class Checkout:
    """A checkout with a lock of one small library, an index on disk, and a tool cache."""

    def __init__(self, root: Path) -> None:
        self.root = root / "checkout"
        self.cache = root / "tools"
        self.index = root / "index"
        self.workspace = root / "workspace"
        self.output = root / "output"
        shutil.copytree(ACTION, self.root / "action", ignore=shutil.ignore_patterns("__pycache__"))
        for folder in (self.index / "small", self.workspace, self.root / "requirements"):
            folder.mkdir(parents=True)
        program = self.root / "src" / "dhash_guard" / "cli"
        program.mkdir(parents=True)
        (program.parent / "__init__.py").write_text("")
        (program / "__init__.py").write_text("import small\ndef main():\n    print(small.__file__, small.__cached__)\n")
        wheel = self.wheel()
        self.lock = self.root / "requirements" / "action.txt"
        self.lock.write_text(f"small==1.0 \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")

    def wheel(self, more: str = "") -> Path:
        """Put the library into the index."""
        path = self.index / "small" / "small-1.0-py3-none-any.whl"
        info = "small-1.0.dist-info"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("small/__init__.py", f"ANSWER = 42\n{more}")
            archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: small\nVersion: 1.0\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", f"small/__init__.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
        (path.parent / "index.html").write_text(f'<a href="{path.name}">{path.name}</a>')
        return path

    def start(self, **environ: str) -> subprocess.CompletedProcess[str]:
        known = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.workspace),
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_OUTPUT": str(self.output),
            "RUNNER_TOOL_CACHE": str(self.cache),
            "PIP_INDEX_URL": self.index.as_uri(),
        }
        return subprocess.run(
            [sys.executable, "-I", "-S", "-X", "utf8", str(self.root / "action" / "run.py"), "--version"],
            env=known | environ, cwd=self.workspace, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def started(self, **environ: str) -> str:
        done = self.start(**environ)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()[-1]

    @property
    def trees(self) -> list[Path]:
        return [path for path in self.cache.glob("dhash-guard/*/*") if path.is_dir()]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_installed_once_and_found_again(checkout: Checkout) -> None:
    first = checkout.started()
    shutil.rmtree(checkout.index)
    assert checkout.started() == first
    (tree,) = checkout.trees
    assert first.startswith(str(tree / "small" / "__init__.py"))


def test_the_bytecode_stays_valid(checkout: Checkout) -> None:
    module, cached = map(Path, checkout.started().split())
    assert cached.read_bytes()[4:8] == b"\x01\x00\x00\x00", "unchecked hash"
    os.utime(module, (1, 1))
    before = cached.stat().st_mtime_ns
    checkout.started()
    assert cached.stat().st_mtime_ns == before


@pytest.mark.parametrize("harm", ["lost", "longer", "unsealed", "no seal"])
def test_a_broken_cache_is_installed_again(checkout: Checkout, harm: str) -> None:
    checkout.started()
    (tree,) = checkout.trees
    module, seal = tree / "small" / "__init__.py", tree / "dhash-guard.json"
    if harm == "lost":
        module.unlink()
    elif harm == "longer":
        module.write_text("raise SystemExit('broken')\n")
    elif harm == "unsealed":
        seal.write_text("{")
    else:
        seal.unlink()
    checkout.started()
    assert module.read_text() == "ANSWER = 42\n"
    assert checkout.trees == [tree]


def test_an_altered_wheel_is_refused_and_leaves_nothing(checkout: Checkout) -> None:
    checkout.wheel("import os; os.mkdir('canary')\n")
    done = checkout.start()
    assert done.returncode == 7
    assert "::error title=dhash-guard could not start::" in done.stdout
    assert checkout.output.read_text() == "decision=hold\nreason-code=not-installed\nexit-code=7\n"
    assert checkout.trees == []
    assert list(checkout.cache.rglob("*.py")) == []


def test_the_lock_decides_which_tree(checkout: Checkout) -> None:
    checkout.started()
    checkout.lock.write_text(checkout.lock.read_text() + "# another\n")
    checkout.started()
    assert len(checkout.trees) == 2


def test_nothing_of_pips_settings_but_the_address_counts(checkout: Checkout, tmp_path: Path) -> None:
    pip = checkout.workspace / ".config" / "pip"
    pip.mkdir(parents=True)
    (pip / "pip.conf").write_text(f"[install]\ntarget = {tmp_path}/elsewhere\n")
    settings = {"PIP_TARGET": str(tmp_path / "elsewhere"), "PIP_CONFIG_FILE": str(pip / "pip.conf"), "PIP_NO_INDEX": "1"}
    checkout.started(**settings)
    assert not (tmp_path / "elsewhere").exists()
    assert len(checkout.trees) == 1


@pytest.mark.parametrize("place", ["", "relative", "in the workspace"])
def test_no_cache_that_anybody_could_have_filled(checkout: Checkout, place: str) -> None:
    folder = str(checkout.workspace / "tools") if place == "in the workspace" else place
    done = checkout.start(RUNNER_TOOL_CACHE=folder)
    assert done.returncode == 2
    assert "RUNNER_TOOL_CACHE" in done.stdout


def test_the_seal_counts_every_file(checkout: Checkout) -> None:
    checkout.started()
    (tree,) = checkout.trees
    files = [path for path in tree.rglob("*") if path.is_file() and path.name != "dhash-guard.json"]
    assert json.loads((tree / "dhash-guard.json").read_text()) == [len(files), sum(path.stat().st_size for path in files)]
