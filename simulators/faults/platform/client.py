"""Mutants of the client interface: its definition, its errors, its versions."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from aiohttp import web

from simulators.faults.registry import mutant
from simulators.platform.client_account import AccountOperations
from simulators.platform.client_api import ClientApi
from simulators.platform.client_call import Call
from simulators.platform.client_terminals import TerminalOperations
from simulators.platform.platform import Platform
from simulators.platform.refused import Refused

T = TypeVar("T")


class _ShopsWithoutId(TerminalOperations):
    async def shops(self, call: Call) -> dict[str, Any]:
        found = await super().shops(call)
        return {"items": [{"name": shop["name"], "devices": shop["devices"]} for shop in found["items"]]}


class _ClientOfShops(ClientApi):
    terminals_class = _ShopsWithoutId


@mutant(violates="IF-CLI-02")
class ShopsHaveNoId(Platform):
    """Shops are listed without their ids."""

    zh = "店铺列表缺少编号。"
    client_class = _ClientOfShops


class _LoginWithoutAccount(AccountOperations):
    async def login(self, call: Call) -> dict[str, Any]:
        return {**await super().login(call), "account": None}


class _ClientOfLogins(ClientApi):
    account_class = _LoginWithoutAccount


@mutant(violates="IF-CLI-01")
class LoginTellsNoAccount(Platform):
    """The answer to a login has no account."""

    zh = "登录应答不含帐号。"
    client_class = _ClientOfLogins


class _AlwaysFine(ClientApi):
    def refusal(self, call: Call, refused: Refused) -> web.Response:
        response = super().refusal(call, refused)
        response.set_status(200)
        return response


@mutant(violates="IF-CLI-05")
class ErrorsAreAnsweredOk(Platform):
    """Failures are answered with status 200."""

    zh = "失败以状态 200 应答。"
    client_class = _AlwaysFine


class _Lenient(TerminalOperations):
    async def change(self, call: Call) -> dict[str, Any]:
        try:
            return await super().change(call)
        except Refused as refused:
            if refused.code != "bad_request":
                raise
            return await self.show(call)


class _LenientClient(ClientApi):
    terminals_class = _Lenient


@mutant(violates="IF-CLI-08")
class BadChangesAreAnsweredOk(Platform):
    """A change that does not fit the definition is answered as if it had been made."""

    zh = "不符合定义的修改请求被当作成功。"
    client_class = _LenientClient


class _Fragile(Call):
    def body(self, kind: type[T]) -> T:
        try:
            value = msgspec.json.decode(self.content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            value = {}
        if isinstance(value, list):
            raise TypeError("list indices must be integers")
        return super().body(kind)


class _FragileTerminals(TerminalOperations):
    async def bind(self, call: Call) -> dict[str, Any]:
        return await super().bind(_Fragile(call.request, call.content, call.user, call.session))


class _FragileClient(ClientApi):
    terminals_class = _FragileTerminals


@mutant(violates="IF-CLI-09")
class ListsBreakTheBinding(Platform):
    """A body that is a list ends in an internal error."""

    zh = "请求体为数组时出现内部错误。"
    client_class = _FragileClient


class _AnyVersion(ClientApi):
    def check_version(self, request: web.Request) -> None:
        return None


@mutant(violates="IF-CLI-10")
class OldClientsAreServed(Platform):
    """The stated least version of clients is not looked at."""

    zh = "不检查客户端最低版本。"
    client_class = _AnyVersion
