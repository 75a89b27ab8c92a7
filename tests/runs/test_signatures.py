"""Which requests count as signed, by whom, and when."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator import instants
from orchestrator.errors import RequestRefused
from orchestrator.runs.signatures import SCHEMES, TOLERANCE_SECONDS, secrets_of, sign, verify
from orchestrator.tasks.inbound import Scheme

NOW = datetime.fromtimestamp(1614265330, UTC)
BODY = b'{"test": 2432232314}'

#: The example of "Standard Webhooks" libraries, and that of "Validating webhook deliveries".
STANDARD = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
GITHUB = {
    "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
}
GITHUB_SECRET = "It's a Secret to Everybody"


def test_the_examples_of_the_specifications_are_taken() -> None:
    assert verify(Scheme.STANDARD, [STANDARD_SECRET], STANDARD, BODY, NOW) == STANDARD["webhook-id"]
    assert verify(Scheme.GITHUB, [GITHUB_SECRET], GITHUB, b"Hello, World!", NOW) == GITHUB["x-github-delivery"]


@pytest.mark.parametrize("scheme", list(Scheme))
def test_what_is_signed_is_taken_and_what_is_changed_is_not(scheme: Scheme) -> None:
    headers = sign(scheme, "new", BODY, delivery_id="a1", now=NOW)
    assert verify(scheme, ["old", "new"], headers, BODY, NOW) == "a1"
    for secrets, given, body in (
        (["old"], headers, BODY),
        ([], headers, BODY),
        (["new"], headers, BODY + b" "),
        (["new"], {**headers, SCHEMES[scheme].signature: "v1,x sha256=12"}, BODY),
    ):
        with pytest.raises(RequestRefused) as refused:
            verify(scheme, secrets, given, body, NOW)
        assert (refused.value.status, refused.value.error) == (401, "SignatureMismatch")
        assert "new" not in str(refused.value)


@pytest.mark.parametrize("scheme", [Scheme.STANDARD, Scheme.TIMESTAMP])
@pytest.mark.parametrize(
    ("seconds", "error"),
    [(TOLERANCE_SECONDS, ""), (-TOLERANCE_SECONDS, ""), (TOLERANCE_SECONDS + 1, "NotNow"), (-400, "NotNow")],
)
def test_a_request_counts_for_some_minutes(scheme: Scheme, seconds: int, error: str) -> None:
    headers = sign(scheme, "s", BODY, delivery_id="a1", now=NOW)
    try:
        verify(scheme, ["s"], headers, BODY, NOW + timedelta(seconds=seconds))
        said = ""
    except RequestRefused as refused:
        said = refused.error
    assert said == error


@pytest.mark.parametrize(
    ("scheme", "change", "error"),
    [
        (Scheme.STANDARD, {"webhook-id": ""}, "no header webhook-id"),
        (Scheme.STANDARD, {"webhook-signature": "", "webhook-timestamp": ""}, "webhook-signature and no webhook-time"),
        (Scheme.STANDARD, {"webhook-timestamp": "yesterday"}, "seconds since 1970"),
        (Scheme.STANDARD, {"webhook-timestamp": "9" * 30}, "seconds since 1970"),
        (Scheme.STANDARD, {"webhook-id": "a2"}, "the id, the moment, the body"),
        (Scheme.GITHUB, {"x-github-delivery": ""}, "no header x-github-delivery"),
        (Scheme.TIMESTAMP, {"x-timestamp": str(int(NOW.timestamp()) + 1)}, "the moment, the body"),
    ],
)
def test_what_is_missing_or_odd_is_said(scheme: Scheme, change: dict[str, str], error: str) -> None:
    headers = {**sign(scheme, "s", BODY, delivery_id="a1", now=NOW), **change}
    with pytest.raises(RequestRefused, match=error):
        verify(scheme, ["s"], headers, BODY, NOW)


def test_any_of_several_signatures_counts() -> None:
    other = base64.b64encode(b"x" * 32).decode()
    headers = {**STANDARD, "webhook-signature": f"v1a,zzz v1,{other} {STANDARD['webhook-signature']}"}
    assert verify(Scheme.STANDARD, [STANDARD_SECRET], headers, BODY, NOW)


def test_an_id_can_stand_in_a_slot() -> None:
    for given in ("a1", "a b/ü#", "x" * 200):
        headers = sign(Scheme.GITHUB, "s", BODY, delivery_id=given, now=NOW)
        found = verify(Scheme.GITHUB, ["s"], headers, BODY, NOW)
        assert instants.is_slot(f"2026-12-01T08:00:00Z#{found}")
        assert (found == given) is (given == "a1")
    # Without one, what is signed tells a delivery from others.
    headers = sign(Scheme.TIMESTAMP, "s", BODY, delivery_id="", now=NOW)
    del headers["x-delivery-id"]
    assert len(verify(Scheme.TIMESTAMP, ["s"], headers, BODY, NOW)) == 64


def test_a_secret_has_two_values_at_most_and_none_that_is_empty() -> None:
    assert secrets_of("one two\n\n  three\nfour\n") == ("one two", "three")
    assert secrets_of("\n") == ()
