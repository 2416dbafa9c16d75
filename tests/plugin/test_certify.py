"""`kandian certify` end to end: exit codes, result lines, evidence, secrets, refusals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from simulators.camera.declarations import DEFAULT
from specs.loader import SPECS_ROOT

KANDIAN = [sys.executable, "-c", "from conformance.cli.main import main; main()"]
SECRET = "9f2c41d07be35a68"


def kandian(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line; standard error is folded into the output."""
    return subprocess.run(
        [*KANDIAN, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        env={**os.environ, **environment},
        check=False,
    )


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def good_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run against the embedded golden camera."""
    out = tmp_path_factory.mktemp("certify") / "out"
    done = kandian("certify", "--out", out, "--lang", "en", "--req", "IF-FRM-03*", "--req", "IF-AHL-02", "--seed", "7")
    assert done.returncode == 0, done.stdout
    assert "Conforms: Every selected requirement is met." in done.stdout
    return out


def test_result_lines(good_run: Path) -> None:
    found = lines(good_run)
    assert found[0]["kind"] == "header"
    assert found[-1]["kind"] == "footer"
    assert found[-1]["exit_code"] == 0
    tests = found[1:-1]
    assert {test["verdict"] for test in tests} == {"PASS"}
    assert {i for test in tests for i in test["requirements"]} == {"IF-FRM-03", "IF-FRM-03a", "IF-FRM-03b", "IF-AHL-02"}
    assert all(check["expected"]["zh"] for test in tests for check in test["checks"])


@pytest.mark.parametrize("name", ["plan", "result_line"])
def test_files_follow_their_schemas(good_run: Path, name: str) -> None:
    schema = json.loads((SPECS_ROOT / "schema" / f"{name}.schema.json").read_text("utf-8"))
    documents = [json.loads((good_run / "plan.json").read_text("utf-8"))] if name == "plan" else lines(good_run)
    faults = [error.message for document in documents for error in Draft202012Validator(schema).iter_errors(document)]
    assert faults == []


def test_every_test_has_evidence(good_run: Path) -> None:
    for test in lines(good_run)[1:-1]:
        assert (good_run / test["evidence"] / "wire.pcapng").stat().st_size > 500


def test_no_output_holds_the_device_key(good_run: Path) -> None:
    files = [path for path in good_run.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert [str(path) for path in files if SECRET.encode() in path.read_bytes()] == []


def test_reports(good_run: Path) -> None:
    html = (good_run / "report.html").read_text("utf-8")
    assert "符合性测试报告" in html
    assert "Conformance test report" in html
    assert "http://" not in html.replace("http://www.w3.org", "").replace("http://127.0.0.1", "")
    assert 'failures="0"' in (good_run / "junit.xml").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--req", "IF-AHL-2"], "there is no requirement named 'IF-AHL-2'; did you mean IF-AHL-2"),
        (["--profile", "camra"], "there is no profile named 'camra'; did you mean camera"),
        (["--edition", "formal"], "there is no edition named 'formal'; did you mean formal-2013.08"),
        (["--declaration", "nowhere.yaml"], "nowhere.yaml:1: the file does not exist"),
        (["--target", "http://127.0.0.1/"], "the target of a camera is an rtsp://"),
        (["--target", "rtsp://127.0.0.1/", "--declaration", "x"], "exclude each other"),
    ],
)
def test_what_the_user_got_wrong(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = kandian("certify", "--out", tmp_path / "out", *arguments)
    assert done.returncode == 4
    assert message in done.stdout
    assert "Traceback" not in done.stdout


def test_an_unreachable_device_is_blocked_not_failed(tmp_path: Path) -> None:
    done = kandian(
        "certify", "--out", tmp_path, "--lang", "en", "--target", "rtsp://127.0.0.1:1/x", "--req", "IF-RTSP-0*"
    )
    assert done.returncode == 10
    assert "cannot reach the device at 127.0.0.1:1" in done.stdout
    assert {test["verdict"] for test in lines(tmp_path)[1:-1]} <= {"BLOCKED"}


def test_a_full_disk_is_told_in_one_sentence(tmp_path: Path) -> None:
    small = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)); "
    done = subprocess.run(
        [sys.executable, "-c", small + KANDIAN[2], "certify", "--out", str(tmp_path / "out"), "--req", "IF-FRM-01"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 3
    assert "cannot write" in done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert "INTERNALERROR" not in done.stderr + done.stdout


def own_declaration(folder: Path) -> Path:
    """The golden camera's declaration with fixed ports: the camera keeps the province address over runs."""
    bench = f"bench: {{host: 127.0.0.1, group_port: {free_port()}, province_port: {free_port()}}}"
    text = DEFAULT.read_text("utf-8").replace("bench: {host: 127.0.0.1}", bench)
    path = folder / "device.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_simulated_device_a_busy_device_and_a_killed_run(tmp_path: Path) -> None:
    declaration = own_declaration(tmp_path)
    state = {"KANDIAN_STATE_DIR": str(tmp_path / "state")}
    environment = {**os.environ, **state}
    with subprocess.Popen(
        [*KANDIAN, "simulate", "camera", "--declaration", str(declaration)], stdout=subprocess.PIPE, text=True
    ) as camera:
        assert camera.stdout is not None
        ready = json.loads(camera.stdout.readline())
        text = declaration.read_text("utf-8")
        declaration.write_text(text.replace("controls: {", f'controls: {{endpoint: "{ready["controls"]}", '), "utf-8")
        try:
            out = tmp_path / "first"
            command = [*KANDIAN, "certify", "--declaration", str(declaration), "--out", str(out), "--req", "IF-AHL-*"]
            with subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
            ) as first:
                wait_for_lines(out / "results.jsonl", 3)
                second = kandian("certify", "--declaration", declaration, "--out", tmp_path / "second", **state)
                assert second.returncode == 4
                assert "KDN00000001" in second.stdout.upper()
                first.kill()
            assert lines(out)[0]["kind"] == "header"
            assert [line["kind"] for line in lines(out)[1:3]] == ["test", "test"]
            again = kandian("certify", "--declaration", declaration, "--out", out, "--req", "IF-FRM-03", **state)
            assert again.returncode == 0, again.stdout
        finally:
            camera.send_signal(signal.SIGINT)
            camera.wait(20)


def wait_for_lines(path: Path, count: int) -> None:
    """Until the file has that many lines, at most a minute."""
    for _ in range(600):
        if path.exists() and len(path.read_bytes().splitlines()) >= count:
            return
        time.sleep(0.1)
    raise AssertionError(f"{path} has no {count} lines after a minute")
