"""API destinations: an HTTP endpoint that hears of events, with what its connection adds to each request.

moto calls none unless a switch is set, and then in the midst of PutEvents. Source: "API destinations as targets in
Amazon EventBridge", which gives an endpoint five seconds.
"""

from __future__ import annotations

import base64
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

_SECONDS = 5

#: Told of what was not delivered: code and sentence.
GiveUp = Callable[[str, str], None]


def call(backend: Any, arn: str, target: Mapping[str, Any], text: str, give_up: GiveUp) -> None:
    """Sends ``text`` to the endpoint of a destination; nobody waits for it."""
    name = arn.split(":", 5)[5].split("/")[1]
    destination = backend.destinations.get(name)
    if destination is None:
        give_up("NO_RESOURCE", f"{arn} does not exist")
        return
    connection = next(one for one in backend.connections.values() if one.arn == destination.connection_arn)
    if "OAuthParameters" in connection.auth_parameters:
        give_up("SDK_CLIENT_ERROR", f"the embedded AWS does not offer OAuth, which {connection.name} asks for")
        return
    asked = request(destination, connection, target.get("HttpParameters") or {}, text)
    threading.Thread(target=_send, args=(asked, give_up), daemon=True, name="api-destination").start()


def request(destination: Any, connection: Any, more: Mapping[str, Any], text: str) -> urllib.request.Request:
    """The HTTP request: path values take the place of each ``*`` of the endpoint."""
    url = destination.invocation_endpoint
    for value in more.get("PathParameterValues") or []:
        url = url.replace("*", urllib.parse.quote(value, safe=""), 1)
    query = more.get("QueryStringParameters") or {}
    if query:
        url += ("&" if "?" in url else "?") + urllib.parse.urlencode(query)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Amazon/EventBridge/ApiDestinations",
        **(more.get("HeaderParameters") or {}),
        **authorization(connection.auth_parameters),
    }
    # What is called is what the user's own rule names.
    return urllib.request.Request(url, text.encode(), headers, method=destination.http_method)  # noqa: S310


def authorization(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Returns the header by which a connection authorizes a request."""
    if key := parameters.get("ApiKeyAuthParameters"):
        return {key["ApiKeyName"]: key["ApiKeyValue"]}
    basic = parameters["BasicAuthParameters"]
    token = base64.b64encode(f"{basic['Username']}:{basic['Password']}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


def _send(asked: urllib.request.Request, give_up: GiveUp) -> None:
    try:
        with urllib.request.urlopen(asked, timeout=_SECONDS):  # noqa: S310
            pass
    except urllib.error.HTTPError as fault:
        with fault:
            give_up("SDK_CLIENT_ERROR", f"{asked.full_url} answered {fault.code}")
    except OSError as fault:
        give_up("SDK_CLIENT_ERROR", f"{asked.full_url} could not be reached: {fault}")
