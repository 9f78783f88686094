"""Pages watched: each request for one is timed and logged as those of the interface are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from engine.web import logs
from engine.web.auth import Caller
from engine.web.house import House
from engine.web.sessions import Session

Endpoint = Callable[[Request], Awaitable[Response]]
Watch = Callable[[str, Endpoint], Endpoint]  # route as it is written, with the names of its parts


def unwatched(_route: str, endpoint: Endpoint) -> Endpoint:
    """A `Watch` that tells nobody."""
    return endpoint


def watch_pages(house: House) -> Watch:
    """A `Watch` that tells the tenant whose page it is, or the first one where nobody is signed
    in. Routes are told as they are written: an address has ids."""

    def watch(route: str, endpoint: Endpoint) -> Endpoint:
        async def answer(request: Request) -> Response:
            watching = house.first.desk.watching
            with watching.page(request.method, route, request.headers) as watched:
                response = await endpoint(request)
                watched.status = response.status_code
                visitor = _visitor(request)
                if visitor is not None:
                    watched.metrics = house.desk_of(visitor.tenant).metrics
            logs.event(
                "page",
                method=request.method,
                route=route,
                status=watched.status,
                ms=round(1000 * watched.seconds),
                caller=visitor.subject if visitor else None,
            )
            return response

        return answer

    return watch


def note_visitor(request: Request, visitor: Session | Caller | None) -> None:
    """Says whose request it is, as soon as that is known."""
    request.state.visitor = visitor


def _visitor(request: Request) -> Session | Caller | None:
    found = getattr(request.state, "visitor", None)
    return found if isinstance(found, (Session, Caller)) else None
