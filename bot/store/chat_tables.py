"""The tables of the chat: questions, the ledger of what people did, and what is watched."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text, text

from bot.store.tables import BigId, HostileText, UtcTime, metadata

questions = Table(
    "questions",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("key", HostileText, nullable=False, unique=True),
    Column("line", HostileText, nullable=False),
    Column("by_id", HostileText, nullable=False),
    Column("by_name", HostileText, nullable=False),
    Column("conversation_id", HostileText, nullable=False),
    Column("activity_id", HostileText, nullable=False),
    #: Hashes, since the names may be longer than an index takes: the person, the conversation, and conversation and
    #: activity, which is NULL for a question without an activity.
    Column("person", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("delivery", Text, unique=True),
    Column("asked_at", UtcTime, nullable=False),
    #: bot.ports.Answered as JSON, its cursors left out; NULL until it has been answered.
    Column("answer", LargeBinary),
    #: Where its pages begin, as JSON; NULL until a further page was asked for.
    Column("cursors", LargeBinary),
)
# What the limits are counted by.
Index("ix_questions_person", questions.c.person, questions.c.asked_at)
Index("ix_questions_place", questions.c.place, questions.c.asked_at)
Index("ix_questions_asked_at", questions.c.asked_at)

#: Append-only, numbered by `counters`; see bot.store.chain.
ledger = Table(
    "ledger",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("what", HostileText, nullable=False),
    Column("by_id", HostileText, nullable=False),
    Column("by_name", HostileText, nullable=False),
    Column("conversation_id", HostileText, nullable=False),
    Column("about", HostileText, nullable=False),
    Column("key", HostileText, nullable=False),
    Column("rows", BigInteger),
    Column("outcome", HostileText, nullable=False),
    #: The hash of the line before; "" for the first that was ever written.
    Column("before", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
_REFUSED = ledger.c.what == "refused"
_CUT = ledger.c.what == "cut"
Index("ix_ledger_refused", ledger.c.by_id, ledger.c.at, sqlite_where=_REFUSED, postgresql_where=_REFUSED)
Index("ix_ledger_cut", ledger.c.number, sqlite_where=_CUT, postgresql_where=_CUT)

watches = Table(
    "watches",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    #: Hash over conversation, line and clusters: the same is watched once.
    Column("identity", Text, nullable=False, unique=True),
    Column("place", Text, nullable=False, index=True),
    Column("conversation_id", HostileText, nullable=False),
    Column("line", HostileText, nullable=False),
    #: Resource ids as a JSON list.
    Column("clusters", LargeBinary, nullable=False),
    Column("by_id", HostileText, nullable=False),
    Column("by_name", HostileText, nullable=False),
    Column("zone", HostileText, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),
    Column("found_at", UtcTime),
    Column("found", BigInteger, nullable=False, server_default=text("0")),
)
