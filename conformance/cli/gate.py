"""`kandian gate`: decide in CI whether a run is good enough, against what is known to fail."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from conformance.cli.report import open_run
from conformance.cli.user_errors import user_errors


@click.command("gate")
@click.argument("results", type=click.Path(path_type=Path, exists=True))
@click.option("--baseline", type=click.Path(path_type=Path), metavar="FILE", help="Expected failures of the product.")
@click.option("--policy", type=click.Path(path_type=Path), metavar="FILE", help="What to do with each difference.")
@click.option("--waivers", type=click.Path(path_type=Path), metavar="FILE", help="Waivers to apply first.")
@click.option("--summary", type=click.Path(path_type=Path), metavar="FILE", help="Append the Markdown summary to this.")
@click.option("--write-baseline", type=click.Path(path_type=Path), metavar="FILE", help="Write this run as a baseline.")
@click.option("--lang", type=click.Choice(("zh", "en")), default="zh", show_default=True)
def command(
    results: Path,
    baseline: Path | None,
    policy: Path | None,
    waivers: Path | None,
    summary: Path | None,
    write_baseline: Path | None,
    lang: str,
) -> None:
    """Compare RESULTS (output folder or bundle) with a baseline.

    Exit codes: 0 go on, 1 the policy says no, 4 usage or unreadable file.
    """
    import msgspec

    from reports.gate import baseline_of, decide, markdown
    from specs.waiver_files import BaselineFile, PolicyFile, read_file

    run = open_run(results, waivers).results
    if write_baseline is not None:
        document = msgspec.to_builtins(baseline_of(run))
        write_baseline.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    with user_errors():
        known = read_file(baseline, BaselineFile) if baseline else BaselineFile("baseline/1", ())
        rules = read_file(policy, PolicyFile) if policy else PolicyFile("policy/1")
    decision = decide(run, known, rules)
    text = markdown(decision, run, lang)
    click.echo(text, nl=False)
    if summary is not None:
        with summary.open("a", encoding="utf-8") as file:
            file.write(text)
    sys.exit(decision.exit_code)
