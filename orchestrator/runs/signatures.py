"""Signed requests: which headers say who sent them and when, and what is signed.

Sources: "Standard Webhooks" (its specification: an id, a moment and the body; tolerance is the verifier's), "Validating
webhook deliveries" and "Best practices for using webhooks" (GitHub: the body alone, and an id that a redelivery keeps).
All of them sign by HMAC-SHA256. A secret may have two values, an old one and a new one, so that it can be changed while
requests come.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from orchestrator.errors import RequestRefused
from orchestrator.instants import SLOT_ID_PATTERN
from orchestrator.tasks.inbound import Scheme

#: So far may the moment of a request be from now: sent again later, it is refused.
TOLERANCE_SECONDS = 300

#: So many values of one secret count.
MOST_SECRETS = 2

#: A secret of "Standard Webhooks" is base64 behind this.
_STANDARD_PREFIX = "whsec_"

#: A base64 signature of its first version, which is symmetric.
_STANDARD_VERSION = "v1,"

_SLOT_ID = re.compile(SLOT_ID_PATTERN)


@dataclass(frozen=True, kw_only=True)
class Signing:
    """One way to sign."""

    #: Headers, in lower case; empty where the scheme has none.
    signature: str
    timestamp: str = ""
    id: str = ""
    #: Whether a request without an id is refused.
    needs_id: bool = False
    #: What is signed, of the id, the text of the moment and the body.
    content: Callable[[str, str, bytes], bytes]
    #: The digests that a header of signatures holds; what cannot be one is left out.
    digests: Callable[[str], list[bytes]]
    #: A header of signatures that holds a digest.
    written: Callable[[bytes], str]


def _hexadecimal(text: str) -> list[bytes]:
    found = re.fullmatch(r"(?:sha256=)?([0-9a-fA-F]{64})", text.strip())
    return [bytes.fromhex(found[1])] if found else []


def _base64s(text: str) -> list[bytes]:
    found = []
    for one in text.split():
        if one.startswith(_STANDARD_VERSION):
            try:
                found.append(base64.b64decode(one.removeprefix(_STANDARD_VERSION), validate=True))
            except (binascii.Error, ValueError):
                continue
    return found


SCHEMES: Mapping[Scheme, Signing] = {
    Scheme.STANDARD: Signing(
        signature="webhook-signature",
        timestamp="webhook-timestamp",
        id="webhook-id",
        needs_id=True,
        content=lambda id_, moment, body: b".".join((id_.encode(), moment.encode(), body)),
        digests=_base64s,
        written=lambda digest: _STANDARD_VERSION + base64.b64encode(digest).decode(),
    ),
    Scheme.GITHUB: Signing(
        signature="x-hub-signature-256",
        id="x-github-delivery",
        needs_id=True,
        content=lambda _id, _moment, body: body,
        digests=_hexadecimal,
        written=lambda digest: f"sha256={digest.hex()}",
    ),
    Scheme.TIMESTAMP: Signing(
        signature="x-signature",
        timestamp="x-timestamp",
        id="x-delivery-id",
        content=lambda _id, moment, body: b".".join((moment.encode(), body)),
        digests=_hexadecimal,
        written=lambda digest: digest.hex(),
    ),
}


def secrets_of(text: str) -> tuple[str, ...]:
    """The values of a secret, one a line, without those beyond the second."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())[:MOST_SECRETS]


def verify(scheme: Scheme, secrets: Iterable[str], headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The id of a request's delivery, which is the same when it is sent again; it can stand behind a slot's ``#``.

    ``headers`` are in lower case. Raises :class:`~orchestrator.errors.RequestRefused`, which says what is missing and
    never what would be right.
    """
    signing = SCHEMES[scheme]
    wanted = [signing.signature, signing.timestamp, signing.id if signing.needs_id else ""]
    if missing := [name for name in wanted if name and not headers.get(name)]:
        raise RequestRefused(401, "NotSigned", f"the request has no header {' and no '.join(missing)}")
    moment, id_ = headers.get(signing.timestamp, ""), headers.get(signing.id, "")
    if signing.timestamp:
        _check_moment(moment, signing.timestamp, now)
    content, given = signing.content(id_, moment, body), signing.digests(headers[signing.signature])
    # Each is compared, so that the time tells nobody which one was right.
    matches = [hmac.compare_digest(_digest(secret, content), digest) for secret in secrets for digest in given]
    if not any(matches):
        raise RequestRefused(
            401, "SignatureMismatch", f"{signing.signature} is not what the secret and {_signed(signing)} give"
        )
    id_ = id_ or hashlib.sha256(content).hexdigest()
    return id_ if _SLOT_ID.fullmatch(id_) else hashlib.sha256(id_.encode()).hexdigest()


def sign(scheme: Scheme, secret: str, body: bytes, *, delivery_id: str, now: datetime) -> dict[str, str]:
    """The headers of a request that :func:`verify` takes."""
    signing, moment = SCHEMES[scheme], str(int(now.timestamp()))
    digest = _digest(secret, signing.content(delivery_id, moment, body))
    headers = {signing.id: delivery_id, signing.timestamp: moment, signing.signature: signing.written(digest)}
    return {name: text for name, text in headers.items() if name}


def _check_moment(text: str, header: str, now: datetime) -> None:
    try:
        sent = datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        raise RequestRefused(401, "NotSigned", f"expected seconds since 1970 in {header}") from None
    if abs((now - sent).total_seconds()) > TOLERANCE_SECONDS:
        said = f"{header} is more than {TOLERANCE_SECONDS} s from now: sign it anew, and look at the sender's clock"
        raise RequestRefused(401, "NotNow", said)


def _signed(signing: Signing) -> str:
    parts = [
        *(["the id"] if signing.needs_id and signing.timestamp else []),
        *(["the moment"] * bool(signing.timestamp)),
    ]
    return ", ".join([*parts, "the body"])


def _digest(secret: str, content: bytes) -> bytes:
    return hmac.new(_key(secret), content, hashlib.sha256).digest()


def _key(secret: str) -> bytes:
    if secret.startswith(_STANDARD_PREFIX):
        with suppress(binascii.Error, ValueError):
            return base64.b64decode(secret.removeprefix(_STANDARD_PREFIX), validate=True)
    return secret.encode()
