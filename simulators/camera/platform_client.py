"""The camera's way to the platform: redirect, register, connect, log in, report abilities, heartbeat (tykd 4)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from typing import TYPE_CHECKING, Any

from conformance.protocols.tykd_frame import ReceivedFrame
from conformance.protocols.tykd_message import Message
from conformance.protocols.violation import CodecError
from simulators.camera.link import Counter, Link
from simulators.camera.registration import NotReached, StepRefused, post

if TYPE_CHECKING:
    from simulators.camera.camera import Camera

_LOG = logging.getLogger(__name__)
Server = tuple[str, int]


class PlatformClient:
    """State machine of one camera; ``run`` never ends by itself. Each rule is a method that a mutant may override."""

    link_class: type[Link] = Link
    counter_class: type[Counter] = Counter

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self.timers = camera.timers
        self.counter = self.counter_class()
        self.random = random.Random()
        self.link: Link | None = None
        self.beat_now = asyncio.Event()
        self.outstanding = 0
        self._refusals = 0
        self._base_pause = 0.0
        self._failures = 0

    @property
    def online(self) -> bool:
        """Whether the ability report was answered on the present connection."""
        return self.link is not None and self.link.online

    async def run(self) -> None:
        """Get addresses, stay connected until they are used up, begin again."""
        while True:
            answer = await self.obtain_addresses()
            await self.camera.registered(answer)
            await self.stay_connected(self.servers(answer))

    # HTTP steps

    async def obtain_addresses(self) -> Message:
        """Redirect where needed, then register, with back-off until it works."""
        last_success = time.monotonic()
        asking = not self.camera.settings.province_url
        while True:
            asking = asking or self.ask_group_again(time.monotonic() - last_success)
            try:
                if asking:
                    await self.redirect()
                    asking = False
                answer = await self.register()
            except NotReached as error:
                _LOG.info("%s", error)
                await asyncio.sleep(self.connect_backoff())
            except StepRefused as error:
                _LOG.info("%s", error)
                self._refusals = self._refusals + 1 if error.result == 1 else 0
                await asyncio.sleep(self.refusal_backoff())
            else:
                self._refusals = 0
                return answer

    def ask_group_again(self, seconds: float) -> bool:
        """After three refusals as unknown device, or a day without success, the group knows better."""
        due = self._refusals >= self.timers.counts["refusals"] or seconds > self.timers.seconds("ask_group_again")
        if due:
            self._refusals = 0
        return due

    async def redirect(self) -> None:
        """Ask the group for the province and keep its address."""
        answer = await self._post("REDIRECT", self.camera.group_url)
        self.camera.settings.province_url = answer["LcmsUrl"]
        self.camera.save()
        await self.after_redirect()

    async def after_redirect(self) -> None:
        """Registration follows at once."""

    async def register(self) -> Message:
        """Register at the province."""
        return await self._post("REGISTER", self.camera.settings.province_url)

    async def _post(self, name: str, url: str) -> Message:
        values = self.camera.identity()
        if not self.camera.link_up.is_set():
            raise NotReached("the network is down")
        connect, answer = self.timers.seconds("connect"), self.timers.seconds("http")
        return await post(self.camera.table, name, url, values, connect=connect, answer=answer)

    def connect_backoff(self) -> float:
        """5 s + 0..9 s."""
        return self.timers.seconds("backoff") + self.random.uniform(0, self.timers.seconds("backoff_random"))

    def refusal_backoff(self) -> float:
        """300 s + 0..59 s."""
        return self.timers.seconds("refusal") + self.random.uniform(0, self.timers.seconds("refusal_random"))

    def servers(self, answer: Message) -> list[Server]:
        """Primary and backup access server."""
        pairs = [(answer.get("NatIP"), answer.get("NatPort")), (answer.get("BackupNatIP"), answer.get("BackupNatPort"))]
        return [(host, int(port)) for host, port in pairs if host and port.isdigit()]

    # TCP

    async def stay_connected(self, servers: list[Server]) -> None:
        """Connect again and again; returns when it is time to register again."""
        rounds, since = 0, time.monotonic()
        while True:
            streams = await self.connect(servers)
            if streams is None:
                rounds += 1
                if self.give_up(rounds, time.monotonic() - since):
                    return
                await asyncio.sleep(self.connect_backoff())
                continue
            rounds, since = 0, time.monotonic()
            pause = await self._session(*streams)
            since = time.monotonic()
            await asyncio.sleep(pause)

    def give_up(self, rounds: int, seconds: float) -> bool:
        """Whether the addresses are used up: five rounds or ten minutes without a connection."""
        return rounds >= self.timers.counts["rounds"] or seconds > self.timers.seconds("register_again")

    async def connect(self, servers: list[Server]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """The first access server that takes a connection, primary first."""
        for host, port in servers if self.camera.link_up.is_set() else ():
            try:
                async with asyncio.timeout(self.timers.seconds("connect")):
                    return await asyncio.open_connection(host, port)
            except (OSError, TimeoutError):
                continue
        return None

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
        """One connection from login to its end. Returns the pause before the next one."""
        link = self.link = self.link_class(self.camera.table, self.counter, reader, writer, self.on_request)
        reading = asyncio.ensure_future(link.run())
        try:
            pause = await self._live(link, reading)
        finally:
            link.close()
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
            self.camera.went_offline()
        return self.reconnect_pause() if pause is None else pause

    async def _live(self, link: Link, reading: asyncio.Future[None]) -> float | None:
        work = asyncio.ensure_future(self._log_in_and_beat(link))
        both: set[asyncio.Future[Any]] = {work, reading}
        try:
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not work.done():
                work.cancel()
        try:
            return await work
        except asyncio.CancelledError:
            if work in done:
                raise
            return None
        except (ConnectionError, OSError, TimeoutError) as error:
            _LOG.info("the session ended: %r", error)
            return None

    def reconnect_pause(self) -> float:
        """A random 1..10 s, doubled with each further failure up to 300 s."""
        if self._failures == 0:
            low, high = self.timers.seconds("reconnect_min"), self.timers.seconds("reconnect_max")
            self._base_pause = self.random.uniform(low, high)
        pause: float = min(self._base_pause * 2**self._failures, self.timers.seconds("reconnect_cap"))
        self._failures = min(self._failures + 1, 16)
        return pause

    async def _log_in_and_beat(self, link: Link) -> float | None:
        pause = await self.log_in(link)
        if pause is not None:
            return pause
        await self.report_abilities(link)
        link.online = True
        self._failures = 0
        self.outstanding = 0
        await self.camera.went_online()
        await self.beat(link)
        return None

    async def log_in(self, link: Link) -> float | None:
        """LOGIN until it succeeds (None), is refused (seconds to wait), or three tries went unanswered."""
        for _ in range(self.timers.counts["login_tries"]):
            try:
                answer = await link.ask("LOGIN", self.camera.login_values(), self.timers.seconds("login_wait"))
            except TimeoutError:
                continue
            except CodecError:
                return self.refusal_backoff()
            if not self.login_succeeded(answer):
                return self.refusal_backoff()
            await self.camera.logged_in(answer)
            return None
        raise TimeoutError("LOGIN went unanswered")

    def login_succeeded(self, answer: Message) -> bool:
        """Only Result 0 is success; missing or empty counts as 255."""
        return answer.result == 0

    async def report_abilities(self, link: Link) -> None:
        """ABILITYUP until it is answered."""
        while True:
            with contextlib.suppress(TimeoutError, CodecError):
                await link.ask("ABILITYUP", self.camera.ability_values(), self.timers.seconds("ability_wait"))
                return

    async def beat(self, link: Link) -> None:
        """Heartbeats: at once, then by the period; sooner while one is unanswered; too many end the connection."""
        while True:
            self.beat_now.clear()
            started = time.monotonic()
            self.outstanding += 1
            answered = await self._one_beat(link, self.timers.seconds("heartbeat_repeat"))
            if answered:
                self.heartbeat_answered()
            elif self.outstanding >= self.timers.counts["heartbeat_misses"]:
                return
            else:
                continue
            rest = self.heartbeat_period() - (time.monotonic() - started)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, rest)):
                    await self.beat_now.wait()

    def heartbeat_period(self) -> float:
        """Seconds from one answered heartbeat to the next."""
        return self.timers.seconds("heartbeat")

    def heartbeat_answered(self) -> None:
        """An answer clears the count of missed heartbeats."""
        self.outstanding = 0

    async def _one_beat(self, link: Link, within: float) -> bool:
        if self.outstanding >= self.timers.counts["heartbeat_misses"]:
            within = min(within, 0.05)
        try:
            answer = await link.ask("HEARTBEAT", self.camera.heartbeat_values(), within)
        except TimeoutError:
            return False
        except CodecError:
            return True
        await self.camera.time_told(answer)
        return True

    async def on_request(self, link: Link, frame: ReceivedFrame) -> None:
        """A request of the platform: it is carried out beside the reading of further frames, in order."""
        await self.camera.commands.handle(link, frame)

    async def ask(self, name: str, values: dict[str, Any], within: float) -> Message:
        """Ask the platform something while online. Raises ConnectionError, TimeoutError, CodecError."""
        if self.link is None or not self.link.online:
            raise ConnectionError("not online")
        return await self.link.ask(name, dict(values), within)
