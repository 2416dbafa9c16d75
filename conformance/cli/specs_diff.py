"""`kandian specs diff`: what changed between two states of the spec, and what that means for certificates."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.cli.user_errors import user_errors

if TYPE_CHECKING:
    from conformance.cli.rejudge import Rejudged, Row
    from specs.difference import RequirementChange
    from specs.model import Requirement

INSTALLED = "installed"
STATES = {
    "unaffected": ("不受影响", "unaffected"),
    "same": ("重新判定, 结论不变", "judged again, the same verdicts"),
    "changed": ("重新判定, 结论改变", "judged again, other verdicts"),
    "needs-device": ("需要真实设备", "needs the device"),
}


@dataclass(frozen=True, slots=True)
class Side:
    """One state of the spec. ``folder``: where its files are, None for those that are installed; ``edition``: empty
    where none was named."""

    requirements: dict[str, Requirement]
    folder: Path | None
    edition: str


@dataclass(frozen=True, slots=True)
class Impact:
    """What the change means for one certificate. ``state``: a key of `STATES`; ``rows``: tests with another verdict or
    in need of the device."""

    bundle: str
    state: str
    affected: tuple[str, ...]
    rows: tuple[Row, ...]


@click.command("diff")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--bundle", "bundles", multiple=True, type=click.Path(path_type=Path, exists=True), help="A certificate.")
@click.option("--lang", type=click.Choice(("zh", "en")), default="zh", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def diff_command(before: str, after: str, bundles: tuple[Path, ...], lang: str, as_json: bool) -> None:
    """Compare two states of the spec: requirements added, removed and changed.

    A and B: a spec folder, a bundle (the spec that it holds), an edition of the installed spec, or `installed`. With
    --bundle (may be repeated): which certificates are unaffected, which are judged again from their tapes and with what
    verdicts, which need the device.

    Exit codes: 0 nothing changes for any bundle, 1 a bundle gets another verdict, 10 one needs the device, 4 usage.
    """
    from specs.difference import compare

    with user_errors(), ExitStack() as stack:
        sides = [stack.enter_context(side(name)) for name in (before, after)]
        changes = compare(sides[0].requirements, sides[1].requirements)
        impacts = [impact(path, changes, sides[1]) for path in bundles]
    if as_json:
        both = {"changes": [asdict(one) for one in changes], "bundles": [asdict(one) for one in impacts]}
        click.echo(json.dumps({"kandian": "spec-difference/1", **both}, ensure_ascii=False, indent=1))
    else:
        for line in (*changes_text(changes, lang), *(line for one in impacts for line in impact_text(one, lang))):
            click.echo(line)
    states = {one.state for one in impacts}
    sys.exit(10 if "needs-device" in states else 1 if "changed" in states else 0)


@contextmanager
def side(name: str) -> Iterator[Side]:
    """The spec that a word of the command line names. Raises SourceError, UnknownName, BundleError."""
    from specs.difference import in_edition
    from specs.loader import load_catalogue

    path = Path(name)
    if path.is_dir():
        yield Side(dict(load_catalogue(path).requirements), path, "")
    elif path.is_file():
        from reports.bundle.layout import SPEC
        from reports.bundle.reader import open_bundle

        with tempfile.TemporaryDirectory(prefix="kandian-spec-") as folder, open_bundle(path) as bundle:
            bundle.extract(SPEC, Path(folder))
            yield Side(dict(load_catalogue(Path(folder)).requirements), Path(folder), "")
    elif name == INSTALLED:
        yield Side(dict(load_catalogue().requirements), None, "")
    else:
        yield Side(in_edition(load_catalogue(), name), None, name)


def impact(path: Path, changes: Sequence[RequirementChange], after: Side) -> Impact:
    """What the changes mean for the run in a bundle or folder. Raises ValueError, SourceError, UnknownName."""
    from conformance.cli.rejudge import rejudge, unpacked
    from conformance.plugin.recorded_run import read_run
    from specs.difference import affecting
    from specs.loader import SPECS_ROOT, load_catalogue

    with unpacked(path) as folder:
        run = read_run(folder)
    role = load_catalogue().profile(run.header["profile"]).role
    affected = affecting(changes, run.selected, role)
    if not affected:
        return Impact(path.name, "unaffected", (), ())
    found = rejudge(path, after.edition, after.folder or SPECS_ROOT)
    return Impact(path.name, _state(found), tuple(c.requirement for c in affected), (*found.other, *found.undecided))


def _state(found: Rejudged) -> str:
    return "needs-device" if found.undecided else "changed" if found.other else "same"


def changes_text(changes: Sequence[RequirementChange], language: str) -> Iterator[str]:
    """The changes for a person."""
    from specs.difference import KINDS

    which = 0 if language == "zh" else 1
    if not changes:
        yield "没有变化" if language == "zh" else "no changes"
    for change in changes:
        kinds = ", ".join(KINDS[kind][which] for kind in change.kinds)
        yield f"{change.requirement:<12} {kinds}  rev {change.rev_before or '-'} -> {change.rev_after or '-'}"
        for field in change.fields:
            values = f": {field.before} -> {field.after}" if field.before or field.after else ""
            yield f"  {field.field}{values}"


def impact_text(found: Impact, language: str) -> Iterator[str]:
    """What a certificate gets, for a person."""
    which = 0 if language == "zh" else 1
    named = f" ({', '.join(found.affected)})" if found.affected else ""
    yield f"{found.bundle}: {STATES[found.state][which]}{named}"
    for row in found.rows:
        line = f"  {row.test}: {row.recorded or '-'} -> {row.now}: {row.zh if language == 'zh' else row.en}"
        yield "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
