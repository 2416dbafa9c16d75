"""`kandian sign`: one more signature on a bundle, by somebody who has looked at it."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command("sign")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--key", type=click.Path(path_type=Path), required=True, metavar="FILE", help="Private key that signs.")
@click.option("--lang", type=click.Choice(("zh", "en")), default="zh", show_default=True)
def command(file: Path, key: Path, lang: str) -> None:
    """Sign a bundle beside those who signed it before: a lab after a vendor's pre-test, a carrier after a lab.

    Only a bundle whose content is whole and consistent is signed. Exit codes: 0 signed, 18 the content is not, 1 the
    key or the file cannot be used.
    """
    from conformance.cli.bundling import sign_bundle, signing_key
    from reports.bundle.content import check_content
    from reports.bundle.layout import BundleError
    from reports.bundle.reader import open_bundle
    from reports.bundle.verify import REFUSED, WEIGHTS

    signer = signing_key(key, "")
    try:
        with open_bundle(file) as bundle:
            problems = check_content(bundle)
        if not problems:
            click.echo(f"{file}: {sign_bundle(file, signer, lang)}")
            return
    except (BundleError, OSError) as error:
        raise click.ClickException(f"{file}: {error}") from None
    for problem in problems:
        click.echo(problem.line(lang), err=True)
    sys.exit(REFUSED + WEIGHTS["content"])
