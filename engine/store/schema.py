"""The tables of the database, as the newest migration leaves them; see docs/store.md."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlalchemy.types import TypeDecorator

NAME_LENGTH = 64  # of a gallery
REFERENCE_LENGTH = 200  # of persons, encounters, records: names given from outside
SHA256_LENGTH = 64  # hex digits
KEY_LENGTH = 16  # hex digits of a key's id
CLIENT_LENGTH = 64  # of an address that calls
ACTIVE, INACTIVE = "ACTIVE", "INACTIVE"  # status of an encounter: only active ones are searched


def now() -> datetime:
    """The time in UTC to 1/100 s, the resolution that CJIS asks of an audit."""
    time = datetime.now(UTC)
    return time.replace(microsecond=time.microsecond // 10_000 * 10_000)


class UtcTime(TypeDecorator[datetime]):
    """A time in UTC; refuses times without a zone, restores the zone where a database drops it."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite counts rows only in a plain INTEGER; a large deployment needs 64 bits on every database.
Id = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _time(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, UtcTime, nullable=nullable)


def _text(name: str, length: int = REFERENCE_LENGTH) -> Column[str]:
    return Column(name, String(length), nullable=False)


def _key() -> Column[str | None]:
    """The id of the key that the row's data is sealed with; none where it is not sealed."""
    return Column("sealed_with", String(KEY_LENGTH))


def _owner(name: str, target: str, *, key: bool = False, cascade: bool = True) -> Column[int]:
    """A foreign key; with `cascade` the row goes when its owner goes."""
    rule = "CASCADE" if cascade else None
    return Column(name, Id, ForeignKey(target, ondelete=rule), nullable=False, primary_key=key)


submissions = Table(
    "submissions",
    metadata,
    Column("id", Id, primary_key=True),
    _text("verb", 20),
    _text("jurisdiction"),
    _text("purpose"),
    _text("operator"),
    Column("source", Text, nullable=False),
    _text("subject"),
    _time("started_at"),
    _time("finished_at", nullable=True),
    Column("outcome", Text, nullable=False),
    Column("case_id", String(REFERENCE_LENGTH), nullable=False, server_default=""),
    sqlite_autoincrement=True,
)

galleries = Table(
    "galleries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(NAME_LENGTH), nullable=False, unique=True),
    Column("maker", String(REFERENCE_LENGTH)),  # none until the first template fixes it
    _time("created_at"),
    Column("fpir", Float),  # that its searches are to keep; none until one is chosen
    sqlite_autoincrement=True,
)

# One row for each number of fingers that non-mated searches of a gallery were made with.
sites = Table(
    "sites",
    metadata,
    _owner("gallery_id", "galleries.id", key=True),
    Column("fingers", SmallInteger, primary_key=True, autoincrement=False),
    _owner("submission_id", "submissions.id", cascade=False),
    _text("scoring"),  # what made the scores; of other scores the row says nothing
    Column("location", Float, nullable=False),
    Column("scale", Float, nullable=False),
    Column("location_sd", Float, nullable=False),
    Column("scale_sd", Float, nullable=False),
    Column("correlation", Float, nullable=False),
    Column("searches", Integer, nullable=False),
    Column("persons", Integer, nullable=False),
    Column("made", Date, nullable=False),
)

persons = Table(
    "persons",
    metadata,
    Column("id", Id, primary_key=True),
    Column("reference", String(REFERENCE_LENGTH), nullable=False, unique=True),
    _time("created_at"),
    sqlite_autoincrement=True,
)

encounters = Table(
    "encounters",
    metadata,
    Column("id", Id, primary_key=True),
    _owner("person_id", "persons.id"),
    _text("reference"),  # "" where the source names no encounter
    _owner("submission_id", "submissions.id", cascade=False),
    _time("created_at"),
    Column("status", String(8), nullable=False, server_default=ACTIVE),
    Column("kind", String(REFERENCE_LENGTH), nullable=False, server_default=""),
    Column("client_data", Text),  # base64, as it came
    Column("contextual_data", Text),  # JSON, as it came
    _time("updated_at", nullable=True),
    UniqueConstraint("person_id", "reference"),
    sqlite_autoincrement=True,
)

prints = Table(
    "prints",
    metadata,
    Column("id", Id, primary_key=True),
    _owner("person_id", "persons.id"),
    _owner("encounter_id", "encounters.id"),
    Column("position", SmallInteger, nullable=False),
    _text("sha256", SHA256_LENGTH),  # of the file's bytes
    Column("source", Text, nullable=False),
    Column("ppi", Float),  # as the caller stated it; none where the file was to say
    _time("created_at"),
    Column("details", Text),  # JSON: what a client told of the print, and is told again
    CheckConstraint("position BETWEEN 0 AND 10", name="position"),
    UniqueConstraint("encounter_id", "position", "sha256"),
    Index(None, "encounter_id"),
    Index(None, "sha256"),
    Index(None, "person_id"),
    sqlite_autoincrement=True,
)

images = Table(
    "images",
    metadata,
    _owner("print_id", "prints.id", key=True),
    Column("data", LargeBinary, nullable=False),  # the file as it came, or sealed
    _key(),
    Index(None, "sealed_with", "print_id"),
)

templates = Table(
    "templates",
    metadata,
    Column("id", Id, primary_key=True),  # never used again after a removal: indexes rely on it
    _owner("print_id", "prints.id"),
    _owner("gallery_id", "galleries.id", cascade=False),
    _text("maker"),
    Column("quality", SmallInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),  # formats.template, or that sealed
    _time("created_at"),
    _key(),
    Column("active", Boolean, nullable=False, server_default=true()),  # only these are searched
    UniqueConstraint("gallery_id", "print_id"),
    Index(None, "print_id"),
    Index(None, "sealed_with", "id"),
    Index(None, "gallery_id", "active"),
    sqlite_autoincrement=True,
)

# Which encounters a gallery has, with a print or without.
memberships = Table(
    "memberships",
    metadata,
    _owner("gallery_id", "galleries.id", key=True, cascade=False),
    _owner("encounter_id", "encounters.id", key=True),
    Index(None, "encounter_id"),
)

# One row is one version of a record: what it said from recorded_at to superseded_at.
offense_records = Table(
    "offense_records",
    metadata,
    Column("id", Id, primary_key=True),
    _owner("person_id", "persons.id"),
    _owner("gallery_id", "galleries.id", cascade=False),
    _owner("submission_id", "submissions.id", cascade=False),
    _text("record_id"),
    _text("ncic", 8),
    Column("charge", Text, nullable=False),
    Column("degree", SmallInteger, nullable=False),
    Column("disposition", Text, nullable=False),
    Column("offense_date", Date),
    _text("jurisdiction"),
    Column("max_sentence_months", Integer),
    _text("nibrs", 3),
    _text("statute"),
    _text("change", 8),
    Column("reason", Text, nullable=False),
    _time("recorded_at"),
    _time("superseded_at", nullable=True),  # none while the version is the current one
    CheckConstraint(
        "change IN ('added', 'amended', 'sealed', 'expunged', 'restored')", name="change"
    ),
    Index(
        "uq_offense_records_current",
        "gallery_id",
        "person_id",
        "record_id",
        unique=True,
        sqlite_where=text("superseded_at IS NULL"),
        postgresql_where=text("superseded_at IS NULL"),
    ),
    Index(None, "person_id"),
    sqlite_autoincrement=True,
)

# One row. Writers take its lock, so that numbers become visible in the order they were given,
# on every database.
clock = Table(
    "clock",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

changes = Table(
    "changes",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    _time("at"),
    _text("kind", 8),
    # No foreign keys: the line outlives what it tells of.
    Column("gallery_id", BigInteger, nullable=False),
    Column("template_id", BigInteger, nullable=False),
    _owner("submission_id", "submissions.id", cascade=False),
    CheckConstraint("kind IN ('enrol', 'remove')", name="kind"),
    Index(None, "gallery_id", "sequence"),
)

searches = Table(
    "searches",
    metadata,
    Column("id", Id, primary_key=True),
    _owner("submission_id", "submissions.id", cascade=False),
    _text("probe"),
    _text("maker"),
    Column("fpir", Float, nullable=False),
    Column("threshold", Float, nullable=False),
    Column("gallery_size", Integer, nullable=False),
    Column("compared", Integer, nullable=False),
    Column("max_candidates", Integer, nullable=False),
    _time("at"),
    Index(None, "submission_id"),
    Index(None, "at"),
    sqlite_autoincrement=True,
)

search_probes = Table(
    "search_probes",
    metadata,
    _owner("search_id", "searches.id", key=True),
    Column("number", SmallInteger, primary_key=True, autoincrement=False),
    Column("position", SmallInteger, nullable=False),
    _text("sha256", SHA256_LENGTH),
    Column("source", Text, nullable=False),
    Column("quality", SmallInteger, nullable=False),
    Index(None, "sha256"),
)

search_galleries = Table(
    "search_galleries",
    metadata,
    _owner("search_id", "searches.id", key=True),
    Column("gallery", String(NAME_LENGTH), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("calibration", Text),  # of its scores, in words; none where it was not kept yet
)

search_candidates = Table(
    "search_candidates",
    metadata,
    _owner("search_id", "searches.id", key=True),
    Column("rank", Integer, primary_key=True, autoincrement=False),
    _text("person"),
    _text("gallery", NAME_LENGTH),
    Column("score", Float, nullable=False),
    Column("llr", Float, nullable=False),
    Column("gap", Float, nullable=False),
    Column("over_threshold", Boolean, nullable=False),
    Index(None, "person"),
    # The hits, which are few among the candidates.
    Index(
        "ix_search_candidates_over_threshold",
        "search_id",
        "rank",
        sqlite_where=text("over_threshold = 1"),
        postgresql_where=text("over_threshold"),
    ),
)

# By which names persons were known before they were merged with others; decided cases keep them.
former_names = Table(
    "former_names",
    metadata,
    Column("id", Id, primary_key=True),
    _text("former"),
    _owner("person_id", "persons.id"),
    _time("until"),
    Index(None, "former"),
    Index(None, "person_id"),
    sqlite_autoincrement=True,
)

# What the probe of a search looked like: kept only where the search has a hit, for those who
# compare it.
probe_prints = Table(
    "probe_prints",
    metadata,
    Column("id", Id, primary_key=True),
    _owner("search_id", "searches.id"),
    Column("number", SmallInteger, nullable=False),  # as in search_probes
    _text("kind", 8),
    Column("data", LargeBinary, nullable=False),  # formats.template or the file, or that sealed
    Column("ppi", Float),  # of an image, as the caller stated it
    _key(),
    CheckConstraint("kind IN ('template', 'image')", name="kind"),
    UniqueConstraint("search_id", "number", "kind"),
    Index(None, "sealed_with", "id"),
    sqlite_autoincrement=True,
)

# Who has a case open, so that no two take the same; a row says nothing once its time is over.
case_holds = Table(
    "case_holds",
    metadata,
    _owner("search_id", "searches.id", key=True),
    Column("person", String(REFERENCE_LENGTH), primary_key=True),
    _text("examiner"),
    _time("until"),
)

# Only added to. A case is a search and a person over its threshold.
decisions = Table(
    "decisions",
    metadata,
    Column("id", Id, primary_key=True),
    _owner("search_id", "searches.id"),
    _text("person"),  # the reference, as in search_candidates: it outlives the person's removal
    _text("examiner"),
    _text("conclusion", 16),
    Column("notes", Text, nullable=False),
    _time("at"),
    _owner("submission_id", "submissions.id", cascade=False),
    Column("role", String(10), nullable=False, server_default="examiner"),
    Column("closes", Boolean, nullable=False, server_default=false()),  # the case, for good
    CheckConstraint("role IN ('examiner', 'supervisor')", name="role"),
    CheckConstraint(
        "conclusion IN ('identification', 'exclusion', 'inconclusive')", name="conclusion"
    ),
    UniqueConstraint("search_id", "person", "examiner"),
    sqlite_autoincrement=True,
)

# The files of every set of rules that hits were ordered by, and when each came into use: only
# added to, so that an order of work can be made again as it was.
rule_sets = Table(
    "rule_sets",
    metadata,
    Column("id", Id, primary_key=True),
    _text("policy"),
    _text("stamp"),
    Column("files", LargeBinary, nullable=False),  # zlib of JSON, file name: text
    _time("first_used_at"),
    _owner("submission_id", "submissions.id", cascade=False),
    UniqueConstraint("policy", "stamp"),
    sqlite_autoincrement=True,
)

rule_uses = Table(
    "rule_uses",
    metadata,
    Column("id", Id, primary_key=True),
    _owner("rule_set_id", "rule_sets.id", cascade=False),
    _time("at"),
    _owner("submission_id", "submissions.id", cascade=False),
    Index(None, "rule_set_id"),
    sqlite_autoincrement=True,
)

# Only added to, at its end: triggers of the migration refuse the rest. No foreign keys: an entry
# outlives what it tells of.
audit = Table(
    "audit",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    _time("at"),
    Column("submission_id", Id),
    Column("entry", Text, nullable=False),  # canonical JSON, see store.audit
    Column("hash", String(SHA256_LENGTH), nullable=False),
    Index(None, "at"),
)

# What the system may be used for; none: for anything.
purposes = Table(
    "purposes",
    metadata,
    Column("purpose", String(REFERENCE_LENGTH), primary_key=True),
    _owner("submission_id", "submissions.id", cascade=False),
)

# How long what is kept; a kind without a row is kept for good.
retention = Table(
    "retention",
    metadata,
    Column("kind", String(20), primary_key=True),
    Column("days", Integer, nullable=False),
    _owner("submission_id", "submissions.id", cascade=False),
    CheckConstraint("days > 0", name="days"),
)

# Legal holds: nothing of such a person is deleted until the hold is released.
holds = Table(
    "holds",
    metadata,
    Column("id", Id, primary_key=True),
    _text("person"),  # the reference, which a hold may know before the person is enrolled again
    Column("reason", Text, nullable=False),
    _time("placed_at"),
    _time("released_at", nullable=True),
    _owner("submission_id", "submissions.id", cascade=False),
    Index(
        "uq_holds_current",
        "person",
        unique=True,
        sqlite_where=text("released_at IS NULL"),
        postgresql_where=text("released_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)

# Files with personal data that the system wrote outside the database.
exports = Table(
    "exports",
    metadata,
    Column("id", Id, primary_key=True),
    _text("kind", 20),
    _text("host"),
    Column("path", Text, nullable=False),
    _text("sha256", SHA256_LENGTH),
    _time("at"),
    _owner("submission_id", "submissions.id", cascade=False),
    Index(None, "at"),
    sqlite_autoincrement=True,
)

# Requests that are answered by a callback: the operation is done, then its result delivered.
# request and result are protected data, and are emptied when they are no longer needed.
tasks = Table(
    "tasks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(36), nullable=False, unique=True),  # what the client knows it by
    _text("operation", 40),
    _text("transaction_name"),
    _text("operator"),
    Column("callback", Text, nullable=False),
    Column("priority", SmallInteger, nullable=False),
    _text("state", 9),
    Column("request", LargeBinary, nullable=False),  # and result: one of them at a time
    Column("result", LargeBinary),
    _key(),
    Column("failed", Boolean, nullable=False),  # the result is an error
    Column("runs", Integer, nullable=False),  # how often the operation was begun
    Column("attempts", Integer, nullable=False),  # of delivery
    Column("reason", Text, nullable=False),  # why the last one failed
    _time("created_at"),
    _time("due_at"),
    _time("held_until", nullable=True),  # by the process that is at work on it
    _time("ended_at", nullable=True),
    CheckConstraint(
        "state IN ('pending', 'scheduled', 'retry', 'error', 'completed')", name="state"
    ),
    Index("ix_tasks_state", "state", "priority", "due_at"),
    Index(None, "sealed_with", "id"),
    sqlite_autoincrement=True,
)

# Who failed to show who they are, from where: callers without a right, kept for a while only.
failures = Table(
    "failures",
    metadata,
    Column("client", String(CLIENT_LENGTH), primary_key=True),
    Column("subject", String(REFERENCE_LENGTH), primary_key=True),  # whom they said they are
    Column("times", Text, nullable=False),  # of the last ones, as store.failures writes them
    _time("last_at"),
    _time("locked_until", nullable=True),
    Index(None, "last_at"),
)

# Who is signed in at the pages. Their browser has the secret, of which this is the digest.
sessions = Table(
    "sessions",
    metadata,
    Column("digest", String(SHA256_LENGTH), primary_key=True),
    _text("subject"),
    Column("scopes", Text, nullable=False),
    _text("csrf", SHA256_LENGTH),
    _time("began_at"),
    _time("used_at"),
    Index(None, "used_at"),
)
