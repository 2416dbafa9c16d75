"""The inner state of a device peer, and its answers to the commands of a platform (tykd 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.protocols.tykd_message import Message

OK, OTHER_DEVICE, OTHER = 0, 1, 255
DISK_MB = 30000, 12000
FIRST_VIDEO = {
    1: {"FrameSize": 1, "FrameRate": 15, "RateType": 2, "BitRate": 9, "AudioInput": 1},
    2: {"FrameSize": 2, "FrameRate": 15, "RateType": 2, "BitRate": 6, "AudioInput": 1},
}
POLICY = ("StoreType", "StreamType", "Week", "StartTime", "EndTime")
STORE = {"EStorgeSpace": "StorgeSpace"}

Values = dict[str, Any]


@dataclass(slots=True)
class DeviceState:
    """What can be set on the device. ``video``: by channel and stream; ``moving``: PtzDirection by channel;
    ``plans``: record policies by channel and id; ``armed``: by channel and alarm type; ``store``: the elements of
    SET_ESTORE that were given; ``formats``, ``reboots``: how often; ``upgrade``: the last UPGRADE, None before."""

    dev_id: str
    channels: int = 1
    video: dict[tuple[int, int], dict[str, int]] = field(default_factory=dict)
    moving: dict[int, int] = field(default_factory=dict)
    plans: dict[int, dict[int, dict[str, str]]] = field(default_factory=dict)
    armed: dict[tuple[int, int], int] = field(default_factory=dict)
    full: dict[int, int] = field(default_factory=dict)
    loop: int = 0
    store: dict[str, str] = field(default_factory=dict)
    files: list[Values] = field(default_factory=list)
    formats: int = 0
    reboots: int = 0
    upgrade: Message | None = None

    def answer(self, message: Message) -> Values:
        """The values of the answer to a command, which is carried out."""
        if message.get("DevID") != self.dev_id:
            return {"Result": OTHER_DEVICE, "DevID": self.dev_id}
        handler: Callable[[Message], Values | int] = getattr(self, f"_{message.name.lower()}", self._nothing)
        done = handler(message)
        if isinstance(done, int):
            return {"Result": done, "DevID": self.dev_id}
        return {"Result": OK, "DevID": self.dev_id, **done}

    @staticmethod
    def _nothing(message: Message) -> int:
        return OK

    def _there(self, message: Message) -> bool:
        return 0 <= message.integer("ChannelNo", 0) < self.channels

    # picture

    def picture(self, channel: int, stream: int) -> dict[str, int]:
        """The parameters in force of a stream, by element name."""
        return {**FIRST_VIDEO.get(stream, {}), **self.video.get((channel, stream), {})}

    def _get_channel(self, message: Message) -> Values | int:
        stream = message.integer("StreamType", 0)
        if stream not in FIRST_VIDEO or not self._there(message):
            return OTHER
        return dict(self.picture(message.integer("ChannelNo", 0), stream))

    def _set_channel(self, message: Message) -> int:
        stream = message.integer("StreamType", 0)
        if stream not in FIRST_VIDEO or not self._there(message):
            return OTHER
        given = {name: message.integer(name) for name in FIRST_VIDEO[stream] if message.get(name)}
        self.video.setdefault((message.integer("ChannelNo", 0), stream), {}).update(given)
        return OK

    def _video_ptz(self, message: Message) -> int:
        self.moving[message.integer("ChannelNo", 0)] = message.integer("PtzDirection", 0)
        return OK

    # records

    def _add_record_policy(self, message: Message) -> int:
        plans = self.plans.setdefault(message.integer("ChannelNo", 0), {})
        for item in message.items("WeekPolicy"):
            slots = {number % 10 for number in plans}
            day = item.integer("Week", 0) % 7 + 1
            slot = next((number for number in range(4) if number * 10 + day not in plans), None)
            if slot is None or (day in slots and len(plans) >= 28):
                return OTHER
            plans[slot * 10 + day] = {name: item.get(name) for name in POLICY}
        return OK

    def _query_record_policy(self, message: Message) -> Values:
        plans = self.plans.get(message.integer("ChannelNo", 0), {})
        return {"WeekPolicy": [{"PolicyID": number, **plans[number]} for number in sorted(plans)]}

    def _del_record_policy(self, message: Message) -> int:
        plans = self.plans.get(message.integer("ChannelNo", 0), {})
        return OK if plans.pop(message.integer("PolicyID", -1), None) is not None else OTHER

    def _set_record_full(self, message: Message) -> int:
        self.full[message.integer("ChannelNo", 0)] = message.integer("RecordFull", 0)
        return OK

    def _get_record_full(self, message: Message) -> Values:
        return {"RecordFull": self.full.get(message.integer("ChannelNo", 0), 0)}

    def _set_record_loop(self, message: Message) -> int:
        self.loop = message.integer("RecordLoop", 0)
        return OK

    def _get_record_loop(self, message: Message) -> Values:
        return {"RecordLoop": self.loop}

    def _file_query(self, message: Message) -> Values:
        start, end = (message.get(name) for name in ("StartTime", "EndTime"))
        found = [file for file in self.files if file["EndTime"][:12] >= start and file["StartTime"][:12] <= end]
        page = max(1, message.integer("PageNo", 1)) - 1
        newest = sorted(found, key=lambda file: str(file["StartTime"]), reverse=True)
        return {"File": newest[page * 10 : page * 10 + 10], "TotalRecordNum": len(found)}

    # alarms

    def _set_alarm(self, message: Message) -> int:
        place = message.integer("ChannelNo", 0), message.integer("AlarmType", 0)
        self.armed[place] = message.integer("AlarmFlag", 0)
        return OK

    def _get_alarm(self, message: Message) -> Values:
        place = message.integer("ChannelNo", 0), message.integer("AlarmType", 0)
        return {"AlarmFlag": self.armed.get(place, 0)}

    # upkeep

    def _store_query(self, message: Message) -> Values:
        return {"TotalSize": DISK_MB[0], "FreeSize": DISK_MB[1]}

    def _store_format(self, message: Message) -> Values:
        self.formats += 1
        self.files.clear()
        return {"TotalSize": DISK_MB[0], "FreeSize": DISK_MB[1]}

    def _reboot(self, message: Message) -> int:
        self.reboots += 1
        return OK

    def _upgrade(self, message: Message) -> int:
        self.upgrade = message
        return OK

    def _set_estore(self, message: Message) -> int:
        given: Mapping[str, Any] = message.values
        self.store |= {name: str(text) for name, text in given.items() if text and name != "DevID"}
        return OK

    def _get_estore(self, message: Message) -> Values:
        names = ("URL", "Account", "Password", "EStorgeSpace", "ERecordBucket", "EPictureBucket")
        default = {"EStorgeSpace": "0"}
        return {STORE.get(name, name): self.store.get(name, default.get(name, "")) for name in names}
