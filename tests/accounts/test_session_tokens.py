"""Tokens of sessions. One that differs from ours in anything is refused, and another library reads ours alike."""

import json
from typing import Any, Final

import pytest
from joserfc import jwt as independent
from joserfc.jwk import OctKey

from api.accounts import session_tokens
from api.accounts.session_tokens import (
    AUDIENCE,
    ISSUED_LEEWAY_SECONDS,
    ISSUER,
    LEEWAY_SECONDS,
    Tokens,
    refresh_hash,
    session_of,
)
from api.errors import Unauthorized
from api.protocol.fields import MAX_TOKEN_CHARACTERS
from tests.accounts.forging import CLAIMS, FAR, HEADER, OTHER_SECRET, OURS, SECRET, TOKENS, forge, sign

NOW: Final = 1_800_000_000
"""The time of every test here, in seconds."""


def refused(token: str, now: int = NOW) -> bool:
    """Whether a token is answered with `Unauthorized`; any other exception fails the test."""
    try:
        TOKENS.verify(token, now=now * 1000)
    except Unauthorized:
        return True
    return False


def test_the_forger_can_make_a_good_token() -> None:
    """Without this, the refusals below would prove nothing."""
    claims = TOKENS.verify(forge(), now=NOW * 1000)
    assert (claims.user_id, claims.session_id, claims.expires_at) == ("user", "session", FAR * 1000)


def test_a_token_that_was_verified_before_ends_when_it_ends() -> None:
    token = TOKENS.issue("user", "session", now=0, expires_at=(FAR - 1) * 1000)
    ending = FAR - 1 + LEEWAY_SECONDS
    assert [refused(token, now) for now in (NOW, ending - 1, ending, NOW)] == [False, False, True, False]


def test_a_bounded_number_of_tokens_is_remembered_and_those_forgotten_hold_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_tokens, "MAX_REMEMBERED", 2)
    tokens = Tokens(SECRET)
    shown = [tokens.issue(f"user-{i}", "session", now=0, expires_at=FAR * 1000) for i in range(4)]
    for _ in range(2):
        assert [tokens.verify(one, now=NOW * 1000).user_id[-1] for one in shown] == ["0", "1", "2", "3"]
    assert len(tokens._remembered) == 2


def test_another_library_verifies_ours_and_finds_the_promised_claims() -> None:
    found = independent.decode(OURS, OctKey.import_key(SECRET), algorithms=["HS256"])
    assert found.header["alg"] == "HS256"
    assert set(found.header) == {"alg", "typ", "kid"}
    assert SECRET not in str(found.header)
    assert set(found.claims) == {"iss", "aud", "sub", "sid", "jti", "iat", "exp", "typ"}
    assert (found.claims["iss"], found.claims["aud"], found.claims["typ"]) == (ISSUER, AUDIENCE, "access")
    assert (found.claims["sub"], found.claims["sid"]) == ("user", "session")
    assert (found.claims["iat"], found.claims["exp"]) == (0, FAR)


def test_we_verify_what_another_library_signed_with_our_key() -> None:
    token = independent.encode(HEADER, CLAIMS, OctKey.import_key(SECRET), algorithms=["HS256"])
    assert not refused(token)


def test_no_two_tokens_are_alike() -> None:
    assert TOKENS.issue("user", "session", now=0, expires_at=FAR * 1000) != OURS


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(forge(alg="none"), id="alg-none"),
        pytest.param(forge(alg="none").rpartition(".")[0] + ".", id="alg-none-unsigned"),
        pytest.param(forge(alg="NONE"), id="alg-none-upper"),
        pytest.param(forge(alg="hs256"), id="alg-lower"),
        pytest.param(forge(alg="HS512", digest="sha512"), id="alg-hs512"),
        pytest.param(forge(digest="sha512"), id="hs512-said-to-be-hs256"),
        pytest.param(forge(alg="RS256"), id="alg-rs256"),
        pytest.param(forge(alg=...), id="alg-missing"),
        pytest.param(forge(alg=["HS256"]), id="alg-list"),
        pytest.param(forge(alg={"HS256": 1}), id="alg-object"),
        pytest.param(forge(alg=None), id="alg-null"),
        pytest.param(forge(secret=OTHER_SECRET), id="other-secret"),
        pytest.param(forge(secret=""), id="empty-secret"),
        pytest.param(forge(secret=OTHER_SECRET, jwk={"kty": "oct", "k": OTHER_SECRET}), id="own-jwk"),
        pytest.param(
            Tokens(OTHER_SECRET).issue("user", "session", now=0, expires_at=FAR * 1000), id="other-server"
        ),
        pytest.param(forge(kid="0" * 16), id="other-kid"),
        pytest.param(forge(kid=...), id="kid-missing"),
        pytest.param(forge(kid="../../dev/null"), id="kid-path"),
        pytest.param(forge(kid="' OR 1=1 --"), id="kid-sql"),
        pytest.param(forge(kid="x" * 10_240), id="kid-10-kb"),
        pytest.param(forge(kid=""), id="kid-empty"),
        pytest.param(forge(secret="secret", kid=...), id="sample-secret"),
        pytest.param(forge(secret=OTHER_SECRET, jku="https://evil.test/keys"), id="jku"),
        pytest.param(forge(secret=OTHER_SECRET, x5u="https://evil.test/cert"), id="x5u"),
        pytest.param(forge(alg="ES256"), id="alg-es256"),
        pytest.param(forge(alg="nOnE").rpartition(".")[0] + ".", id="alg-none-mixed"),
        pytest.param(forge(kid=[HEADER["kid"]]), id="kid-list"),
        pytest.param(forge(crit=["exp"]), id="crit"),
    ],
)
def test_a_header_that_is_not_ours_does_not_hold(token: str) -> None:
    assert refused(token)


OTHER_KINDS: Final[tuple[Any, ...]] = (..., None, [], {}, True, "", 1.5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, value)
        for name in sorted(CLAIMS)
        for value in OTHER_KINDS
        if (name, value) != ("jti", "")  # a jti may be any text, since nothing is looked up by it
    ],
)
def test_a_claim_that_is_missing_or_of_another_kind_does_not_hold(name: str, value: Any) -> None:
    assert refused(forge({name: value}))


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"typ": "refresh"}, id="typ-refresh"),
        pytest.param({"typ": ["access"]}, id="typ-list"),
        pytest.param({"aud": "another"}, id="aud-other"),
        pytest.param({"aud": [AUDIENCE]}, id="aud-list"),
        pytest.param({"aud": [AUDIENCE, "another"]}, id="aud-two"),
        pytest.param({"iss": "another"}, id="iss-other"),
        pytest.param({"iss": [ISSUER]}, id="iss-list"),
        pytest.param({"sub": 7}, id="sub-int"),
        pytest.param({"sid": ["session"]}, id="sid-list"),
        pytest.param({"exp": str(FAR)}, id="exp-text"),
        pytest.param({"exp": float("inf")}, id="exp-infinite"),
        pytest.param({"exp": float("nan")}, id="exp-nan"),
        pytest.param({"exp": 10**400}, id="exp-huge"),
        pytest.param({"exp": 2**53}, id="exp-past-safe"),
        pytest.param({"exp": 0}, id="exp-zero"),
        pytest.param({"exp": -1}, id="exp-negative"),
        pytest.param({"iat": str(NOW)}, id="iat-text"),
        pytest.param({"iat": NOW + ISSUED_LEEWAY_SECONDS + 1}, id="iat-to-come"),
        pytest.param({"exp": 1_000_000_000}, id="exp-past"),
        pytest.param({"nbf": FAR}, id="nbf-to-come"),
        pytest.param({"nbf": "soon"}, id="nbf-text"),
    ],
)
def test_a_claim_out_of_bounds_does_not_hold(claims: dict[str, Any]) -> None:
    assert refused(forge(claims))


def test_a_token_ends_at_its_time_give_or_take_the_leeway() -> None:
    assert not refused(OURS, FAR + LEEWAY_SECONDS - 1)
    assert refused(OURS, FAR + LEEWAY_SECONDS)


def test_a_token_holds_when_its_node_is_a_minute_ahead() -> None:
    for name in ("iat", "nbf"):
        assert not refused(forge({name: NOW + ISSUED_LEEWAY_SECONDS}))
        assert refused(forge({name: NOW + ISSUED_LEEWAY_SECONDS + 1}))


BOMB: Final = b'{"alg":' + b"[" * 1_400 + b"]" * 1_400 + b"}"


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty"),
        pytest.param(".", id="dot"),
        pytest.param("..", id="dots"),
        pytest.param("a.b.c", id="no-base64"),
        pytest.param("\u00e9.\u00e9.\u00e9", id="not-ascii"),
        pytest.param("\ud800.a.b", id="lone-surrogate"),
        pytest.param("\0" * 10, id="nul"),
        pytest.param(OURS.rpartition(".")[0], id="no-signature"),
        pytest.param(OURS.rpartition(".")[0] + ".", id="empty-signature"),
        pytest.param(f"{OURS}.{OURS}", id="two-tokens"),
        pytest.param(f"{OURS}=", id="padded"),
        pytest.param(f"Bearer {OURS}", id="with-its-scheme"),
        pytest.param(sign(b"[]", b"{}"), id="header-array"),
        pytest.param(sign(b"null", b"{}"), id="header-null"),
        pytest.param(sign(b'"HS256"', b"{}"), id="header-string"),
        pytest.param(sign(b"\xff\xfe", b"{}"), id="header-no-utf8"),
        pytest.param(sign(b"", b""), id="header-empty"),
        pytest.param(sign(b"7", b"7"), id="header-number"),
        pytest.param(sign(json.dumps(HEADER).encode(), b"[]"), id="claims-array"),
        pytest.param(sign(json.dumps(HEADER).encode(), b"null"), id="claims-null"),
        pytest.param(sign(json.dumps(HEADER).encode(), b"\xff"), id="claims-no-utf8"),
        pytest.param(sign(json.dumps(HEADER).encode(), b"[" * 2_500), id="claims-bomb"),
        pytest.param(sign(BOMB, b"{}"), id="header-bomb"),
        pytest.param(sign(b"[" * 2_800, b"{}"), id="header-bomb-open"),
        pytest.param(sign(b'{"alg":' + b"9" * 2_900 + b"}", b"{}"), id="header-digits"),
        pytest.param("x" * 5_000, id="5000-characters"),
        pytest.param("x" * 1_000_000, id="a-million-characters"),
        pytest.param(
            ".".join(["eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIiwiemlwIjoiREVGIn0", *"abcd"]), id="jwe"
        ),
        pytest.param("." * 4_000, id="4000-dots"),
        pytest.param(forge(pad="x" * 5_000), id="signed-but-5000-characters"),
    ],
)
def test_a_text_that_is_no_token_does_not_hold(token: str) -> None:
    assert refused(token)


def test_the_bombs_are_short_enough_to_be_looked_at() -> None:
    """Longer ones would be refused for their length alone."""
    assert len(sign(BOMB, b"{}")) <= MAX_TOKEN_CHARACTERS
    assert len(sign(b"[" * 2_800, b"{}")) <= MAX_TOKEN_CHARACTERS


def test_no_single_character_of_a_token_may_change() -> None:
    for place, character in enumerate(OURS[:-1]):  # the last character has bits that no decoder reads
        changed = "A" if character != "A" else "B"
        assert refused(OURS[:place] + changed + OURS[place + 1 :]), place


def test_a_token_names_its_pair_or_none_but_nothing_else() -> None:
    named = TOKENS.issue("user", "session", now=0, expires_at=FAR * 1000, generation="0a1b")
    assert TOKENS.verify(named, now=NOW * 1000).generation == "0a1b"
    assert TOKENS.verify(OURS, now=NOW * 1000).generation is None
    others: tuple[Any, ...] = (1, True, ["0a1b"], {})
    assert all(refused(forge({"gen": value})) for value in others)


def test_of_the_remembered_tokens_the_one_in_use_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_tokens, "MAX_REMEMBERED", 2)
    tokens, now = Tokens(SECRET), NOW * 1000
    daily, *others = (tokens.issue("user", f"{n}", now=0, expires_at=FAR * 1000) for n in range(4))
    for other in others:
        tokens.verify(daily, now=now)
        tokens.verify(other, now=now)
    assert {claims.session_id for claims in tokens._remembered.values()} == {"0", "3"}


# -- a change of secrets


def test_a_token_holds_while_its_key_is_among_ours_and_new_ones_are_signed_by_the_first() -> None:
    turned = Tokens(OTHER_SECRET, SECRET)
    assert turned.verify(OURS, now=NOW * 1000).user_id == "user"
    fresh = turned.issue("user", "session", now=0, expires_at=FAR * 1000)
    assert Tokens(OTHER_SECRET).verify(fresh, now=NOW * 1000).user_id == "user"
    for rotated_out in (Tokens(OTHER_SECRET), Tokens(OTHER_SECRET, "x" * 32)):
        with pytest.raises(Unauthorized):
            rotated_out.verify(OURS, now=NOW * 1000)


def test_each_key_signs_under_its_own_id_only() -> None:
    turned = Tokens(OTHER_SECRET, SECRET)
    with pytest.raises(Unauthorized):
        turned.verify(forge(secret=OTHER_SECRET), now=NOW * 1000)


def test_nodes_amid_a_change_derive_the_same_refresh_token_and_know_that_of_before() -> None:
    first = TOKENS.first_refresh("session")
    turned, back = (
        Tokens(*both).successors(first) for both in ((SECRET, OTHER_SECRET), (OTHER_SECRET, SECRET))
    )
    assert list(turned.items()) == list(back.items())
    alone = [next(iter(Tokens(one).successors(first).items())) for one in (SECRET, OTHER_SECRET)]
    assert sorted(turned.items()) == sorted(alone)


# -- refresh tokens


def test_a_refresh_token_names_its_session_and_its_successor_is_derived() -> None:
    first = TOKENS.first_refresh("session")
    assert session_of(first) == "session"
    assert first != TOKENS.first_refresh("session")
    ((hash_, second),) = TOKENS.successors(first).items()
    assert (hash_, TOKENS.successors(first)) == (refresh_hash(second), {hash_: second})
    assert session_of(second) == "session"
    assert second not in {first, *TOKENS.successors(second).values()}
    assert hash_ not in Tokens(OTHER_SECRET).successors(first)
    assert first not in refresh_hash(first)
