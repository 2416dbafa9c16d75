"""ONV-ROB-01 to ONV-ROB-13: requests that nobody should send, and good ones in unusual forms."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.model.checks import Checks, say
from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.onvif import Onvif
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.soap import CONTENT_TYPE, SOAP_11, SOAP_12, envelope
from conformance.protocols.xml_names import Name
from conformance.suites.camera.onvif.operation_steps import control
from conformance.suites.camera.onvif.raw_exchange import (
    ALIVE,
    DEVICE,
    GOOD,
    QUESTION,
    Head,
    Line,
    chunked,
    exchange,
    http_forms,
    judge_alive,
    other_forms,
    posted,
    xml_forms,
)

ANSWERED = say("200 与应答元素", "200 with the response element")
REFUSED = say("SOAP 差错或 HTTP 4xx/5xx", "a SOAP fault or an HTTP status of 4xx or 5xx")
NOT_CARRIED_OUT = say("不执行请求", "the request is not carried out")
CAPABILITIES, OTHER = "GetCapabilities", "GetServiceCapabilities"
LEVELS = 9
UNKNOWN_VERSION = "http://www.w3.org/2099/soap-envelope"


def answered(check: Checks, requirement: str, answer: Answer, about: str) -> bool:
    """The question is answered."""
    return check.true(requirement, answer.ok, ANSWERED, answer.summary, about)


async def ready(onvif: Onvif, check: Checks, limits: Limits, requirement: str) -> bool:
    """Control leg: the good question is answered on a connection of its own."""
    check.step("s1")
    return control(check, await exchange(onvif, limits(requirement).answer.seconds, posted(onvif)))


@verifies("ONV-ROB-01")
async def test_namespaces(onvif: Onvif, check: Checks) -> None:
    """Six ways to write the same."""
    check.step("s1")
    if not control(check, await onvif.client.call("device", QUESTION, auth="none")):
        return
    check.step("s2")
    expected = Name(DEVICE, f"{QUESTION}Response")
    for about, data in other_forms(QUESTION).items():
        answer = await onvif.client.post(data)
        told = answer.body.name if answer.body is not None else None
        check.true("ONV-ROB-01", answer.status == 200 and told == expected, ANSWERED, answer.summary, about)


def broken() -> dict[str, bytes]:
    """Requests that are no XML, or no request."""
    return {
        "nothing": b"",
        "cut off": GOOD[: len(GOOD) // 2],
        "tags that do not match": GOOD.replace(b"</env:Body>", b"</env:Bodies>"),
        "no UTF-8": GOOD.replace(b"/>", b">\xff\xfe</tds:GetSystemDateAndTime>"),
        "a prefix of nothing": GOOD.replace(b"<tds:", b"<nobody:"),
        "text": b"GetSystemDateAndTime",
        "an empty body": envelope(""),
        "no body": f'<env:Envelope xmlns:env="{SOAP_12}"/>'.encode(),
        "no envelope": f'<tds:{QUESTION} xmlns:tds="{DEVICE}"/>'.encode(),
    }


@verifies("ONV-ROB-02")
async def test_broken_requests(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Each is refused, and the next good one answered."""
    if not await ready(onvif, check, limits, "ONV-ROB-02"):
        return
    check.step("s2")
    for about, data in broken().items():
        answer = await exchange(onvif, limits("ONV-ROB-02").answer.seconds, posted(onvif, data))
        check.true("ONV-ROB-02", answer.refused, REFUSED, answer.summary, about)
        if not await judge_alive(onvif, check, limits, "ONV-ROB-02", about):
            return


def entities() -> dict[str, tuple[str, str]]:
    """Document types and what then stands in for the argument, by what they try."""
    laughs = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, LEVELS))
    return {
        "an internal entity": ('<!ENTITY e "All">', "&e;"),
        "an external entity": ('<!ENTITY e SYSTEM "file:///etc/hostname">', "All&e;"),
        "entities nested nine times": (f'<!ENTITY e0 "All">{laughs}', f"&e{LEVELS - 1};"),
    }


@verifies("ONV-ROB-03")
async def test_entities(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """The argument comes by an entity; whoever answers has expanded it."""
    if not await ready(onvif, check, limits, "ONV-ROB-03"):
        return
    if not control(check, await onvif.call("device", CAPABILITIES, "<tds:Category>All</tds:Category>", auth="none")):
        return
    for number, (about, (declared, value)) in enumerate(entities().items()):
        check.step("s3" if number else "s2")
        text = envelope(f"<tds:{CAPABILITIES}><tds:Category>{value}</tds:Category></tds:{CAPABILITIES}>").decode()
        data = text.replace("?>", f"?><!DOCTYPE r [{declared}]>", 1).encode()
        answer = await exchange(onvif, limits("ONV-ROB-03").answer.seconds, posted(onvif, data))
        carried_out = answer.body is not None and answer.status == 200
        check.true("ONV-ROB-03", not carried_out, NOT_CARRIED_OUT, answer.summary, about)
        check.step("s4")
        if not await judge_alive(onvif, check, limits, "ONV-ROB-03", about):
            return


@verifies("ONV-ROB-04")
async def test_other_soap_versions(onvif: Onvif, check: Checks) -> None:
    """The envelope of SOAP 1.1 and one of the future."""
    check.step("s1")
    if not control(check, await onvif.client.call("device", QUESTION, auth="none")):
        return
    check.step("s2")
    for about, namespace in (("SOAP 1.1", SOAP_11), ("SOAP of 2099", UNKNOWN_VERSION)):
        for content_type in (CONTENT_TYPE, "text/xml; charset=utf-8"):
            answer = await onvif.client.post(
                envelope(f"<tds:{QUESTION}/>", namespace=namespace), content_type=content_type
            )
            held = mismatch(answer) or (content_type != CONTENT_TYPE and answer.status == 415)
            check.true("ONV-ROB-04", held, "env:VersionMismatch", answer.summary, f"{about}, {content_type}")


def mismatch(answer: Answer) -> bool:
    """VersionMismatch; for an envelope of SOAP 1.1 the fault may be in SOAP 1.1 (SOAP 1.2 Part 1, appendix A)."""
    old = SOAP_11.encode() in answer.raw and b"VersionMismatch" in answer.raw
    return answer.has_fault("env:VersionMismatch") or (old and answer.status >= 400)


@verifies("ONV-ROB-05")
async def test_blocks_that_must_be_understood(onvif: Onvif, check: Checks) -> None:
    """The same block, marked and not."""
    block = '<k:Block xmlns:k="urn:kandian:block"{}>x</k:Block>'
    check.step("s1")
    if not control(check, await onvif.client.call("device", QUESTION, auth="none", header=block.format(""))):
        return
    check.step("s2")
    for value in ("true", "1"):
        header = block.format(f' env:mustUnderstand="{value}"')
        answer = await onvif.client.call("device", QUESTION, auth="none", header=header)
        held = answer.has_fault("env:MustUnderstand")
        check.true("ONV-ROB-05", held, "env:MustUnderstand", answer.summary, f"mustUnderstand={value}")


@verifies("ONV-ROB-06")
async def test_types_and_methods(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """What the HTTP layer should sort out."""
    if not await ready(onvif, check, limits, "ONV-ROB-06"):
        return
    seconds = limits("ONV-ROB-06").answer.seconds
    check.step("s2")
    for content_type in ("text/plain", "image/jpeg"):
        data = Head(onvif.url, content_type=content_type).write(len(GOOD)) + GOOD
        answer = await exchange(onvif, seconds, data)
        check.equal("ONV-ROB-06", answer.status, 415, content_type)
    check.step("s3")
    for method in ("PUT", "DELETE"):
        data = Head(onvif.url, method=method).write(len(GOOD)) + GOOD
        answer = await exchange(onvif, seconds, data)
        check.equal("ONV-ROB-06", answer.status, 405, method)


@verifies("ONV-ROB-07")
async def test_chunked_requests(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """In one chunk, in several, and in chunks of one byte."""
    if not await ready(onvif, check, limits, "ONV-ROB-07"):
        return
    check.step("s2")
    for about, size in (("one chunk", len(GOOD)), ("chunks of 100 bytes", 100), ("chunks of 1 byte", 1)):
        pieces = [GOOD[at : at + size] for at in range(0, len(GOOD), size)]
        answer = await exchange(onvif, limits("ONV-ROB-07").answer.seconds, chunked(onvif, pieces))
        answered(check, "ONV-ROB-07", answer, about)
    await judge_alive(onvif, check, limits, "ONV-ROB-07", say("之后", "afterwards"))


@verifies("ONV-ROB-08")
async def test_requests_in_pieces(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """A stream has no borders of requests."""
    if not await ready(onvif, check, limits, "ONV-ROB-08"):
        return
    limit = limits("ONV-ROB-08")
    data = posted(onvif)
    head = data.index(b"\r\n\r\n")
    half = (head + len(data)) // 2
    for step, about, cuts in (
        ("s2", "head and body", [head + 4]),
        ("s2", "within the empty line and the body", [head + 1, head + 3, half]),
        ("s3", "byte by byte", list(range(1, len(data)))),
    ):
        check.step(step)
        pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        answer = await exchange(onvif, limit.answer.seconds, *pieces, pause=limit.pause.seconds)
        answered(check, "ONV-ROB-08", answer, about)


@verifies("ONV-ROB-09")
async def test_one_connection(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """One after the other, then two at once; the second asks for something else."""
    if not await ready(onvif, check, limits, "ONV-ROB-09"):
        return
    other = envelope(f"<tds:{OTHER}/>")
    check.step("s2")
    line = Line(onvif, limits("ONV-ROB-09").answer.seconds)
    if check.control(await line.open(), ALIVE):
        await line.send(posted(onvif))
        first = await line.receive()
        answered(check, "ONV-ROB-09", first, "first")
        if not (first.http and first.http.closes):
            await line.send(posted(onvif, other))
            answered(check, "ONV-ROB-09", await line.receive(OTHER), "second")
            check.step("s3")
            await line.send(posted(onvif) + posted(onvif, other))
            answered(check, "ONV-ROB-09", await line.receive(), "third")
            answered(check, "ONV-ROB-09", await line.receive(OTHER), "fourth")
    line.close()


def hostile(onvif: Onvif, limits: Limits) -> Iterator[tuple[str, bytes]]:
    """Bytes that are to do harm, by what they are."""
    depth, size, head = (round(limit.value or 0) for limit in (limits.nesting, limits.body, limits.head))
    random = onvif.wire.random
    yield "deep nesting", posted(onvif, envelope(f"<tds:{QUESTION}>{'<a>' * depth}{'</a>' * depth}</tds:{QUESTION}>"))
    yield "a huge body", posted(onvif, envelope(f"<tds:{QUESTION}>{'x' * size}</tds:{QUESTION}>"))
    yield "many attributes", posted(onvif, envelope("<tds:X " + " ".join(f'a{n}=""' for n in range(depth)) + "/>"))
    yield "a long head", Head(onvif.url, more=(f"X-Kandian: {'y' * head}",)).write(len(GOOD)) + GOOD
    yield "a long target", b"POST /" + b"z" * head + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    yield "random bytes", random.randbytes(head // 20) + b"\r\n\r\n"
    yield "zero bytes", bytes(head // 20) + b"\r\n\r\n"
    yield "a length that is no number", posted(onvif).replace(b"Content-Length: ", b"Content-Length: -")
    yield "two lengths", posted(onvif).replace(b"Content-Length", b"Content-Length: 1\r\nContent-Length")
    yield "a wrong version", posted(onvif).replace(b"HTTP/1.1", b"HTTP/9.9", 1)


@verifies("ONV-ROB-10")
async def test_hostile_input(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Whatever becomes of the request, the device serves on."""
    if not await ready(onvif, check, limits, "ONV-ROB-10"):
        return
    check.step("s2")
    limit = limits("ONV-ROB-10")
    for about, data in hostile(onvif, limit):
        line = Line(onvif, limit.answer.seconds)
        if await line.open():
            await line.send(data)
            onvif.wire.note(f"{about}: {(await line.receive()).summary[:200]}")
        line.close()
        if not await judge_alive(onvif, check, limits, "ONV-ROB-10", about):
            return


@verifies("ONV-ROB-11")
async def test_unfinished_requests(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Connections that stop halfway, in the head and in the body."""
    limit = limits("ONV-ROB-11")
    check.step("s1")
    if not control(check, await exchange(onvif, limit.alive.seconds, posted(onvif))):
        return
    check.step("s2")
    data = posted(onvif)
    lines = [Line(onvif, limit.alive.seconds) for _ in range(round(limit.connections.value or 0))]
    for number, line in enumerate(lines):
        if await line.open():
            await line.send(data[: 30 if number % 2 else len(data) - 30])
    check.step("s3")
    await judge_alive(
        onvif, check, limits, "ONV-ROB-11", say(f"{len(lines)} 个未完成的请求", f"{len(lines)} unfinished requests")
    )
    for line in lines:
        line.close()


@verifies("ONV-ROB-12")
async def test_forms_of_http(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """The same question; only HTTP is written in another way."""
    if not await ready(onvif, check, limits, "ONV-ROB-12"):
        return
    check.step("s2")
    for about, data in http_forms(onvif).items():
        answered(check, "ONV-ROB-12", await exchange(onvif, limits("ONV-ROB-12").answer.seconds, data), about)


@verifies("ONV-ROB-13")
async def test_forms_of_xml(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """The same question; only XML is written in another way."""
    if not await ready(onvif, check, limits, "ONV-ROB-13"):
        return
    usual = await onvif.call(
        "device", "GetServices", "<tds:IncludeCapability>false</tds:IncludeCapability>", auth="none"
    )
    if not control(check, usual):
        return
    check.step("s2")
    expected = say("与通常写法相同的服务", "the same services as for the usual form")
    for about, data in xml_forms().items():
        answer = await onvif.client.post(data)
        check.true("ONV-ROB-13", services(answer) == services(usual), expected, answer.summary, about)


def services(answer: Answer) -> list[tuple[str | None, bool]]:
    """Namespace of each service, and whether its capabilities are told."""
    return [(node.value("Namespace"), node.at("Capabilities") is not None) for node in answer.all("Service")]
