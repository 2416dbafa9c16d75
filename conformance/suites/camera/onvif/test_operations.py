"""ONV-OPS-01 to ONV-OPS-09: every operation of the tables, with right requests and with wrong ones."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.model.checks import Checks, say
from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.onvif import Onvif
from conformance.peers.onvif.schema import answer_schema
from conformance.plugin.marks import verifies
from conformance.protocols.onvif_cases import WRONG_NAMESPACE, Case, guarded_case, shape_flaws, wrong_cases
from conformance.suites.camera.onvif.operation_steps import TABLES, Offer, ask, control, look, state, undo_users
from specs.onvif_operations import Mistake

ARGUMENTS: tuple[Mistake, ...] = ("missing", "surplus", "wrong_type", "empty", "out_of_list", "namespace")
FAULT_CODES = ("env:VersionMismatch", "env:MustUnderstand", "env:DataEncodingUnknown", "env:Sender", "env:Receiver")
KNOWN, NOTHING = "GetSystemDateAndTime", "KandianNoSuchOperation"
FAULT = say("HTTP 4xx/5xx 与 SOAP 1.2 差错", "HTTP 4xx or 5xx with a SOAP 1.2 fault")


def readable(offer: Offer, *, required: bool) -> Iterator[Case]:
    """Right requests of reading operations, of those that have to be there or of the others."""
    for table, operation in offer.operations():
        if operation.reads and offer.required(table.service, operation) is required:
            case = offer.good(table, operation)
            if case is not None:
                yield case


@verifies("ONV-OPS-01", "ONV-OPS-02")
async def test_reading_operations(onvif: Onvif, check: Checks) -> None:
    """Each that has to be there is answered, and every answer is valid."""
    check.step("s1")
    offer = await look(onvif)
    check.step("s2")
    for case in readable(offer, required=True):
        answer = await ask(onvif, case)
        expected = say(f"200，{case.operation}Response", f"200 with {case.operation}Response")
        attached = by_attachment(case, answer)
        if check.true("ONV-OPS-01", answer.ok or attached, expected, answer.summary, case.about) and not attached:
            judge_shape(check, case, answer)
    for case in readable(offer, required=False):
        answer = await ask(onvif, case)
        if answer.ok:
            judge_shape(check, case, answer)


def by_attachment(case: Case, answer: Answer) -> bool:
    """Whether the answer came by MTOM, where it may; it is no envelope then, but a multipart message."""
    multipart = answer.header("Content-Type").lower().startswith("multipart/related")
    return TABLES.operation(case.service, case.operation).attachment and answer.status == 200 and multipart


def judge_shape(check: Checks, case: Case, answer: Answer) -> None:
    """The answer against the schema of its service, where there is none against the table."""
    schema = answer_schema()
    assert answer.body is not None
    if schema is not None and schema.covers(answer.body.name):
        flaws = [str(flaw) for flaw in schema.flaws(answer.raw)]
    else:
        flaws = shape_flaws(TABLES.services[case.service], TABLES.operation(case.service, case.operation), answer.body)
    valid = say("符合模式的应答", "an answer that is valid by the schema")
    check.true("ONV-OPS-02", not flaws, valid, "; ".join(flaws) or answer.summary, case.about)


@verifies("ONV-OPS-03")
async def test_optional_operations(onvif: Onvif, check: Checks) -> None:
    """What is not implemented is said to be not supported."""
    check.step("s1")
    offer = await look(onvif)
    if not control(
        check, await onvif.call("device", "GetServices", "<tds:IncludeCapability>false</tds:IncludeCapability>")
    ):
        return
    check.step("s2")
    refused = 0
    for case in readable(offer, required=False):
        answer = await ask(onvif, case)
        if answer.ok or by_attachment(case, answer):
            continue
        refused += 1
        operation = TABLES.operation(case.service, case.operation)
        allowed = (*TABLES.allowed("unsupported"), *TABLES.codes(operation.faults))
        told = answer.fault.codes if answer.fault is not None else ()
        held = any(told[: len(codes)] == codes for codes in allowed)
        check.true("ONV-OPS-03", held, "ter:ActionNotSupported", answer.summary, case.about)
    if not refused:
        check.not_applicable("ONV-OPS-03", say("可选操作均已实现", "every optional operation is implemented"))


def wrong(offer: Offer, *mistakes: Mistake, changing: bool = False) -> Iterator[Case]:
    """Harmless wrong requests of the operations that the device has to have; of writing ones when ``changing``."""
    for table, operation in offer.operations():
        if offer.required(table.service, operation) and operation.reads is not changing:
            for case in wrong_cases(TABLES, table, operation, offer.tokens):
                if case.mistake in mistakes and case.harmless:
                    yield case


@verifies("ONV-OPS-04")
async def test_unknown_tokens(onvif: Onvif, check: Checks) -> None:
    """The triple that the book gives for each token, beside a token that is taken."""
    check.step("s1")
    offer = await look(onvif)
    works: dict[str, bool] = {}
    for case in wrong(offer, "unknown"):
        name = f"{case.service} {case.operation}"
        if name not in works:
            check.step("s1")
            works[name] = await is_carried_out(onvif, offer, case)
        if works[name]:
            check.step("s2")
            answer = await ask(onvif, case)
            check.true("ONV-OPS-04", case.allows(answer.fault), case.expected, answer.summary, case.about)
    if not works:
        check.not_applicable("ONV-OPS-04", say("没有带令牌的操作", "no operation takes a token"))
    elif not any(works.values()):
        check.control(False, say("带令牌的操作均不成功", "no operation works with a token that exists"))


async def is_carried_out(onvif: Onvif, offer: Offer, case: Case) -> bool:
    """Whether the right request of the same operation works; one that does not is judged by ONV-OPS-01."""
    good = offer.good(TABLES.services[case.service], TABLES.operation(case.service, case.operation))
    return good is not None and (await ask(onvif, good)).ok


@verifies("ONV-OPS-05", "ONV-OPS-06")
async def test_wrong_arguments(onvif: Onvif, check: Checks) -> None:
    """One mistake in each request."""
    check.step("s1")
    offer = await look(onvif)
    if not control(
        check, await onvif.call("device", "GetServices", "<tds:IncludeCapability>false</tds:IncludeCapability>")
    ):
        return
    check.step("s2")
    for case in wrong(offer, *ARGUMENTS):
        answer = await ask(onvif, case)
        held = case.allows(answer.fault)
        check.true("ONV-OPS-05", held, case.expected, answer.summary, case.about)
        if not answer.ok:
            check.true("ONV-OPS-06", is_fault(answer), FAULT, answer.summary, case.about)
    await judge_refusals_of_tokens(onvif, check, offer)


async def judge_refusals_of_tokens(onvif: Onvif, check: Checks, offer: Offer) -> None:
    """A refusal that has to come, so that its form is judged on every device."""
    case = next(wrong(offer, "unknown"), None)
    if case is not None:
        answer = await ask(onvif, case)
        check.true("ONV-OPS-06", is_fault(answer), FAULT, answer.summary, case.about)


def is_fault(answer: Answer) -> bool:
    """Whether it is a fault of SOAP 1.2 with the status of one."""
    return answer.fault is not None and answer.fault.code in FAULT_CODES and 400 <= answer.status < 600


@verifies("ONV-OPS-07")
async def test_unknown_operations(onvif: Onvif, check: Checks) -> None:
    """A name that does not exist, and names in a namespace that is not theirs."""
    check.step("s1")
    if not control(check, await onvif.call("device", KNOWN)):
        return
    allowed = TABLES.allowed("unknown_action")
    check.step("s2")
    for service in (key for key in TABLES.services if onvif.has(key)):
        judge_unknown(check, await onvif.call(service, NOTHING), allowed, f"{service} {NOTHING}")
    check.step("s3")
    namespaces = (WRONG_NAMESPACE, "", f"{TABLES.services['device'].namespace}/")
    for namespace in namespaces:
        operation = f'<{KNOWN} xmlns="{namespace}"/>'
        data = onvif.client.envelope("device", KNOWN).replace(f"<tds:{KNOWN}/>".encode(), operation.encode())
        about = f"{KNOWN} in {namespace!r}"
        judge_unknown(check, await onvif.client.post(data), TABLES.allowed("namespace"), about)


def judge_unknown(check: Checks, answer: Answer, allowed: tuple[tuple[str, ...], ...], about: str) -> None:
    """The operation is refused as one that there is not."""
    told = answer.fault.codes if answer.fault is not None else ()
    held = any(told[: len(codes)] == codes for codes in allowed)
    expected = " | ".join("/".join(codes) for codes in allowed)
    check.true("ONV-OPS-07", held, expected, answer.summary, about)


@verifies("ONV-OPS-08")
async def test_refused_requests_change_nothing(onvif: Onvif, check: Checks) -> None:
    """Writing operations that name what does not exist."""
    check.step("s1")
    offer = await look(onvif)
    before, again = await state(onvif, offer), await state(onvif, offer)
    steady = {name: told for name, told in before.items() if again.get(name) == told}
    if not check.control(bool(steady), say(f"{len(steady)} 项稳定的设置", f"{len(steady)} answers that stay the same")):
        return
    check.step("s2")
    for case in wrong(offer, "unknown", changing=True):
        answer = await ask(onvif, case)
        expected = say("拒绝", "a refusal")
        check.true("ONV-OPS-08", not answer.ok, expected, answer.summary, case.about)
    check.step("s3")
    after = await state(onvif, offer)
    changed = sorted(name for name, told in steady.items() if after.get(name) != told)
    check.equal("ONV-OPS-08", changed, [], say("改变的设置", "settings that changed"))


@verifies("ONV-OPS-09")
async def test_writing_operations(onvif: Onvif, check: Checks) -> None:
    """Nothing is carried out; only that the operation is there is looked at."""
    check.step("s1")
    offer = await look(onvif)
    if not control(check, await onvif.call("device", KNOWN)):
        return
    undo_users(onvif)
    check.step("s2")
    absent = TABLES.codes(("UnknownAction", "ActionNotSupported", "ActionNotSupportedSender"))
    expected = say("针对参数的差错", "a fault that is about the arguments")
    for table, operation in offer.operations():
        case = guarded_case(table, operation) if offer.required(table.service, operation) else None
        if case is None or operation.reads:
            continue
        answer = await ask(onvif, case)
        told = answer.fault.codes if answer.fault is not None else ()
        meant = any(told[: len(codes)] == codes for codes in TABLES.codes(operation.faults))
        missing = len(told) < 2 or any(told[: len(codes)] == codes for codes in absent)
        held = answer.ok or meant or not missing
        check.true("ONV-OPS-09", held, expected, answer.summary, case.about)
