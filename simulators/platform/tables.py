"""The tables of the platform. Times are Unix seconds; identities are short texts."""

from __future__ import annotations

from sqlalchemy import Column, Float, Integer, MetaData, Table, Text

METADATA = MetaData()


def _text(name: str, default: str = "") -> Column[str]:
    return Column(name, Text, nullable=False, default=default)


def _indexed(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, default="", index=True)


def _number(name: str, default: int = 0) -> Column[int]:
    return Column(name, Integer, nullable=False, default=default)


def _moment(name: str) -> Column[float]:
    return Column(name, Float, nullable=False, default=0.0)


def _id() -> Column[str]:
    return Column("id", Text, primary_key=True)


def _serial() -> Column[int]:
    return Column("id", Integer, primary_key=True, autoincrement=True)


USERS = Table(
    "users",
    METADATA,
    _id(),
    _text("name"),
    Column("phone", Text, unique=True),
    _text("password"),
    _text("role"),
    _text("tenant"),
    _text("state", "active"),
    _number("failures"),
    _moment("locked_until"),
)
SESSIONS = Table(
    "sessions",
    METADATA,
    _id(),
    _indexed("user"),
    _text("refresh"),
    _moment("expires"),
    _moment("since"),
)
SMS_CODES = Table(
    "sms_codes",
    METADATA,
    Column("phone", Text, primary_key=True),
    _text("code"),
    _moment("expires"),
    _number("tries"),
    _moment("sent"),
)
SHOPS = Table("shops", METADATA, _id(), _indexed("owner"), _text("name"))
DEVICES = Table(
    "devices",
    METADATA,
    _id(),
    _text("key"),
    _text("model"),
    _number("channels", 1),
    _indexed("owner"),
    _text("shop"),
    _text("name"),
    _text("version"),
    _moment("bound_at"),
)
SHARES = Table(
    "shares",
    METADATA,
    _id(),
    _indexed("device"),
    _text("owner"),
    _indexed("user"),
    _text("rights"),
    _moment("since"),
)
TOKENS = Table(
    "tokens",
    METADATA,
    _id(),
    _indexed("user"),
    _indexed("device"),
    _text("channel"),
    _text("target"),
    _text("purpose"),
    _text("session"),
    _moment("issued"),
    _moment("expires"),
    _moment("used_at"),
    _number("uses"),
    _number("revoked"),
)
NONCES = Table("nonces", METADATA, _id(), _moment("at"))
ALARMS = Table(
    "alarms",
    METADATA,
    _id(),
    _indexed("device"),
    _number("channel"),
    _number("type"),
    _number("input"),
    _text("text"),
    Column("at", Float, index=True),
    _number("count", 1),
    _text("recording"),
)
ARMING = Table(
    "arming",
    METADATA,
    _serial(),
    _indexed("device"),
    _number("channel"),
    _number("type"),
    _number("week"),
    _number("start"),
    _number("end"),
)
MESSAGES = Table(
    "messages",
    METADATA,
    _serial(),
    _indexed("user"),
    _text("kind"),
    _text("device"),
    _number("channel"),
    _text("subject"),
    _moment("at"),
    _number("read"),
)
PUSH_TARGETS = Table(
    "push_targets",
    METADATA,
    _id(),
    _indexed("user"),
    _text("session"),
    _text("token"),
    _text("url"),
)
RECORDINGS = Table(
    "recordings",
    METADATA,
    _id(),
    _indexed("device"),
    _number("channel"),
    Column("start", Float, index=True),
    _moment("end"),
    _text("object"),
    _number("size"),
    _text("event"),
    _text("owner"),
)
PLANS = Table(
    "plans",
    METADATA,
    _serial(),
    _indexed("device"),
    _number("channel"),
    _number("week"),
    _number("start"),
    _number("end"),
)
JOBS = Table(
    "jobs",
    METADATA,
    _id(),
    _text("by"),
    _text("version"),
    _text("file"),
    _text("state"),
    _text("stages"),
    Column("highest_failure", Float, nullable=False, default=0.0),
    _moment("at"),
    _number("downgrade"),
)
JOB_DEVICES = Table(
    "job_devices",
    METADATA,
    _serial(),
    _indexed("job"),
    _text("device"),
    _number("stage"),
    _text("state", "waiting"),
    _text("why"),
    _moment("since"),
)
AUDIT = Table(
    "audit",
    METADATA,
    _serial(),
    _moment("at"),
    _text("who"),
    _text("action"),
    _text("device"),
    _text("outcome"),
    _text("detail"),
    _text("from_address"),
)
