"""ONV-DEV-01 to ONV-DEV-09: services, capabilities, device information, scopes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from conformance.model.checks import Checks, say
from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.onvif import Onvif
from conformance.peers.onvif.services import KEYS, SERVICES, capable_services, listed_services, reachable
from conformance.plugin.marks import verifies
from conformance.protocols.safe_xml import text_content
from conformance.protocols.soap import element
from conformance.protocols.xml_names import Node
from conformance.suites.camera.onvif.device_steps import answered, faulted, good, not_offered

CATEGORIES = {
    "Analytics": "analytics",
    "Device": "device",
    "Events": "events",
    "Imaging": "imaging",
    "Media": "media",
    "PTZ": "ptz",
}
INFORMATION = ("Manufacturer", "Model", "FirmwareVersion", "SerialNumber", "HardwareId")
ONVIF_SCOPE = "onvif://www.onvif.org/"


async def services(onvif: Onvif, *, capable: bool = False) -> Answer:
    """GetServices, with or without capabilities."""
    told = str(capable).lower()
    return await onvif.call("device", "GetServices", f"<tds:IncludeCapability>{told}</tds:IncludeCapability>")


@verifies("ONV-DEV-01")
async def test_services(onvif: Onvif, check: Checks) -> None:
    """Each service once, each address alive."""
    check.step("s1")
    answer = await services(onvif)
    if not answered(check, "ONV-DEV-01", answer):
        return
    check.step("s2")
    listed = answer.all("Service")
    spaces = Counter(node.value("Namespace") or "" for node in listed)
    twice = sorted(space for space, count in spaces.items() if count > 1 or not space)
    check.equal("ONV-DEV-01", twice, [], say("重复或空的命名空间", "namespaces twice or empty"))
    device = SERVICES["device"].namespace
    check.true("ONV-DEV-01", device in spaces, device, ", ".join(spaces), say("设备服务", "the device service"))
    for node in listed:
        space = node.value("Namespace") or "-"
        version = (node.value("Version/Major"), node.value("Version/Minor"))
        numbers = all(part is not None and part.isdecimal() for part in version)
        expected = say("XAddr 与数字版本", "XAddr and a version in numbers")
        check.true(
            "ONV-DEV-01", bool(node.value("XAddr")) and numbers, expected, f"{node.value('XAddr')} {version}", space
        )
    check.step("s3")
    for key, address in listed_services(answer.body).items() if answer.body is not None else ():
        found = await onvif.call(key, "GetServiceCapabilities", url=reachable(address, onvif.url))
        answered(check, "ONV-DEV-01", found, say(f"{key} 位于 {address}", f"{key} at {address}"))


@verifies("ONV-DEV-02")
async def test_two_lists(onvif: Onvif, check: Checks) -> None:
    """The older and the newer list name the same addresses."""
    check.step("s1")
    newer, older = (
        await services(onvif),
        await onvif.call("device", "GetCapabilities", "<tds:Category>All</tds:Category>"),
    )
    if not (good(check, newer) and good(check, older)) or newer.body is None or older.body is None:
        return
    check.step("s2")
    listed, capable = listed_services(newer.body), capable_services(older.body)
    for key, address in capable.items():
        check.equal("ONV-DEV-02", listed.get(key), address, say(f"{key} 的地址", f"the address of {key}"))
    known = {key for key in listed if SERVICES[key].capability and "/" not in SERVICES[key].capability}
    missing = sorted(known - capable.keys())
    check.equal("ONV-DEV-02", missing, [], say("GetCapabilities 中缺少的服务", "services missing in GetCapabilities"))


def told_of(node: Node | None) -> list[tuple[str, dict[str, str]]]:
    """Elements and attributes of capabilities, in an order that does not matter."""
    found = (
        [(str(one.name), {str(name): text for name, text in one.attributes.items()}) for one in node.walk()]
        if node
        else []
    )
    return sorted(found, key=repr)


@verifies("ONV-DEV-03")
async def test_service_capabilities(onvif: Onvif, check: Checks) -> None:
    """Capabilities of the device service, by two ways."""
    check.step("s1")
    full, plain = await services(onvif, capable=True), await services(onvif)
    if not (answered(check, "ONV-DEV-03", full) and answered(check, "ONV-DEV-03", plain)):
        return
    with_any = [node.value("Namespace") for node in plain.all("Service") if node.find("Capabilities") is not None]
    check.equal("ONV-DEV-03", with_any, [], say("IncludeCapability 为 false 时的能力", "capabilities with false"))
    check.step("s2")
    own = next((n for n in full.all("Service") if KEYS.get(n.value("Namespace") or "") == "device"), None)
    answer = await onvif.call("device", "GetServiceCapabilities")
    if not answered(check, "ONV-DEV-03", answer):
        return
    included = own.at("Capabilities") if own is not None else None
    inner = included.children[0] if included is not None and included.children else None
    expected = told_of(answer.body.at("Capabilities") if answer.body is not None else None)
    check.equal("ONV-DEV-03", told_of(inner), expected, say("设备服务的能力", "capabilities of the device service"))


@verifies("ONV-DEV-04")
async def test_categories(onvif: Onvif, check: Checks) -> None:
    """One category at a time."""
    check.step("s1")
    everything = await onvif.call("device", "GetCapabilities", "<tds:Category>All</tds:Category>")
    if not answered(check, "ONV-DEV-04", everything):
        return
    there = everything.body.at("Capabilities") if everything.body is not None else None
    check.step("s2")
    for category in CATEGORIES:
        answer = await onvif.call("device", "GetCapabilities", f"<tds:Category>{category}</tds:Category>")
        if there is not None and there.find(category) is not None:
            told = answer.value(f"Capabilities/{category}/XAddr")
            check.equal("ONV-DEV-04", told, there.value(f"{category}/XAddr"), f"{category}: {answer.summary}")
        else:
            codes = ("env:Receiver", "ter:ActionNotSupported", "ter:NoSuchService")
            faulted(check, "ONV-DEV-04", answer, *codes, about=category)


@verifies("ONV-DEV-05")
async def test_information(onvif: Onvif, check: Checks) -> None:
    """Five fields, twice."""
    check.step("s1")
    first, second = [await onvif.call("device", "GetDeviceInformation") for _ in range(2)]
    if not answered(check, "ONV-DEV-05", first):
        return
    check.step("s2")
    for name in INFORMATION:
        told = first.value(name)
        check.true("ONV-DEV-05", bool(told), say("不为空", "not empty"), told, name)
        check.equal("ONV-DEV-05", second.value(name), told, say(f"再次读取 {name}", f"{name} read again"))


def scope_list(answer: Answer) -> list[tuple[str, str]]:
    """Definition and item of every scope."""
    return [(n.value("ScopeDef") or "", n.value("ScopeItem") or "") for n in answer.all("Scopes")]


@verifies("ONV-DEV-06")
async def test_scopes(onvif: Onvif, check: Checks) -> None:
    """What every device says of itself."""
    check.step("s1")
    answer = await onvif.call("device", "GetScopes")
    if not answered(check, "ONV-DEV-06", answer):
        return
    check.step("s2")
    items = [item for _, item in scope_list(answer)]
    for kind in ("hardware", "name"):
        prefix = f"{ONVIF_SCOPE}{kind}/"
        found = [item for item in items if item.startswith(prefix) and len(item) > len(prefix)]
        check.true("ONV-DEV-06", bool(found), f"{prefix}...", ", ".join(items), kind)
    twice = sorted(item for item, count in Counter(items).items() if count > 1)
    check.equal("ONV-DEV-06", twice, [], say("重复的范围", "scopes that stand there twice"))


@verifies("ONV-DEV-07")
async def test_changing_scopes(onvif: Onvif, check: Checks) -> None:
    """One scope more, and less."""
    scope = f"{ONVIF_SCOPE}location/kandian-{onvif.wire.random.getrandbits(32):08x}"
    item = f"<tds:ScopeItem>{scope}</tds:ScopeItem>"
    check.step("s1")
    added = await onvif.call("device", "AddScopes", item)
    if not_offered(added):
        check.not_applicable("ONV-DEV-07", say("设备不支持 AddScopes", "the device does not support AddScopes"))
        return
    onvif.undo(lambda: onvif.call("device", "RemoveScopes", item))
    answered(check, "ONV-DEV-07", added)
    scopes = scope_list(await onvif.call("device", "GetScopes"))
    check.true("ONV-DEV-07", ("Configurable", scope) in scopes, f"Configurable {scope}", scopes)
    check.step("s2")
    removed = await onvif.call("device", "RemoveScopes", item)
    answered(check, "ONV-DEV-07", removed)
    left = [found for _, found in scope_list(await onvif.call("device", "GetScopes"))]
    check.true("ONV-DEV-07", scope not in left, say("已不存在", "gone"), ", ".join(left))
    check.step("s3")
    fixed = next((found for kind, found in scopes if kind == "Fixed"), None)
    if fixed is not None:
        answer = await onvif.call("device", "RemoveScopes", f"<tds:ScopeItem>{fixed}</tds:ScopeItem>")
        faulted(check, "ONV-DEV-07", answer, "env:Sender", "ter:OperationProhibited", "ter:FixedScope", about=fixed)
    answer = await onvif.call("device", "RemoveScopes", item)
    faulted(check, "ONV-DEV-07", answer, "env:Sender", "ter:InvalidArgVal", "ter:NoScope", about=scope)


@verifies("ONV-DEV-09")
async def test_other_scopes(onvif: Onvif, check: Checks) -> None:
    """Others in place of the configurable ones."""
    check.step("s1")
    answer = await onvif.call("device", "GetScopes")
    if not answered(check, "ONV-DEV-09", answer):
        return
    before = scope_list(answer)
    fixed = sorted(scope for kind, scope in before if kind == "Fixed")
    kept = [scope for kind, scope in before if kind == "Configurable"]
    onvif.undo(lambda: set_scopes(onvif, kept))
    check.step("s2")
    more, other = (f"{ONVIF_SCOPE}location/kandian-{onvif.wire.random.getrandbits(32):08x}" for _ in range(2))
    await onvif.call("device", "AddScopes", element("tds:ScopeItem", more))
    wanted = [*kept, other]
    if not answered(check, "ONV-DEV-09", await set_scopes(onvif, wanted)):
        return
    expected = sorted([*(("Fixed", scope) for scope in fixed), *(("Configurable", scope) for scope in wanted)])
    check.equal("ONV-DEV-09", sorted(scope_list(await onvif.call("device", "GetScopes"))), expected, "SetScopes")


async def set_scopes(onvif: Onvif, scopes: Sequence[str]) -> Answer:
    """SetScopes."""
    return await onvif.call("device", "SetScopes", "".join(element("tds:Scopes", text_content(s)) for s in scopes))
