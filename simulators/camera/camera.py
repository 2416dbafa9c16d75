"""The golden camera: everything put together, and the few rules that belong to no single part."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from conformance.media.labelled_video import DEVICE_ZONE
from conformance.protocols.tykd_message import Message
from conformance.protocols.violation import CodecError
from simulators.camera.alarms import Notices
from simulators.camera.cloud import CloudUploader
from simulators.camera.commands import Commands
from simulators.camera.encoder import EncoderBank
from simulators.camera.media_format import StreamSettings, audio_codec
from simulators.camera.network import Network
from simulators.camera.onvif.server import OnvifService
from simulators.camera.onvif.state import User
from simulators.camera.pictures import Pictures
from simulators.camera.platform_client import PlatformClient
from simulators.camera.playback import CameraSource
from simulators.camera.ptz import Ptz
from simulators.camera.record_store import RecordStore
from simulators.camera.recorder import History, Recorder, seed_history
from simulators.camera.relay import Relay
from simulators.camera.rtsp_server import RtspConfig, RtspServer
from simulators.camera.settings import Settings, SettingsFile, StreamParameters
from simulators.camera.timers import load_timers
from simulators.camera.told_to_platform import ToldToPlatform
from simulators.camera.upgrade import Upgrade
from specs.declaration import LoadedDeclaration
from specs.messages import load_message_table

_LOG = logging.getLogger(__name__)

NET_TYPES = {"wired": 0, "wifi": 1, "3g": 2}
DEFAULT_PAIRS = {1: 1, 2: 3}
NETWORKS = [{"SSID": "shop", "Signal": 80, "Security": 4}, {"SSID": "guest room", "Signal": 40, "Security": 0}]


class Camera(ToldToPlatform):
    """One simulated device. ``folder``: where its state lives. Loop-bound; use ``start`` and ``stop``."""

    role = "camera"
    client_class: type[PlatformClient] = PlatformClient
    commands_class: type[Commands] = Commands
    server_class: type[RtspServer] = RtspServer
    notices_class: type[Notices] = Notices
    upgrade_class: type[Upgrade] = Upgrade
    pictures_class: type[Pictures] = Pictures
    relay_class: type[Relay] = Relay
    onvif_class: type[OnvifService] = OnvifService
    uploader_class: type[CloudUploader] = CloudUploader

    def __init__(self, loaded: LoadedDeclaration, folder: Path, group_url: str = "", province_url: str = "") -> None:
        declaration = loaded.declaration
        self.features = dict(loaded.features)
        self.dev_id, self.key = declaration.device.dev_id, loaded.key
        self.model, self.group_url = declaration.device.model, group_url
        self.table = load_message_table()
        self.timers = load_timers(declaration.timers.scale)
        self.folder = folder
        self.simulator = declaration.simulator
        self.manufacturer = declaration.device.manufacturer
        self.onvif_login = (declaration.onvif.username if declaration.onvif else "", loaded.onvif_password)
        self.onvif_port = self.discovery_port = 0
        self.rtsp_login = (declaration.media.user, loaded.password) if declaration.media else ("", "")
        self.networks = [dict(network) for network in NETWORKS]
        self.ftp_account: dict[str, str] = {}
        self.clock_offset = 0.0
        self.address = str(self.simulator.get("host", "127.0.0.1"))
        self.net_type = NET_TYPES[min(self._set("net_types") or {"wired"}, key=list(NET_TYPES).index)]
        self.powered = False
        self.cut_at: float | None = None
        self.rtsp_port = 0
        self.link_up = asyncio.Event()
        self.link_up.set()
        self.network = Network(self)
        self._file = SettingsFile(folder, self.factory_settings(declaration.device.version, province_url))
        self._tasks: set[asyncio.Task[Any]] = set()
        self._online: asyncio.Task[Any] | None = None
        self._restarting: asyncio.Task[Any] | None = None
        self._going_down: asyncio.Task[None] | None = None

    # facts

    def has(self, feature: str) -> bool:
        """Whether a feature is declared."""
        return bool(self.features.get(feature))

    def _set(self, feature: str) -> frozenset[str]:
        value = self.features.get(feature)
        return value if isinstance(value, frozenset) else frozenset()

    @property
    def settings(self) -> Settings:
        """What survives a restart."""
        return self._file.data

    def save(self) -> None:
        """Put the settings on disk."""
        self._file.save()

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.features.get("channels", 1))  # type: ignore[arg-type]

    @property
    def digital_inputs(self) -> int:
        """Number of digital inputs."""
        return int(self.features.get("digital_inputs", 0)) if self.has("digital_input") else 0  # type: ignore[arg-type]

    @property
    def pairs(self) -> frozenset[str]:
        """Declared ``StreamType/FrameSize`` pairs."""
        return self._set("streams") or frozenset({"1/1"})

    def now(self) -> float:
        """The device's own clock, epoch seconds."""
        return time.time() + self.clock_offset

    def time_text(self) -> str:
        """The device's clock as YYYYMMDDhhmmss, UTC+8."""
        return dt.datetime.fromtimestamp(self.now(), DEVICE_ZONE).strftime("%Y%m%d%H%M%S")

    def set_clock(self, text: str) -> None:
        """Set the clock to YYYYMMDDhhmmss, UTC+8."""
        moment = dt.datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=DEVICE_ZONE)
        self.clock_offset = moment.timestamp() - time.time()

    # life

    def factory_settings(self, version: str, province_url: str) -> Settings:
        """What a new camera comes with."""
        streams = {}
        for channel in range(self.channels):
            for stream in sorted({int(pair[0]) for pair in self.pairs}):
                sizes = sorted(int(pair[2]) for pair in self.pairs if pair.startswith(f"{stream}/"))
                size = DEFAULT_PAIRS[stream] if DEFAULT_PAIRS[stream] in sizes else sizes[0]
                audio = int(self.has("audio"))
                streams[f"{channel}/{stream}"] = StreamParameters(size, 15, 1, 6 if stream == 1 else 4, audio)
        return Settings(version=version, streams=streams, province_url=province_url)

    def onvif_users(self, name: str, password: str) -> list[User]:
        """The administrator that a new camera comes with: the declared one, else one of that name and password."""
        declared, secret = self.onvif_login
        return [User(declared or name, secret if declared else password, "Administrator")]

    def factory_reset(self, *, hard: bool) -> None:
        """Settings as they came; a soft reset keeps the users."""
        fresh = self.factory_settings(self.settings.version, self.settings.province_url)
        if not hard:
            fresh.onvif.users = self.settings.onvif.users
        self._file.data = fresh
        self.save()

    async def start(self) -> None:
        """First start: seed past recordings, then boot."""
        budget = int(self.simulator.get("storage_mb", 256)) << 20
        self.store = RecordStore(self.folder / "records", self.dev_id, budget=budget)
        history = self.simulator.get("history", {})
        if self.has("local_store") and history:
            for channel in range(self.channels):
                settings = StreamSettings("h264", 320, 192, 10, "constant", 96, audio=self.has("audio"))
                await seed_history(self.store, History(**history), settings, channel, 2, self.now())
        await self.power_on()

    async def power_on(self) -> None:
        """Boot: settings from disk, streams, RTSP server, platform client."""
        if self._going_down is not None:
            await asyncio.wait([self._going_down])
        if self.powered:
            return
        self._file.reload()
        self.settings.boot_count += 1
        self.save()
        self.powered = True
        self.ptz = Ptz(self.timers.seconds("ptz_stop"))
        self.notices = self.notices_class(self)
        self.upgrade = self.upgrade_class(self)
        self.commands = self.commands_class(self)
        self.client = self.client_class(self)
        self.relay = self.relay_class(self)
        self.linked_until: dict[int, float] = {}
        self.store.loop = bool(self.settings.record_loop)
        streams = {
            (int(key[0]), int(key[2])): self.stream_settings(int(key[2]), parameters)
            for key, parameters in self.settings.streams.items()
        }
        self.bank = EncoderBank(self.dev_id, streams, clock=self.now)
        self.recorders = {
            channel: Recorder(self.store, self.bank.encoders[channel, 1], segment_seconds=self.segment_seconds())
            for channel in range(self.channels)
        }
        self.server = self.server_class(
            self.rtsp_config(), CameraSource(self.bank, self.store), self.ask_token, clock=self.now
        )
        _, self.rtsp_port = await self.server.start()
        if not self.link_up.is_set():
            await self.server.cut()
        self.follow_plan()
        self.onvif = self.onvif_class(self)
        if self.has("onvif"):
            await self.onvif.start()
        if self.has("tykd"):
            self.go_online()
        if self.has("local_store"):
            self.spawn(self._follow_clock())
        if self.has("snapshot"):
            self.spawn(self.pictures_class(self).run())
        if self.has("cloud_store") and self.has("local_store"):
            self.spawn(self.uploader_class(self).run())

    def go_online(self) -> None:
        """Begin with the platform from the first step."""
        if self._online is not None:
            self._online.cancel()
        self._online = self.spawn(self._stay_online())

    def rtsp_config(self) -> RtspConfig:
        """How the RTSP server is set up."""
        return RtspConfig(
            self.dev_id,
            host=self.address,
            max_viewers=int(self.features.get("max_viewers", 4)),  # type: ignore[arg-type]
            session_timeout=self.timers.seconds("session_timeout"),
            token_wait=self.timers.seconds("token_wait"),
            token_guard=self.has("anti_hotlink"),
            udp=self.features.get("udp") is not False,
            tcp=self.features.get("tcp_interleaved") is not False,
            report_interval=1.0,
            auth="digest" if self.has("digest_auth") else "basic" if self.has("basic_auth") else "none",
            user=self.rtsp_login[0],
            password=self.rtsp_login[1],
        )

    async def _stay_online(self) -> None:
        while True:
            await self.link_up.wait()
            try:
                await self.client.run()
            except (OSError, EOFError, ValueError, LookupError, RuntimeError, CodecError):
                _LOG.exception("the platform client failed; it begins again")
                await asyncio.sleep(self.client.connect_backoff())

    async def stop(self) -> None:
        """End properly."""
        self._forget_restart()
        if self.powered:
            self.powered = False
            self.stop_recording()
            await self.onvif.stop()
            await self._cancel()
            await self.server.stop()
            await self.bank.close()

    async def power_off(self) -> None:
        """As if the plug were pulled: connections reset, what was not saved is lost."""
        self._forget_restart()
        if self.powered:
            self.powered = False
            self._going_down = asyncio.get_running_loop().create_task(self._go_down())
        if self._going_down is not None:
            await asyncio.shield(self._going_down)

    async def _go_down(self) -> None:
        for recorder in self.recorders.values():
            recorder.cut()
        await self.onvif.stop()
        self.network.drop_platform()
        await self._cancel()
        await self.server.cut()
        await self.bank.close()

    async def restart(self) -> None:
        """Restart by command: a short pause, down, up again."""
        await asyncio.sleep(self.timers.seconds("reboot_pause"))
        self._restarting = asyncio.get_running_loop().create_task(self._restart_now())

    async def _restart_now(self) -> None:
        await self.stop()
        await asyncio.sleep(self.timers.seconds("reboot"))
        await self.power_on()

    def _forget_restart(self) -> None:
        if self._restarting is not None and self._restarting is not asyncio.current_task():
            self._restarting.cancel()

    async def _cancel(self) -> None:
        own = asyncio.current_task()
        tasks = [task for task in self._tasks if task is not own]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something beside; it ends with the power."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # streams

    def stream_settings(self, stream: int, parameters: StreamParameters) -> StreamSettings:
        """Codes of the message table as numbers."""
        width, height = self.table.frame_sizes[parameters.frame_size]
        codecs = self._set("video_codecs") or frozenset({"h264"})
        codec = "h265" if "h265" in codecs and stream == 2 else "h264"
        return StreamSettings(
            codec,  # type: ignore[arg-type]
            width,
            height,
            parameters.frame_rate,
            "constant" if parameters.rate_type == 1 else "variable",
            self.table.bit_rates[parameters.bit_rate],
            audio=bool(parameters.audio),
            key_interval_s=self.key_seconds(stream, parameters),
            audio_codec=audio_codec(stream, self._set("audio_codecs")),
        )

    def key_seconds(self, stream: int, parameters: StreamParameters) -> float:
        """Seconds from one key picture to the next: one, unless an ONVIF client has set their distance in frames."""
        frames = self.settings.onvif.gov.get(str(stream))
        return frames / parameters.frame_rate if frames else 1.0

    def parameters(self, channel: int, stream: int) -> StreamParameters:
        """Parameters in force."""
        return self.settings.streams[f"{channel}/{stream}"]

    def set_parameters(self, channel: int, stream: int, wanted: StreamParameters) -> None:
        """Put parameters in force at once and remember them."""
        self.settings.streams[f"{channel}/{stream}"] = wanted
        self.bank.encoders[channel, stream].change(self.stream_settings(stream, wanted))
        self.save()

    # recording

    def plan_wants(self, channel: int) -> bool:
        """Whether the channel should be recording now."""
        if not self.has("local_store"):
            return False
        if self.settings.record_full.get(str(channel)) or time.monotonic() < self.linked_until.get(channel, 0.0):
            return True
        now = dt.datetime.fromtimestamp(self.now(), DEVICE_ZONE)
        minute = now.hour * 60 + now.minute
        return any(
            p.channel == channel and p.week == now.isoweekday() and p.start <= minute < p.end
            for p in self.settings.record_policies
        )

    def segment_seconds(self) -> float:
        """Longest recording file."""
        return self.timers.seconds("segment")

    def record_alarm(self, channel: int) -> None:
        """Record a channel for some time after an alarm, whatever its plan says."""
        self.linked_until[channel] = time.monotonic() + self.timers.seconds("linked_recording")
        self.follow_plan()

    def follow_plan(self) -> None:
        """Start and stop recording as the plan says."""
        for channel, recorder in self.recorders.items():
            if self.plan_wants(channel):
                recorder.start()
            else:
                recorder.stop()

    def stop_recording(self) -> None:
        """Finish every segment."""
        for recorder in self.recorders.values():
            recorder.stop()

    async def _follow_clock(self) -> None:
        while True:
            await asyncio.sleep(max(0.2, 10 * self.timers.scale))
            self.follow_plan()

    # what the platform is asked

    async def ask_token(self, kind: str, channel: str, subject: str, token: str) -> bool:
        """Ask the platform about a play; anything but Result 0 means no."""
        name = "VIDEO_PLAY" if kind == "live" else "RECORD_PLAY"
        target = "StreamType" if kind == "live" else "FileName"
        values = {"DevID": self.dev_id, "ChannelNo": channel, target: subject, "HashToken": token}
        try:
            answer = await self.client.ask(name, values, self.timers.seconds("token_wait"))
        except (CodecError, OSError, TimeoutError):
            return False
        return self.verdict(answer)

    def verdict(self, answer: Message) -> bool:
        """Whether an answer lets a play go on."""
        return answer.result == 0 and not answer.faults

    # what the platform tells

    async def registered(self, answer: Message) -> None:
        """Keep the FTP account of the answer and go to its relay."""
        names = ("FtpIP", "FtpPort", "FtpAccount", "FtpPassword")
        self.ftp_account = {name: answer.get(name) for name in names}
        if self.has("relay"):
            self.relay.registered(answer)

    async def logged_in(self, answer: Message) -> None:
        """Take clock and cloud account from the login answer."""
        await self.time_told(answer)
        names = {"EURL": "URL", "EAccount": "Account", "EPassword": "Password"}
        names |= {name: name for name in ("EStorgeSpace", "ERecordBucket", "EPictureBucket")}
        found = {kept: answer.get(name) for name, kept in names.items() if answer.get(name)}
        if found:
            self.settings.account.update(found)
            self.save()

    async def time_told(self, answer: Message) -> None:
        """Set the clock when it is off by more than two seconds."""
        text = answer.get("Time")
        with contextlib.suppress(ValueError):
            moment = dt.datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=DEVICE_ZONE)
            if abs(moment.timestamp() - self.now()) > self.timers.seconds("clock_tolerance"):
                self.set_clock(text)

    async def went_online(self) -> None:
        """The ability report was answered."""
        self.spawn(self.notices.flush())

    def went_offline(self) -> None:
        """The connection has ended."""

    async def after_answer(self, name: str) -> None:
        """The answer to a command has been sent."""
        if name == "REBOOT" and self.commands.restart_due:
            self.spawn(self.restart())
