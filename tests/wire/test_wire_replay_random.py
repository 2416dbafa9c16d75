"""Random scripts: whatever a session does, its recording replays exactly."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_recording import record

from conformance.wire import Expired, Stream, Wire, replay

Log = list[tuple[object, ...]]
Action = tuple[str, int]
actions = st.lists(
    st.tuples(st.sampled_from(["say", "sleep", "draw", "expire", "packet", "compute"]), st.integers(0, 5)), max_size=12
)


@settings(max_examples=40, deadline=None)
@given(scripts=st.lists(actions, min_size=1, max_size=4))
def test_random_scripts_replay_exactly(scripts: list[list[Action]], tmp_path_factory: pytest.TempPathFactory) -> None:
    async def script(wire: Wire) -> Log:
        log: Log = []

        async def serve(stream: Stream) -> None:
            while data := (await stream.read()).data:
                log.append((stream.channel, data, wire.now(), wire.random.random()))
                if data[-1] % 2:
                    await wire.sleep(0.001)
                stream.write(data)
            stream.close()

        async def act(number: int, steps: list[Action]) -> None:
            stream = await wire.connect("127.0.0.1", listener.port, label=f"client {number}", within=10)
            for what, size in steps:
                if what == "say":
                    stream.write(bytes([number, size]))
                    log.append((number, await stream.read(within=10), wire.now()))
                elif what == "sleep":
                    await wire.sleep(size / 2000)
                elif what == "draw":
                    log.append((number, wire.random.random()))
                elif what == "expire":
                    with pytest.raises(Expired):
                        await stream.read(within=size / 5000)
                    log.append((number, wire.now()))
                elif what == "packet":
                    there.send(bytes([number, size]), here.local)
                else:
                    log.append((number, await wire.compute("sum", partial(sum, range(size * 1000)))))
            stream.close()

        listener = await wire.listen("127.0.0.1", 0, serve, label="access")
        here, there = await wire.datagram(label="rtp"), await wire.datagram(label="device")
        here.on_packet = lambda packet: log.append((packet, wire.now()))
        tasks = [wire.spawn(act(number, steps), f"client {number}") for number, steps in enumerate(scripts)]
        for task in tasks:
            await task
        return log

    outcome, tape = record(tmp_path_factory.mktemp("evidence"), script)
    assert replay(tape, script) == outcome
