"""`kandian certify`: run the suites against a device and write the report."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

import click

from conformance.cli.user_errors import user_errors

SUITES = Path(__file__).parent.parent / "suites" / "camera"


@click.command("certify")
@click.option("--declaration", type=click.Path(path_type=Path), help="Declaration (ICS) of the device under test.")
@click.option("--target", metavar="URL", help="rtsp:// URL of a stream-only device; needs no declaration.")
@click.option("--profile", metavar="ID", help="Certification profile (default: camera; media with --target).")
@click.option("--edition", metavar="ID", help="Edition of the spec (default: the newest).")
@click.option("--out", type=click.Path(path_type=Path), default=Path("certify-out"), show_default=True)
@click.option("--lang", type=click.Choice(("zh", "en")), default="zh", show_default=True)
@click.option("--req", multiple=True, metavar="GLOB", help="Only requirements that fit; may be repeated.")
@click.option("--level", multiple=True, type=click.Choice(("MUST", "SHOULD", "MAY")), help="Only these levels.")
@click.option("--lf", is_flag=True, help="Only what failed in the last run.")
@click.option("--allow-destructive", is_flag=True, help="Also run tests that can harm a device.")
@click.option("--seed", type=int, help="Seed of everything random.")
def command(
    declaration: Path | None,
    target: str | None,
    profile: str | None,
    edition: str | None,
    out: Path,
    lang: str,
    req: tuple[str, ...],
    level: tuple[str, ...],
    lf: bool,
    allow_destructive: bool,
    seed: int | None,
) -> None:
    """Certify a device; without --declaration and --target, the embedded golden camera.

    Exit codes: 0 certified, 1 failed, 2 interrupted, 3 error of the suite, 4 usage or declaration, 5 nothing ran,
    10 inconclusive or blocked.
    """
    import pytest

    arguments = suite_arguments(out, lang)
    for name, value in (("declaration", declaration), ("target", target), ("profile", profile), ("edition", edition)):
        if value is not None:
            arguments.append(f"--{name}={value}")
    arguments += [f"--req={glob}" for glob in req] + [f"--level={name}" for name in level]
    if seed is not None:
        arguments.append(f"--seed={seed}")
    if lf:
        arguments[:1] = last_failed(out)
    if declaration is None and target is None:
        from conformance.cli.shards import run_sharded

        check_names(profile, edition, req)
        seed = secrets.randbits(32) if seed is None else seed
        try:
            code = run_sharded([*arguments, "--allow-destructive", f"--seed={seed}"], out, lang)
        except OSError as error:
            click.echo(f"certify: cannot write to {out}: {error.strerror}", err=True)
            sys.exit(3)
    else:
        arguments += ["--allow-destructive"] if allow_destructive else []
        code = int(pytest.main([*arguments, "-p", "conformance.plugin.progress"]))
    sys.exit(finish(out, lang, code))


def check_names(profile: str | None, edition: str | None, req: tuple[str, ...]) -> None:
    """Unknown names end the command before anything is started. Raises ClickException."""
    from specs.loader import load_catalogue

    with user_errors():
        catalogue = load_catalogue()
        catalogue.profile(profile or "camera")
        catalogue.edition(edition or catalogue.editions[-1].id)
        for glob in req:
            catalogue.matching(glob)


def last_failed(out: Path) -> list[str]:
    """The tests that did not pass in the last run in this folder. Raises ClickException when there are none."""
    from conformance.cli.shards import read_lines

    good = ("PASS", "WARN", "NOT_APPLICABLE")
    tests = [line for line in read_lines(out / "results.jsonl") if line["kind"] == "test"]
    failed = [str(SUITES / test["nodeid"]) for test in tests if test["verdict"] not in good]
    if not failed:
        raise click.ClickException(f"--lf: no failed test in {out}")
    return failed


def suite_arguments(out: Path, language: str) -> list[str]:
    """What pytest is told wherever it runs the suites, so that no configuration of the user changes a verdict."""
    arguments = [str(SUITES), "--rootdir", str(SUITES), "-c", os.devnull, f"--out={out}", f"--lang={language}"]
    arguments += ["--assert=plain", "--disable-plugin-autoload"]
    arguments += ["-p", "conformance.plugin.hooks", "-p", "conformance.plugin.fixtures"]
    arguments += ["-o", f"cache_dir={out.absolute() / '.cache'}", "-o", "junit_family=xunit1"]
    return [*arguments, "-q", "--no-header", "--tb=short", "--strict-markers"]


def finish(out: Path, language: str, code: int) -> int:
    """Write the reports from the result files and say where they are. Returns the exit code."""
    if code == 4 or not (out / "results.jsonl").exists():
        return code
    from reports.results import ResultsFileError, read_results

    try:
        results = read_results(out)
        from reports.html import write_html
        from reports.junit import write_junit

        write_junit(results, out / "junit.xml")
        write_html(results, out / "report.html", language)
    except (ResultsFileError, OSError) as error:
        click.echo(f"report: {error}", err=True)
        return code or 3
    from reports.summary import summary

    click.echo(summary(results, language))
    click.echo(f"{out / 'report.html'}")
    return code
