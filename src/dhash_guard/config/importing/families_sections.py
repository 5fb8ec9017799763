"""What the values mean in families that speak in sections or triggers, often for one environment or for all alike."""

from __future__ import annotations

from dhash_guard.config.importing import reasons as why
from dhash_guard.config.importing.families import Family, Gates, Left, Setting, Words, flat, has, listed, single
from dhash_guard.config.importing.families_environments import WATCH, below

_PERFORMANCE = "quality_gates.environments.{env}"
_TRIGGERS = "auto_rollback_triggers"
_SECTIONS = ("health_checks", "error_rates", "performance_metrics", "queue_metrics", "system_resources")

PERFORMANCE = Family(
    number=1,
    shape="quality_gates.environments.<env>.performance",
    fits=has("quality_gates.environments"),
    environments=listed("quality_gates.environments"),
    rules=(
        (f"{_PERFORMANCE}.performance.*", Words()),
        (f"{_PERFORMANCE}.audio.**", why.CI),
        (f"{_PERFORMANCE}.video.**", why.CI),
        ("quality_gates.monitoring.check_interval_seconds", Setting("monitor.interval", "s")),
        ("quality_gates.monitoring.failure_threshold", Words()),
        ("quality_gates.monitoring.recovery_threshold", why.RECOVERY),
        ("quality_gates.monitoring.alert_cooldown_seconds", why.NOTIFY),
        ("quality_gates.deployment.monitoring_duration_seconds", Setting("monitor.duration", "s")),
        ("quality_gates.deployment.backup_retention_days", why.RETENTION),
        ("quality_gates.deployment.rollback_timeout_minutes", why.ROLLBACK_TIME),
        ("quality_gates.deployment.smoke_test_timeout_seconds", Left("each smoke check has its own timeout (smoke)")),
        ("quality_gates.validation.**", why.APPROVALS),
        ("quality_gates.version|last_updated", why.MARK),
        ("scripts.**", why.SCRIPTS),
        *why.COMMON,
    ),
)
SINGLE = Family(
    number=2,
    shape=f"environment, quality_gates.{{{', '.join(_SECTIONS)}}}",
    fits=has(*(f"quality_gates.{section}" for section in _SECTIONS)),
    environments=single,
    rules=(
        ("quality_gates.health_checks.expected_status", Setting("health", "status")),
        ("quality_gates.health_checks.timeout_seconds", Setting("health.timeout", "s")),
        ("quality_gates.health_checks.endpoint|path", Setting("health.path", "text")),
        ("quality_gates.health_checks.**", Gates("health")),
        *((f"quality_gates.{section}.{{gate}}.**", Gates()) for section in _SECTIONS[1:]),
        *below("monitoring", WATCH),
        ("environment", Left("names the environment")),
        ("backup.**", why.RETENTION),
        ("deployment.**", why.SCRIPTS),
        *why.COMMON,
    ),
)
FLAT = Family(
    number=3,
    shape="environment, with sections performance, infrastructure, monitoring",
    fits=has(*(f"{one}.{key}" for one, key in (
        ("performance", "response_time_p95_ms"), ("performance", "error_rate_threshold"),
        ("performance", "availability_threshold"), ("infrastructure", "cpu_usage_threshold"),
        ("infrastructure", "memory_usage_threshold"), ("infrastructure", "disk_usage_threshold"),
    ))),
    environments=single,
    rates="fraction",
    rules=(
        ("performance|infrastructure|monitoring|quality|deployment.description", why.PROSE),
        ("golden_tests|backup_retention|compliance.description", why.PROSE),
        ("performance.*", Words()),
        ("infrastructure.*", Words()),
        ("quality.**", why.CI),
        ("golden_tests.**", why.CI),
        ("monitoring.health_check_interval_seconds", Setting("monitor.interval", "s")),
        ("monitoring.monitoring_duration_minutes", Setting("monitor.duration", "m")),
        ("monitoring.alert_cooldown_minutes", why.NOTIFY),
        ("monitoring.critical_alert_threshold|warning_alert_threshold", why.COUNTED),
        ("deployment.required_approvals|required_ops_approval|required_ci_checks", why.APPROVALS),
        ("deployment.max_deployment_time_minutes", Left("the time of a deployment is deploy.timeout")),
        ("deployment.rollback_threshold_minutes", Left("does not say what is measured for so long")),
        ("backup_retention.backup_verification_required", why.VERIFIED),
        ("backup_retention.**", why.RETENTION),
        ("compliance.**", why.COMPLIANCE),
        ("environment", Left("names the environment")),
        *why.COMMON,
    ),
)  # fmt: skip
CHECKS = Family(
    number=4,
    shape="environments.<env>.checks",
    fits=has("environments.*.checks"),
    environments=listed("environments"),
    refusal="holds only checks of CI (coverage, audits, artifacts): nothing in it can be watched; "
    "CI itself must ask for them, and approvals and evidence are asked for under requires",
)
TRIGGERS = Family(
    number=5,
    shape="auto_rollback_triggers, the same for every environment",
    fits=has(_TRIGGERS),
    environments=listed("environments"),
    usual="rollback",
    rules=(
        (f"{_TRIGGERS}.{{gate}}.**", Gates(base=True)),
        ("monitoring_window_minutes", Setting("monitor.duration", "m")),
        ("poll_intervals.initial_poll_seconds", Setting("monitor.interval", "s")),
        ("poll_intervals.normal_poll_seconds", Setting("monitor.then.interval", "s")),
        ("poll_intervals.initial_high_frequency_minutes", Setting("monitor.then.after", "m")),
        ("health_check_config.endpoint", Setting("health.path", "text")),
        ("health_check_config.expected_status", Setting("health", "status")),
        ("health_check_config.timeout_seconds", Setting("health.timeout", "s")),
        ("health_check_config.required_consecutive_ok_for_stability", Setting("rollback.consecutive", "count")),
        ("metrics_endpoints.extraction_failures", Setting("signals.extraction_failure_rate", "text")),
        ("metrics_endpoints.hash_performance", Setting("signals.p95_hash_time", "text")),
        ("metrics_endpoints.queue_status", Setting("signals.low_confidence_queue", "text")),
        ("notification_config.**", why.NOTIFY),
        ("environments.{env}.base_url", Setting("base_url", "text")),
        ("environments.{env}.backup_retention_days", why.RETENTION),
        ("environments.{env}.monitoring_enabled", why.STARTED),
        *why.COMMON,
    ),
)
TOP = Family(
    number=11,
    shape="<env>.{healthFailures, extractionFailureRate, extractionFailureWindow, …} at the top",
    fits=lambda node: bool(flat(node)),
    environments=flat,
    rules=(
        ("thresholds_description.**", why.PROSE),
        ("{env}.description|name", why.PROSE),
        ("{env}.auto_rollback", Setting("rollback.automatic", "boolean")),
        ("{env}.monitoring.duration", Setting("monitor.duration", "m")),
        ("{env}.monitoring.initial_interval|poll_interval|interval", Setting("monitor.interval", "s")),
        ("{env}.monitoring.normal_interval|regular_interval", Setting("monitor.then.interval", "s")),
        ("{env}.monitoring.initial_duration|initial_period|transition_after", Setting("monitor.then.after", "m")),
        *below("{env}.monitoring", WATCH),
        ("{env}.resource_usage.*", Words()),
        ("{env}.*", Words()),
        *why.COMMON,
    ),
)
