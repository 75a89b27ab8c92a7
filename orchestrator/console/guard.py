"""Which requests the console answers: those that a browser on this machine makes for one of its own pages.

A page of another site can make a browser send requests here, and can point a name of its own at this machine ("DNS
rebinding"). So the host has to be this machine's own name, and an action has to come from one of these pages and to
carry the token that only they know.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

#: Names of this machine that no name server is asked for.
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

#: Nothing is loaded from elsewhere, nothing runs or is styled that does not come in a file of the console, no other
#: page holds this one in a frame.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # With "no-referrer", a browser would not say of its own pages' forms either where they come from.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, kw_only=True)
class Guard:
    """The rules of one console."""

    allow_actions: bool = False
    #: What a page's forms carry.
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    def refusal(self, method: str, headers: Mapping[str, str]) -> str | None:
        """Why a request is not answered; None if it is. ``headers`` have names in lower case."""
        host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        if host not in _LOOPBACK:
            return f"This console answers at 127.0.0.1 and localhost only, not at {host!r}."
        if method in ("GET", "HEAD"):
            return None
        if method != "POST":
            return f"This console knows GET, HEAD and POST, not {method}."
        if not self.allow_actions:
            return "This console only shows. `orchestrator console --allow-actions` lets it act."
        origin = headers.get("origin", "")
        if (
            urlsplit(origin).netloc != headers.get("host")
            or headers.get("sec-fetch-site", "same-origin") != "same-origin"
        ):
            return "An action has to come from one of this console's own pages."
        return None

    def holds(self, token: str) -> bool:
        """Whether a form carries this console's token."""
        return hmac.compare_digest(token.encode(), self.token.encode())
