"""Sessions: who is signed in at the pages. The browser's secret is not kept, only its digest."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from engine.store.schema import now, sessions

SECRET_BYTES = 32
TOUCH = timedelta(minutes=1)  # a session in use is written no more often


@dataclass(frozen=True, slots=True)
class Times:
    """How long a session lasts: unused, and in any case."""

    idle: timedelta = timedelta(minutes=30)  # as CJIS 5.9 AC-11 asks
    whole: timedelta = timedelta(hours=12)


TIMES = Times()


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session. csrf: what each of its forms must bring."""

    digest: str
    subject: str
    scopes: str
    csrf: str
    began_at: datetime
    used_at: datetime


def begin(connection: Connection, subject: str, scopes: str) -> str:
    """Makes a session, and gives the secret that its browser is to keep."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    moment = now()
    row = {
        "digest": digest_of(secret),
        "subject": subject,
        "scopes": scopes,
        "csrf": secrets.token_urlsafe(SECRET_BYTES),
        "began_at": moment,
        "used_at": moment,
    }
    connection.execute(insert(sessions).values(row))
    return secret


def find(connection: Connection, secret: str, times: Times = TIMES) -> SessionRow | None:
    """The session of that secret; None where there is none, or its time is over."""
    own = sessions.c.digest == digest_of(secret)
    row = connection.execute(select(sessions).where(own)).mappings().first()
    if row is None:
        return None
    found, moment = SessionRow(**row), now()
    over = moment >= found.used_at + times.idle or moment >= found.began_at + times.whole
    return None if over else found


def is_to_touch(row: SessionRow) -> bool:
    """Whether the use of a session is to be written down."""
    return now() >= row.used_at + TOUCH


def touch(connection: Connection, row: SessionRow) -> None:
    """Says that a session is in use."""
    own = sessions.c.digest == row.digest
    connection.execute(update(sessions).where(own).values(used_at=now()))


def end(connection: Connection, secret: str) -> str | None:
    """Ends the session of that secret; gives its subject, None where there is none."""
    own = sessions.c.digest == digest_of(secret)
    return connection.execute(delete(sessions).where(own).returning(sessions.c.subject)).scalar()


def end_all(connection: Connection, subject: str) -> int:
    """Ends all sessions of a subject; gives their number."""
    return connection.execute(delete(sessions).where(sessions.c.subject == subject)).rowcount


def expire(connection: Connection, times: Times = TIMES) -> int:
    """Deletes the sessions whose time is over; gives their number."""
    moment = now()
    over = (sessions.c.used_at <= moment - times.idle) | (
        sessions.c.began_at <= moment - times.whole
    )
    return connection.execute(delete(sessions).where(over)).rowcount


def current(connection: Connection, times: Times = TIMES) -> list[SessionRow]:
    """Who is signed in, the newest first."""
    moment = now()
    used = (sessions.c.used_at > moment - times.idle) & (sessions.c.began_at > moment - times.whole)
    found = connection.execute(
        select(sessions).where(used).order_by(sessions.c.began_at.desc())
    ).mappings()
    return [SessionRow(**row) for row in found]


def digest_of(secret: str) -> str:
    """What is kept of a secret. It is as long as a key: no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()
