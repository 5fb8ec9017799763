"""Makes evidence readable: report, comment, job summary, terminal; reads nothing but evidence and samples."""

from dhash_guard.report.comment import marker, render_comment
from dhash_guard.report.html import render_report
from dhash_guard.report.live import LiveRow, LiveView, plain_line, sparkline
from dhash_guard.report.story import print_story
from dhash_guard.report.summary import render_summary
from dhash_guard.report.timeline import LiveTimeline
from dhash_guard.report.views import View, view

__all__ = [
    "LiveRow",
    "LiveTimeline",
    "LiveView",
    "View",
    "marker",
    "plain_line",
    "print_story",
    "render_comment",
    "render_report",
    "render_summary",
    "sparkline",
    "view",
]
