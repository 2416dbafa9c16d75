"""The province platform as the device sees it: access servers, login, heartbeats, token answers, commands.

It answers on the session loop while tests work. Every behaviour is an ``Answer`` that a test may replace; `reset`
makes the platform honest again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from conformance.peers.access_server import AccessServer
from conformance.peers.answers import Answer, Reply, honest
from conformance.peers.device_link import DeviceLink, Received
from conformance.peers.faults import DeviceClosed, NoAnswer, Offline
from conformance.peers.tokens import TokenAuthority, TokenRequest
from conformance.protocols.tykd_frame import Frame
from conformance.protocols.tykd_message import Message, encode_message
from conformance.wire import Closed, Expired, Reset, Wire
from specs.messages import MessageTable
from specs.model import Limit

CHINA = timezone(timedelta(hours=8))
SEQUENCES = 0x10000
TOKEN_COMMANDS = frozenset({"VIDEO_PLAY", "RECORD_PLAY"})


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A command of the platform and its answer. ``sent_at``/``answered_at``: seconds on the wire clock."""

    sent_at: float
    answered_at: float
    answer: Received

    @property
    def message(self) -> Message:
        """The decoded answer."""
        return self.answer.message

    @property
    def result(self) -> int:
        """Result of the answer; missing or unreadable counts as 255."""
        return self.answer.message.result

    @property
    def seconds(self) -> float:
        """Time from command to answer."""
        return self.answered_at - self.sent_at


Waiter = tuple[Callable[[Received], bool], "asyncio.Future[Received]"]


class Province:
    """See the module text. ``limits`` are the bench's own (specs/test_plan/bench.yaml)."""

    def __init__(self, wire: Wire, table: MessageTable, device_id: str, limits: Mapping[str, Limit]) -> None:
        self.wire = wire
        self.table = table
        self.device_id = device_id
        self.limits = limits
        self.received: list[Received] = []
        self.answers: dict[str, Answer] = {}
        self.account: dict[str, str] = {}
        self.clock_shift = 0.0
        self.tokens = TokenAuthority(device_id, lambda: wire.random)
        self.primary = AccessServer(wire, table, "primary", self._on_message)
        self.backup = AccessServer(wire, table, "backup", self._on_message)
        self.sequence = 0
        self._waiters: list[Waiter] = []
        self._online: DeviceLink | None = None

    # state

    @property
    def links(self) -> list[DeviceLink]:
        """Every connection so far, in order of arrival."""
        return sorted((*self.primary.links, *self.backup.links), key=lambda link: link.opened_at)

    @property
    def link(self) -> DeviceLink | None:
        """The connection on which the device is online (ABILITYUP answered), if any."""
        return self._online if self._online is not None and self._online.open else None

    @property
    def abilities(self) -> Message | None:
        """The last ability report of the device that is online."""
        return self._online.abilities if self._online else None

    def reset(self) -> None:
        """Honest again in everything; what was received stays."""
        self.answers.clear()
        self.account.clear()
        self.clock_shift = 0.0
        self.tokens.reset()
        self.primary.accepting = self.backup.accepting = True
        self.primary.on_link = self.backup.on_link = None

    def time_text(self) -> str:
        """YYYYMMDDhhmmss of the platform's clock, UTC+8."""
        moment = datetime.fromtimestamp(self.wire.epoch() + self.clock_shift, UTC)
        return moment.astimezone(CHINA).strftime("%Y%m%d%H%M%S")

    def messages(self, name: str, *, since: float = 0.0) -> list[Received]:
        """Messages of that command name received at or after ``since``."""
        return [r for r in self.received if r.message.name == name and r.at >= since]

    # what tests do

    async def online(self, within: float | None = None) -> DeviceLink:
        """Wait until the device is online. Raises Offline."""
        seconds = self.limits["registration_wait"].seconds if within is None else within
        link = self.link
        if link is None:
            try:
                await self.next("ABILITYUP", within=seconds)
            except NoAnswer:
                raise Offline(seconds) from None
            link = self._online
        assert link is not None
        return link

    async def at_ease(self, link: DeviceLink) -> None:
        """Leave the device time to take the answer to its ability report: until it says something else, or a pause.

        One that repeats its report has not taken the answer yet.
        """
        reported = self.messages("ABILITYUP")[-1].at
        rest = reported + self.limits["settle_pause"].seconds - self.wire.now()
        if rest > 0 and self.received[-1].message.name == "ABILITYUP":
            try:
                await self.next_where(
                    lambda received: received.link is link and received.message.name != "ABILITYUP",
                    rest,
                    "a further message",
                )
            except NoAnswer:
                return

    async def next(self, name: str, *, within: float, when: Callable[[Received], bool] | None = None) -> Received:
        """The next message of that command name from now on. Raises NoAnswer."""
        wanted: Callable[[Received], bool] = lambda r: r.message.name == name and (when is None or when(r))  # noqa: E731
        return await self.next_where(wanted, within, name)

    async def next_where(self, wanted: Callable[[Received], bool], within: float, what: str) -> Received:
        """The next message from now on for which ``wanted`` is true. Raises NoAnswer."""
        future: asyncio.Future[Received] = self.wire.future()
        entry = (wanted, future)
        self._waiters.append(entry)
        try:
            return await self.wire.wait(future, within, what)
        except Expired:
            raise NoAnswer(what, within) from None
        finally:
            self._waiters.remove(entry)

    def next_sequence(self) -> int:
        """The platform's next sequence number; 65535 wraps to 0."""
        self.sequence = (self.sequence + 1) % SEQUENCES
        return self.sequence

    async def command(
        self,
        name: str,
        *,
        within: float | None = None,
        breaking: bool = False,
        xml: bytes | None = None,
        sequence: int | None = None,
        link: DeviceLink | None = None,
        **values: Any,
    ) -> Exchanged:
        """Send a command and wait for its answer (same code, same sequence).

        DevID is filled in unless given. ``breaking`` sends values that break the table on purpose, ``xml`` sends
        these bytes. Raises NoAnswer, DeviceClosed, Offline.
        """
        seconds = self.limits["answer_wait"].seconds if within is None else within
        link = link or await self.online()
        if xml is None:
            xml = encode_message(self.table, name, "request", {"DevID": self.device_id, **values}, check=not breaking)
        code = self.table.command(name).code
        assert code is not None
        number = self.next_sequence() if sequence is None else sequence
        future: asyncio.Future[Received] = self.wire.future()
        entry: Waiter = (
            lambda r: (
                r.link is link
                and r.received.frame.command == code
                and r.sequence == number
                and r.message.kind == "response"
            ),
            future,
        )
        self._waiters.append(entry)
        try:
            sent_at = self._send(link, Frame(code, number, xml), name)
            answer = await self._answer_or_close(link, future, seconds, name)
        finally:
            self._waiters.remove(entry)
        return Exchanged(sent_at, answer.at, answer)

    def _send(self, link: DeviceLink, frame: Frame, name: str) -> float:
        try:
            return link.send(frame)
        except (Closed, Reset):
            raise DeviceClosed(f"{name} answer", b"") from None

    async def _answer_or_close(
        self, link: DeviceLink, future: asyncio.Future[Received], seconds: float, name: str
    ) -> Received:
        ended = asyncio.ensure_future(link.wait_end())
        try:
            async with self.wire.timeout(seconds, f"{name} answer"):
                waiting: set[asyncio.Future[Any]] = {future, ended}
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        except Expired:
            raise NoAnswer(f"{name} answer", seconds) from None
        finally:
            ended.cancel()
        if future.done():
            return future.result()
        raise DeviceClosed(f"{name} answer", link.stream_tail)

    def send_unasked(self, name: str, values: Mapping[str, Any], sequence: int) -> None:
        """Send an answer that no request of the device asked for."""
        link, code = self.link, self.table.command(name).code
        if link is not None and code is not None:
            xml = encode_message(self.table, name, "response", values)
            link.send(Frame(code, sequence % SEQUENCES, xml))

    async def alive(self, within: float | None = None) -> bool:
        """Liveness probe: the device is (or comes back) online and answers a plain query."""
        seconds = self.limits["liveness_wait"].seconds if within is None else within
        try:
            await self.online(within=seconds)
            await self.command("STORE_QUERY", within=seconds)
        except (NoAnswer, DeviceClosed, Offline):
            return False
        return True

    # what the device says

    async def _on_message(self, received: Received) -> None:
        self.received.append(received)
        message = received.message
        if message.kind == "request":
            if message.name == "LOGIN":
                received.link.device_id = message.get("DevID")
            elif message.name == "ABILITYUP":
                received.link.abilities = message
                self._online = received.link
            elif message.name in TOKEN_COMMANDS:
                self.tokens.requests.append(TokenRequest(received.at, received.sequence, message))
            self._answer(received)
        for wanted, future in list(self._waiters):
            if not future.done() and wanted(received):
                future.set_result(received)

    def _answer(self, received: Received) -> None:
        message = received.message
        if message.name in TOKEN_COMMANDS:
            reply, answer = Reply(self.tokens.judge(message)), self.tokens.answer(message)
        else:
            reply, answer = Reply(self._honest_values(message)), self.answers.get(message.name, honest)
        for one in answer(reply):
            if one.delay:
                self.wire.spawn(self._send_late(received, one), f"late answer to {message.name}")
            else:
                self._send_reply(received, one)

    async def _send_late(self, received: Received, reply: Reply) -> None:
        await self.wire.sleep(reply.delay)
        self._send_reply(received, reply)

    def _send_reply(self, received: Received, reply: Reply) -> None:
        link = received.link
        if not link.open:
            return
        if reply.raw is not None:
            link.send_raw(reply.raw)
            return
        command = received.received.frame.command
        xml = encode_message(self.table, received.message.name, "response", reply.values, check=False)
        xml = xml[: len(xml) // 2] if reply.cut else xml
        link.send(Frame(command, (received.sequence + reply.sequence_shift) % SEQUENCES, xml))

    def _honest_values(self, message: Message) -> dict[str, str]:
        base = {"DevID": self.device_id}
        if message.name == "HEARTBEAT":
            return {**base, "Time": self.time_text()}
        if message.name == "LOGIN":
            return {"Result": "0", **base, **self.account, "Time": self.time_text()}
        return {"Result": "0", **base}
