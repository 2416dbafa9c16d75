"""A foreign ONVIF device is left as it was found: after a test that fails, after Ctrl-C, and after a second Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conformance.peers.bench import bench_limits
from conformance.peers.onvif.client import OnvifClient
from conformance.wire import LiveWire
from simulators.camera.declarations import ONVIF
from specs.loader import load_catalogue

KANDIAN = [sys.executable, "-c", "from conformance.cli.main import main; main()"]
USER, PASSWORD = "admin", "Wq7-kandian-onvif"
READ = (("media", "GetVideoEncoderConfigurations"), ("media", "GetProfiles"), ("device", "GetHostname"))


@contextmanager
def camera(folder: Path, fault: str = "") -> Iterator[tuple[str, Path]]:
    """A golden camera, or a mutant, in a process of its own: its address and a declaration that leads to it."""
    command = [*KANDIAN, "simulate", "camera", "--declaration", str(ONVIF), *([f"--fault={fault}"] if fault else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            ready = json.loads(process.stdout.readline())
            declaration = folder / "camera.yaml"
            text = ONVIF.read_text("utf-8").replace("rtsp://127.0.0.1/live/0/1", ready["media_url"])
            declaration.write_text(text, "utf-8")
            yield ready["onvif_url"], declaration
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)


def settings(url: str) -> list[str]:
    """What the device says of its settings, without what belongs to the moment."""

    async def read() -> list[str]:
        seed = int.from_bytes(os.urandom(4), "big")
        async with LiveWire(seed=seed) as wire:
            client = OnvifClient(wire, url, USER, PASSWORD, bench_limits(load_catalogue(), 1.0))
            await client.synchronize()
            await client.find_services()
            answers = [await client.call(service, operation) for service, operation in READ]
            client.close()
            assert all(answer.ok for answer in answers)
            return [re.sub(rb"<[^>]*Header>.*</[^>]*Header>", b"", answer.raw).decode() for answer in answers]

    return asyncio.run(read())


def certifying(url: str, declaration: Path, out: Path) -> list[str]:
    """The command: a test that changes the encoder and looks at the stream."""
    options = ["--profile=onvif", f"--target={url}", f"--declaration={declaration}", f"--out={out}"]
    return [*KANDIAN, "certify", *options, "--req=ONV-MED-06", "--req=ONV-NET-01", "--lang=en"]


def until_changed(url: str, before: list[str]) -> None:
    """Wait for the first other setting, at most half a minute."""
    for _ in range(300):
        if settings(url) != before:
            return
        time.sleep(0.05)
    raise AssertionError("nothing was changed")


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_in_the_middle_of_a_change(tmp_path: Path, presses: int) -> None:
    with camera(tmp_path) as (url, declaration):
        before = settings(url)
        out = tmp_path / "out"
        environment = {**os.environ, "KANDIAN_STATE_DIR": str(tmp_path / "state")}
        with subprocess.Popen(
            certifying(url, declaration, out), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
        ) as process:
            until_changed(url, before)
            for _ in range(presses):
                process.send_signal(signal.SIGINT)
                time.sleep(0.3)
            printed, _ = process.communicate(timeout=60)
        assert process.returncode == 2, printed.decode()
        assert settings(url) == before
        kinds = [json.loads(line)["kind"] for line in (out / "results.jsonl").read_text("utf-8").splitlines()]
        assert (kinds[0], kinds[-1]) == ("header", "footer")
        assert (out / "report.html").exists()


def test_a_test_that_fails(tmp_path: Path) -> None:
    with camera(tmp_path, fault="StreamSmallerThanSet") as (url, declaration):
        before = settings(url)
        done = subprocess.run(
            certifying(url, declaration, tmp_path / "out"), capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 1, done.stdout
        assert re.search(r"^FAIL +\S+stream_is_what_was_set", done.stderr, re.MULTILINE)
        assert settings(url) == before
