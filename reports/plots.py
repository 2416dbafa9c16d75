"""Small hand-written SVG plots: a line over time, with axes that a person can read."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 560, 150
LEFT, BOTTOM, TOP, RIGHT = 52, 24, 10, 10
MAX_POINTS = 400


def _nice(top: float) -> float:
    """The next 1, 2 or 5 times a power of ten that is not below ``top``."""
    if top <= 0:
        return 1.0
    scale = 1.0
    while scale * 10 <= top:
        scale *= 10
    while scale > top:
        scale /= 10
    return next(scale * step for step in (1, 2, 5, 10) if scale * step >= top)


def line_plot(points: Sequence[Sequence[float]], unit: str, title: str) -> str:
    """An SVG of (seconds, value) points; ``unit`` labels the value axis, ``title`` is read by screen readers."""
    if len(points) < 2:
        return ""
    step = max(1, len(points) // MAX_POINTS)
    points = points[::step]
    start, end = points[0][0], max(points[-1][0], points[0][0] + 1e-6)
    top = _nice(max(value for _, value in points))
    plot_width, plot_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(point: Sequence[float]) -> str:
        x = LEFT + (point[0] - start) / (end - start) * plot_width
        y = TOP + plot_height * (1 - max(0.0, point[1]) / top)
        return f"{x:.1f},{y:.1f}"

    marks = []
    for fraction in (0.0, 0.5, 1.0):
        y = TOP + plot_height * (1 - fraction)
        marks.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>')
        marks.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{top * fraction:g}</text>')
        x = LEFT + plot_width * fraction
        marks.append(f'<text x="{x:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{(end - start) * fraction:.2g} s</text>')
    line = " ".join(place(point) for point in points)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f'{"".join(marks)}<polyline points="{line}"/>'
        f'<text class="unit" x="{LEFT + 4}" y="{TOP + 10}">{escape(unit)}</text></svg>'
    )
