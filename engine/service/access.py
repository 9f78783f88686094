"""Access: who is locked for failing to show who they are, and who is signed in at the pages."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from engine.service.journal import note
from engine.service.results import NOBODY, Use
from engine.store import failures, sessions
from engine.store.database import Database
from engine.store.failures import EVERYBODY, RULES, Failing, Rules
from engine.store.schema import now
from engine.store.sessions import SessionRow

__all__ = ["EVERYBODY", "Access", "Failing", "SessionRow"]

VERB = "access"  # of the entries in the audit log
LOCKED, UNLOCKED = "locked", "unlocked"
SIGNED_IN, SIGNED_OUT = "signed in", "signed out"


class Access:
    """Locks and sessions in one database, for every process that serves it. Each lock, unlock,
    sign-in and sign-out is in the audit log."""

    def __init__(self, database: Database, rules: Rules = RULES) -> None:
        self._database = database
        self._rules = rules

    def failing(self) -> list[Failing]:
        """Who failed of late, the locked first."""
        with self._database.read() as connection:
            moment = now()
            found = failures.listing(connection)
        return [each for each in found if not failures.is_over(each, moment, self._rules)]

    def fail(self, client: str, subject: str) -> list[Failing]:
        """Counts a failure; gives what changed: what is remembered of the caller now, and the
        lock on the whole address where it comes with it."""
        with self._database.write() as connection:
            made = failures.add(connection, client, subject, self._rules)
            for each in made:
                if each.locked_until:
                    _tell(connection, LOCKED, each)
        return made

    def succeed(self, client: str, subject: str) -> None:
        """Forgets the failures of a caller that showed who it is."""
        with self._database.write() as connection:
            failures.forget(connection, client, subject)

    def expire(self) -> list[Failing]:
        """Forgets failures and locks whose time is over, and sessions; gives the locks that
        ended."""
        with self._database.write() as connection:
            over = [each for each in failures.expire(connection, self._rules) if each.locked_until]
            for each in over:
                _tell(connection, UNLOCKED, each, why="its time is over")
            sessions.expire(connection)
        return over

    def unlock(self, subject: str | None, client: str | None, use: Use = NOBODY) -> list[Failing]:
        """Forgets the failures and locks of a subject, of an address, or of both together."""
        with self._database.write() as connection:
            found = failures.forget(connection, client, subject)
            for each in found:
                if each.locked_until:
                    _tell(connection, UNLOCKED, each, use, why="by hand")
        return found

    def sign_in(self, subject: str, scopes: Iterable[str], client: str) -> str:
        """Begins a session, and gives the secret for its browser."""
        with self._database.write() as connection:
            sessions.expire(connection)
            note(connection, VERB, SIGNED_IN, Use(operator=subject, origin=client))
            return sessions.begin(connection, subject, " ".join(sorted(scopes)))

    def session(self, secret: str, *, use: bool = True) -> SessionRow | None:
        """The session of that secret, which is used by this, or only looked up; None where it is
        none or over."""
        with self._database.read() as connection:
            found = sessions.find(connection, secret)
        if use and found and sessions.is_to_touch(found):
            with self._database.write() as connection:
                sessions.touch(connection, found)
        return found

    def sign_out(self, secret: str, client: str) -> None:
        """Ends a session."""
        with self._database.write() as connection:
            subject = sessions.end(connection, secret)
            if subject is not None:
                note(connection, VERB, SIGNED_OUT, Use(operator=subject, origin=client))

    def sign_out_all(self, subject: str, use: Use = NOBODY) -> int:
        """Ends all sessions of a subject; gives their number."""
        with self._database.write() as connection:
            count = sessions.end_all(connection, subject)
            note(connection, VERB, SIGNED_OUT, use, subject=subject, sessions=count)
        return count

    def sessions(self) -> list[SessionRow]:
        """Who is signed in, the newest first."""
        with self._database.read() as connection:
            return sessions.current(connection)


def _tell(
    connection: Connection, event: str, failing: Failing, use: Use = NOBODY, **more: str
) -> None:
    about = {"client": failing.client, "subject": failing.subject, "failures": len(failing.times)}
    note(connection, VERB, event, use, **about, **more)
