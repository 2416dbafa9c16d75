"""`kandian specs`: lint, list, show, coverage."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from conformance.cli.specs_diff import diff_command
from conformance.cli.user_errors import user_errors


@click.group("specs")
def command() -> None:
    """The machine-readable specs."""


@command.command("lint")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), required=False)
@click.option("--lock", is_flag=True, help="Lock new ids and new revisions.")
def lint_command(folder: Path | None, lock: bool) -> None:
    """Check every spec file, of the installed specs or of FOLDER; exit 1 when something is found."""
    from specs.lint import lint, write_lock
    from specs.loader import SPECS_ROOT, load_catalogue
    from specs.revisions import write_revisions

    root = folder or SPECS_ROOT
    if lock:
        with user_errors():
            for requirement_id in write_lock(root, load_catalogue(folder)):
                click.echo(f"locked {requirement_id}")
            for requirement_id in write_revisions(root, load_catalogue(folder)):
                click.echo(f"locked the revision of {requirement_id}")
    faults = lint(root)
    for fault in faults:
        click.echo(str(fault))
    click.echo(f"{len(faults)} faults" if faults else "specs are clean")
    sys.exit(1 if faults else 0)


@command.command("list")
@click.argument("pattern", default="*")
@click.option("--lang", type=click.Choice(("zh", "en")), default="zh", show_default=True)
def list_command(pattern: str, lang: str) -> None:
    """List requirements whose id fits PATTERN."""
    from specs.loader import load_catalogue

    with user_errors():
        for r in load_catalogue().matching(pattern):
            state = "-" if r.not_tested else "tested"
            click.echo(f"{r.id:<12} {r.level:<6} {r.status:<8} {r.role:<13} {state:<6} {r.title.get(lang)}")


@command.command("show")
@click.argument("requirement_id")
@click.option("--lang", type=click.Choice(("zh", "en")), default="zh", show_default=True)
def show_command(requirement_id: str, lang: str) -> None:
    """Show one requirement in full."""
    from specs.loader import load_catalogue

    with user_errors():
        catalogue = load_catalogue()
        r = catalogue.requirement(requirement_id)
    origin = catalogue.origins[r.id]
    click.echo(f"{r.id} rev {r.rev}  {r.level}  {r.status}  {r.role}/{r.binding}  when {r.when}")
    click.echo(f"{r.title.get(lang)}\n\n{r.text.get(lang)}\n")
    for name, limit in r.limits.items():
        click.echo(f"  {name}: {limit}  [{limit.status}{', scalable' if limit.scalable else ''}]")
    for step in r.procedure:
        click.echo(f"  {step.id}  {step.zh if lang == 'zh' else step.en}")
    if r.not_tested:
        click.echo(f"  not tested ({r.not_tested.reason}): {r.not_tested.zh if lang == 'zh' else r.not_tested.en}")
    click.echo(f"\n{r.remedy.get(lang)}")
    click.echo("basis: " + ", ".join(" ".join(filter(None, (str(b), b.note))) for b in r.basis))
    click.echo(f"{origin.path}:{origin.line}")


@command.command("coverage")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def coverage_command(as_json: bool) -> None:
    """Requirements without a test, with the reason; exit 1 when one has neither test nor reason."""
    from conformance.model.coverage import coverage

    found = coverage()
    if as_json:
        click.echo(json.dumps(found.document(), ensure_ascii=False, indent=1))
    else:
        for line in found.lines():
            click.echo(line)
    sys.exit(1 if found.holes else 0)


command.add_command(diff_command)
