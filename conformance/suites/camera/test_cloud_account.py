"""CS-CRE: the cloud account that the device keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.province import Exchanged, Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies

TEXTS = ("URL", "Account", "ERecordBucket", "EPictureBucket")
AT_LOGIN = {"URL": "EURL", "Account": "EAccount", "Password": "EPassword"}


def _account(province: Province) -> dict[str, str]:
    """An account that nobody else has."""
    mark = f"{province.wire.random.randrange(16**6):06x}"
    return {
        "URL": f"http://192.0.2.20:8080/{mark}",
        "Account": f"account-{mark}",
        "Password": f"password-{mark}",
        "EStorgeSpace": str(province.wire.random.randrange(100, 999)),
        "ERecordBucket": f"record-{mark}",
        "EPictureBucket": f"picture-{mark}",
    }


async def _get(province: Province, within: float) -> tuple[Exchanged, dict[str, str]]:
    """The answer of the query, and what it holds under the names of the setting."""
    answer = await province.command("GET_ESTORE", within=within)
    found = {name: answer.message.get(name) for name in TEXTS}
    return answer, {**found, "EStorgeSpace": answer.message.get("StorgeSpace")}


async def _set(province: Province, within: float, values: dict[str, str]) -> Exchanged:
    given: dict[str, Any] = dict(values)
    return await province.command("SET_ESTORE", within=within, breaking=True, **given)


def _shown(account: dict[str, str]) -> dict[str, str]:
    return {name: account[name] for name in (*TEXTS, "EStorgeSpace")}


@asynccontextmanager
async def _kept(province: Province, within: float) -> AsyncIterator[None]:
    """Puts the account back afterwards, as far as the query tells it."""
    _, before = await _get(province, within)
    try:
        yield
    finally:
        await _set(province, within, {name: text for name, text in before.items() if text})


@verifies("CS-CRE-01")
async def test_account_of_the_login(province: Province, check: Checks, limits: Limits) -> None:
    """The account in LOGIN_RES is what the query returns."""
    within = limits("CS-CRE-01").answer_wait.seconds
    async with _kept(province, within):
        check.step("s1")
        account = _account(province)
        province.account.update({AT_LOGIN.get(name, name): text for name, text in account.items()})
        link = await province.online()
        link.close()
        await link.ended(within)
        await province.online(within=province.limits["back_online_wait"].seconds)
        check.step("s2")
        answer, found = await _get(province, within)
        check.step("s3")
        check.equal("CS-CRE-01", (answer.result, found), (0, _shown(account)), "GET_ESTORE")
        province.account.clear()


@verifies("CS-CRE-01a", "CS-CRE-01b", "CS-CRE-03")
async def test_account_is_changed(province: Province, check: Checks, limits: Limits) -> None:
    """A new account is returned at once; the space under its one name, the password not at all."""
    within = limits("CS-CRE-01a").answer_wait.seconds
    async with _kept(province, within):
        check.step("s1")
        account = _account(province)
        check.step("s2")
        done = await _set(province, within, account)
        answer, found = await _get(province, within)
        check.step("s3")
        check.equal("CS-CRE-01a", (done.result, found), (0, _shown(account)), "GET_ESTORE")
        xml = answer.answer.received.frame.xml
        once = xml.count(b"<StorgeSpace>") == 1 and b"<EStorgeSpace>" not in xml
        expected = say("恰好一个 StorgeSpace", "StorgeSpace exactly once")
        same = found["EStorgeSpace"] == account["EStorgeSpace"]
        check.true(
            "CS-CRE-01b", once and same, expected, f"{found['EStorgeSpace']!r} in {xml.decode(errors='replace')}"
        )
        hidden = account["Password"].encode() not in xml and not answer.message.get("Password")
        check.true(
            "CS-CRE-03", hidden, say("应答中没有口令", "no password in the answer"), answer.message.get("Password")
        )


@verifies("CS-CRE-01c")
async def test_missing_and_empty_parameters(province: Province, check: Checks, limits: Limits) -> None:
    """Only the element that is there and not empty changes."""
    within = limits("CS-CRE-01c").answer_wait.seconds
    async with _kept(province, within):
        check.step("s1")
        account = _account(province)
        await _set(province, within, account)
        _, found = await _get(province, within)
        check.control(found == _shown(account), say("设置全部参数生效", "setting all of them works"))
        check.step("s2")
        done = await _set(province, within, {"ERecordBucket": "another-bucket", "Account": ""})
        check.step("s3")
        _, found = await _get(province, within)
        expected = {**_shown(account), "ERecordBucket": "another-bucket"}
        check.equal("CS-CRE-01c", (done.result, found), (0, expected), "GET_ESTORE")
