"""A badge in SVG. It says what a run found; it is no certificate and never says so."""

from __future__ import annotations

from html import escape

from reports.results import Results
from reports.words import conclusion

_COLOURS = {0: "#1a7f4b", 1: "#c0272d", 3: "#c0272d"}
_OPEN = "#5a4fa3"
_LABEL = {"zh": "看店 测试", "en": "kandian test"}


def badge(results: Results, language: str) -> str:
    """The SVG text. Compressed timers are said on the badge."""
    zh_word, en_word, _, _ = conclusion(results.exit_code, stale=results.stale_waivers)
    word = zh_word if language == "zh" else en_word
    passed, total = results.counts.get("PASS", 0), len(results.selected)
    text = f"{word} {passed}/{total}"
    if results.header.get("timer_scale", 1.0) < 1.0:
        text += " · 压缩定时器" if language == "zh" else " · compressed"
    label = _LABEL[language]
    left, right = _width(label), _width(text)
    colour = _COLOURS.get(results.exit_code, _OPEN)
    whole = escape(f"{label}: {text}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{whole}">'
        f'<title>{whole}</title><rect width="{left}" height="20" fill="#34404d"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{colour}"/>'
        f'<g fill="#fff" font-family="Verdana,Noto Sans CJK SC,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{left // 2}" y="14">{escape(label)}</text>'
        f'<text x="{left + right // 2}" y="14">{escape(text)}</text></g></svg>\n'
    )


def _width(text: str) -> int:
    return 14 + sum(12 if ord(c) > 0x2E7F else 7 for c in text)
