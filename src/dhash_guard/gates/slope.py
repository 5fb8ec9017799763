"""Keeps the sums of a least-squares line while looks come and go, so that a trend costs nothing to ask for."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define


@define
class Slope:
    """Running sums over looks; times count in seconds from `origin` (UTC epoch seconds), which should not lie far before."""

    origin: float
    _times: float = 0.0
    _squares: float = 0.0
    _numbers: float = 0.0
    _products: float = 0.0

    @classmethod
    def over(cls, looks: Iterable[tuple[float, float]], origin: float) -> Slope:
        """The sums of these looks, each its time and number."""
        slope = cls(origin)
        for at, number in looks:
            slope.count(at, number, 1)
        return slope

    def count(self, at: float, number: float, sign: int) -> None:
        """Take a look in (1) or let it go (-1)."""
        when = at - self.origin
        self._times += sign * when
        self._squares += sign * when * when
        self._numbers += sign * number
        self._products += sign * when * number

    def per_second(self, size: int) -> float:
        """The slope of `size` looks, but for rounding; 0 where all are at one moment."""
        spread = self._squares - self._times * self._times / size
        return (self._products - self._times * self._numbers / size) / spread if spread > 0 else 0.0
