"""The fixtures of the service's tests over HTTP."""

from tests.prints_at_no_cost import free_extraction, make_row, tenprint
from tests.web.serving import client, issuer, poster, serving

__all__ = ["client", "free_extraction", "issuer", "make_row", "poster", "serving", "tenprint"]
