"""`kandian report`: render a finished run, from its output folder or its bundle. Nothing is judged again."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.cli.user_errors import user_errors

if TYPE_CHECKING:
    from reports.result_files import RunFiles

#: Module and function of each renderer, and the ending of its file.
RENDERERS = {
    "csv": ("reports.csv_table", "write_csv", "csv"),
    "xlsx": ("reports.xlsx", "write_xlsx", "xlsx"),
    "ctrf": ("reports.ctrf", "write_ctrf", "ctrf.json"),
    "sarif": ("reports.sarif", "write_sarif", "sarif"),
}


@click.group("report")
def command() -> None:
    """Render a finished run: SOURCE is an output folder of certify or a bundle."""


def open_run(source: Path, waivers: Path | None = None, keys: tuple[Path, ...] = ()) -> RunFiles:
    """The run, after its waivers; with keys, its signature is verified. Raises ClickException: unreadable, no run, or
    not signed by one of the keys."""
    from reports.bundle.keys import KeyFault, load_public
    from reports.result_files import load_run, load_signed_run
    from reports.results import ResultsFileError

    try:
        trusted = [load_public(path) for path in keys]
        run = load_signed_run(source, trusted, datetime.now(UTC)) if keys else load_run(source)
    except KeyFault as fault:
        raise click.ClickException(str(fault)) from None
    except ResultsFileError as error:
        raise click.ClickException(str(error)) from None
    if waivers is None:
        return run
    from reports.waivers import apply_waivers
    from specs.waiver_files import WaiverFile, read_file

    with user_errors():
        file = read_file(waivers, WaiverFile)
    return replace(run, results=apply_waivers(run.results, file, datetime.now(UTC).date()).results)


def write(target: Path, render: Callable[[Path], None]) -> None:
    """Write one file and say where it is. Raises ClickException."""
    try:
        render(target)
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{target}: {error}") from None
    click.echo(str(target))


def _source(function: Callable[..., None]) -> Callable[..., None]:
    for decorate in (
        click.argument("source", type=click.Path(path_type=Path, exists=True)),
        click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Where to write (default: here)."),
        click.option("--waivers", type=click.Path(path_type=Path), metavar="FILE", help="Waivers to apply."),
        click.option("--lang", type=click.Choice(("zh", "en")), default="zh", show_default=True),
    ):
        function = decorate(function)
    return function


def _register(kind: str) -> None:
    module, name, ending = RENDERERS[kind]

    @_source
    def render(source: Path, out: Path | None, waivers: Path | None, lang: str) -> None:
        run = open_run(source, waivers)
        renderer = getattr(importlib.import_module(module), name)
        write(out or Path(f"{source.resolve().stem}.{ending}"), lambda path: renderer(run, path, lang))

    command.command(kind, help=f"Write the run as {kind.upper()}.")(render)


for _kind in RENDERERS:
    _register(_kind)


@command.command("pdf")
@_source
@click.option("--key", "keys", multiple=True, type=click.Path(path_type=Path), help="Public key that you trust.")
def pdf(source: Path, out: Path | None, waivers: Path | None, lang: str, keys: tuple[Path, ...]) -> None:
    """Write the PDF: a page of its own, then the report, with the result files embedded.

    Page one is called a certificate only if a trusted key of a lab or of the carrier signed a bundle that passed.
    """
    from reports.pdf import write_pdf

    run = open_run(source, waivers, keys)
    write(out or Path(f"{source.resolve().stem}.pdf"), lambda path: write_pdf(run, path, lang))


@command.command("html")
@_source
@click.option("--evidence", is_flag=True, help="Also write a page a test, and its capture, beside the report.")
def html(source: Path, out: Path | None, waivers: Path | None, lang: str, evidence: bool) -> None:
    """Write the HTML report (both languages); with --evidence, into a folder of its own."""
    from reports.html import write_html
    from reports.result_files import write_captures

    run = open_run(source, waivers)
    stem = source.resolve().stem
    target = out or (Path(f"{stem}-report") / "report.html" if evidence else Path(f"{stem}.html"))

    def render(path: Path) -> None:
        if evidence:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_captures(run, path.parent)
        write_html(run.results, path, lang, read=run.read if evidence else None)

    write(target, render)


@command.command("junit")
@_source
def junit(source: Path, out: Path | None, waivers: Path | None, lang: str) -> None:
    """Write JUnit XML (reasons stand in both languages)."""
    from reports.junit import write_junit

    run = open_run(source, waivers)
    write(out or Path(f"{source.resolve().stem}.junit.xml"), lambda path: write_junit(run.results, path))


@command.command("badge")
@_source
def badge_file(source: Path, out: Path | None, waivers: Path | None, lang: str) -> None:
    """Write a badge (SVG): a test result, never a certificate."""
    from reports.badge import badge

    run = open_run(source, waivers)
    write(out or Path(f"{source.resolve().stem}.svg"), lambda path: write_text(path, badge(run.results, lang)))


@command.command("matrix")
@click.argument("sources", type=click.Path(path_type=Path, exists=True), nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("matrix.csv"), show_default=True)
@click.option("--lang", type=click.Choice(("zh", "en")), default="zh", show_default=True)
def matrix(sources: tuple[Path, ...], out: Path, lang: str) -> None:
    """Vendors x requirements as CSV, for selection: verdicts side by side, no score."""
    from reports.matrix import build_matrix, matrix_csv

    built = build_matrix([open_run(source) for source in sources])
    if not built.comparable:
        words = (
            "注意: 所依据的规范不同，判定不可直接比较",
            "note: judged by different specs; verdicts do not compare directly",
        )
        click.echo(words[0 if lang == "zh" else 1], err=True)
    write(out, lambda path: write_text(path, "\ufeff" + matrix_csv(built, lang)))


@command.command("diff")
@click.argument("before", type=click.Path(path_type=Path, exists=True))
@click.argument("after", type=click.Path(path_type=Path, exists=True))
@click.option("--lang", type=click.Choice(("zh", "en")), default="zh", show_default=True)
def diff(before: Path, after: Path, lang: str) -> None:
    """Compare two runs. Exit codes: 0 nothing new, 1 new findings or missing requirements, 4 usage."""
    from reports.difference import compare, difference_text

    changes = compare(open_run(before).results, open_run(after).results)
    click.echo(difference_text(changes, lang), nl=False)
    sys.exit(1 if {change.kind for change in changes} & {"new", "missing"} else 0)


def write_text(path: Path, text: str) -> None:
    """Write text with its own line ends. Raises OSError."""
    path.write_bytes(text.encode("utf-8", "replace"))
