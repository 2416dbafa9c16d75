"""`kandian simulate`: run a golden simulator, or a mutant of it, as a device of its own."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import click

from conformance.cli.user_errors import user_errors


@click.group("simulate")
def command() -> None:
    """Run a golden simulator."""


@command.command("camera")
@click.option("--declaration", type=click.Path(path_type=Path), help="What the camera is; default: the shipped one.")
@click.option(
    "--group", default="", metavar="URL", help="Group platform; default: group_port of `bench` in the declaration."
)
@click.option("--fault", default="", metavar="ID", help="Run this mutant instead of the golden camera.")
@click.option("--state", type=click.Path(path_type=Path), help="Folder that keeps settings and recordings.")
def camera_command(declaration: Path | None, group: str, fault: str, state: Path | None) -> None:
    """Simulate a camera until Ctrl-C; prints one JSON line when it is ready."""
    from simulators.camera.declarations import DEFAULT
    from simulators.camera.embedded import group_url_of, serve
    from simulators.process import run_until_stopped

    chosen = declaration or DEFAULT
    with user_errors():
        known = group_url_of(chosen)
        url = group or known
        check_fault(fault)
    with tempfile.TemporaryDirectory(prefix="kandian-camera-") as folder:
        run_until_stopped(serve(chosen, state or Path(folder), _tell, group_url=url, fault=fault))


@command.command("storage")
@click.option("--declaration", type=click.Path(path_type=Path), help="What the storage is; default: the shipped one.")
@click.option("--port", type=int, default=0, show_default=True, help="Where it listens; 0 takes any free port.")
@click.option("--fault", default="", metavar="ID", help="Run this mutant instead of the golden storage.")
@click.option("--state", type=click.Path(path_type=Path), help="Folder that keeps buckets and objects.")
def storage_command(declaration: Path | None, port: int, fault: str, state: Path | None) -> None:
    """Simulate a cloud storage until Ctrl-C; prints one JSON line when it is ready."""
    from simulators.cloud_storage.declarations import DEFAULT
    from simulators.cloud_storage.embedded import serve
    from simulators.process import run_until_stopped
    from specs.declaration import load_declaration
    from specs.loader import load_catalogue

    chosen = declaration or DEFAULT
    with user_errors():
        check_fault(fault)
        load_declaration(chosen, load_catalogue().vocabulary)
    with tempfile.TemporaryDirectory(prefix="kandian-storage-") as folder:
        run_until_stopped(serve(chosen, state or Path(folder), _tell, port=str(port), fault=fault))


@command.command("platform")
@click.option("--declaration", type=click.Path(path_type=Path), help="What the platform is; default: the shipped one.")
@click.option("--push-url", default="", metavar="URL", help="Push gateway; default: the one that a phone names.")
@click.option("--fault", default="", metavar="ID", help="Run this mutant instead of the golden platform.")
@click.option("--state", type=click.Path(path_type=Path), help="Folder that keeps the database and recordings.")
def platform_command(declaration: Path | None, push_url: str, fault: str, state: Path | None) -> None:
    """Simulate a platform until Ctrl-C; prints one JSON line when it is ready."""
    from simulators.platform.declarations import DEFAULT
    from simulators.platform.embedded import serve
    from simulators.process import run_until_stopped
    from specs.declaration import load_declaration
    from specs.loader import load_catalogue

    chosen = declaration or DEFAULT
    with user_errors():
        check_fault(fault)
        load_declaration(chosen, load_catalogue().vocabulary)
    with tempfile.TemporaryDirectory(prefix="kandian-platform-") as folder:
        run_until_stopped(serve(chosen, state or Path(folder), _tell, push_url=push_url, fault=fault))


@command.command("streams")
@click.option("--declaration", type=click.Path(path_type=Path), help="What the server is; default: the shipped one.")
@click.option("--port", type=int, default=0, show_default=True, help="Where it listens; 0 takes any free port.")
@click.option("--fault", default="", metavar="ID", help="Run this mutant instead of the golden server.")
def streams_command(declaration: Path | None, port: int, fault: str) -> None:
    """Simulate a server of HLS and HTTP-FLV streams until Ctrl-C; prints one JSON line when it is ready."""
    from simulators.process import run_until_stopped
    from simulators.streams.declarations import DEFAULT
    from simulators.streams.embedded import serve
    from specs.declaration import load_declaration
    from specs.loader import load_catalogue

    chosen = declaration or DEFAULT
    with user_errors():
        check_fault(fault)
        load_declaration(chosen, load_catalogue().vocabulary)
    with tempfile.TemporaryDirectory(prefix="kandian-streams-") as folder:
        run_until_stopped(serve(chosen, Path(folder), _tell, port=str(port), fault=fault))


def check_fault(fault: str) -> None:
    """Raises UnknownName for a mutant that there is not."""
    from simulators.faults.registry import load_mutants
    from specs.loader import UnknownName

    if fault and fault not in load_mutants():
        raise UnknownName("mutant", fault, load_mutants())


def _tell(addresses: dict[str, Any]) -> None:
    click.echo(json.dumps(addresses))
