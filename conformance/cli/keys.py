"""`kandian keys`: make and show the keys that bundles are signed with."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

PASSPHRASE = "KANDIAN_KEY_PASSPHRASE"


@click.group("keys")
def command() -> None:
    """Keys that sign certificate bundles."""


@command.command("new")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--role", type=click.Choice(("vendor", "lab", "carrier")), required=True, help="What the key signs as.")
@click.option("--owner", required=True, help="Whose key it is, as readers of a certificate see it.")
@click.option("--days", type=click.IntRange(1, 7300), default=730, show_default=True, help="Life of the key.")
@click.option("--passphrase", is_flag=True, help=f"Protect it; asked for, or taken from {PASSPHRASE}.")
def new_command(path: Path, role: str, owner: str, days: int, passphrase: bool) -> None:
    """Make PATH (private, mode 0600) and its public half beside it (NAME.pub.json)."""
    from reports.bundle.keys import KeyFault, new_key, public_path

    text = ask_passphrase(confirm=True) if passphrase else ""
    try:
        key = new_key(path, role=role, owner=owner, days=days, passphrase=text, now=datetime.now(UTC))
    except (KeyFault, OSError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{path}  (private, keep it)")
    click.echo(f"{public_path(path)}  (public, hand it out)")
    click.echo(f"{key.role} {key.owner}  {key.keyid}  until {key.expires}")


@command.command("show")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--pem", is_flag=True, help="The public key in PEM form, for openssl.")
def show_command(path: Path, pem: bool) -> None:
    """Show a public key file (NAME.pub.json, or the private file beside it, which is not opened)."""
    from reports.bundle.keys import SUFFIX, KeyFault, load_public, public_path

    try:
        key = load_public(path if path.name.endswith(SUFFIX) else public_path(path))
    except KeyFault as error:
        raise click.ClickException(str(error)) from None
    if pem:
        click.echo(key.pem, nl=False)
        return
    for name, value in key.document().items():
        click.echo(f"{name:<10} {value}")
    if not key.valid_at(datetime.now(UTC)):
        click.echo("expired    密钥不在有效期内 / the key is outside its life")
        sys.exit(1)


def ask_passphrase(*, confirm: bool) -> str:
    """The passphrase from the environment, else from the terminal."""
    import os

    found = os.environ.get(PASSPHRASE)
    if found is not None:
        return found
    answer: str = click.prompt("passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
    return answer
