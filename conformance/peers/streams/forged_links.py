"""Links that must not open anything, made from a good one: each with a text that tells what was done to it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from conformance.peers.streams.http_fetcher import Asked
from conformance.peers.streams.signed_links import Link, SignedLinks

HEX, BASE64 = "0123456789abcdef", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
FOREIGN_KEY = "nobodys-key"
UNUSED_BITS = 4


@dataclass(frozen=True, slots=True)
class Forged:
    """A request that must be refused. ``about``: what it tries."""

    about: str
    asked: Asked


def forged(about: str, target: str) -> Forged:
    """An ordinary GET for a target."""
    return Forged(about, Asked(target))


def bare(link: Link) -> Iterator[Forged]:
    """Without a signature, or with parts of one."""
    yield forged("no signature", link.path)
    yield forged("an empty signature", link.but(digest="").target)
    for name_value in link.query_parameters:
        name, _, value = name_value.partition("=")
        if len(link.query_parameters) > 1:
            yield forged(f"only {name}", f"{link.path}?{name_value}")
        yield forged(f"{name} under another name", link.target.replace(f"{name}=", f"x{name}="))
        yield forged(f"{name} with brackets", link.target.replace(f"{name}=", f"{name}[]="))
        if value:
            yield forged(f"{name} without a value", link.target.replace(name_value, name))
    yield forged("a query of something else", f"{link.path}?debug=1&admin=true")


def alphabet(digest: str) -> str:
    """The digits of the form in which a digest is written."""
    return HEX if all(letter in HEX for letter in digest.lower()) else BASE64


def changed_digests(links: SignedLinks, link: Link) -> Iterator[Forged]:
    """Other values in the place of the digest, never another way to write the same."""
    digest = link.digest
    letters = alphabet(digest)
    last = len(digest) - 1
    places = sorted({0, 1, 7, len(digest) // 2, last - 1, last})
    for place in places:
        if letters is BASE64 and place == last:
            wrong = letters[(letters.index(digest[place]) + (1 << UNUSED_BITS)) % len(letters)]
        else:
            wrong = letters[
                (letters.index(digest[place].lower() if letters is HEX else digest[place]) + 1) % len(letters)
            ]
        yield forged(f"digit {place + 1} changed", link.but(digest=digest[:place] + wrong + digest[place + 1 :]).target)
    for kind, wrong in (("a letter for a digit", "g"), ("a dot", "."), ("a wild card", "*"), ("a minus", "-")):
        if wrong not in letters:
            yield forged(f"{kind} in it", link.but(digest=wrong + digest[1:]).target)
    for kept in (1, 8, len(digest) - 1):
        yield forged(f"cut to {kept}", link.but(digest=digest[:kept]).target)
    yield forged("extended", link.but(digest=digest + letters[1]).target)
    yield forged("with NUL behind it", link.but(digest=digest + "%00").target)
    yield forged("with a line end behind it", link.but(digest=digest + "%0d%0a").target)
    yield forged("only wild cards", link.but(digest="*").target)
    yield forged("zeros", link.but(digest=letters[0] * len(digest)).target)
    random = "".join(links.wire.random.choice(letters) for _ in digest)
    yield forged("at random", link.but(digest=random).target)
    yield forged("with another key", link.but(digest=links.digest(link.path, link.time, FOREIGN_KEY)).target)


def rewritten_digests(link: Link) -> Iterator[Forged]:
    """Other ways to write the very digest."""
    digest = link.digest
    if alphabet(digest) is HEX:
        if digest.upper() != digest:
            yield forged("upper case", link.but(digest=digest.upper()).target)
    else:
        last = BASE64.index(digest[-1])
        yield forged("unused bits set", link.but(digest=digest[:-1] + BASE64[last | 1]).target)
        yield forged("padded", link.but(digest=digest + "==").target)
        raw = base64.urlsafe_b64decode(digest + "==")
        plain = base64.b64encode(raw).decode().rstrip("=")
        if plain != digest:
            yield forged("the other base64 alphabet", link.but(digest=quote(plain, safe="")).target)
    for name in (pair.partition("=")[0] for pair in link.query_parameters):
        if name.swapcase() != name:
            yield forged(f"{name} in other case", link.target.replace(f"{name}=", f"{name.swapcase()}="))
    yield forged("percent-encoded", link.but(digest=f"%{ord(digest[0]):02X}{digest[1:]}").target)


def moved_times(links: SignedLinks, path: str, ended: float) -> Iterator[Forged]:
    """Times that say what was not signed. ``ended``: seconds since the end of the expired link that is used."""
    old, good = links.link(path, -ended), links.link(path)
    yield forged("the time of a good link on an expired one", old.but(time=good.time).target)
    ahead = links.link(path, 2 * links.declared.life)
    yield forged("the time further ahead", good.but(time=ahead.time).target)
    yield forged("a later time on an expired one", old.but(time=ahead.time).target)
    yield forged("leading zeros on an expired time", old.but(time="00" + old.time).target)
    yield forged("a sign before a time", old.but(time="%2B" + old.time).target)
    yield forged("a text behind a time", old.but(time=old.time + "9").target)
    yield forged("no time", Link(good.scheme, good.path, "", good.digest, good.more).target)
    yield forged("a negative time", old.but(time="-1").target)


def detours(path: str) -> Iterator[tuple[str, str]]:
    """Other ways to write a path, with what is done."""
    folder, _, name = path.rpartition("/")
    first = path[1:].partition("/")[0]
    yield "double slash before", "/" + path
    yield "double slash inside", f"{folder}//{name}"
    yield "a dot segment", f"{folder}/./{name}"
    yield "up and down", f"{folder}/x/../{name}"
    yield "above the root", f"/..{path}"
    yield "an encoded letter", f"{folder}/%{ord(name[0]):02x}{name[1:]}"
    yield "an encoded slash", f"{folder}%2f{name}"
    yield "an encoded dot segment", f"{folder}/%2e/{name}"
    yield "encoded up and down", f"{folder}/x/%2e%2e/{name}"
    yield "encoded twice", f"{folder}/%25{ord(name[0]):02x}{name[1:]}"
    yield "other case", f"{folder}/{name.swapcase()}"
    yield "other case of the folder", f"/{first.swapcase()}{path[1 + len(first) :]}"
    yield "a trailing slash", path + "/"
    yield "a trailing dot", path + "."
    yield "a parameter with a semicolon", path + ";a=b"
    yield "a semicolon in a folder", f"{folder};a=b/{name}"
    yield "a backslash", f"{folder}\\{name}"
    yield "NUL behind it", path + "%00"
    yield "another extension behind NUL", path + "%00.jpg"
    yield "a trailing space", path + "%20"
    yield "an overlong slash", f"{folder}%c0%af{name}"
    yield "an overlong dot", f"{folder}/%c0%ae/{name}"
    yield "an empty query", path + "?"
    yield "a question mark, encoded", path + "%3f"
    yield "a fragment", path + "#x"


def detoured(link: Link, foreign: Link) -> Iterator[Forged]:
    """Each detour without a signature and with that of something else."""
    _, _, query = foreign.target.partition("?")
    for about, path in detours(link.path):
        yield forged(about, path)
        if query and "#" not in path:
            mark = "&" if "?" in path else "?"
            yield forged(f"{about}, with a foreign signature", f"{path}{mark}{query}")


def repeated(links: SignedLinks, path: str, ended: float) -> Iterator[Forged]:
    """Parameters twice, of which no set is good."""
    old, good = links.link(path, -ended), links.link(path)
    wrong = good.but(digest=links.digest(path, good.time, FOREIGN_KEY))
    if not old.query_parameters:
        yield forged("a signature before a signature", wrong.target + "?" + good.path.lstrip("/"))
        return
    for bad in (old, wrong):
        what = "expired" if bad is old else "wrong"
        pairs = "&".join(bad.query_parameters)
        for extra in good.query_parameters:
            name = extra.partition("=")[0]
            if extra in bad.query_parameters or _carries_all(links, name):
                continue
            if what == "wrong" and _is_digest(good, extra):
                continue
            yield forged(f"{what}, good {name} behind", f"{path}?{pairs}&{extra}")
            yield forged(f"{what}, good {name} before", f"{path}?{extra}&{pairs}")
            yield forged(f"{what}, good {name} behind a semicolon", f"{path}?{pairs};{extra}")
        yield forged(f"{what} twice", f"{path}?{pairs}&{pairs}")
        if "&" in pairs:
            yield forged(f"{what} with encoded ampersands", f"{path}?{pairs.replace('&', '%26')}")


def _carries_all(links: SignedLinks, name: str) -> bool:
    """Whether one parameter holds time and digest, so that a good one is a whole signature."""
    _, _, query = links.scheme.url.partition("?")
    return any(p.startswith(f"{name}=") and "{time}" in p and "{digest}" in p for p in query.split("&"))


def _is_digest(good: Link, pair: str) -> bool:
    return good.digest in pair
