from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from scripted_platform import ScriptedPlatform, Stage, declaration, play

from simulators.camera.control import ControlServer
from simulators.camera.embedded import serve
from simulators.process import SimulatorProcess


class Control:
    """Asks the control endpoint of a camera in this loop."""

    def __init__(self, scene: Stage) -> None:
        self._server = ControlServer(scene.camera)

    async def __aenter__(self) -> Control:
        endpoint = await self._server.start()
        host, _, port = endpoint.removeprefix("tcp://").partition(":")
        self.reader, self.writer = await asyncio.open_connection(host, int(port))
        return self

    async def __aexit__(self, *error: object) -> None:
        self.writer.close()
        await self._server.stop()

    async def do(self, action: str, **arguments: Any) -> dict[str, Any]:
        return await self.line(json.dumps({"do": action, **arguments}))

    async def line(self, text: str) -> dict[str, Any]:
        self.writer.write(text.encode() + b"\n")
        async with asyncio.timeout(10):
            answer: dict[str, Any] = json.loads(await self.reader.readline())
        return answer


def test_the_control_endpoint_does_what_hands_do(tmp_path: Path) -> None:
    async def scenario(scene: Stage) -> None:
        camera = scene.camera
        async with Control(scene) as control:
            assert await control.do("clock", set="20130601120000") == {"ok": True, "time": "20130601120000"}
            status = await control.do("status")
            assert (status["ok"], status["boot_count"], status["online"], status["viewers"]) == (True, 1, True, 0)
            assert status["ptz"] == {"pan": 0.0, "tilt": 0.0, "moving": False}
            assert await scene.platform.result("VIDEO_PTZ", {"ChannelNo": 0, "PtzDirection": 1}) == 0
            await asyncio.sleep(0.1)
            moving = (await control.do("status"))["ptz"]
            assert moving["moving"]
            assert moving["tilt"] > 0
            assert moving["pan"] == 0
            assert await control.do("storage", state="missing") == {"ok": True}
            assert (await scene.platform.ask("STORE_QUERY"))["TotalSize"] == "0"
            assert await scene.platform.result("STORE_FORMAT") == 255
            assert (await control.do("alarm", type=1))["reported"] is False
            assert await control.do("power", state="off") == {"ok": True}
            assert (await control.do("status"))["powered"] is False
            assert await control.do("power", state="on") == {"ok": True}
            assert (await control.do("status"))["boot_count"] == 2
            assert await control.do("power", state="off", at={"upgrade_percent": 50}) == {"ok": True}
            assert camera.powered
            assert camera.cut_at == 50
            assert await control.do("power", state="off") == {"ok": True}
            assert camera.cut_at is None

    play(scenario, tmp_path)


@pytest.mark.parametrize("line", ["no json", "[]", "{}", '{"do": "nothing"}', '{"do": "clock", "set": "late"}'])
def test_a_bad_order_is_answered_and_the_next_one_works(tmp_path: Path, line: str) -> None:
    async def scenario(scene: Stage) -> None:
        async with Control(scene) as control:
            answer = await control.line(line)
            assert answer["ok"] is False
            assert answer["error"]
            assert (await control.do("status"))["ok"] is True

    play(scenario, tmp_path)


def test_another_address_and_network_are_reported_at_the_next_login(tmp_path: Path) -> None:
    async def scenario(scene: Stage) -> None:
        async with Control(scene) as control:
            port = scene.camera.rtsp_port
            assert await control.do("link", address="127.0.0.2", net_type=1) == {"ok": True}
            login = await scene.platform.count("LOGIN", 2)
            assert (login["LocalIP"], login["NetType"], login["RtspLocalPort"]) == ("127.0.0.2", "1", str(port))
            _, writer = await asyncio.open_connection("127.0.0.2", port)
            writer.close()
            assert (await control.do("link", address="203.0.113.1"))["ok"] is False
            assert scene.camera.address == "127.0.0.2"

    play(scenario, tmp_path)


def test_a_pulled_cable_ends_the_link_and_the_streams_until_it_is_back(tmp_path: Path) -> None:
    async def scenario(scene: Stage) -> None:
        port = scene.camera.rtsp_port
        async with Control(scene) as control:
            await control.do("link", state="down")
            await scene.platform.until(lambda: scene.platform.closed == 1)
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(0.5)
            assert len(scene.platform.links) == 1
            await control.do("link", state="up")
            await scene.online()
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()

    play(scenario, tmp_path)


def test_provisioning_moves_a_camera_to_another_platform(tmp_path: Path) -> None:
    async def scenario(scene: Stage) -> None:
        other = ScriptedPlatform()
        await other.start()
        async with Control(scene) as control:
            assert await control.do("provision", group_url=other.url) == {"ok": True}
            await other.count("ABILITYUP")
            assert other.names[:3] == ["REDIRECT", "REGISTER", "LOGIN"]
        await scene.camera.stop()
        await other.stop()

    play(scenario, tmp_path)


def test_a_camera_process_starts_answers_and_ends(tmp_path: Path) -> None:
    process = SimulatorProcess(serve, declaration(tmp_path))
    ready = process.start(group_url="http://127.0.0.1:9/")
    port = int(ready["controls"].rsplit(":", 1)[1])
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as control:
            control.sendall(b'{"do": "status"}\n')
            assert json.loads(control.makefile().readline())["boot_count"] == 1
    finally:
        process.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 10)


def test_the_camera_ends_with_its_parent(tmp_path: Path) -> None:
    program = (
        "import json, sys; from pathlib import Path; from simulators.camera.embedded import serve; "
        "from simulators.process import SimulatorProcess\n"
        "process = SimulatorProcess(serve, Path(sys.argv[1])); ready = process.start(group_url='http://127.0.0.1:9/')\n"
        "print(process._process.pid, flush=True); sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(declaration(tmp_path))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    os.kill(child, 0)
    parent.kill()
    parent.communicate()

    async def gone() -> None:
        async with asyncio.timeout(10):
            while _alive(child):
                await asyncio.sleep(0.05)

    asyncio.run(gone())


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_simulate_prints_one_ready_line_and_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    code = "from conformance.cli.main import main; main()"
    arguments = ["simulate", "camera", "--declaration", str(declaration(tmp_path)), "--state", str(tmp_path / "state")]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    assert set(ready) == {"controls", "images", "rtsp"}
    process.send_signal(number)
    rest, errors = process.communicate(timeout=20)
    assert (process.returncode, rest, errors) == (0, "", "")
    assert (tmp_path / "state" / "settings.json").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kandian: declaration/1\ndevise: {}\n", "devise"),
        ("kandian: [\n", "declaration.yaml"),
    ],
)
def test_simulate_refuses_a_bad_declaration(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "declaration.yaml"
    path.write_text(text, "utf-8")
    found = kandian("simulate", "camera", "--declaration", str(path), "--group", "http://127.0.0.1:9/")
    assert (found.returncode, found.stdout) == (4, "")
    assert told in found.stderr
    assert "Traceback" not in found.stderr


def test_simulate_refuses_an_unknown_fault() -> None:
    found = kandian("simulate", "camera", "--fault", "NoSuchFault")
    assert (found.returncode, found.stdout) == (4, "")
    assert "NoSuchFault" in found.stderr


def kandian(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from conformance.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=30, check=False
    )
