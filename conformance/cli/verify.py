"""`kandian verify`: three questions about a bundle, three answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from reports.bundle.layout import Problem
    from reports.bundle.verify import Verification

SHOWN = 20


@click.command("verify")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--key", "keys", multiple=True, type=click.Path(path_type=Path), help="Public key that you trust.")
@click.option("--rejudge", is_flag=True, help="Also judge the recorded traffic again (runs the suites).")
@click.option("--lang", type=click.Choice(("zh", "en")), default="zh", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The answers as JSON.")
def command(file: Path, keys: tuple[Path, ...], rejudge: bool, lang: str, as_json: bool) -> None:
    """Verify a certificate bundle offline.

    Three questions, answered separately: is the signature valid (which role, which key), is the content whole and
    consistent, and with --rejudge, do the recorded bytes give the same verdicts.

    Exit codes: 0 yes to all that was asked; else 16 plus 1 (signature), 2 (content), 4 (verdicts); 4 usage.
    """
    from reports.bundle.keys import KeyFault, load_public
    from reports.bundle.verify import verify

    try:
        trusted = [load_public(path) for path in keys]
    except KeyFault as fault:
        raise click.ClickException(str(fault)) from None
    found = verify(file, trusted, datetime.now(UTC), judge_again if rejudge else None)
    click.echo(json.dumps(document(found), ensure_ascii=False, indent=1) if as_json else text(found, lang))
    sys.exit(found.exit_code)


def judge_again(path: Path) -> Sequence[Problem]:
    """What a second judgement of the tape finds different."""
    from conformance.cli.rejudge import differences

    return differences(path)


def text(found: Verification, language: str) -> str:
    """The answers for a person. What the bundle says of itself cannot steer the terminal."""
    from reports.bundle.verify import QUESTIONS, STATES

    side = 0 if language == "zh" else 1
    lines = []
    for answer in found.answers:
        lines.append(f"{QUESTIONS[answer.question][side]}: {STATES[answer.state][side]}")
        lines += [f"  {fact[side]}" for fact in answer.facts]
        lines += [f"  {problem.line(language)}" for problem in answer.problems[:SHOWN]]
        if (more := len(answer.problems) - SHOWN) > 0:
            lines.append(f"  … 另有 {more} 项" if language == "zh" else f"  … and {more} more")
    if found.digest:
        lines.append(f"sha256(manifest.json) {found.digest}")
    return "\n".join("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line) for line in lines)


def document(found: Verification) -> dict[str, object]:
    """The answers for a program."""
    from dataclasses import asdict

    answers = {answer.question: asdict(answer) for answer in found.answers}
    return {"kandian": "verification/1", "exit_code": found.exit_code, "digest": found.digest, **answers}
