"""CSV of the requirement x verdict table, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from reports.result_files import RunFiles
from reports.rows import COLUMNS, table_rows
from reports.spreadsheet_text import harmless


def write_csv(run: RunFiles, path: Path, language: str = "zh") -> None:
    """One line a planned requirement; UTF-8 with a byte order mark, which spreadsheets need for Chinese.
    Raises OSError."""
    side = 0 if language == "zh" else 1
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([titles[side] for titles in COLUMNS.values()])
    for row in table_rows(run.results, language):
        writer.writerow([harmless(str(row[name])) for name in COLUMNS])
    path.write_bytes(text.getvalue().encode("utf-8-sig", "replace"))
