"""Mutants of terminals: lists, pages, binding, shares and rights."""

from __future__ import annotations

from typing import Any

from simulators.faults.registry import mutant
from simulators.platform.client_api import ClientApi
from simulators.platform.client_call import Call
from simulators.platform.client_control import ControlOperations
from simulators.platform.client_terminals import Binding, TerminalOperations
from simulators.platform.database import Row
from simulators.platform.devices import Devices
from simulators.platform.platform import Platform
from simulators.platform.refused import Refused
from simulators.platform.rights import Rights


class _OneShop(TerminalOperations):
    def shown(self, user: Row, device: Row) -> dict[str, Any]:
        return {**super().shown(user, device), "shop": ""}


class _ClientOfOneShop(ClientApi):
    terminals_class = _OneShop


@mutant(violates="BIZ-ACC-01")
class TerminalsHangNowhere(Platform):
    """Terminals are listed without their shop."""

    zh = "终端列表不含店铺。"
    client_class = _ClientOfOneShop


class _PageCounts(TerminalOperations):
    async def listed(self, call: Call) -> dict[str, Any]:
        found = await super().listed(call)
        return {**found, "total": len(found["items"])}


class _ClientOfPages(ClientApi):
    terminals_class = _PageCounts


@mutant(violates="BIZ-ACC-02")
class TotalIsThatOfThePage(Platform):
    """The total of a list is the number of entries on the page."""

    zh = "列表总数为本页项数。"
    client_class = _ClientOfPages


class _SharesGiveAll(Rights):
    def of(self, user: Row, device: Row) -> frozenset[str]:
        found = super().of(user, device)
        return (
            found | {"view", "playback", "control", "alarm"}
            if self.share(str(device["id"]), str(user["id"]))
            else found
        )


@mutant(violates="BIZ-ACC-03")
class ASharePermitsEverything(Platform):
    """Whatever a share was for, it permits everything."""

    zh = "分享不区分权限。"
    rights_class = _SharesGiveAll


class _SharesStay(Rights):
    def withdraw(self, dev_id: str, share: str) -> bool:
        return True


@mutant(violates="BIZ-ACC-03")
class SharesCannotBeWithdrawn(Platform):
    """A share that was withdrawn goes on."""

    zh = "收回的分享仍然有效。"
    rights_class = _SharesStay


class _ShowsAnything(TerminalOperations):
    async def show(self, call: Call) -> dict[str, Any]:
        device = self.platform.devices.find(call.part("terminal"))
        if device is None:
            raise Refused("not_found")
        return self.shown(call.user, device)


class _OpenClient(ClientApi):
    terminals_class = _ShowsAnything


@mutant(violates="BIZ-ACC-04")
class AnyTerminalIsShown(Platform):
    """One terminal is shown to anybody who knows its id."""

    zh = "知道编号即可查看任何终端。"
    client_class = _OpenClient


class _TellsOfOthers(Rights):
    def check(self, user: Row, dev_id: str, right: str) -> Row:
        device = self.platform.devices.find(dev_id)
        if device is not None and not self.of(user, device):
            raise Refused("forbidden", "it belongs to another account")
        return super().check(user, dev_id, right)


@mutant(violates="BIZ-ACC-04")
class ForeignTerminalsAreConfirmed(Platform):
    """The refusal tells that a terminal of another account is there."""

    zh = "拒绝应答透露他人终端的存在。"
    rights_class = _TellsOfOthers


class _AnyKey(TerminalOperations):
    def check_key(self, user: str, dev_id: str, key: str) -> None:
        device = self.platform.devices.find(dev_id)
        super().check_key(user, dev_id, str(device["key"]) if device is not None else key)


class _ClientOfKeys(ClientApi):
    terminals_class = _AnyKey


@mutant(violates="BIZ-PNP-03")
class AnyKeyBinds(Platform):
    """A device can be bound without its key."""

    zh = "绑定设备不核对密钥。"
    client_class = _ClientOfKeys


class _GuessKeys(TerminalOperations):
    def check_key(self, user: str, dev_id: str, key: str) -> None:
        self._wrong_keys.clear()
        super().check_key(user, dev_id, key)


class _ClientOfGuesses(ClientApi):
    terminals_class = _GuessKeys


@mutant(violates="BIZ-PNP-03")
class KeysCanBeGuessed(Platform):
    """Wrong device keys are not counted."""

    zh = "不限制设备密钥错误次数。"
    client_class = _ClientOfGuesses


class _TakesOver(Devices):
    def bind(self, dev_id: str, owner: str, shop: str) -> bool:
        return self._change(dev_id, owner=owner, shop=shop)


@mutant(violates="BIZ-PNP-04")
class TheLastToBindHasIt(Platform):
    """A device that is bound can be bound by another account."""

    zh = "已绑定的设备可被他人绑定。"
    devices_class = _TakesOver


class _NamesTheOwner(TerminalOperations):
    async def bind(self, call: Call) -> dict[str, Any]:
        try:
            return await super().bind(call)
        except Refused as refused:
            if refused.code != "device_taken":
                raise
            device = self.platform.devices.find(self.identity(call.body(Binding))[0])
            raise Refused("device_taken", f"by {device['owner'] if device else ''}") from None


class _TalkativeClient(ClientApi):
    terminals_class = _NamesTheOwner


@mutant(violates="BIZ-PNP-04")
class TheRefusalNamesTheOwner(Platform):
    """Who binds a taken device is told whose it is."""

    zh = "绑定已被占用的设备时透露原帐号。"
    client_class = _TalkativeClient


class _AnyoneControls(ControlOperations):
    def device(self, call: Call, right: str, action: str) -> Row:
        return super().device(call, "view" if action == self.open_to_all else right, action)

    open_to_all = ""


class _AnyoneReboots(_AnyoneControls):
    open_to_all = "reboot"


class _ClientOfReboots(ClientApi):
    control_class = _AnyoneReboots


@mutant(violates="IF-MNT-02")
class ASharedTerminalCanBeRebooted(Platform):
    """Anybody who may watch may reboot."""

    zh = "可观看者即可重启设备。"
    client_class = _ClientOfReboots


class _AnyoneFormats(_AnyoneControls):
    open_to_all = "format"


class _ClientOfFormats(ClientApi):
    control_class = _AnyoneFormats


@mutant(violates="IF-REC-05d")
class ASharedDiskCanBeFormatted(Platform):
    """Anybody who may watch may format the disk."""

    zh = "可观看者即可格式化存储。"
    client_class = _ClientOfFormats
