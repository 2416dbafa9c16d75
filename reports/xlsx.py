"""XLSX: a summary sheet, all requirements with filters, and one sheet a group."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reports.result_files import RunFiles
from reports.results import Results
from reports.rows import COLUMNS, table_rows
from reports.spreadsheet_text import printable
from reports.words import conclusion, verdict_word

_WIDTHS = {"id": 13, "title": 36, "word": 12, "expected": 34, "observed": 34, "reason": 44, "tests": 34, "evidence": 40}
_COLOURS = {"PASS": "#DDF3E4", "WARN": "#FCEBCB", "WAIVED": "#FCEBCB", "FAIL": "#F8D3D5", "ERROR": "#F8D3D5"}
_OPEN = "#E4E1F5"


def write_xlsx(run: RunFiles, path: Path, language: str = "zh") -> None:
    """Write the workbook. All text is written as strings: what a device says is never a formula or a link.
    Raises OSError."""
    import xlsxwriter  # type: ignore[import-untyped]
    from xlsxwriter.exceptions import FileCreateError  # type: ignore[import-untyped]

    safe = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    book = xlsxwriter.Workbook(str(path), safe)
    book.set_properties({"title": f"Kandian {run.results.header['device']['dev_id']}"})
    rows = table_rows(run.results, language)
    _summary(book, run, language)
    _table(book, "全部要求" if language == "zh" else "All requirements", rows, language)
    for group in dict.fromkeys(row["group"] for row in rows):
        _table(book, _sheet_name(group), [row for row in rows if row["group"] == group], language)
    try:
        book.close()
    except FileCreateError as error:
        raise OSError(str(error)) from None


def _sheet_name(group: str) -> str:
    """Excel allows 31 characters, none of []:*?/\\."""
    return "".join("_" if c in "[]:*?/\\'" else c for c in group)[:31] or "_"


def _table(book: Any, name: str, rows: list[dict[str, Any]], language: str) -> None:
    sheet = book.add_worksheet(name)
    side = 0 if language == "zh" else 1
    head = book.add_format({"bold": True, "bg_color": "#0B5CAB", "font_color": "#FFFFFF", "valign": "top"})
    plain = {"valign": "top", "text_wrap": True, "border": 1, "border_color": "#DDE3E9"}
    body = book.add_format(plain)
    for column, (key, titles) in enumerate(COLUMNS.items()):
        sheet.set_column(column, column, _WIDTHS.get(key, 12))
        sheet.write_string(0, column, titles[side], head)
    formats = {v: book.add_format({**plain, "bg_color": _COLOURS.get(v, _OPEN)}) for v in {r["verdict"] for r in rows}}
    for number, row in enumerate(rows, start=1):
        for column, key in enumerate(COLUMNS):
            form = formats[row["verdict"]] if key in ("verdict", "word") else body
            sheet.write_string(number, column, printable(str(row[key])), form)
    sheet.freeze_panes(1, 2)
    sheet.autofilter(0, 0, max(1, len(rows)), len(COLUMNS) - 1)


def _summary(book: Any, run: RunFiles, language: str) -> None:
    sheet = book.add_worksheet("摘要" if language == "zh" else "Summary")
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 80)
    bold = book.add_format({"bold": True, "valign": "top"})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    for number, (name, value) in enumerate(facts(run.results, run.digest, language)):
        sheet.write_string(number, 0, name, bold)
        sheet.write_string(number, 1, printable(value), wrap)


def facts(results: Results, digest: str, language: str) -> list[tuple[str, str]]:
    """Conclusion, device, edition and counts as rows of two."""
    zh_word, en_word, zh, en = conclusion(results.exit_code, stale=results.stale_waivers)
    device, chinese = results.header["device"], language == "zh"
    rows = [
        ("结论", "Conclusion", f"{zh_word}: {zh}" if chinese else f"{en_word}: {en}"),
        ("厂商", "Manufacturer", str(device["manufacturer"])),
        ("型号", "Model", str(device["model"])),
        ("设备编号", "Device id", str(device["dev_id"])),
        ("固件版本", "Firmware", str(device["version"] or "-")),
        ("规范版次", "Spec edition", str(results.header["edition"])),
        ("认证档", "Profile", str(results.header["profile"])),
        ("时间", "Time", str(results.header["started"])),
    ]
    if results.header.get("timer_scale", 1.0) < 1.0:
        note = "定时器已压缩，不是认证运行" if chinese else "compressed timers: not a certification run"
        rows.append(("注意", "Note", note))
    if digest:
        rows.append(("证书包摘要", "Bundle digest", digest))
    found = [(zh if chinese else en, value) for zh, en, value in rows]
    return found + [(verdict_word(verdict, language), str(n)) for verdict, n in results.counts.items()]
