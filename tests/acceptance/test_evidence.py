"""Evidence that recomputes: the same samples lead to the same verdict, and any changed byte is found and named."""

from __future__ import annotations

import json
import random
from pathlib import Path

from dhash_guard.errors import CannotTell, Damaged
from dhash_guard.ledger.verify import verify
from dhash_guard.records.layout import Layout
from support.project import Project


def layout(project: Project) -> Layout:
    root = project.root
    return Layout(root=root, service="dhash", backups=root / "backups", logs=root / "monitor_logs", artifacts=root / "x")


def test_the_verdict_is_recomputed_and_every_changed_byte_found(project: Project) -> None:
    project.deployed()
    project.service.say("/metrics", {"p95": 9000, "rate": 0.01})
    assert project.guard("monitor", "--no-rollback").code == 1
    done = project.guard("evidence", "verify")
    assert done.code == 0, done.err
    assert "lead again to: degraded" in done.out
    folder = project.run_folder()
    ledger = project.root / ".dhash-guard" / "ledger.jsonl"
    chosen = random.Random(7)
    for path in (folder / "evidence.json", folder / "samples.jsonl", ledger):
        intact = path.read_bytes()
        for position in {0, len(intact) - 1, *(chosen.randrange(len(intact)) for _ in range(150))}:
            changed = bytearray(intact)
            changed[position] ^= 1 << chosen.randrange(8)
            path.write_bytes(changed)
            assert found(project, folder) in (4, 3), f"{path.name} byte {position}"
        path.write_bytes(intact)
    assert found(project, folder) == 0


def found(project: Project, folder: Path) -> int:
    """What `evidence verify` would exit with; in process, because it is asked hundreds of times."""
    try:
        verify(layout(project), folder / "evidence.json")
    except (Damaged, CannotTell) as problem:
        return problem.exit_code
    return 0


def test_the_first_thing_that_differs_is_named(project: Project) -> None:
    project.deployed()
    assert project.guard("monitor").code == 0
    folder = project.run_folder()
    samples = folder / "samples.jsonl"
    lines = samples.read_bytes().splitlines(keepends=True)
    samples.write_bytes(b"".join([lines[0], lines[1].replace(b'"p95":0.1', b'"p95":0.2'), *lines[2:]]))
    done = project.guard("evidence", "verify")
    assert (done.code, "samples.jsonl:2 was changed" in done.err) == (4, True), done.err
    samples.write_bytes(b"".join(lines))
    evidence = folder / "evidence.json"
    evidence.write_bytes(evidence.read_bytes().replace(b'"status":"healthy"', b'"status":"degraded"'))
    done = project.guard("evidence", "verify")
    assert (done.code, "section 'verdict'" in done.err) == (4, True), done.err


def test_a_forged_verdict_does_not_follow_from_its_samples(project: Project) -> None:
    """Somebody who rewrites evidence and ledger alike is still caught by the arithmetic."""
    project.service.say("/metrics", {"p95": 9000, "rate": 0.01})
    assert project.guard("monitor", "--no-rollback").code == 1
    folder = project.run_folder()
    path = folder / "evidence.json"
    data = json.loads(path.read_bytes())
    data["verdict"] |= {"status": "healthy", "decision": "proceed"}
    from dhash_guard.records.canonical import canonical, digest, sha256_hex

    content = canonical(data)
    path.write_bytes(content)
    ledger = project.root / ".dhash-guard" / "ledger.jsonl"
    *before, last = [json.loads(line) for line in ledger.read_bytes().splitlines()]
    last |= {"evidence": sha256_hex(content), "sections": {name: digest(section) for name, section in data.items()}}
    last["hash"] = digest({name: value for name, value in last.items() if name != "hash"})
    ledger.write_bytes(b"".join(canonical(entry) + b"\n" for entry in [*before, last]))
    done = project.guard("evidence", "verify")
    assert done.code == 4
    assert "the samples lead to another verdict" in done.err


def test_unsealed_evidence_proves_nothing(project: Project) -> None:
    assert project.guard("evidence", "verify").code == 3
    assert project.guard("health").code == 0
    (project.root / ".dhash-guard" / "ledger.jsonl").unlink()
    assert project.guard("evidence", "verify", str(project.run_folder())).code == 3


def test_every_report_comes_again_from_the_evidence_alone(project: Project) -> None:
    project.deployed()
    assert project.guard("monitor").code == 0
    path = str(project.run_folder() / "evidence.json")
    for form, start in (("html", "<!doctype html>"), ("comment", "<!-- dhash-guard:"), ("summary", ""), ("text", "")):
        done = project.guard("report", "--evidence", path, "--format", form)
        assert done.code == 0, done.err
        assert done.out.lower().startswith(start)
        assert len(done.out) > 100
    assert (project.run_folder() / "report.html").read_text() == project.guard(
        "report", "--evidence", path
    ).out.removesuffix("\n")
    told = project.guard("report", "--evidence", path, "--format", "text", "--json").json
    assert (told["format"], told["report"] + "\n") == ("text", done.out)


def test_secrets_reach_no_file(project: Project) -> None:
    secret = "s3cr3t-t0k3n-value"
    project.environment["deploy"]["run"] = ["sh", "-c", 'echo "$API_TOKEN"; echo "$API_TOKEN" >&2; exit 1']
    project.write()
    done = project.guard("deploy", "--tag", "x", "--force", "--no-rollback", env={"API_TOKEN": secret})
    assert done.code == 1
    written = {path.name: path.read_bytes() for path in project.root.rglob("*") if path.is_file()}
    assert [name for name, content in written.items() if secret.encode() in content] == []
    assert secret not in done.out + done.err
    assert any(b"***" in content for content in written.values())
