"""What the golden platform tells of alarms and lost devices, and what its mutants tell instead."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from phone import Phone, a_gateway
from platform_bench import DEVICE, a_platform, play, until
from sqlalchemy import select

from conformance.peers.platform.push_sink import Pushed
from conformance.protocols.http_message import HttpRequest
from conformance.protocols.tykd_message import decode_message, encode_message
from simulators.faults.registry import load_mutants
from simulators.platform.platform import Platform
from simulators.platform.presence import DeviceState
from simulators.platform.tables import USERS
from specs.client_api import load_client_api
from specs.messages import load_message_table

MUTANTS = load_mutants()
TABLE = load_message_table()


def raised(platform: Platform, kind: int = 1, text: str = "motion") -> None:
    """The device reports an alarm."""
    told = {"DevID": DEVICE, "ChannelNo": 0, "AlarmType": kind, "AlarmDesc": text}
    xml = encode_message(TABLE, "ALARM_NOTIFY", "request", told, check=False)
    platform.alarms.raised(DEVICE, decode_message(TABLE, "ALARM_NOTIFY", "device-to-platform", xml))


def simulator(fault: str = "") -> type[Platform]:
    """The golden platform, or a mutant of it."""
    return MUTANTS[fault].simulator if fault else Platform


async def pushed(folder: Path, fault: str = "") -> list[dict[str, Any]]:
    """What the owner's phone is told of an alarm that is reported twice."""
    async with a_gateway() as (url, told), a_platform(folder, kind=simulator(fault)) as platform:
        phone = await Phone.of(platform.client_url, "owner")
        await phone.call("PUT", "/push", {"token": "phone", "url": url})
        raised(platform)
        raised(platform)
        stored = platform.alarms.search([DEVICE], 0.0, 1e11, 10, 0)[1]
        await until(lambda: len(told) == stored, "the push")
        return told


async def recipients(folder: Path, fault: str = "") -> list[str]:
    """The phone numbers of the users to whom an alarm is sent."""
    async with a_platform(folder, kind=simulator(fault)) as platform:
        told: list[str] = []
        platform.push.send = lambda user, content: told.append(user)  # type: ignore[method-assign]
        raised(platform)
        users = {str(row["id"]): str(row["phone"]) for row in platform.database.rows(select(USERS))}
        return sorted(users[user] for user in told)


def test_a_push_fits_the_document(tmp_path: Path) -> None:
    told = asyncio.run(pushed(tmp_path))
    assert len(told) == 1
    assert Pushed(0.0, HttpRequest("POST", "/"), told[0], 200).flaws(load_client_api()) == []


@pytest.mark.parametrize(
    ("fault", "name", "value"),
    [("ChannelsCountFromOne", "channel", 1), ("PushesHoldTheDeviceKey", "qr", f"{DEVICE},9f2c41d07be35a68")],
)
def test_mutants_push_something_else(tmp_path: Path, fault: str, name: str, value: object) -> None:
    assert asyncio.run(pushed(tmp_path, fault))[0][name] == value


def test_a_push_without_a_link(tmp_path: Path) -> None:
    assert "link" not in asyncio.run(pushed(tmp_path, "PushesHaveNoLink"))[0]


def test_a_repeat_that_is_stored_is_pushed(tmp_path: Path) -> None:
    assert len(asyncio.run(pushed(tmp_path, "RepeatsAreStored"))) == 2


def test_owner_and_viewer_are_told(tmp_path: Path) -> None:
    assert asyncio.run(recipients(tmp_path)) == ["13800000001", "13800000004"]


def test_a_mutant_tells_everybody(tmp_path: Path) -> None:
    assert asyncio.run(recipients(tmp_path, "EverybodyIsTold")) == [f"1380000000{number}" for number in range(1, 7)]


def test_a_session_has_one_phone(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        async with a_gateway() as (url, told):
            phone = await Phone.of(platform.client_url, "owner")
            for token in ("old", "new"):
                await phone.call("PUT", "/push", {"token": token, "url": url})
            raised(platform)
            await until(lambda: platform.push.sent == 1, "the push")
            assert [message["token"] for message in told] == ["new"]

    play(scenario, tmp_path)


async def notices(folder: Path, fault: str = "") -> list[str]:
    """What is told of a device that is lost, comes back, and is lost again for good while the gap lasts."""
    async with a_platform(folder, kind=simulator(fault)) as platform:
        platform.clock.scale = 0.001
        told: list[str] = []
        platform.messages.device_event = lambda dev_id, kind: told.append(kind)  # type: ignore[method-assign]
        state = DeviceState()
        for changed_at in (1.0, 2.0):
            state.told_offline, state.changed_at = False, changed_at
            await platform.presence.notice(DEVICE, state)
        return told


def test_a_device_that_stays_away_is_told_when_the_gap_is_over(tmp_path: Path) -> None:
    assert asyncio.run(notices(tmp_path)) == ["offline", "offline"]


def test_the_mutant_forgets_who_is_away_in_the_gap(tmp_path: Path) -> None:
    assert asyncio.run(notices(tmp_path, "NoticesInTheGapAreDropped")) == ["offline"]
