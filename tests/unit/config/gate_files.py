"""Gates files in the shapes that other monitors use, one for each family, with numbers of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Data = dict[str, Any]


def _gate(limit: Data, *actions: str, enabled: bool = True) -> Data:
    return {"enabled": enabled, "description": "what it is", "threshold": limit, "actions": list(actions)}


PERFORMANCE: Data = {
    "quality_gates": {
        "version": "2.0.0",
        "environments": {
            "live": {
                "audio": {"lufs_tolerance": 1.5, "units": "dB"},
                "video": {"ssim_threshold": 0.99},
                "performance": {
                    "response_time_max_ms": 250,
                    "error_rate_max_percent": 0.2,
                    "cpu_usage_max_percent": 75,
                    "memory_usage_max_percent": 85,
                },
            }
        },
        "monitoring": {"check_interval_seconds": 20, "failure_threshold": 4, "recovery_threshold": 2},
        "deployment": {"monitoring_duration_seconds": 1800, "backup_retention_days": 9},
        "validation": {"required_platforms": ["ubuntu-latest"], "required_approvers_min": 2},
    },
    "scripts": {"monitoring": "scripts/watch.sh"},
    "notifications": {"channels": {"slack": {"general": "#a"}}},
}
SINGLE: Data = {
    "environment": "production",
    "quality_gates": {
        "health_checks": {
            "max_consecutive_failures": 2,
            "expected_status": "OK",
            "timeout_seconds": 7,
            "description": "health",
        },
        "error_rates": {"extraction_failures_rate": {"threshold": 10, "unit": "percent"}},
        "performance_metrics": {"p95_hash_time": {"threshold": 30.0, "unit": "seconds", "check_count": 3}},
        "queue_metrics": {"low_confidence_queue_length": {"threshold": 100}},
        "system_resources": {"cpu_usage": {"threshold": 85, "unit": "percent", "sustained": "300s"}},
    },
    "monitoring": {"duration_minutes": 45, "interval_seconds": 15},
    "backup": {"retention_days": 30},
    "deployment": {"script": "deploy.sh"},
}
FLAT: Data = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "environment": "production",
    "deployment": {"required_approvals": 2, "max_deployment_time_minutes": 20},
    "performance": {
        "description": "limits",
        "response_time_p95_ms": 1500,
        "response_time_p99_ms": 4000,
        "error_rate_threshold": 0.04,
        "availability_threshold": 0.99,
    },
    "infrastructure": {"cpu_usage_threshold": 0.7, "memory_usage_threshold": 0.8, "disk_usage_threshold": 0.9},
    "quality": {"test_coverage_minimum": 0.8, "security_scan_pass": True},
    "monitoring": {
        "health_check_interval_seconds": 30,
        "monitoring_duration_minutes": 90,
        "critical_alert_threshold": 3,
    },
    "golden_tests": {"ssim_threshold": 0.99},
    "backup_retention": {"backup_retention_days": 14, "backup_verification_required": True},
    "placeholders": {"RELEASE_TAG": "the tag"},
}
CHECKS: Data = {
    "environments": {"staging": {"checks": {"tests": {"enabled": True, "coverage": 70}}}},
    "placeholders": {"TAG": "v1"},
    "branch_protection": {"main": {"required_reviews": 2}},
}
TRIGGERS: Data = {
    "monitoring_window_minutes": 40,
    "poll_intervals": {"initial_high_frequency_minutes": 4, "initial_poll_seconds": 20, "normal_poll_seconds": 60},
    "auto_rollback_triggers": {
        "health_check_failures": {"enabled": True, "threshold": 3, "description": "more than three"},
        "extraction_failures_rate": {"enabled": True, "threshold_percent": 6.0, "window_minutes": 12},
        "p95_hash_time": {"enabled": False, "threshold_ms": 1800, "window_minutes": 15},
        "low_confidence_queue_length": {"enabled": True, "threshold": 900},
    },
    "health_check_config": {
        "endpoint": "/healthz",
        "expected_status": 204,
        "timeout_seconds": 4,
        "required_consecutive_ok_for_stability": 5,
    },
    "metrics_endpoints": {"extraction_failures": "/m/extraction", "hash_performance": "/m/hash", "queue_status": "/m/queue"},
    "notification_config": {"email_enabled": False},
    "environments": {
        "production": {"base_url": "https://prod.example.com", "backup_retention_days": 30, "monitoring_enabled": True},
        "canary": {"base_url": "https://canary.example.com"},
    },
}
CAMEL: Data = {
    "environments": {
        "production": {
            "environment": "production",
            "duration": 50,
            "pollCadence": {"initial": 20, "normal": 100},
            "qualityGates": {
                "healthFailures": {"threshold": 2, "description": "in a row"},
                "extractionFailureRate": {"threshold": 4.0, "timeWindow": 9},
                "p95HashTime": {"threshold": 1900, "timeWindow": 14},
                "lowConfidenceQueue": {"threshold": 800},
            },
            "autoRollback": True,
            "notifications": {"channels": ["console"]},
        },
        "canary": {
            "duration": 15,
            "pollCadence": {"initial": 10, "normal": 30},
            "qualityGates": {"healthFailures": {"threshold": 1}},
            "autoRollback": False,
        },
    },
    "global": {"description": "all of them", "tuningNotes": ["adjust later"]},
    "customMetrics": {"enabled": False, "endpoints": [{"name": "x", "timeout": 5000}]},
}
NESTED: Data = {
    "title": "gates",
    "environments": {
        "production": {
            "monitoring": {
                "window_minutes": 70,
                "poll_intervals": {"initial_minutes": 6, "initial_interval_seconds": 25, "normal_interval_seconds": 100},
            },
            "quality_gates": {
                "health": _gate({"consecutive_failures": 2, "check_interval_seconds": 30}, "alert", "auto_rollback"),
                "extraction_failure_rate": _gate(
                    {"max_failure_percentage": 5.5, "evaluation_window_minutes": 11, "min_sample_size": 3},
                    "alert",
                    "auto_rollback",
                ),
                "p95_hash_time": _gate(
                    {"max_time_ms": 2100, "evaluation_window_minutes": 16, "min_sample_size": 50}, "auto_rollback"
                ),
                "low_confidence_queue": _gate({"max_queue_length": 1100}, "auto_rollback"),
                "memory_usage": _gate({"max_usage_percentage": 88.0}, "alert"),
                "error_rate": _gate({"max_error_percentage": 3.5, "evaluation_window_minutes": 6}, "alert"),
            },
            "auto_rollback": {"enabled": True, "confirmation_required": False, "rollback_timeout_minutes": 10},
        },
        "staging": {
            "monitoring": {"window_minutes": 30},
            "quality_gates": {
                "health": _gate({"consecutive_failures": 3}, "alert"),
                "p95_hash_time": _gate({"max_time_ms": 3000}, "alert", enabled=False),
                "memory_usage": _gate({"max_usage_percentage": 90.0}, "alert"),
            },
            "notifications": {"escalation": {"escalation_levels": [{"delay_minutes": 5, "channels": ["slack"]}]}},
            "auto_rollback": {"enabled": False},
        },
    },
    "default_environment": "production",
    "global_settings": {"health_check_endpoint": "/health", "metrics_endpoint": "/metrics", "timeout_seconds": 8},
}
BARE: Data = {
    "version": "1.0.0",
    "environments": {
        "staging": {
            "monitoring": {
                "duration_minutes": 55,
                "initial_poll_interval_ms": 15000,
                "regular_poll_interval_ms": 90000,
                "initial_period_minutes": 3,
            },
            "quality_gates": {
                "health_failures": {
                    "threshold": 3,
                    "window_minutes": 5,
                    "action": "auto-rollback",
                    "rationale": "be patient",
                },
                "extraction_failure_rate": {"threshold": 8.5, "window_minutes": 10, "action": "auto-rollback"},
                "p95_hash_time": {"threshold": 3100, "window_minutes": 15, "action": "auto-rollback"},
                "low_confidence_queue": {"threshold": 1600, "action": "auto-rollback"},
            },
        }
    },
    "rollback_settings": {
        "confirmation_required": {"staging": False},
        "post_rollback_monitoring_minutes": {"staging": 12},
    },
    "testing_overrides": {"dry_run_mode": {"quality_gates": {"all_thresholds_multiplier": 0.5}}},
    "tuning_guidelines": {"health_failures": {"considerations": ["one", "two"]}},
}
BASED: Data = {
    "quality_gates": {
        "health": {"consecutive_failures_threshold": 2, "action": "auto_rollback"},
        "extraction_failure_rate": {"threshold_percent": 5, "window_minutes": 10, "action": "auto_rollback"},
        "p95_hash_time": {"threshold_ms": 2000, "window_minutes": 15, "action": "auto_rollback"},
        "queue_length": {"threshold": 1000, "queue_name": "low-confidence", "action": "auto_rollback"},
    },
    "environments": {
        "production": {"description": "as above"},
        "staging": {
            "quality_gates": {
                "health": {"consecutive_failures_threshold": 3},
                "extraction_failure_rate": {"threshold_percent": 8},
                "queue_length": {"threshold": 1500},
            }
        },
    },
    "monitoring": {"duration_minutes": 60},
}
UNITS_NAMED: Data = {
    "environments": {
        "production": {
            "description": "strict",
            "monitoring_duration_minutes": 60,
            "adaptive_polling": {
                "initial_interval_seconds": 30,
                "regular_interval_seconds": 120,
                "transition_after_minutes": 10,
                "alert_interval_seconds": 60,
            },
            "quality_gates": {
                "health_failures": {"threshold": 2, "action": "auto_rollback", "severity": "critical"},
                "extraction_failure_rate": {
                    "threshold_percentage": 0.5,
                    "time_window_minutes": 10,
                    "action": "auto_rollback",
                },
                "low_confidence_queue_size": {"threshold": 1000, "action": "alert"},
                "disk_usage": {"threshold_percentage": 92.0, "action": "alert", "severity": "medium"},
            },
            "notification_channels": {"critical": ["slack"]},
        }
    },
    "metric_definitions": {"disk_usage": {"source": "system_metrics"}},
}
TOP: Data = {
    "production": {
        "healthFailures": 2,
        "extractionFailureRate": 5,
        "extractionFailureWindow": 10,
        "p95HashTime": 2000,
        "p95HashTimeWindow": 15,
        "queueLength": 1000,
        "resourceUsage": {"memory": 85, "cpu": 80},
        "monitoring": {"duration": 60, "initialInterval": 30, "regularInterval": 120, "initialPeriod": 5},
    },
    "staging": {"healthFailures": 1, "queueLength": 500},
    "thresholds_description": {"healthFailures": "in a row"},
}
FAMILIES: dict[int, Data] = {
    1: PERFORMANCE,
    2: SINGLE,
    3: FLAT,
    5: TRIGGERS,
    6: CAMEL,
    7: NESTED,
    8: BARE,
    9: BASED,
    10: UNITS_NAMED,
    11: TOP,
}
"""By number; the fourth (`CHECKS`) holds nothing that could be watched."""


def write(folder: Path, data: Data, name: str = "custom-gates.json") -> Path:
    """The data as a file of JSON, each value on a line of its own."""
    path = folder / name
    path.write_text(json.dumps(data, indent=2), encoding="utf-8")
    return path
