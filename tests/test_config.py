"""Settings are brought into their normal form, and those that can never work are refused at the start."""

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from api.config import Settings, SettingsError, read_settings
from api.config.shown import shown_settings


@pytest.mark.parametrize(
    ("said", "normal"),
    [
        ("https://chat.example.org", "https://chat.example.org"),
        ("https://chat.example.org/", "https://chat.example.org"),
        ("https://chat.example.org:443", "https://chat.example.org"),
        ("http://chat.example.org:80", "http://chat.example.org"),
        ("https://chat.example.org:80", "https://chat.example.org:80"),
        ("HTTPS://Chat.Example.ORG", "https://chat.example.org"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://BÜCHER.example:8443", "https://xn--bcher-kva.example:8443"),
        ("https://faß.example", "https://xn--fa-hia.example"),
        ("http://[2001:DB8::0:1]:80", "http://[2001:db8::1]"),
        ("http://localhost:5173", "http://localhost:5173"),
    ],
)
def test_a_listed_origin_is_kept_as_browsers_write_it(said: str, normal: str) -> None:
    assert Settings(origins=said).origins == (normal,)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[
            ("origins", one)
            for one in (
                "*",
                "null",
                "chat.example.org",
                "ws://chat.example.org",
                "https://",
                "https://chat.example.org/page",
                "https://chat.example.org?",
                "https://chat.example.org#x",
                "https://user@chat.example.org",
                "https://chat.example.org:99999",
                "https://*.example.org",
                "https://chat..example.org",
                "https://127.1",
                "https://0x7f000001",
                "https://[::1",
                "https://[::ffff:127.0.0.1]",
                "https://[fe80::1%25eth0]",
            )
        ],
        *[
            ("url", one)
            for one in (
                "chat.example.org",
                "ftp://chat.example.org",
                "https://chat.example.org/?room=1",
                "https://chat.example.org/#/",
                "https://user:secret@chat.example.org",
                "https://chat.example.org//chat",
                "https://chat.example.org/../chat",
                "https://chat.example.org/a b",
            )
        ],
        *[("hosts", one) for one in ("https://chat.example.org", "chat.example.org:443", "*", "a/b", "-")],
        *[
            ("trusted_proxies", one)
            for one in ("0.0.0.0/0", "::/0", "0.0.0.0/1,128.0.0.0/1", "::ffff:0:0/96")
        ],
    ],
)
def test_what_can_never_match_or_matches_everybody_is_refused(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = "TAILWIRE_" + name.upper()
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as refused:
        read_settings()
    assert str(refused.value).startswith(variable)


def test_the_address_of_the_server_keeps_its_path_without_a_slash_at_its_end() -> None:
    assert Settings(url="https://Example.org:443/chat/").url == "https://example.org/chat"
    assert Settings(url="https://example.org/").url == "https://example.org"


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [
        ({}, set()),
        ({"host": "localhost"}, set()),
        ({"host": "127.0.0.2"}, {"127.0.0.2"}),
        (
            {"url": "https://chat.example.org/x", "origins": ("https://a.example:9",)},
            {"chat.example.org", "a.example"},
        ),
        ({"hosts": "B.Example, [2001:DB8::1]"}, {"b.example", "2001:db8::1"}),
        ({"host": "0.0.0.0", "hosts": "b.test", "url": "https://c.test"}, {"b.test", "c.test"}),  # noqa: S104  # noqa: S104
        ({"host": "0.0.0.0", "url": "https://c.example"}, None),  # noqa: S104  # noqa: S104
        ({"host": "::"}, None),
        ({"host": "192.0.2.1"}, None),
    ],
)
def test_the_hosts_at_which_a_server_answers(settings: dict[str, Any], allowed: set[str] | None) -> None:
    own = {"localhost", "127.0.0.1", "::1"}
    assert Settings(**settings).allowed_hosts == (None if allowed is None else own | allowed)


@pytest.mark.parametrize(
    ("settings", "mode"),
    [
        ({}, "open"),
        ({"host": "localhost"}, "open"),
        ({"host": "::1"}, "open"),
        ({"host": "0.0.0.0"}, "invite"),  # noqa: S104
        ({"host": "192.168.0.7"}, "invite"),
        ({"host": "chat.example.org"}, "invite"),
        ({"production": True}, "invite"),
        ({"url": "https://chat.example.org"}, "invite"),
        ({"trusted_proxies": "10.0.0.0/8"}, "invite"),
        ({"host": "0.0.0.0", "signup": "open"}, "open"),  # noqa: S104
        ({"signup": "closed"}, "closed"),
    ],
)
def test_everybody_may_sign_up_only_where_no_stranger_comes_or_where_it_is_said(
    settings: dict[str, Any], mode: str
) -> None:
    assert Settings(**settings).signup_mode == mode


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///data/tailwire.db", "sqlite:///data/tailwire.db"),
        ("sqlite:////srv/a:b@c.db", "sqlite:////srv/a:b@c.db"),
        ("rethinkdb://db:28015/tailwire", "rethinkdb://db:28015/tailwire"),
        ("rethinkdb://app@db/tailwire", "rethinkdb://app@db/tailwire"),
        ("rethinkdb://app:hunter2@db:28015/tailwire", "rethinkdb://app:***@db:28015/tailwire"),
        ("rethinkdb://app:hunter2/@x@db/tailwire", "rethinkdb://app:***@db/tailwire"),
        ("rethinkdb://:hunter2@db/tailwire", "rethinkdb://:***@db/tailwire"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    (store,) = [one for one in shown_settings(Settings(store=url)) if one.name == "TAILWIRE_STORE"]
    assert (store.value, store.source) == (shown, "environment")


def test_every_setting_is_shown_with_its_source_and_secrets_without_their_value() -> None:
    settings = Settings(secret=SecretStr("9f3c1be07a5d42d8816eab2c94f7d05e"), trusted_proxies="10.0.0.0/8")
    shown = {one.name.removeprefix("TAILWIRE_").lower(): one for one in shown_settings(settings)}
    assert shown.keys() == Settings.model_fields.keys() - {"test_rethinkdb"}
    assert {name for name, one in shown.items() if one.is_secret} == {
        name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)
    }
    assert all(one.value is None for one in shown.values() if one.is_secret)
    assert (shown["secret"].source, shown["secret"].is_set) == ("environment", True)
    assert (shown["signup"].value, shown["signup"].source) == ("invite", "derived")
    assert shown["trusted_proxies"].value == ["10.0.0.0/8"]
    assert "9f3c1be07a5d" not in repr(shown)


def test_a_folder_of_one_machine_is_refused_where_other_nodes_would_not_find_its_files() -> None:
    for files in ("data/files", "/srv/files"):
        with pytest.raises(ValidationError, match="TAILWIRE_FILES_SHARED"):
            Settings(store="rethinkdb://db/tailwire", files=files)
        assert Settings(store="rethinkdb://db/tailwire", files=files, files_shared=True).files == files
        assert Settings(store="sqlite:///data/tailwire.db", files=files).files == files
    for place in (None, "off", "s3://bucket/prefix"):
        assert Settings(store="rethinkdb://db/tailwire", files=place).files == place


def test_browsers_are_led_to_a_bucket_only_and_to_an_address_that_the_policy_of_the_page_can_name() -> None:
    for place in ("https://s3.example.org", "http://127.0.0.1:9000", "http://[::1]:9000"):
        settings = Settings(files="s3://bucket", files_public_endpoint=place)
        assert settings.files_public_endpoint == place
    for wrong in (
        "s3.example.org",
        "https://s3.example.org/",
        "https://a; script-src *",
        "ftp://a",
        "https://*",
    ):
        with pytest.raises(ValidationError, match="TAILWIRE_FILES_PUBLIC_ENDPOINT"):
            Settings(files="s3://bucket", files_public_endpoint=wrong)
    for elsewhere in (None, "off", "data/files"):
        with pytest.raises(ValidationError, match="s3://"):
            Settings(files=elsewhere, files_public_endpoint="https://s3.example.org")
