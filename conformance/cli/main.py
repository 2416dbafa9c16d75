"""The command line. One file a command; heavy imports happen inside the commands."""

from __future__ import annotations

import importlib
import sys

import click

COMMANDS = {
    "certify": "Run the suites against a device and write the report.",
    "verify": "Verify a certificate bundle: signature, content, verdicts.",
    "sign": "Add a signature to a bundle: a lab after a vendor, a carrier after a lab.",
    "rejudge": "Judge a run again from its recorded traffic, without the device.",
    "keys": "Make and show the keys that bundles are signed with.",
    "report": "Render a finished run: HTML, PDF, XLSX, CSV, JUnit, CTRF, SARIF; compare runs.",
    "gate": "Decide in CI: this run against what is known to fail.",
    "plan": "Show what a certification would test, and why not the rest.",
    "specs": "The machine-readable specs: lint, list, show, coverage.",
    "simulate": "Run a golden simulator.",
    "qualify": "Prove the suites: run them against every mutant.",
    "discover": "List the ONVIF devices on a network.",
    "doctor": "Tell lab faults from device faults before a run.",
}


class LazyGroup(click.Group):
    """Commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"conformance.cli.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kandian", prog_name="kandian")
def cli() -> None:
    """Kandian 看店: conformance toolkit for the shop-camera service."""


def main() -> None:
    """Entry point: usage errors exit with 4, as every kandian command does."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Exit as leaving:
        code = leaving.exit_code
    except click.Abort:
        code = 2
    except click.ClickException as error:
        error.show()
        code = 4
    sys.exit(code or 0)
