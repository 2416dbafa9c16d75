"""`kandian plan`: what a certification would test, and why not the rest."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from platform import python_version

import click

from conformance.cli.roles import golden_declaration
from conformance.cli.user_errors import user_errors


@click.command("plan")
@click.option("--declaration", type=click.Path(path_type=Path), help="Declaration (ICS) of the device.")
@click.option("--target", metavar="URL", help="rtsp:// URL of a stream-only device.")
@click.option("--profile", metavar="ID", help="Certification profile.")
@click.option("--edition", metavar="ID", help="Edition of the spec (default: the newest).")
@click.option("--lang", type=click.Choice(("zh", "en")), default="zh", show_default=True)
@click.option("--req", multiple=True, metavar="GLOB", help="Only requirements that fit.")
@click.option("--level", multiple=True, type=click.Choice(("MUST", "SHOULD", "MAY")))
@click.option("--allow-destructive", is_flag=True)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write plan.json here.")
@click.option("--document", type=click.Path(path_type=Path), help="Write the test plan for people here (Markdown).")
def command(
    declaration: Path | None,
    target: str | None,
    profile: str | None,
    edition: str | None,
    lang: str,
    req: tuple[str, ...],
    level: tuple[str, ...],
    allow_destructive: bool,
    json_file: Path | None,
    document: Path | None,
) -> None:
    """Show the plan; without --declaration and --target, that of the embedded golden camera."""
    from conformance.model.plan import Choice, make_plan
    from conformance.model.plan_document import plan_document
    from conformance.model.subject import choose_subject
    from specs.loader import load_catalogue

    with user_errors():
        catalogue = load_catalogue()
        loaded, chosen = choose_subject(catalogue, declaration, target, profile, golden_declaration)
        choice = Choice(req, level, allow_destructive)
        plan = make_plan(catalogue, chosen, edition or catalogue.editions[-1].id, loaded, choice)
    if json_file:
        json_file.write_text(json.dumps(plan.document(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if document:
        tools = {"kandian": version("kandian"), "Python": python_version()}
        document.write_text(plan_document(catalogue, plan, loaded, tools, lang), encoding="utf-8")
    for row in plan.rows:
        if row.selection == "not_selected":
            continue
        title = catalogue.requirement(row.id).title.get(lang)
        reason = f"  ({row.reason.get(lang)})" if row.reason.en else ""
        click.echo(f"{row.id:<12} {row.selection:<15} {title}{reason}")
    digest = plan.document()["digest"]
    click.echo(f"{len(plan.selected)} selected of {len(plan.rows)}; plan sha256 {digest}")
