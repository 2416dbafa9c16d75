"""Valid requests made from the message table and a declaration: the ground on which test cases are built."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from specs.condition import FeatureValue, parse_condition
from specs.messages import Command, Element, MessageTable, Rule

SAMPLE_DEVICE = "KDN00000001"
OTHER_DEVICE = "KDN99999999"

Path = tuple[str, ...]
_parsed = lru_cache(maxsize=256)(parse_condition)


class Samples:
    """Valid values for one device. What its features do not speak of counts as there."""

    def __init__(self, table: MessageTable, features: Mapping[str, Any], device_id: str = SAMPLE_DEVICE) -> None:
        self.table = table
        self.device_id = device_id
        self.features: dict[str, FeatureValue] = {
            name: frozenset(value) if isinstance(value, (list, tuple, set)) else value
            for name, value in features.items()
        }

    def has(self, condition: str) -> bool:
        """Whether the declaration does not exclude it."""
        return _parsed(condition)(self.features) is not False

    def count(self, feature: str) -> int:
        """A declared number, 1 when it is not declared."""
        value = self.features.get(feature)
        return value if isinstance(value, int) and not isinstance(value, bool) else 1

    def choices(self, element: Element) -> list[str]:
        """Valid texts of an element for this device, the plain one first.

        Where the device declares none of the listed values, all of them: the request is then well-formed at least.
        """
        if element.domain == "device_id":
            return [OTHER_DEVICE if element.other_device else self.device_id]
        if element.domain == "manufacturer":
            return [self.device_id[:3]]
        if element.domain in ("channel", "digital_input"):
            last = self.count("channels" if element.domain == "channel" else "digital_inputs") - 1
            return ["0"] if last < 1 else ["0", str(last)]
        if element.enum:
            declared = [value for value in element.enum if self.has(value.when)]
            return [str(value.value) for value in declared or element.enum]
        return list(element.samples) or (["0", "1"] if element.type == "b" else ["1"])

    def request(self, command: Command, path: Path = (), text: str | None = None) -> dict[str, Any]:
        """A full valid request: every element, one entry in every repeated group.

        With ``path`` (one or two names) the element there has ``text``, valid or not, and the others are made to fit.
        """
        body = command.request
        fixed = {path[0]: text} if len(path) == 1 and text is not None else {}
        values = self._group(body.elements, body.rules, fixed)
        if len(path) == 2 and text is not None:
            group = named(body.elements, path[0])
            inner = self._group(group.elements, group.rules, {path[1]: text})
            values[path[0]] = [inner] if group.repeat is not None else inner
        return values

    def pairs(self, rule: Rule, elements: tuple[Element, ...]) -> list[tuple[str, str]]:
        """The declared pairs of a ``pairs`` rule, as texts."""
        values = named(elements, rule.elements[1]).enum
        return [(str(v.goes_with), str(v.value)) for v in values if v.goes_with is not None and self.has(v.when)]

    def _group(
        self, elements: tuple[Element, ...], rules: tuple[Rule, ...], fixed: Mapping[str, str]
    ) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for element in elements:
            if element.is_group:
                group = self._group(element.elements, element.rules, {})
                values[element.name] = [group] if element.repeat is not None else group
            elif element.name in fixed:
                values[element.name] = fixed[element.name]
            else:
                values[element.name] = self.choices(element)[0]
        for rule in rules:
            if all(name in values for name in rule.elements):
                self._settle(rule, elements, values, fixed)
        return values

    def _settle(
        self, rule: Rule, elements: tuple[Element, ...], values: dict[str, Any], fixed: Mapping[str, str]
    ) -> None:
        """Make the values keep a rule without touching what is fixed."""
        first, second = rule.elements
        if rule.kind == "pairs":
            for pair in self.pairs(rule, elements):
                wanted = dict(zip(rule.elements, pair, strict=True))
                if all(wanted[name] == fixed.get(name, wanted[name]) for name in wanted):
                    values.update(wanted)
                    return
        elif rule.kind == "only-with" and values[second] != str(rule.value):
            if first in fixed and str(rule.value) in self.choices(named(elements, second)):
                values[second] = str(rule.value)
            else:
                del values[first]
        elif rule.kind == "agree":
            if second in fixed:
                values[first] = "0" if fixed[second] == "0" else "1"
            elif values[first] in ("0", "1"):
                values[second] = values[first]


def named(elements: tuple[Element, ...], name: str) -> Element:
    """The element of that name. Raises StopIteration when it is missing, which the loader of the table rules out."""
    return next(element for element in elements if element.name == name)


def put(values: dict[str, Any], path: Path, text: str | None) -> None:
    """Set the element at ``path``, in the first group of a repeated one; None removes it."""
    target: Any = values
    for name in path[:-1]:
        target = target[name]
        target = target[0] if isinstance(target, list) else target
    if text is None:
        target.pop(path[-1], None)
    else:
        target[path[-1]] = text


def at(values: Mapping[str, Any], path: Path) -> Any:
    """The text at ``path``, in the first group of a repeated one; None when it is not there."""
    found: Any = values
    for name in path:
        found = found[0] if isinstance(found, list) else found
        found = found.get(name)
    return found
