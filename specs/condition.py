"""Conditions over a declaration: ``feature.ptz and feature.channels >= 2``.

Three-valued: a feature that a declaration does not speak of is unknown (None), and unknown
is neither true nor false. A condition prints itself in the notation of the spec.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

FeatureValue = bool | int | str | frozenset[str]
Features = Mapping[str, FeatureValue]

_TOKEN = re.compile(
    r"\s*(?:(?P<name>feature\.[a-z0-9_]+)|(?P<word>always|and|or|not|has)\b|(?P<number>-?[0-9]+)(?![\w/])"
    r"|(?P<sign>==|!=|>=|<=|>|<|\(|\))|(?P<value>[A-Za-z0-9_/.-]+))"
)
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


class ConditionError(ValueError):
    """A condition that does not follow the grammar; the text says where."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed condition. ``features`` names every feature it asks for."""

    text: str
    features: frozenset[str]
    _evaluate: Callable[[Features], bool | None]

    def __call__(self, features: Features) -> bool | None:
        """True, False, or None when a feature that decides is unknown."""
        return self._evaluate(features)

    def __str__(self) -> str:
        return self.text


def _and(left: bool | None, right: bool | None) -> bool | None:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def _or(left: bool | None, right: bool | None) -> bool | None:
    if left is True or right is True:
        return True
    return None if left is None or right is None else False


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.features: set[str] = set()
        self.tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if match is None:
                raise ConditionError(f"cannot read {text[position:]!r} in the condition {text!r}")
            kind = match.lastgroup or ""
            self.tokens.append((kind, match.group(kind)))
            position = match.end()

    def parse(self) -> Callable[[Features], bool | None]:
        result = self._disjunction()
        if self.tokens:
            raise ConditionError(f"unexpected {self.tokens[0][1]!r} in the condition {self.text!r}")
        return result

    def _take(self, text: str) -> bool:
        if self.tokens and self.tokens[0][1] == text:
            self.tokens.pop(0)
            return True
        return False

    def _disjunction(self) -> Callable[[Features], bool | None]:
        left = self._conjunction()
        while self._take("or"):
            left = self._join(_or, left, self._conjunction())
        return left

    def _conjunction(self) -> Callable[[Features], bool | None]:
        left = self._factor()
        while self._take("and"):
            left = self._join(_and, left, self._factor())
        return left

    @staticmethod
    def _join(
        combine: Callable[[bool | None, bool | None], bool | None],
        left: Callable[[Features], bool | None],
        right: Callable[[Features], bool | None],
    ) -> Callable[[Features], bool | None]:
        return lambda features: combine(left(features), right(features))

    def _factor(self) -> Callable[[Features], bool | None]:
        if self._take("not"):
            inner = self._factor()
            return lambda features: None if (value := inner(features)) is None else not value
        if self._take("("):
            inner = self._disjunction()
            if not self._take(")"):
                raise ConditionError(f"a closing bracket is missing in the condition {self.text!r}")
            return inner
        if self._take("always"):
            return lambda features: True
        return self._feature()

    def _feature(self) -> Callable[[Features], bool | None]:
        if not self.tokens or self.tokens[0][0] != "name":
            seen = self.tokens[0][1] if self.tokens else "the end"
            raise ConditionError(f"expected feature.NAME, found {seen!r} in the condition {self.text!r}")
        name = self.tokens.pop(0)[1].removeprefix("feature.")
        self.features.add(name)
        if self.tokens and self.tokens[0][1] in ("==", "!=", ">=", "<=", ">", "<", "has"):
            sign = self.tokens.pop(0)[1]
            if not self.tokens or self.tokens[0][0] not in ("number", "value"):
                raise ConditionError(f"a value is missing after {sign!r} in the condition {self.text!r}")
            return self._comparison(name, sign, self.tokens.pop(0)[1])
        return lambda features: bool(features[name]) if name in features else None

    def _comparison(self, name: str, sign: str, value: str) -> Callable[[Features], bool | None]:
        if sign in _COMPARE and not value.lstrip("-").isdigit():
            raise ConditionError(f"{sign!r} needs a whole number in the condition {self.text!r}")

        def compare(features: Features) -> bool | None:
            if name not in features:
                return None
            found = features[name]
            if sign == "has":
                return isinstance(found, frozenset) and value in found
            if sign in _COMPARE:
                return isinstance(found, int) and _COMPARE[sign](found, int(value))
            return (str(found).lower() == value) is (sign == "==")

        return compare


def parse_condition(text: str) -> Condition:
    """Parse a condition. Raises ConditionError."""
    parser = _Parser(text)
    evaluate = parser.parse()
    return Condition(text, frozenset(parser.features), evaluate)
