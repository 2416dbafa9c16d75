"""Runs of the suites against servers that nobody here wrote, each started for the run and stopped after it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import nginx_server
import pytest

from specs.yaml_source import read_yaml

FOLDER = Path(__file__).parent
SYSTEM_PYTHON = "/usr/bin/python3"
CERTIFY = [sys.executable, "-c", "from conformance.cli.main import main; main()", "certify"]
ACCOUNTS = {
    "KANDIAN_ACCESS_KEY": "KDNOWNER0001",
    "KANDIAN_SECRET_KEY": "owner-secret-of-the-tests",
}
#: That of the session's begin: the runs go on beside tests that change folder and environment for themselves.
ENVIRONMENT = {**os.environ, **ACCOUNTS}
QUIET = ("PASS", "NOT_APPLICABLE")
Verdicts = dict[str, str]
Expected = dict[str, dict[str, str]]


def missing(reason: str) -> None:
    """Skip on a laptop, fail in CI: there the package has to be installed."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def served(command: list[str], folder: Path) -> Iterator[list[int]]:
    """The numbers that the server prints when it is ready; it serves, and keeps its files in ``folder``, until its
    standard input ends."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield [int(number) for number in process.stdout.readline().split()]
        finally:
            process.stdin.close()
            process.wait(20)


@contextmanager
def announced(command: list[str], folder: Path) -> Iterator[str]:
    """The first http address that the server tells on standard error; it serves until it is terminated. What it logs
    goes to a file: a pipe that nobody empties would stop it."""
    log = folder / "server.log"
    with log.open("w") as file, subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=file) as process:
        try:
            while (found := re.search(r"http://127\.0\.0\.1:[0-9]+", log.read_text("utf-8", "replace"))) is None:
                assert process.poll() is None, log.read_text("utf-8", "replace")
                threading.Event().wait(0.1)
            yield found.group()
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def gst_rtsp_server(folder: Path) -> Iterator[str]:
    """URL of a GStreamer RTSP server."""
    probe = [SYSTEM_PYTHON, "-c", "import gi; gi.require_version('GstRtspServer', '1.0')"]
    if not Path(SYSTEM_PYTHON).exists() or subprocess.run(probe, capture_output=True, check=False).returncode:
        missing("needs Debian's gir1.2-gst-rtsp-server-1.0, python3-gi and gstreamer1.0-plugins-*")
    with served([SYSTEM_PYTHON, str(FOLDER / "gst_server.py")], folder) as (port,):
        yield f"rtsp://127.0.0.1:{port}/test"


@contextmanager
def ipycam_ports(folder: Path) -> Iterator[tuple[str, int]]:
    """URL of the main stream and ONVIF port of an ipycam camera."""
    if shutil.which("ffmpeg") is None:
        missing("ipycam encodes with the ffmpeg command: needs Debian's ffmpeg")
    with served([sys.executable, str(FOLDER / "ipycam_server.py")], folder) as (rtsp_port, onvif_port):
        yield f"rtsp://127.0.0.1:{rtsp_port}/video_main", onvif_port


@contextmanager
def ipycam(folder: Path) -> Iterator[str]:
    """URL of the main stream of an ipycam camera."""
    with ipycam_ports(folder) as (url, _):
        yield url


@contextmanager
def ipycam_onvif(folder: Path) -> Iterator[str]:
    """Address of the device service of an ipycam camera, which has no users."""
    with ipycam_ports(folder) as (_, port):
        yield f"http://127.0.0.1:{port}/onvif/device_service"


@contextmanager
def rclone(folder: Path) -> Iterator[str]:
    """Endpoint of ``rclone serve s3`` on an empty folder."""
    data = folder / "data"
    data.mkdir()
    keys = f"{ACCOUNTS['KANDIAN_ACCESS_KEY']},{ACCOUNTS['KANDIAN_SECRET_KEY']}"
    program = str(Path(sys.executable).with_name("rclone"))
    empty = folder / "rclone.conf"
    empty.touch()
    command = [program, "serve", "s3", "--config", str(empty), "--auth-key", keys, "--addr", "127.0.0.1:0", str(data)]
    with announced(command, folder) as url:
        yield url


@contextmanager
def moto(folder: Path) -> Iterator[str]:
    """Endpoint of an empty ``moto_server``."""
    with announced([str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", "0"], folder) as url:
        yield url


@contextmanager
def nginx_rtmp(folder: Path) -> Iterator[str]:
    """Address of nginx with its RTMP module, everything open; the declaration lies in ``folder``."""
    if reason := nginx_server.lacking():
        missing(reason)
    with nginx_server.nginx(folder, nginx_server.PLAIN, nginx_server.OPEN) as url:
        yield url


@contextmanager
def nginx_secure_link(folder: Path) -> Iterator[str]:
    """The same behind secure_link."""
    if reason := nginx_server.lacking():
        missing(reason)
    with nginx_server.nginx(folder, nginx_server.SIGNED, nginx_server.SECURE_LINK) as url:
        yield url


MEDIA_SERVERS = {"gst_rtsp_server": gst_rtsp_server, "ipycam": ipycam}
ONVIF_SERVERS = {"ipycam_onvif": ipycam_onvif}
STORAGE_SERVERS = {"rclone": rclone, "moto": moto}
STREAM_SERVERS = {"nginx_rtmp": nginx_rtmp, "nginx_secure_link": nginx_secure_link}
PROFILES = (
    dict.fromkeys(MEDIA_SERVERS, "media")
    | dict.fromkeys(ONVIF_SERVERS, "onvif")
    | dict.fromkeys(STORAGE_SERVERS, "cloud-storage")
    | dict.fromkeys(STREAM_SERVERS, "stream-urls")
)
SERVERS: dict[str, Callable[[Path], AbstractContextManager[str]]] = {
    **MEDIA_SERVERS,
    **ONVIF_SERVERS,
    **STORAGE_SERVERS,
    **STREAM_SERVERS,
}
EXPECTED: dict[str, Expected] = {
    name: read_yaml(FOLDER / f"expected_{name}.yaml").data["findings"] or {} for name in SERVERS
}


#: What is asked of a server where that is not all of its profile: the bench holds back the discovery of ipycam.
ONVIF_GROUPS = ("ACC", "AUT", "DEV", "EVT", "IMG", "MED", "MD2", "NET", "OPS", "PTZ", "ROB", "SNP", "STR", "SYS", "USR")
ASKED = {"ipycam_onvif": (*(f"ONV-{group}-*" for group in ONVIF_GROUPS), "ONV-RBT-01")}


def allowed(name: str, requirement: str) -> tuple[str, ...]:
    """Verdicts that are expected; a finding marked ``sometimes`` need not show in every run."""
    entry = EXPECTED[name].get(requirement)
    if entry is None:
        return QUIET
    return (entry["verdict"], *(QUIET if entry.get("sometimes") else ()))


def verdicts_on(name: str, folder: Path) -> Verdicts:
    """Verdict of every requirement that was tested. What was not expected is looked at once more: a busy machine may
    have been the reason."""
    folder.mkdir()
    with SERVERS[name](folder) as url:
        asked = (f"--req={glob}" for glob in ASKED.get(name, ()))
        verdicts = run_suites(name, url, folder / "first", *asked)
        again = [i for i, v in verdicts.items() if v not in allowed(name, i)]
        if again:
            more = run_suites(name, url, folder / "again", *(f"--req={requirement}" for requirement in again))
            verdicts.update({i: v for i, v in more.items() if i in again})
        return verdicts


def run_suites(name: str, url: str, out: Path, *more: str) -> Verdicts:
    """Verdicts of one run, under the declaration that lies beside ``out`` where there is one."""
    declaration = out.parent / "declaration.yaml"
    declared = ["--declaration", str(declaration)] if declaration.exists() else []
    done = subprocess.run(
        [
            *CERTIFY,
            "--profile",
            PROFILES[name],
            "--target",
            url,
            "--out",
            str(out),
            "--seed",
            "1",
            *declared,
            *more,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        cwd=out.parent,
        env=ENVIRONMENT,
        check=False,
    )
    assert (out / "results.jsonl").exists(), f"exit code {done.returncode}: {done.stdout}"
    lines: list[dict[str, Any]] = [json.loads(line) for line in (out / "results.jsonl").read_text("utf-8").splitlines()]
    assert lines[-1]["kind"] == "footer", done.stdout
    tested = {i for line in lines if line["kind"] == "test" for i in line["requirements"]}
    return {i: lines[-1]["requirements"][i] for i in sorted(tested)}


@contextmanager
def foreign_runs(folder: Path) -> Iterator[dict[str, Future[Verdicts]]]:
    """One run for each server, at the same time: most of a run is waiting for what must not happen."""
    with ThreadPoolExecutor(len(SERVERS)) as pool:
        yield {name: pool.submit(verdicts_on, name, folder / name) for name in SERVERS}
