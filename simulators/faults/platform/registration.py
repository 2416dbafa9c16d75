"""Mutants of a platform at the door: who comes in, and what a refusal says."""

from __future__ import annotations

from typing import Any

from conformance.protocols.tykd_message import Message
from simulators.faults.registry import mutant
from simulators.platform.access_server import AccessServer
from simulators.platform.device_link import DeviceLink
from simulators.platform.device_steps import Registrar
from simulators.platform.devices import OK, UNKNOWN_DEVICE, Devices
from simulators.platform.platform import Platform
from simulators.platform.presence import Presence
from simulators.platform.tokens import Tokens


class _Talkative(Registrar):
    def refused(self, message: Message, result: int) -> dict[str, Any]:
        return {**self.granted(message), "Result": result}


@mutant(violates="IF-REG-04")
class RefusalsNameTheServers(Platform):
    """A refused registration holds the addresses of the access servers all the same."""

    zh = "拒绝注册的应答仍带接入服务器地址。"
    registrar_class = _Talkative


class _OneCode(Devices):
    def verdict(self, dev_id: str, key: str, *, version: str = "") -> int:
        return UNKNOWN_DEVICE if super().verdict(dev_id, key, version=version) else OK


@mutant(violates="IF-REG-04")
class EveryRefusalIsUnknownDevice(Platform):
    """A wrong key and an old firmware are answered like an unknown device."""

    zh = "密钥错误与固件过旧均按未知设备应答。"
    devices_class = _OneCode


class _BeginningOfTheKey(Devices):
    def verdict(self, dev_id: str, key: str, *, version: str = "") -> int:
        row = self.find(dev_id)
        whole = str(row["key"]) if row is not None else ""
        return super().verdict(dev_id, whole if whole and key.startswith(whole) else key, version=version)


@mutant(violates="IF-REG-04")
class TheBeginningOfAKeyIsEnough(Platform):
    """What stands behind the right key is not looked at."""

    zh = "正确密钥之后的多余字符不被检查。"
    devices_class = _BeginningOfTheKey


class _AnyModel(Devices):
    def registered_type(self, manufacturer: str, model: str) -> bool:
        return True


@mutant(violates="IF-OPN-03")
class EveryModelComesIn(Platform):
    """Makers and models that nobody has registered are taken."""

    zh = "未登记的厂商与型号也可注册。"
    devices_class = _AnyModel


class _BothStay(Presence):
    async def replace(self, earlier: DeviceLink, later: DeviceLink) -> None:
        self.platform.audit.note("device", "clone", later.device_id, "clone")


@mutant(violates="IF-REG-09")
class BothDevicesOfOneIdStay(Platform):
    """Two connections of one device id are served side by side."""

    zh = "同一编号的两路连接同时得到服务。"
    presence_class = _BothStay


class _Unseen(Presence):
    async def replace(self, earlier: DeviceLink, later: DeviceLink) -> None:
        earlier.drop()


@mutant(violates="IF-REG-09")
class ClonesLeaveNoTrace(Platform):
    """The earlier device is cut off without any record of the clone."""

    zh = "先登录的设备被断开，但无克隆事件记录。"
    presence_class = _Unseen


class _KeepsTokens(Tokens):
    def revoke(self, *, token: str = "", user: str = "", device: str = "", session: str = "") -> int:
        return 0 if device else super().revoke(token=token, user=user, session=session)


@mutant(violates="BIZ-PNP-08")
class TokensOfTheOldOwnerStay(Platform):
    """When a device is released the tokens of its owner stay good."""

    zh = "设备释放后原业主的令牌仍有效。"
    tokens_class = _KeepsTokens


class _OwnersOnly(AccessServer):
    async def on_abilityup(self, link: DeviceLink, sequence: int, message: Message) -> None:
        await super().on_abilityup(link, sequence, message)
        row = self.platform.devices.find(link.device_id)
        if row is not None and not row["bound_at"]:
            self.strangers = getattr(self, "strangers", frozenset()) | {link.device_id}
        if link.device_id in getattr(self, "strangers", ()):
            self.platform.presence.states[link.device_id].online = False


@mutant(violates="BIZ-PNP-05")
class DevicesWithoutAnOwnerAreNotServed(Platform):
    """A device that had no owner when it logged in is not served after it was bound."""

    zh = "登录时尚无业主的设备，绑定之后仍得不到服务。"
    access_class = _OwnersOnly


class _KeepsAlarms(Devices):
    def forget_alarms(self, dev_id: str) -> None:
        return


@mutant(violates="BIZ-PNP-08")
class AlarmsOfTheOldOwnerStay(Platform):
    """Whoever binds a device sees the alarms of its old owner."""

    zh = "新业主可看到原业主的告警。"
    devices_class = _KeepsAlarms
