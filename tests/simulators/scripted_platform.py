"""A small platform on loopback for tests of the simulated camera: it answers as it is told and remembers everything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from conformance.protocols.http_message import HttpRequest, HttpRequestParser, HttpResponse, serialize_response
from conformance.protocols.tykd_frame import Frame, FrameParser, encode_frame
from conformance.protocols.tykd_message import Message, decode_message, encode_message
from simulators.camera.camera import Camera
from simulators.camera.declarations import DEFAULT
from specs.declaration import load_declaration
from specs.loader import load_catalogue
from specs.messages import load_message_table

DEVICE = "KDN00000001"
KEY = "9f2c41d07be35a68"
TABLE = load_message_table()
Values = dict[str, Any]


class ScriptedPlatform:
    """Group, province and two access servers. ``answers``: by command, values that are added to Result 0, or None."""

    def __init__(self) -> None:
        self.log: list[tuple[str, Message]] = []
        self.frames: list[Frame] = []
        self.answers: dict[str, Values | None] = {}
        self.register: Values = {}
        self.tokens: Callable[[Message], int | None] = lambda message: 0
        self.primary: asyncio.Server
        self.links: list[tuple[str, asyncio.StreamWriter]] = []
        self.closed = 0
        self.answer_shift = 0
        self._answered: dict[tuple[int, int], asyncio.Future[Message]] = {}
        self._sequence = 900
        self._news = asyncio.Condition()

    async def start(self) -> None:
        self._http = await asyncio.start_server(self._serve_http, "127.0.0.1", 0)
        self.primary = await asyncio.start_server(lambda r, w: self._serve("primary", r, w), "127.0.0.1", 0)
        self.primary_port = self.port(self.primary)
        self.backup = await asyncio.start_server(lambda r, w: self._serve("backup", r, w), "127.0.0.1", 0)

    async def restart_primary(self) -> None:
        serve = lambda r, w: self._serve("primary", r, w)  # noqa: E731
        self.primary = await asyncio.start_server(serve, "127.0.0.1", self.primary_port)

    async def stop(self) -> None:
        for server in (self._http, self.primary, self.backup):
            server.close()
        for _, writer in self.links:
            writer.transport.abort()

    @staticmethod
    def port(server: asyncio.Server) -> int:
        return int(server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port(self._http)}/group"

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.log]

    def of(self, name: str) -> list[Message]:
        return [message for found, message in self.log if found == name]

    async def until(self, ready: Callable[[], Any], seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(ready)

    async def count(self, name: str, number: int = 1) -> Message:
        await self.until(lambda: len(self.of(name)) >= number)
        return self.of(name)[number - 1]

    async def ask(self, name: str, values: Values | None = None, *, dev_id: str = DEVICE) -> Message:
        """Send a request of the platform; the answer. Raises TimeoutError."""
        xml = encode_message(TABLE, name, "request", {"DevID": dev_id, **(values or {})}, check=False)
        code = TABLE.command(name).code
        assert code is not None
        return await self.ask_raw(code, xml)

    async def ask_raw(self, code: int, xml: bytes, *, wrong_digest: bool = False) -> Message:
        self._sequence += 1
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._answered[code, self._sequence] = future
        data = encode_frame(Frame(code, self._sequence, xml))
        self.links[-1][1].write(data[:-1] + bytes([data[-1] ^ wrong_digest]))
        async with asyncio.timeout(3):
            return await future

    async def result(self, name: str, values: Values | None = None, *, dev_id: str = DEVICE) -> int:
        return (await self.ask(name, values, dev_id=dev_id)).result

    async def _note(self, name: str, message: Message) -> None:
        async with self._news:
            self.log.append((name, message))
            self._news.notify_all()

    async def _serve_http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser = HttpRequestParser()
        requests: list[HttpRequest] = []
        while not requests and (data := await reader.read(4096)):
            requests = parser.feed(data)
        if not requests:
            return
        name = "REDIRECT" if b"<REDIRECT_REQ>" in requests[0].body else "REGISTER"
        await self._note(name, decode_message(TABLE, name, "device-to-platform", requests[0].body))
        values = self._register_values() if name == "REGISTER" else {"LcmsUrl": self.url.replace("group", "lcms")}
        values = {"Result": 0, "DevID": DEVICE, **values, **(self.answers.get(name) or {})}
        body = encode_message(TABLE, name, "response", values, check=False)
        head = (("Content-Length", str(len(body))),)
        writer.write(serialize_response(HttpResponse.build(200, "OK", head, body)))
        writer.close()

    def _register_values(self) -> Values:
        empty = (
            "TurnIP",
            "TurnPort",
            "BackupTurnIP",
            "BackupTurnPort",
            "FtpIP",
            "FtpPort",
            "FtpAccount",
            "FtpPassword",
        )
        return {
            "NatIP": "127.0.0.1",
            "NatPort": self.primary_port,
            "BackupNatIP": "127.0.0.1",
            "BackupNatPort": self.port(self.backup),
            **dict.fromkeys(empty, ""),
            "Time": "",
            **self.register,
        }

    async def _serve(self, which: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.links.append((which, writer))
        parser = FrameParser(65535)
        try:
            while data := await reader.read(65536):
                for received in parser.feed(data):
                    assert received.digest_ok
                    await self._take(received.frame, writer)
        except ConnectionError:
            pass
        async with self._news:
            self.closed += 1
            self._news.notify_all()

    async def _take(self, frame: Frame, writer: asyncio.StreamWriter) -> None:
        message = decode_message(TABLE, frame.command, "device-to-platform", frame.xml)
        waiting = self._answered.pop((frame.command, frame.sequence), None)
        if waiting is not None:
            waiting.set_result(message)
            return
        self.frames.append(frame)
        await self._note(message.name, message)
        values = self._answer(message)
        if values is not None and not writer.is_closing():
            xml = encode_message(TABLE, message.name, "response", values, check=False)
            writer.write(encode_frame(Frame(frame.command, (frame.sequence + self.answer_shift) % 65536, xml)))

    def _answer(self, message: Message) -> Values | None:
        extra = self.answers.get(message.name, {})
        if extra is None:
            return None
        if message.name in ("VIDEO_PLAY", "RECORD_PLAY"):
            verdict = self.tokens(message)
            return None if verdict is None else {"Result": verdict, "DevID": DEVICE}
        if message.name == "HEARTBEAT":
            return {"DevID": DEVICE, "Time": "20130601120000", **extra}
        return {"Result": 0, "DevID": DEVICE, **extra}


class Stage:
    """A platform and a camera that knows its group address."""

    def __init__(self, platform: ScriptedPlatform, camera: Camera) -> None:
        self.platform, self.camera = platform, camera

    async def online(self) -> None:
        async with asyncio.timeout(10):
            while not (self.camera.powered and self.camera.client.online):
                await asyncio.sleep(0.01)

    async def offline(self) -> None:
        async with asyncio.timeout(10):
            while self.camera.powered and self.camera.client.online:
                await asyncio.sleep(0.01)


def declaration(folder: Path, *, source: Path = DEFAULT, scale: float = 0.02, **features: str) -> Path:
    """A copy of a shipped declaration without past recordings, some features changed."""
    text = source.read_text("utf-8").replace("  history: {count: 12, seconds: 3.0}", "  history: {}")
    text = text.replace("timers: {scale: 0.02}", f"timers: {{scale: {scale}}}")
    lines = []
    for line in text.splitlines():
        name = line.strip().partition(":")[0]
        lines.append(f"  {name}: {features[name]}" if name in features and line.startswith("  ") else line)
    path = folder / "declaration.yaml"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@asynccontextmanager
async def stage(
    folder: Path,
    prepare: Callable[[ScriptedPlatform], None] = lambda platform: None,
    *,
    source: Path = DEFAULT,
    scale: float = 0.02,
    **features: str,
) -> AsyncIterator[Stage]:
    platform = ScriptedPlatform()
    await platform.start()
    prepare(platform)
    path = declaration(folder, source=source, scale=scale, **features)
    camera = Camera(load_declaration(path, load_catalogue().vocabulary), folder / "state", platform.url)
    try:
        await camera.start()
        yield Stage(platform, camera)
    finally:
        await camera.stop()
        await platform.stop()


def play(scenario: Callable[[Stage], Awaitable[None]], folder: Path, *arguments: Any, **options: Any) -> None:
    """Run a scenario against a camera that is online when it begins."""

    async def run() -> None:
        async with stage(folder, *arguments, **options) as scene:
            await scene.online()
            await scenario(scene)

    asyncio.run(run())
