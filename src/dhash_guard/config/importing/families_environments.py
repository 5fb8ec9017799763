"""What the values mean in families whose every environment has its own gates, each with a mapping of its own."""

from __future__ import annotations

from dhash_guard.config.importing import reasons as why
from dhash_guard.config.importing.families import Family, Gates, Rule, Setting, has, listed

_E = "environments.{env}"

WATCH: tuple[Rule, ...] = (
    ("window_minutes|duration_minutes", Setting("monitor.duration", "m")),
    ("duration_seconds", Setting("monitor.duration", "s")),
    ("initial_poll_interval_ms", Setting("monitor.interval", "ms")),
    ("regular_poll_interval_ms", Setting("monitor.then.interval", "ms")),
    ("initial_period_minutes", Setting("monitor.then.after", "m")),
    ("poll_intervals.initial_minutes", Setting("monitor.then.after", "m")),
    ("poll_intervals.initial_interval_seconds", Setting("monitor.interval", "s")),
    ("poll_intervals.normal_interval_seconds", Setting("monitor.then.interval", "s")),
    ("initial_interval_seconds|poll_interval_seconds|interval_seconds", Setting("monitor.interval", "s")),
    ("regular_interval_seconds|normal_interval_seconds", Setting("monitor.then.interval", "s")),
    ("transition_after_minutes|initial_minutes|initial_duration_minutes", Setting("monitor.then.after", "m")),
    ("alert_interval_seconds", why.PACE),
)
"""Durations and intervals below whatever a family calls its section of the watch."""


def below(prefix: str, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """The rules, under a prefix."""
    return tuple((f"{prefix}.{pattern}", meaning) for pattern, meaning in rules)


_ENVIRONMENT: tuple[Rule, ...] = (
    (f"{_E}.quality_gates.{{gate}}.**", Gates()),
    *below(f"{_E}.monitoring", WATCH),
    *below(f"{_E}.adaptive_polling", WATCH),
    (f"{_E}.monitoring_duration_minutes|duration|duration_minutes", Setting("monitor.duration", "m")),
    (f"{_E}.poll_cadence.initial", Setting("monitor.interval", "cadence")),
    (f"{_E}.poll_cadence.normal|regular", Setting("monitor.then.interval", "s")),
    (f"{_E}.poll_cadence.initial_duration|transition_after", Setting("monitor.then.after", "m")),
    (f"{_E}.auto_rollback", Setting("rollback.automatic", "boolean")),
    (f"{_E}.auto_rollback.enabled", Setting("rollback.automatic", "boolean")),
    (f"{_E}.auto_rollback.confirmation_required", why.CONFIRMED),
    (f"{_E}.auto_rollback.backup_retention_hours|backup_retention_days", why.RETENTION),
    (f"{_E}.auto_rollback.rollback_timeout_minutes", why.ROLLBACK_TIME),
    (f"{_E}.base_url", Setting("base_url", "text")),
    (f"{_E}.backup_retention_days", why.RETENTION),
    (f"{_E}.monitoring_enabled", why.STARTED),
    (f"{_E}.environment|description|name", why.PROSE),
    (f"{_E}.notifications.**", why.NOTIFY),
    (f"{_E}.notification_channels.**", why.NOTIFY),
)
_FILE: tuple[Rule, ...] = (
    *why.COMMON,
    ("default_environment", Setting("default_environment", "text")),
    ("global_settings.health_check_endpoint", Setting("health.path", "text")),
    ("global_settings.metrics_endpoint", Setting("signals", "text")),
    ("global_settings.timeout_seconds", Setting("health.timeout", "s")),
    ("global_settings.*", why.LOGGING),
    ("rollback_settings.post_rollback_monitoring_minutes.{env}", Setting("rollback.watch_after", "m")),
    ("rollback_settings.confirmation_required.*", why.CONFIRMED),
    ("rollback_settings.backup_verification_required.*", why.VERIFIED),
    ("notification_settings.**", why.NOTIFY),
    ("alert_escalation.**", why.NOTIFY),
    ("alerting.**", why.NOTIFY),
    ("escalation_procedures.**", why.PROSE),
    ("tuning_guidelines.**", why.PROSE),
    ("tuning_guidance.**", why.PROSE),
    ("operational_runbooks.**", why.PROSE),
    ("metric_definitions.**", why.PROSE),
    ("global.**", why.PROSE),
    ("testing_overrides.**", why.TESTING),
    ("metrics_collection.**", why.LOGGING),
    ("custom_metrics.**", why.LOGGING),
    ("compliance_requirements.**", why.COMPLIANCE),
)
_RULES = (*_ENVIRONMENT, *_FILE)
_NAMES = listed("environments")

BASED = Family(
    number=9,
    shape="quality_gates with overrides in environments.<env>.quality_gates",
    fits=lambda node: has("quality_gates")(node) and has("environments")(node),
    environments=_NAMES,
    rules=(("quality_gates.{gate}.**", Gates(base=True)), *below("monitoring", WATCH), *_RULES),
)
CAMEL = Family(
    number=6,
    shape="environments.<env>.{duration, pollCadence, qualityGates, autoRollback}",
    fits=has("environments.*.qualityGates"),
    environments=_NAMES,
    rules=_RULES,
)
NESTED = Family(
    number=7,
    shape="environments.<env>.quality_gates.<gate>.{enabled, threshold: {…}, actions}",
    fits=has("environments.*.quality_gates.*.threshold.*"),
    environments=_NAMES,
    rules=_RULES,
)
UNITS_NAMED = Family(
    number=10,
    shape="environments.<env>.quality_gates.<gate>.{threshold_percentage, threshold_ms, time_window_minutes, action}",
    fits=has(
        "environments.*.quality_gates.*.threshold_percentage",
        "environments.*.quality_gates.*.time_window_minutes",
        "environments.*.adaptive_polling",
    ),
    environments=_NAMES,
    rules=_RULES,
)
BARE = Family(
    number=8,
    shape="environments.<env>.quality_gates.<gate>.{threshold, window_minutes, action}",
    fits=has("environments.*.quality_gates.*"),
    environments=_NAMES,
    rules=_RULES,
)
