"""Mutants of accounts, sessions and the third-party form."""

from __future__ import annotations

from sqlalchemy import update

from simulators.faults.registry import mutant
from simulators.platform.accounts import Accounts, fits
from simulators.platform.database import Row
from simulators.platform.platform import Platform
from simulators.platform.refused import Refused
from simulators.platform.tables import USERS


class _OneSessionForAll(Accounts):
    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self.kept: dict[str, tuple[str, str, float]] = {}

    def open_session(self, user: str) -> tuple[str, str, float]:
        if user not in self.kept:
            self.kept[user] = super().open_session(user)
        return self.kept[user]


@mutant(violates="BIZ-ACC-05")
class EveryLoginGetsTheSameSession(Platform):
    """A second login is handed the session of the first."""

    zh = "再次登录得到与首次相同的会话。"
    accounts_class = _OneSessionForAll


class _NeverOver(Accounts):
    def session(self, text: str) -> tuple[Row, str]:
        now, self.platform.clock.offset = self.platform.clock.offset, 0.0
        try:
            return super().session(text)
        finally:
            self.platform.clock.offset = now


@mutant(violates="BIZ-ACC-06")
class SessionsNeverExpire(Platform):
    """A session is good for ever."""

    zh = "会话永不过期。"
    accounts_class = _NeverOver


class _KeepsSessions(Accounts):
    def close_all(self, user: str) -> None:
        self.platform.tokens.revoke(user=user)


@mutant(violates="BIZ-ACC-08")
class SessionsOutliveThePassword(Platform):
    """A new password leaves the sessions of the old one alone."""

    zh = "修改口令后原有会话仍有效。"
    accounts_class = _KeepsSessions


class _Patient(Accounts):
    def _count_failure(self, user: Row) -> None:
        self.platform.database.change(update(USERS).where(USERS.c.id == user["id"]).values(failures=0))


@mutant(violates="BIZ-ACC-09")
class GuessAsOftenAsYouLike(Platform):
    """Wrong passwords are not counted."""

    zh = "不限制口令错误次数。"
    accounts_class = _Patient


class _TellsWho(Accounts):
    def login(self, phone: str, password: str) -> Row:
        user = self.by_phone(phone)
        if user is not None and not fits(password, str(user["password"])):
            super().login(phone, password)
        if user is None:
            raise Refused("not_found", "phone")
        return super().login(phone, password)


@mutant(violates="BIZ-ACC-09")
class UnknownAccountsAreTold(Platform):
    """A login under an unknown number is told that there is no such account."""

    zh = "登录时告知帐号不存在。"
    accounts_class = _TellsWho


class _NoncesAgain(Accounts):
    def _fresh(self, nonce: str, now: float) -> bool:
        return True


@mutant(violates="IF-CLI-04")
class NoncesCanBeUsedAgain(Platform):
    """A signed request can be sent again."""

    zh = "第三方请求的随机数可重复使用。"
    accounts_class = _NoncesAgain


class _AnyCase(Accounts):
    def third_party(self, app_key: str, nonce: str, time_text: str, check_sum: str) -> Row:
        return super().third_party(app_key, nonce, time_text, check_sum.lower())


@mutant(violates="IF-CLI-04")
class CheckSumsInAnyCase(Platform):
    """A check sum in upper case is taken."""

    zh = "接受大写的校验和。"
    accounts_class = _AnyCase
