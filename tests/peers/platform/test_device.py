"""A device peer before the golden platform, and its answers by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from conformance.peers.bench import bench_limits
from conformance.peers.platform.device import DevicePeer, DevicePeers
from conformance.peers.platform.device_identity import DeviceIdentity
from conformance.peers.platform.device_state import DeviceState
from conformance.protocols.tykd_message import check_values, decode_message, encode_message
from conformance.wire import LiveWire
from simulators.platform.declarations import DEFAULT
from simulators.platform.platform import Platform
from specs.declaration import load_declaration
from specs.loader import load_catalogue
from specs.messages import load_message_table

TABLE = load_message_table()
DEV_ID, KEY = "KDN00000001", "9f2c41d07be35a68"
Scenario = Callable[[Platform, DevicePeers], Awaitable[None]]


def before_a_platform(folder: Path, scenario: Scenario) -> None:
    """Run a scenario with a fresh golden platform."""

    async def run() -> None:
        catalogue = load_catalogue()
        platform = Platform(load_declaration(DEFAULT, catalogue.vocabulary), folder, {})
        await platform.start()
        try:
            async with LiveWire() as wire:
                peers = DevicePeers(wire, TABLE, bench_limits(catalogue, 0.1))
                peers.group_url, peers.province_url = platform.group.url, platform.registrar.url
                await scenario(platform, peers)
                peers.close()
        finally:
            await platform.stop()

    asyncio.run(run())


def state_after(*requests: tuple[str, dict[str, object]]) -> tuple[DeviceState, list[dict[str, object]]]:
    """A state to which commands came, and the answers."""
    state, answers = DeviceState(DEV_ID), []
    for name, values in requests:
        xml = encode_message(TABLE, name, "request", {"DevID": DEV_ID, **values}, check=False)
        answers.append(state.answer(decode_message(TABLE, name, "platform-to-device", xml)))
    return state, answers


def test_its_life(tmp_path: Path) -> None:
    async def scenario(platform: Platform, peers: DevicePeers) -> None:
        device = peers.new(DeviceIdentity(DEV_ID, KEY))
        assert (await device.redirect()).result == 0
        assert await device.come_online()
        assert platform.presence.online(DEV_ID)
        await platform.commands.set_video(DEV_ID, 0, 2, {"BitRate": 3})
        assert device.state.picture(0, 2)["BitRate"] == 3
        assert (await platform.commands.video(DEV_ID, 0, 2))["BitRate"] == 3
        await platform.commands.move(DEV_ID, 0, 4)
        assert device.state.moving == {0: 4}
        assert [heard.faults for heard in device.heard] == [()] * len(device.heard)
        await platform.commands.reboot(DEV_ID)
        assert device.connection is not None
        assert await device.connection.ended(2.0)
        assert device.state.reboots == 1

    before_a_platform(tmp_path, scenario)


@pytest.mark.parametrize(
    ("changes", "register", "login"),
    [({"dev_id": "KDN99999998"}, 1, 1), ({"key": "0" * 16}, 2, 2), ({"version": "V0.0.1_20000101"}, 0, 3)],
)
def test_refusals(tmp_path: Path, changes: dict[str, str], register: int, login: int) -> None:
    async def scenario(platform: Platform, peers: DevicePeers) -> None:
        device: DevicePeer = peers.new(DeviceIdentity(DEV_ID, KEY).but(**changes))
        assert (await device.register()).result == register
        device.servers = [platform.primary.address]
        assert await device.connect()
        heard = await device.login()
        assert heard is not None
        assert heard.message.result == login
        assert not platform.presence.online(DEV_ID)

    before_a_platform(tmp_path, scenario)


def test_silence_and_refusal(tmp_path: Path) -> None:
    async def scenario(platform: Platform, peers: DevicePeers) -> None:
        device = peers.new(DeviceIdentity(DEV_ID, KEY))
        assert await device.come_online()
        device.refusing = 255
        with pytest.raises(Exception, match="device_refused"):
            await platform.commands.reboot(DEV_ID)
        assert device.state.reboots == 0
        assert await device.verdict("VIDEO_PLAY", ChannelNo="0", StreamType="1", HashToken="0" * 32) == 1
        device.leave()
        assert await device.heartbeat() is None

    before_a_platform(tmp_path, scenario)


def test_nobody_listens(tmp_path: Path) -> None:
    async def scenario(platform: Platform, peers: DevicePeers) -> None:
        device = peers.new(DeviceIdentity(DEV_ID, KEY))
        assert not await device.connect()
        device.servers = [platform.primary.address]
        await platform.primary.stop()
        assert not await device.connect()
        assert (await device.post(peers.province_url, "REGISTER", b"<a")).result == -1

    before_a_platform(tmp_path, scenario)


@pytest.mark.parametrize("name", ["REGISTER", "LOGIN", "HEARTBEAT", "ABILITYUP"])
def test_what_it_says_follows_the_table(name: str) -> None:
    identity = DeviceIdentity(DEV_ID, KEY)
    told = {
        "REGISTER": identity.registration(),
        "LOGIN": identity.login(),
        "HEARTBEAT": identity.heartbeat(),
        "ABILITYUP": identity.abilities(TABLE),
    }
    assert check_values(TABLE, name, "request", told[name]) == ()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("GET_CHANNEL", {"ChannelNo": 0, "StreamType": 1}),
        ("SET_CHANNEL", {"ChannelNo": 0, "StreamType": 1, "BitRate": 4}),
        ("QUERY_RECORD_POLICY", {"ChannelNo": 0}),
        ("STORE_QUERY", {}),
        ("STORE_FORMAT", {}),
        ("GET_ESTORE", {}),
        ("GET_ALARM", {"ChannelNo": 0, "AlarmType": 1}),
        ("GET_RECORD_LOOP", {}),
        ("GET_RECORD_FULL", {"ChannelNo": 0, "StorgeFlag": 0}),
        ("FILE_QUERY", {"ChannelNo": 0, "StartTime": "201308010000", "EndTime": "201308012359", "PageNo": 1}),
    ],
)
def test_its_answers_follow_the_table(name: str, values: dict[str, object]) -> None:
    _, answers = state_after((name, values))
    assert answers[0]["Result"] == 0
    assert check_values(TABLE, name, "response", answers[0]) == ()


def test_what_is_set_can_be_read() -> None:
    policy = {"StoreType": 0, "StreamType": 1, "Week": 7, "StartTime": "08:00", "EndTime": "18:30"}
    state, answers = state_after(
        ("ADD_RECORD_POLICY", {"ChannelNo": 0, "WeekPolicy": [policy]}),
        ("QUERY_RECORD_POLICY", {"ChannelNo": 0}),
        ("SET_ALARM", {"ChannelNo": 0, "AlarmType": 1, "AlarmFlag": 1}),
        ("GET_ALARM", {"ChannelNo": 0, "AlarmType": 1}),
        ("SET_ESTORE", {"URL": "http://192.0.2.1/", "Account": "a", "Password": ""}),
        ("SET_ESTORE", {"Account": "b"}),
        ("DEL_RECORD_POLICY", {"ChannelNo": 0, "PolicyID": 1}),
        ("DEL_RECORD_POLICY", {"ChannelNo": 0, "PolicyID": 1}),
    )
    assert answers[1]["WeekPolicy"] == [{"PolicyID": 1, **{name: str(value) for name, value in policy.items()}}]
    assert answers[3]["AlarmFlag"] == 1
    assert state.store == {"URL": "http://192.0.2.1/", "Account": "b"}
    assert [answer["Result"] for answer in answers[-2:]] == [0, 255]


def test_a_command_for_another_device_is_refused() -> None:
    state, answers = state_after(("REBOOT", {"DevID": "KDN00000002"}))
    assert answers == [{"Result": 1, "DevID": DEV_ID}]
    assert state.reboots == 0
