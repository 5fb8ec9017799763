"""Makes build/action: what a release tag holds, our code and the locked libraries in pure Python, ready to start offline."""

# ruff: noqa: T201, TID251  # a program of its own: it runs pip and says what it made

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements" / "action.txt"

OURS = ("action.yml", "action", "src/dhash_guard", "templates", "requirements", "LICENSE", "README.md", "CHANGELOG.md")
"""What the tag holds of this repository; reusable workflows come on top, because callers name them by the tag."""

_NATIVE = (".so", ".pyd", ".dll", ".dylib", ".a")
_LICENCE = re.compile(r"(?:LICEN[CS]E|COPYING|NOTICE|AUTHORS)", re.IGNORECASE)
_LEFT_OUT = ("__pycache__", ".mypy_cache", ".ruff_cache", ".DS_Store")

# One platform's wheels, whichever machine assembles: their Python files are the same everywhere, their natives go.
_WHEELS = (
    "--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--abi", "abi3", "--abi", "none",
    "--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_28_x86_64", "--platform", "any",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Assemble, compile, print size and digest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "action")
    parser.add_argument("--wheels", type=Path, default=ROOT / "build" / "wheels", help="where downloads are kept")
    parser.add_argument(
        "--python", action="append", default=[], metavar="PROGRAM", help="compile for this interpreter too; may be repeated"
    )
    chosen = parser.parse_args(arguments)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".action-", dir=chosen.out.parent))
    try:
        fill(fresh, download(chosen.wheels))
        for interpreter in [sys.executable, *chosen.python]:
            compile_all(fresh, interpreter)
        fresh.chmod(0o755)
        replace(fresh, chosen.out)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    whole, code = size(chosen.out, bytecode=True), size(chosen.out, bytecode=False)
    print(f"{chosen.out.name}: {whole / 1e6:.1f} MB, {code / 1e6:.1f} MB without bytecode, sha256 {digest(chosen.out)}")


def fill(tree: Path, wheels: Sequence[Path]) -> None:
    """Everything but the bytecode."""
    for name in OURS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns(*_LEFT_OUT), symlinks=False)
        elif source.exists():
            shutil.copyfile(source, tree / name)
    for workflow in reusable_workflows():
        target = tree / workflow.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(workflow, target)
    for wheel in wheels:
        unpack(wheel, tree)
    for path in sorted(tree.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.suffix == ".sh" else 0o644)


def reusable_workflows() -> list[Path]:
    """The workflows that others call; our own stay with main, where they run."""
    found = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    return [path for path in found if re.search(r"^  workflow_call:", path.read_text("utf-8"), re.MULTILINE)]


def locked() -> dict[str, frozenset[str]]:
    """`name==version` to the sha256 that the lock allows for it."""
    found: dict[str, frozenset[str]] = {}
    for block in re.split(r"\n(?=[A-Za-z0-9])", LOCK.read_text("utf-8")):
        head = re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", block)
        if head:
            found[f"{_plain(head[1])}=={head[2]}"] = frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})", block))
    return found


def download(folder: Path) -> list[Path]:
    """The wheels of the lock, each with a hash that the lock allows; asked for only where they are not there yet."""
    kept = folder / hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
    if not _complete(kept):
        kept.mkdir(parents=True, exist_ok=True)
        # fmt: off
        command = [
            sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--quiet", "--no-deps",
            "--only-binary", ":all:", *_WHEELS, "--require-hashes", "--requirement", str(LOCK), "--dest", str(kept),
        ]
        # fmt: on
        subprocess.run(command, check=True)
    if not _complete(kept):
        raise SystemExit(f"{kept.name}: the wheels are not those of the lock; remove the folder and try again")
    return sorted(kept.glob("*.whl"))


def _complete(folder: Path) -> bool:
    wheels = {_of_wheel(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.whl")}
    wanted = locked()
    return wheels.keys() == wanted.keys() and all(digest in wanted[name] for name, digest in wheels.items())


def _of_wheel(path: Path) -> str:
    name, version = path.name.split("-")[:2]
    return f"{_plain(name)}=={version}"


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def unpack(wheel: Path, tree: Path) -> None:
    """The Python files of a wheel into lib/, its licences into LICENSES/; nothing native, nothing outside."""
    name = "-".join(wheel.name.split("-")[:2])
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            target = _target(PurePosixPath(member.filename), name)
            if target is None or member.is_dir():
                continue
            path = tree / target
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(member))
    if not (tree / "LICENSES" / name).is_dir():
        raise SystemExit(f"{wheel.name} carries no licence")


def _target(member: PurePosixPath, name: str) -> PurePosixPath | None:
    """Where a member of a wheel goes, or None where it stays behind."""
    if member.is_absolute() or ".." in member.parts:
        raise SystemExit(f"{name}: {member} leads outside")
    top = member.parts[0]
    if top.endswith(".data"):
        raise SystemExit(f"{name}: {member} would be installed outside the libraries; this tool does not know how")
    if top.endswith(".dist-info"):
        licence = _LICENCE.search(member.name) is not None or "licenses" in member.parts
        return PurePosixPath("LICENSES", name, *member.parts[1:]) if licence or member.name == "METADATA" else None
    if member.suffix in (*_NATIVE, ".pyi", ".pyx", ".pxd", ".c", ".h"):
        return None
    return PurePosixPath("lib") / member


def compile_all(tree: Path, interpreter: str) -> None:
    """Bytecode that stays valid wherever the tree is copied, and that names no folder of this machine."""
    command = [interpreter, "-I", "-S", "-m", "compileall", "-q", "-s", str(tree), "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*command, *(str(tree / part) for part in ("action", "src", "lib"))], check=True)


def replace(fresh: Path, out: Path) -> None:
    """Put the tree into its place as a whole."""
    if out.exists():
        old = Path(tempfile.mkdtemp(prefix=".old-", dir=out.parent))
        out.rename(old / out.name)
        shutil.rmtree(old)
    fresh.rename(out)


def files(tree: Path, *, bytecode: bool) -> Iterator[Path]:
    """Every file, in a fixed order."""
    return (path for path in sorted(tree.rglob("*")) if path.is_file() and (bytecode or "__pycache__" not in path.parts))


def size(tree: Path, *, bytecode: bool) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in files(tree, bytecode=bytecode))


def digest(tree: Path) -> str:
    """One hash over names and contents of everything but bytecode: the same input gives the same tree."""
    whole = hashlib.sha256()
    for path in files(tree, bytecode=False):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{content}  {path.relative_to(tree).as_posix()}\n".encode())
    return whole.hexdigest()


if __name__ == "__main__":
    main()
