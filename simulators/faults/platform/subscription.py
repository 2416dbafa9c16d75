"""Mutants of suspended accounts, and of what third parties reach."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy import delete, update

from simulators.faults.registry import mutant
from simulators.platform.accounts import Accounts
from simulators.platform.client_api import ClientApi
from simulators.platform.client_call import Call
from simulators.platform.database import Row
from simulators.platform.platform import Platform
from simulators.platform.refused import Refused
from simulators.platform.rights import Rights
from simulators.platform.tables import ALARMS, DEVICES


class _WrongPassword(Accounts):
    def login(self, phone: str, password: str) -> Row:
        try:
            return super().login(phone, password)
        except Refused as refused:
            raise Refused("bad_credentials" if refused.code == "suspended" else refused.code) from None


@mutant(violates="BIZ-SUB-03")
class SuspensionLooksLikeAWrongPassword(Platform):
    """A suspended user is told that the password is wrong."""

    zh = "停机用户登录被告知密码错误。"
    accounts_class = _WrongPassword


class _Sweeping(Accounts):
    def suspend(self, user: str, *, suspended: bool) -> None:
        super().suspend(user, suspended=suspended)
        if suspended:
            self.platform.database.change(delete(ALARMS))


@mutant(violates="BIZ-SUB-03")
class SuspensionEmptiesTheHistory(Platform):
    """The alarms of a suspended user are removed."""

    zh = "停机即清除告警历史。"
    accounts_class = _Sweeping


class _ReleasesDevices(Accounts):
    def suspend(self, user: str, *, suspended: bool) -> None:
        super().suspend(user, suspended=suspended)
        if suspended:
            self.platform.database.change(update(DEVICES).where(DEVICES.c.owner == user).values(owner=""))


@mutant(violates="BIZ-SUB-04")
class DevicesHaveToBeBoundAgain(Platform):
    """A suspended user loses the devices and has to bind them again."""

    zh = "停机即解绑设备，复机后须重新绑定。"
    accounts_class = _ReleasesDevices


class _Marked(Accounts):
    partner = False

    def third_party(self, app_key: str, nonce: str, time_text: str, check_sum: str) -> Row:
        user = super().third_party(app_key, nonce, time_text, check_sum)
        self.partner = True
        return user

    def session(self, text: str) -> tuple[Row, str]:
        self.partner = False
        return super().session(text)


class _PartnersReach(Rights):
    def check(self, user: Row, dev_id: str, right: str) -> Row:
        device = self.platform.devices.find(dev_id)
        if getattr(self.platform.accounts, "partner", False) and right == "view" and device is not None:
            return device
        return super().check(user, dev_id, right)


@mutant(violates="BIZ-MOD-05")
class PartnersSeeEveryDevice(Platform):
    """A third party may see the devices of every account."""

    zh = "第三方可查看其他帐号的设备。"
    accounts_class = _Marked
    rights_class = _PartnersReach


class _Unrecorded(ClientApi):
    def refusal(self, call: Call, refused: Refused) -> web.Response:
        note = self.platform.audit.note
        self.platform.audit.note = lambda *told, **more: None  # type: ignore[method-assign]
        try:
            return super().refusal(call, refused)
        finally:
            self.platform.audit.note = note  # type: ignore[method-assign]


@mutant(violates="BIZ-MOD-05")
class RefusalsAreNotRecorded(Platform):
    """Whoever is refused the device of another account leaves no record."""

    zh = "越权访问被拒绝但不留记录。"
    client_class = _Unrecorded
