"""`kandian certify`: run the suites against a device and write the report."""

from __future__ import annotations

import os
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.cli.roles import ROLES, Role, golden_declaration
from conformance.cli.user_errors import user_errors
from conformance.plugin import COMMON, OF_ROLE
from conformance.plugin.quick_start import without_collections

if TYPE_CHECKING:
    from reports.bundle.keys import PrivateKey
    from specs.waiver_files import WaiverFile


@click.command("certify")
@click.option("--declaration", type=click.Path(path_type=Path), help="Declaration (ICS) of the device under test.")
@click.option(
    "--target",
    metavar="URL",
    help="rtsp:// URL of a stream, http:// URL of an ONVIF device service, storage or platform.",
)
@click.option(
    "--profile",
    metavar="ID",
    help="Certification profile (default: that of the declared role; media with an rtsp:// target).",
)
@click.option("--edition", metavar="ID", help="Edition of the spec (default: the newest).")
@click.option("--out", type=click.Path(path_type=Path), default=Path("certify-out"), show_default=True)
@click.option("--lang", type=click.Choice(("zh", "en")), default="zh", show_default=True)
@click.option("--req", multiple=True, metavar="GLOB", help="Only requirements that fit; may be repeated.")
@click.option("--level", multiple=True, type=click.Choice(("MUST", "SHOULD", "MAY")), help="Only these levels.")
@click.option("--lf", is_flag=True, help="Only what failed in the last run.")
@click.option("--allow-destructive", is_flag=True, help="Also run tests that can harm a device.")
@click.option("--parallel", type=click.IntRange(1, 32), metavar="N", help="Runs side by side (where the role allows).")
@click.option("--seed", type=int, help="Seed of everything random.")
@click.option("--waivers", type=click.Path(path_type=Path), metavar="FILE", help="Waivers that the report applies.")
@click.option("--bundle", type=click.Path(path_type=Path), metavar="FILE", help="Pack the run into FILE.kandian.")
@click.option("--key", type=click.Path(path_type=Path), metavar="FILE", help="Private key that signs the bundle.")
@click.option("--role", "signer", type=click.Choice(("vendor", "lab", "carrier")), help="Role of the signer.")
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
    parallel: int | None,
    seed: int | None,
    waivers: Path | None,
    bundle: Path | None,
    key: Path | None,
    signer: str | None,
) -> None:
    """Certify a device; without --declaration and --target, the embedded golden simulator.

    Exit codes: 0 certified, 1 failed, 2 interrupted, 3 error of the suite, 4 usage or declaration, 5 nothing ran,
    10 inconclusive or blocked.
    """
    role = check_names(declaration, target, profile, edition, req)
    packing = check_packing(bundle, key, signer)
    waiver_file = read_waivers(waivers) if waivers else None
    arguments = suite_arguments(role, out, lang)
    for name, value in (("declaration", declaration), ("target", target), ("profile", profile), ("edition", edition)):
        if value is not None:
            arguments.append(f"--{name}={value}")
    arguments += [f"--req={glob}" for glob in req] + [f"--level={name}" for name in level]
    if seed is not None:
        arguments.append(f"--seed={seed}")
    if lf:
        arguments[:1] = last_failed(role.suites, out)
    embedded = declaration is None and target is None
    arguments += ["--allow-destructive"] if allow_destructive or embedded else []
    if embedded or role.one_for_all:
        golden = golden_declaration(role.name, profile or "") if embedded else None
        code = side_by_side(role, arguments, out, lang, golden=golden, count=parallel)
    else:
        import pytest

        code = int(pytest.main([*arguments, "-p", "conformance.plugin.progress"]))
    code = finish(out, lang, code, waiver_file)
    if packing is not None and code != 4:
        code = pack(packing, out, lang, declaration, target, profile) or code
    sys.exit(code)


def check_packing(bundle: Path | None, key: Path | None, signer: str | None) -> tuple[Path, PrivateKey | None] | None:
    """Where the bundle goes and what signs it, looked at before the run. Raises ClickException."""
    if bundle is None:
        if key or signer:
            raise click.ClickException("--key and --role sign a bundle: say --bundle FILE as well")
        return None
    if signer and key is None:
        raise click.ClickException("--role says who signs: say --key FILE as well")
    if not bundle.parent.is_dir():
        raise click.ClickException(f"there is no folder {bundle.parent}")
    from conformance.cli.bundling import signing_key

    return bundle, signing_key(key, signer or "") if key else None


def pack(
    packing: tuple[Path, PrivateKey | None],
    out: Path,
    language: str,
    declaration: Path | None,
    target: str | None,
    profile: str | None,
) -> int:
    """Write the bundle. Returns 0, or 3 when there is none."""
    from conformance.cli.bundling import write_signed_bundle
    from conformance.model.subject import choose_subject
    from specs.loader import load_catalogue

    loaded, _ = choose_subject(load_catalogue(), declaration, target, profile, golden_declaration)
    try:
        write_signed_bundle(out, packing[0], loaded, packing[1], language)
    except (ValueError, OSError) as error:
        click.echo(f"bundle: {error}", err=True)
        return 3
    return 0


def side_by_side(
    role: Role, arguments: list[str], out: Path, language: str, *, golden: Path | None, count: int | None
) -> int:
    """Run the suites in shares. Returns the exit code."""
    from conformance.cli.shards import run_sharded

    if not any(argument.startswith("--seed=") for argument in arguments):
        arguments = [*arguments, f"--seed={secrets.randbits(32)}"]
    try:
        return run_sharded(role, arguments, out, language, golden=golden, count=count)
    except OSError as error:
        click.echo(f"certify: cannot write to {out}: {error.strerror}", err=True)
        sys.exit(3)


def check_names(
    declaration: Path | None, target: str | None, profile: str | None, edition: str | None, req: tuple[str, ...]
) -> Role:
    """The role under test; bad input ends the command before anything is started. Raises ClickException."""
    from conformance.model.subject import check_address, choose_subject
    from specs.loader import load_catalogue

    with user_errors(), without_collections():
        catalogue = load_catalogue()
        loaded, _ = choose_subject(catalogue, declaration, target, profile, golden_declaration)
        if declaration or target:
            check_address(loaded)
        catalogue.edition(edition or catalogue.editions[-1].id)
        for glob in req:
            catalogue.matching(glob)
    return ROLES[loaded.role]


def last_failed(suites: Path, out: Path) -> list[str]:
    """The tests that did not pass in the last run in this folder. Raises ClickException when there are none."""
    from conformance.cli.shards import read_lines

    good = ("PASS", "WARN", "NOT_APPLICABLE")
    tests = [line for line in read_lines(out / "results.jsonl") if line["kind"] == "test"]
    failed = [str(suites / test["nodeid"]) for test in tests if test["verdict"] not in good]
    if not failed:
        raise click.ClickException(f"--lf: no failed test in {out}")
    return failed


def suite_arguments(role: Role, out: Path, language: str) -> list[str]:
    """What pytest is told wherever it runs the suites, so that no configuration of the user changes a verdict."""
    arguments = [
        str(role.suites),
        "--rootdir",
        str(role.suites),
        "-c",
        os.devnull,
        f"--out={out}",
        f"--lang={language}",
    ]
    arguments += ["--assert=plain", "--disable-plugin-autoload"]
    arguments += [word for name in (*COMMON, OF_ROLE[role.name]) for word in ("-p", name)]
    arguments += ["-o", f"cache_dir={out.absolute() / '.cache'}", "-o", "junit_family=xunit1"]
    return [*arguments, "-q", "--no-header", "--tb=no", "--strict-markers", "--noconftest"]


def read_waivers(path: Path) -> WaiverFile:
    """The waivers, looked at before the run. Raises ClickException."""
    from specs.waiver_files import WaiverFile, read_file

    with user_errors():
        return read_file(path, WaiverFile)


def finish(out: Path, language: str, code: int, waivers: WaiverFile | None = None) -> int:
    """Write the reports from the result files and say where they are. Returns the exit code."""
    if code == 4 or not (out / "results.jsonl").exists():
        return code
    from reports.results import ResultsFileError, read_results
    from reports.waivers import apply_waivers

    try:
        results = read_results(out)
        if waivers is not None:
            results = apply_waivers(results, waivers, datetime.now(UTC).date()).results
            code = results.exit_code if code in (0, 1, 10) else code
        from reports.html import write_html
        from reports.junit import write_junit
        from reports.result_files import load_run

        write_junit(results, out / "junit.xml")
        write_html(results, out / "report.html", language, read=load_run(out).read)
    except (ResultsFileError, OSError) as error:
        click.echo(f"report: {error}", err=True)
        return code or 3
    from reports.summary import summary

    click.echo(summary(results, language))
    click.echo(f"{out / 'report.html'}")
    return code
