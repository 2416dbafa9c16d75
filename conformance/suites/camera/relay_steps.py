"""Steps that relay tests share: the allocation of the device, the heartbeat that tells it, a player through it."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.device_link import Received
from conformance.peers.faults import NoAnswer
from conformance.peers.player import Player
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.peers.relay import Relays
from conformance.peers.relay_allocation import Allocation
from conformance.protocols.tykd_message import Message
from specs.model import Limit

NOWHERE = ("", 0)


def latest(limit: Limit) -> float:
    """The longest wait in seconds that a limit still allows, uncertainty included."""
    return limit.seconds + limit.uncertainty


def told(message: Message) -> tuple[str, int]:
    """The relayed address in LOGIN or HEARTBEAT; empty host and port 0 for none."""
    port = message.get("RtspTurnRelayPort")
    return message.get("TurnRelayIP"), int(port) if port.isdigit() else 0


async def told_within(province: Province, address: tuple[str, int], since: float, within: float) -> Received | None:
    """The first LOGIN or HEARTBEAT from ``since`` on that names this address; None when none comes in time."""

    def names(received: Received) -> bool:
        relevant = received.message.name in ("LOGIN", "HEARTBEAT") and received.message.kind == "request"
        return relevant and received.at >= since and told(received.message) == address

    found = next((one for one in province.received if names(one)), None)
    if found is not None:
        return found
    try:
        return await province.next_where(names, within, "HEARTBEAT")
    except NoAnswer:
        return None


async def allocation_of(relay: Relays, check: Checks, within: float) -> Allocation | None:
    """Control leg: the device holds an allocation at a relay of the bench."""
    found = await relay.allocated(within)
    check.control(found is not None, say("设备已在测试台中继取得分配", "the device has an allocation at the relay"))
    return found


def through(players: Players, address: tuple[str, int], token: str | None = None) -> Player:
    """A player for the main stream that connects to this address in place of the local one."""
    own = players.live_url(0, 1, token)
    path = own.partition("://")[2].partition("/")[2]
    return players(f"rtsp://{address[0]}:{address[1]}/{path}")
