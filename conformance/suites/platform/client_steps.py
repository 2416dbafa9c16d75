"""Steps that the suites of the client interface share."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.model.checks import Checks, say
from conformance.peers.platform.phone import Phone, Phones
from conformance.peers.platform.reply import Reply, flaws
from specs.client_api import Operation
from specs.declared_platform import User

ACCEPTED = say("成功", "success")
#: Refusals that do not tell whether the thing is there.
HIDDEN = ("not_found", "forbidden")


def good(check: Checks, reply: Reply, about: str = "") -> bool:
    """A control leg: the right request is carried out."""
    told = f"{about}: {reply.summary}" if about else reply.summary
    return check.control(reply.ok, say(f"正确的请求成功 {told}", f"the right request is carried out: {told}"))


def accepted(check: Checks, requirement: str, reply: Reply, about: str = "") -> bool:
    """The success that the document names."""
    return check.true(requirement, reply.ok, ACCEPTED, reply.summary, about)


def refused(check: Checks, requirement: str, reply: Reply, *names: str, about: str = "") -> bool:
    """One of these coded errors."""
    wanted = " / ".join(names)
    held = not reply.ok and reply.error in names
    return check.true(requirement, held, say(f"差错 {wanted}", f"error {wanted}"), reply.summary, about)


def conforming(check: Checks, requirement: str, phone: Phone, reply: Reply, about: str = "") -> bool:
    """The answer is one of the document."""
    found = flaws(phone.api, reply)
    expected = say("与接口定义一致的应答", "an answer that fits the definition")
    return check.true(requirement, not found, expected, f"{reply.summary}; {'; '.join(found[:3])}", about)


def owners_of(phones: Phones) -> list[User]:
    """The declared owners, each with a tenant of its own."""
    return [user for user in phones.users if user.role == "owner" and user.tenant in ("", user.name)]


def other_owner(phones: Phones, check: Checks, *requirements: str) -> User | None:
    """A second owner with nothing in common with the first; without one the requirements cannot be judged."""
    owners = owners_of(phones)
    if len(owners) > 1:
        return owners[1]
    for requirement in requirements:
        check.inconclusive(requirement, say("声明中只有一个业主", "the declaration names one owner only"))
    return None


async def terminals(phone: Phone) -> list[str]:
    """The ids of the terminals that a phone is shown."""
    return [str(item.get("id")) for item in (await phone.call("terminalListed", query={"size": 100})).items]


def of_terminals(operations: Iterable[Operation]) -> list[Operation]:
    """The operations on one terminal that need no other id."""
    return [operation for operation in operations if operation.parameters == ("terminal",)]
