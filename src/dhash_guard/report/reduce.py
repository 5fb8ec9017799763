"""Decides which of many points are drawn: per pixel column the first, lowest, highest and last, so that no peak is lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dhash_guard.report.series import Point

Segment = tuple[Point, ...]


def reduce(segments: Sequence[Segment], column: Callable[[float], int]) -> list[Segment]:
    """Bound the points by the number of columns: thin long segments, fold those that fit into one column."""
    drawn: list[Segment] = []
    folded: dict[int, list[Point]] = {}
    for segment in segments:
        first, last = column(segment[0].at), column(segment[-1].at)
        if first == last:
            folded.setdefault(first, []).extend(segment)
        else:
            drawn.append(_thin(segment, column))
    # Parts of one column have a gap between them that no pixel can show; the gap band says that it is there.
    drawn += [_extremes(points) for points in folded.values()]
    return sorted(drawn, key=lambda segment: segment[0].at)


def _thin(segment: Segment, column: Callable[[float], int]) -> Segment:
    columns: dict[int, list[Point]] = {}
    for point in segment:
        columns.setdefault(column(point.at), []).append(point)
    return tuple(point for points in columns.values() for point in _four(points))


def _four(points: Sequence[Point]) -> list[Point]:
    if len(points) <= 4:
        return list(points)
    kept = {0, len(points) - 1}
    kept.add(min(range(len(points)), key=lambda i: points[i].value))
    kept.add(max(range(len(points)), key=lambda i: points[i].value))
    return [points[i] for i in sorted(kept)]


def _extremes(points: Sequence[Point]) -> Segment:
    lowest, highest = min(points, key=lambda p: p.value), max(points, key=lambda p: p.value)
    if lowest.value == highest.value:
        return (points[0],)
    middle = points[len(points) // 2].at
    return (Point(middle, lowest.value), Point(middle, highest.value))
