"""Reports as the scanners write them, cut down to what matters."""

from __future__ import annotations

from typing import Any

NPM7: dict[str, Any] = {
    "auditReportVersion": 2,
    "vulnerabilities": {
        "minimist": {
            "name": "minimist",
            "severity": "critical",
            "isDirect": False,
            "via": [
                {
                    "source": 1097678,
                    "name": "minimist",
                    "dependency": "minimist",
                    "title": "Prototype Pollution in minimist",
                    "url": "https://github.com/advisories/GHSA-xvch-5gv4-984h",
                    "severity": "critical",
                    "cwe": ["CWE-1321"],
                    "cvss": {"score": 9.8, "vectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},
                    "range": "<0.2.4",
                }
            ],
            "effects": ["mkdirp"],
            "range": "<0.2.4",
            "nodes": ["node_modules/minimist"],
            "fixAvailable": {"name": "mkdirp", "version": "1.0.4", "isSemVerMajor": True},
        },
        "mkdirp": {
            "name": "mkdirp",
            "severity": "critical",
            "isDirect": True,
            "via": ["minimist"],
            "effects": [],
            "range": "0.4.1 - 0.5.1",
            "nodes": ["node_modules/mkdirp"],
            "fixAvailable": True,
        },
    },
    "metadata": {
        "vulnerabilities": {"info": 0, "low": 0, "moderate": 0, "high": 0, "critical": 2, "total": 2},
        "dependencies": {"prod": 2, "total": 2},
    },
}
NPM7_CLEAN: dict[str, Any] = {
    "auditReportVersion": 2,
    "vulnerabilities": {},
    "metadata": {"vulnerabilities": {"info": 0, "low": 0, "moderate": 0, "high": 0, "critical": 0, "total": 0}},
}
NPM6: dict[str, Any] = {
    "actions": [],
    "advisories": {
        "118": {
            "id": 118,
            "module_name": "minimatch",
            "severity": "moderate",
            "title": "Regular Expression Denial of Service",
            "url": "https://npmjs.com/advisories/118",
            "findings": [{"version": "3.0.0", "paths": ["gulp>minimatch"]}],
            "cves": ["CVE-2016-10540"],
            "patched_versions": ">=3.0.2",
        }
    },
    "muted": [],
    "metadata": {"vulnerabilities": {"info": 0, "low": 0, "moderate": 3, "high": 0, "critical": 0}, "totalDependencies": 9},
}
PIP: dict[str, Any] = {
    "dependencies": [
        {"name": "click", "version": "8.1.7", "vulns": []},
        {
            "name": "flask",
            "version": "0.5",
            "vulns": [
                {
                    "id": "PYSEC-2019-179",
                    "fix_versions": ["1.0"],
                    "aliases": ["CVE-2019-1010083", "GHSA-5wv5-4vpf-pj6m"],
                    "description": "Denial of service\nmore",
                }
            ],
        },
        {"name": "ours", "skip_reason": "Dependency not found"},
    ],
    "fixes": [],
}
OSV: dict[str, Any] = {
    "results": [
        {
            "source": {"path": "/src/package-lock.json", "type": "lockfile"},
            "packages": [
                {
                    "package": {"name": "lodash", "version": "4.17.4", "ecosystem": "npm"},
                    "vulnerabilities": [
                        {
                            "id": "GHSA-jf85-cpcp-j695",
                            "aliases": ["CVE-2019-10744"],
                            "summary": "Prototype Pollution in lodash",
                            "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:H"}],
                            "affected": [
                                {"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "4.17.12"}]}]}
                            ],
                        }
                    ],
                    "groups": [{"ids": ["GHSA-jf85-cpcp-j695"], "aliases": ["CVE-2019-10744"], "max_severity": "9.1"}],
                },
                {
                    "package": {"name": "left", "version": "1", "ecosystem": "npm"},
                    "vulnerabilities": [{"id": "OSV-1"}, {"id": "OSV-2", "database_specific": {"severity": "MODERATE"}}],
                    "groups": [{"ids": ["OSV-1"], "max_severity": ""}, {"ids": ["OSV-2"], "max_severity": ""}],
                },
            ],
        }
    ]
}
SARIF: dict[str, Any] = {
    "version": "2.1.0",
    "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
    "runs": [
        {
            "tool": {
                "driver": {
                    "name": "scanner",
                    "rules": [
                        {"id": "CVE-1", "shortDescription": {"text": "one"}, "properties": {"security-severity": "8.1"}},
                        {"id": "CVE-2", "defaultConfiguration": {"level": "error"}},
                    ],
                }
            },
            "invocations": [{"executionSuccessful": True}],
            "results": [
                {
                    "ruleId": "CVE-1",
                    "ruleIndex": 0,
                    "level": "warning",
                    "message": {"text": "found one"},
                    "locations": [
                        {"physicalLocation": {"artifactLocation": {"uri": "src/a.py"}, "region": {"startLine": 7}}}
                    ],
                },
                {"ruleId": "CVE-2", "level": "error", "message": {"text": "found two"}},
                {"ruleId": "CVE-1", "kind": "pass", "message": {"text": "fine"}},
                {"ruleId": "CVE-1", "message": {"text": "borne"}, "suppressions": [{"kind": "inSource"}]},
            ],
        }
    ],
}
