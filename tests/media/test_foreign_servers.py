"""The media profile against RTSP servers that nobody here wrote; every finding is expected one by one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from specs.yaml_source import read_yaml

FOLDER = Path(__file__).parent
SYSTEM_PYTHON = "/usr/bin/python3"
CERTIFY = [sys.executable, "-c", "from conformance.cli.main import main; main()", "certify", "--profile", "media"]


def missing(reason: str) -> None:
    """Skip on a laptop, fail in CI: there the package has to be installed."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def gst_server() -> Iterator[str]:
    """URL of a GStreamer RTSP server."""
    probe = [SYSTEM_PYTHON, "-c", "import gi; gi.require_version('GstRtspServer', '1.0')"]
    if not Path(SYSTEM_PYTHON).exists() or subprocess.run(probe, capture_output=True, check=False).returncode:
        missing("needs Debian's gir1.2-gst-rtsp-server-1.0, python3-gi and gstreamer1.0-plugins-*")
    with subprocess.Popen(
        [SYSTEM_PYTHON, str(FOLDER / "gst_server.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            yield f"rtsp://127.0.0.1:{port}/test"
        finally:
            process.stdin.close()
            process.wait(20)


def findings(url: str, out: Path) -> dict[str, str]:
    """Verdict of every requirement that was tested and is neither PASS nor NOT_APPLICABLE."""
    done = subprocess.run(
        [*CERTIFY, "--target", url, "--out", str(out), "--seed", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
    lines = [json.loads(line) for line in (out / "results.jsonl").read_text("utf-8").splitlines()]
    tested = {i for line in lines if line["kind"] == "test" for i in line["requirements"]}
    assert len(tested) > 30, done.stdout
    verdicts = lines[-1]["requirements"]
    return {i: verdicts[i] for i in sorted(tested) if verdicts[i] not in ("PASS", "NOT_APPLICABLE")}


def test_gst_rtsp_server(gst_server: str, tmp_path: Path) -> None:
    expected = read_yaml(FOLDER / "expected_gst_rtsp_server.yaml").data["findings"]
    assert findings(gst_server, tmp_path / "out") == {i: entry["verdict"] for i, entry in expected.items()}
