"""BIZ-ACC-05 to BIZ-ACC-09, IF-CLI-01: logins, sessions and their ends."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.phone import Phone, Phones
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.client_steps import accepted, good, refused

ENDED = ("session_expired", "session_invalid")
NEW_PASSWORD = "Kandian-new-password"
UNKNOWN = "10000000001"
READING = ("shops", "terminalListed", "messages")


@verifies("IF-CLI-01")
async def test_login_over_tls(platform: PlatformBench, owner: Phone, check: Checks) -> None:
    """An account and a session; in the certified profile by HTTPS only."""
    check.step("s1")
    assert owner.user is not None
    reply = await owner.login(owner.user)
    accepted(check, "IF-CLI-01", reply)
    for name in ("session", "account"):
        check.true("IF-CLI-01", bool(reply.at(name)), say(f"应答含 {name}", f"the answer has {name}"), reply.summary)
    check.step("s2")
    if platform.loaded.features.get("tls"):
        scheme = owner.endpoint.scheme
        check.equal("IF-CLI-01", scheme, "https", say("登录接口的协议", "scheme of the login interface"))


@verifies("BIZ-ACC-05")
async def test_two_logins(owner: Phone, phones: Phones, check: Checks) -> None:
    """The second login either leaves the first alone or ends it with a code that says so."""
    check.step("s1")
    assert owner.user is not None
    second = await phones.logged_in(owner.user)
    accepted(check, "BIZ-ACC-05", await second.call("shops"), "second login")
    differ = say("会话互不相同", "the sessions differ")
    check.true("BIZ-ACC-05", second.session != owner.session, differ, f"{len(second.session)} characters")
    check.step("s2")
    first = await owner.call("shops")
    expected = say("仍有效，或明确告知会话已被顶替", "still good, or told that the session has ended")
    check.true("BIZ-ACC-05", first.ok or first.error in ENDED, expected, first.summary, "first login")


@verifies("BIZ-ACC-06")
async def test_expiry_and_renewal(platform: PlatformBench, owner: Phone, check: Checks) -> None:
    """One code for an expired session on every interface; a renewed one works."""
    life = platform.declared.session_life
    check.step("s1")
    good(check, await owner.call("shops"))
    await platform.control.do("clock", advance=life + 1)
    try:
        for name in READING:
            refused(check, "BIZ-ACC-06", await owner.call(name), "session_expired", about=name)
        check.step("s2")
        accepted(check, "BIZ-ACC-06", await owner.renew(), "renewal")
        for name in READING:
            accepted(check, "BIZ-ACC-06", await owner.call(name), f"{name} after the renewal")
    finally:
        await platform.control.do("clock", advance=-life - 1)


@verifies("BIZ-ACC-07")
async def test_sms_codes(platform: PlatformBench, owner: Phone, phones: Phones, check: Checks, limits: Limits) -> None:
    """A code works once, for a while, and cannot be guessed."""
    user = phones.users[-1]
    numbers = limits("BIZ-ACC-07")
    gap = numbers.code_gap.seconds
    codes = []
    for _ in range(3):
        await platform.control.do("clock", advance=gap)
        good(check, await owner.call("sendCode", {"phone": user.phone}, session=""), "sendCode")
        codes.append(str((await platform.control.do("sms", phone=user.phone))["code"]))
        if len(codes) == 1:
            phone = phones.new()
            good(check, await phone.call("loginByCode", {"phone": user.phone, "code": codes[0]}), "first use")
            check.step("s1")
            again = await phone.call("loginByCode", {"phone": user.phone, "code": codes[0]})
            refused(check, "BIZ-ACC-07", again, "bad_credentials", about="second use")
        elif len(codes) == 2:
            await platform.control.do("clock", advance=numbers.code_life.seconds)
            late = await phones.new().call("loginByCode", {"phone": user.phone, "code": codes[1]})
            refused(check, "BIZ-ACC-07", late, "bad_credentials", about="late use")
    for guess in range(round(numbers.tries.max or 0)):
        wrong = f"{(int(codes[2]) + guess + 1) % 10 ** len(codes[2]):0{len(codes[2])}d}"
        await phones.new().call("loginByCode", {"phone": user.phone, "code": wrong})
    check.step("s2")
    last = await phones.new().call("loginByCode", {"phone": user.phone, "code": codes[2]})
    refused(check, "BIZ-ACC-07", last, "bad_credentials", "locked", about="the right code after too many guesses")


@verifies("BIZ-ACC-08")
async def test_ends_of_sessions(platform: PlatformBench, owner: Phone, phones: Phones, check: Checks) -> None:
    """After a logout and after a change of the password old sessions are worthless."""
    user = phones.users[-1]
    phone = await phones.logged_in(user)
    good(check, await phone.call("shops"))
    check.step("s1")
    good(check, await phone.call("logout"))
    refused(check, "BIZ-ACC-08", await phone.call("shops"), *ENDED, about="after the logout")
    refused(check, "BIZ-ACC-08", await phone.renew(), *ENDED, about="renewal after the logout")
    check.step("s2")
    phone, elsewhere = await phones.logged_in(user), await phones.logged_in(user)
    good(check, await phone.call("changePassword", {"old": user.password, "new": NEW_PASSWORD}), "changePassword")
    refused(check, "BIZ-ACC-08", await elsewhere.call("shops"), *ENDED, about="another session")
    refused(check, "BIZ-ACC-08", await elsewhere.renew(), *ENDED, about="renewal of another session")
    old = await phones.new().login(user)
    refused(check, "BIZ-ACC-08", old, "bad_credentials", about="the old password")
    new = phones.new()
    good(check, new.keep(await new.call("login", {"phone": user.phone, "password": NEW_PASSWORD})), "new password")
    good(check, await new.call("changePassword", {"old": NEW_PASSWORD, "new": user.password}), "back")


@verifies("BIZ-ACC-09")
async def test_guessing(platform: PlatformBench, phones: Phones, check: Checks, limits: Limits) -> None:
    """Unknown accounts and wrong passwords draw the same answer; guessing is slowed down."""
    numbers = limits("BIZ-ACC-09")
    user = phones.users[-1]
    check.step("s1")
    good(check, await phones.new().login(user))
    unknown = await phones.new().call("login", {"phone": UNKNOWN, "password": NEW_PASSWORD})
    wrong = await phones.new().call("login", {"phone": user.phone, "password": NEW_PASSWORD})
    expected = say(f"与未知帐号相同: {unknown.summary}", f"as for an unknown account: {unknown.summary}")
    check.true("BIZ-ACC-09", (wrong.status, wrong.body) == (unknown.status, unknown.body), expected, wrong.summary)
    check.step("s2")
    replies = [
        await phones.new().call("login", {"phone": user.phone, "password": f"{NEW_PASSWORD}{guess}"})
        for guess in range(round(numbers.tries.max or 0))
    ]
    limited = say(f"{len(replies)} 次之内受限 (locked)", f"limited (locked) within {len(replies)} tries")
    check.true("BIZ-ACC-09", any(reply.error == "locked" for reply in replies), limited, replies[-1].summary)
    await platform.control.do("clock", advance=numbers.lock.seconds)
    good(check, await phones.new().login(user), "after the lock")
