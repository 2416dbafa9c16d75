"""Timer wheel, samples and frames of the fleet."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.peers.platform.fleet_frames import FrameBuilder, Identity, digest_holds, framed, split_frame, text_of
from conformance.peers.platform.fleet_registration import access_servers, whole_answer
from conformance.peers.platform.fleet_samples import (
    RECORD,
    Outcome,
    Sample,
    What,
    busiest_second,
    good,
    percentile,
    read_samples,
    summary,
)
from conformance.peers.platform.timer_wheel import TimerWheel
from conformance.protocols.http_message import HttpRequestParser
from conformance.protocols.tykd_frame import Frame, decode_frame, encode_frame
from conformance.protocols.tykd_message import decode_message
from specs.messages import load_message_table

IDENTITY = Identity("KDN7", 7, "0123456789abcdef", "GC-1", "V1.0.0_20130601")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 40), max_size=40),
    st.lists(st.floats(0.001, 9), min_size=1, max_size=30),
)
def test_a_timer_comes_out_once_never_early_and_at_most_a_tick_late(delays: list[float], steps: list[float]) -> None:
    wheel: TimerWheel[int] = TimerWheel(100.0, tick=0.1, slots=16)
    for number, delay in enumerate(delays):
        wheel.set(100.0, delay, number)
    now, seen = 100.0, []
    for step in steps:
        now += step
        due = wheel.turn(now)
        assert all(100.0 + delays[number] <= now + 1e-6 for number in due)
        seen += due
        late = [n for n, delay in enumerate(delays) if 100.0 + delay < now - 0.2 and n not in seen]
        assert late == []
    assert len(seen) == len(set(seen))
    assert len(wheel) == len(delays) - len(seen)


def test_a_timer_of_the_past_is_due_at_the_next_turn() -> None:
    wheel: TimerWheel[str] = TimerWheel(0.0, tick=1.0, slots=4)
    wheel.turn(7.5)
    wheel.set(7.5, -3.0, "late")
    assert (wheel.turn(7.9), wheel.turn(8.1)) == ([], ["late"])


def test_what_is_sent_is_what_the_codecs_make() -> None:
    table = load_message_table()
    builder = FrameBuilder(table, IDENTITY)
    bodies = {
        "LOGIN": builder.login("KDN70000042"),
        "ABILITYUP": builder.abilities("KDN70000042"),
        "HEARTBEAT": builder.heartbeat("KDN70000042"),
    }
    for name, xml in bodies.items():
        raw = framed(builder.codes[name], 65535, xml)
        assert raw == encode_frame(Frame(builder.codes[name], 65535, xml))
        message = decode_message(table, builder.codes[name], "device-to-platform", decode_frame(raw).frame.xml)
        assert (message.name, message["DevID"], message.violations) == (name, "KDN70000042", ())


def test_a_registration_is_a_whole_request_with_the_five_elements() -> None:
    request = FrameBuilder(load_message_table(), IDENTITY).registration("KDN70000042", "http://10.0.0.7:8080/lcms")
    (found,) = HttpRequestParser().feed(request)
    assert (found.method, found.target) == ("POST", "/lcms")
    message = decode_message(load_message_table(), "REGISTER", "device-to-platform", found.body)
    assert dict(message.values) == {
        "ManufacturerNo": "KDN",
        "Mode": "GC-1",
        "DevType": "1",
        "DevID": "KDN70000042",
        "DevKey": "0123456789abcdef",
    }


@pytest.mark.parametrize(
    ("data", "size"),
    [(b"", 0), (b"\xfa", 0), (b"\xfb", -1), (b"\xfa\xf5\x33\x00\x01\x00\x00\x03", 27), (b"\xfa\xf5\x33\x00", 0)],
)
def test_the_size_of_a_frame_stands_in_its_head(data: bytes, size: int) -> None:
    assert split_frame(data) == size


def test_a_changed_byte_breaks_the_digest() -> None:
    raw = framed(0x33, 7, b"<X/>")
    assert digest_holds(raw)
    assert not any(digest_holds(raw[:n] + bytes([raw[n] ^ 1]) + raw[n + 1 :]) for n in range(len(raw)))


def test_texts_are_found_by_name() -> None:
    assert text_of(b"<A><Result>0</Result><DevID> K </DevID></A>", b"DevID") == "K"
    assert text_of(b"<A><Result>0</Result></A>", b"DevID") is None


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"<NatIP>1.2.3.4</NatIP><NatPort>70</NatPort>", (("1.2.3.4", 70),)),
        (
            b"<NatIP>a</NatIP><NatPort>1</NatPort><BackupNatIP>b</BackupNatIP><BackupNatPort>2</BackupNatPort>",
            (("a", 1), ("b", 2)),
        ),
        (b"<NatIP></NatIP><NatPort>1</NatPort><BackupNatIP>b</BackupNatIP><BackupNatPort>2</BackupNatPort>", ()),
        (b"<NatIP>a</NatIP><NatPort>x</NatPort>", ()),
    ],
)
def test_without_a_primary_there_is_no_access_server(body: bytes, found: tuple[tuple[str, int], ...]) -> None:
    assert access_servers(body) == found


def test_an_answer_is_whole_when_its_length_is_there() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-length : 4"
    assert whole_answer(head) is None
    assert whole_answer(head + b"\r\n\r\nabc") is None
    assert whole_answer(head + b"\r\n\r\nabcd") == (head, b"abcd")


def sample(start: float, seconds: float, outcome: Outcome = Outcome.OK) -> Sample:
    return Sample(1, What.HEARTBEAT, outcome, start, seconds)


def test_samples_survive_the_way_as_bytes() -> None:
    raw = RECORD.pack(9, What.BACK, Outcome.LOST, 1.25, 0.5) + RECORD.pack(10, What.LOGIN, Outcome.OK, 2.0, 0.25)
    assert read_samples(raw) == (
        Sample(9, What.BACK, Outcome.LOST, 1.25, 0.5),
        Sample(10, What.LOGIN, Outcome.OK, 2.0, 0.25),
    )
    with pytest.raises(ValueError, match="whole number"):
        read_samples(raw[:-1])


def test_a_summary_counts_failures_and_ranks_the_good_ones() -> None:
    taken = [sample(0, n / 10) for n in range(1, 11)] + [sample(0, 9.0, Outcome.TIMEOUT)]
    found = summary(taken, longest=0.9)
    assert (found.count, found.errors, found.p50, found.worst) == (11, 2, 0.5, 0.9)
    assert found.error_rate == pytest.approx(18.1818, abs=1e-3)
    assert found.as_figures()["p95_ms"] == 900.0
    assert summary([]).error_rate == 100.0
    assert math.isnan(percentile([], 95))


def test_good_ones_and_the_busiest_second() -> None:
    assert good([sample(0.0, 0.5), sample(1.0, 1.0), sample(0.5, 9.0, Outcome.LOST)]) == 2
    assert busiest_second([0.0, 0.9, 1.0, 1.1, 1.89, 5.0]) == 4
