"""What webhooks send is by Standard Webhooks, as its own library finds."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from api.clock import now_ms
from api.jobs.standard_webhooks import headers_of, letter_of, reset_of
from api.models.log import Entry, unreadable
from api.rooms.webhooks import new_secret
from tests.store.make import make_webhook

SAID = {"body": "grüße 👋", "reply_to": None}
ENTRY = Entry("room-den", 7, "message", "user-alice", "alice", 1_700_000_000_123, "r", {**SAID})
WEBHOOK = make_webhook("room-den", secret=new_secret())


def test_the_library_of_the_standard_verifies_what_is_sent() -> None:
    letter = letter_of(WEBHOOK, "epoch", ENTRY, 0)
    headers = headers_of(letter, [WEBHOOK.secret], now_ms())
    body = Verifier(WEBHOOK.secret).verify(letter.body, headers)
    assert body == {
        "type": "room.message",
        "timestamp": "2023-11-14T22:13:20.123Z",
        "data": {
            "type": "message",
            "room_id": "room-den",
            "epoch": "epoch",
            "seq": 7,
            "at": "2023-11-14T22:13:20.123Z",
            "user_id": "user-alice",
            "username": "alice",
            "ref": "r",
            "body": "grüße 👋",
            "reply_to": None,
        },
    }
    assert (
        Verifier(WEBHOOK.secret).sign(
            letter.id, datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC), letter.body.decode()
        )
        == headers["webhook-signature"]
    )


def test_a_letter_that_was_changed_or_signed_otherwise_or_long_ago_is_refused() -> None:
    letter = letter_of(WEBHOOK, "epoch", ENTRY, 0)
    headers = headers_of(letter, [WEBHOOK.secret], now_ms())
    old = headers_of(letter, [WEBHOOK.secret], now_ms() - int(timedelta(minutes=6).total_seconds() * 1_000))
    other = new_secret()
    for secret, body, sent in (
        (other, letter.body, headers),
        (WEBHOOK.secret, letter.body + b" ", headers),
        (WEBHOOK.secret, letter.body, headers | {"webhook-id": "msg_other"}),
        (WEBHOOK.secret, letter.body, old),
    ):
        with pytest.raises(WebhookVerificationError):
            Verifier(secret).verify(body, sent)


def test_while_a_secret_changes_both_secrets_verify() -> None:
    letter, now = letter_of(WEBHOOK, "epoch", ENTRY, 0), now_ms()
    earlier = new_secret()
    changing = make_webhook("room-den", secret=WEBHOOK.secret, earlier_secret=earlier, earlier_until=now + 1)
    headers = headers_of(letter, changing.secrets(now), now)
    for secret in (WEBHOOK.secret, earlier):
        assert Verifier(secret).verify(letter.body, headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(earlier).verify(letter.body, headers_of(letter, changing.secrets(now + 1), now))


def test_an_id_is_that_of_webhook_room_epoch_and_seq_and_of_nothing_else() -> None:
    first = letter_of(WEBHOOK, "epoch", ENTRY, 0)
    changed = Entry("room-den", 7, "message", "user-alice", "erased", 1, None, {"body": "", "reply_to": None})
    assert (
        letter_of(make_webhook("room-den", url="https://other.example/"), "epoch", changed, 9).id == first.id
    )
    others = [
        letter_of(make_webhook("room-den", 1), "epoch", ENTRY, 0),
        letter_of(make_webhook("room-two"), "epoch", ENTRY, 0),
        letter_of(WEBHOOK, "epoch2", ENTRY, 0),
        letter_of(WEBHOOK, "epoch", unreadable("room-den", 8), 0),
        reset_of(WEBHOOK, "epoch", 7, 0),
    ]
    assert len({one.id for one in [first, *others]}) == 6
    assert all("." not in one.id for one in others)


def test_an_entry_that_cannot_be_read_and_a_reset_are_sent_as_such() -> None:
    bad = json.loads(letter_of(WEBHOOK, "e", unreadable("room-den", 8), 1_000).body)
    assert bad == {
        "type": "room.unreadable",
        "timestamp": "1970-01-01T00:00:01.000Z",
        "data": {"type": "unreadable", "room_id": "room-den", "epoch": "e", "seq": 8, "at": None},
    }
    reset = json.loads(reset_of(WEBHOOK, "e", 8, 1_000).body)
    assert (reset["type"], reset["data"]) == (
        "room.reset",
        {"type": "reset", "room_id": "room-den", "epoch": "e", "seq": 8},
    )


def test_the_data_of_an_entry_cannot_pretend_another_place() -> None:
    odd = Entry("room-den", 7, "odd", "u", "u", 1, None, {"epoch": "x", "seq": 1, "room_id": "y", "more": 2})
    data = json.loads(letter_of(WEBHOOK, "epoch", odd, 0).body)["data"]
    assert (data["epoch"], data["seq"], data["room_id"], data["more"]) == ("epoch", 7, "room-den", 2)
