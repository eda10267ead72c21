"""What administrators, owners of rooms and owners of bots ask of a real server by the client."""

from pathlib import Path

import pytest

from conftest import QUICK, MakeClient
from tailwire_client import AccountOfUser, Client, Invalid, NotFound, Pair, Problem, Session, Unauthorized
from tests.accounts.programs import make_admin
from tests.files.hostile import png
from tests.node import PASSWORD, Node

pytestmark = pytest.mark.anyio


@pytest.fixture
async def chief(server: Node, make_client: MakeClient, tmp_path: Path) -> Client:
    """An administrator."""
    person = await server.sign_up("ada")
    await make_admin(f"sqlite:///{tmp_path / 'tailwire.db'}", person)
    pair = Pair(person.access_token, person.refresh_token, 900)
    return await make_client(server.url, credentials=Session(pair=pair, pace=QUICK))


async def test_pictures_are_set_shown_and_taken_away(chief: Client, bob: Client) -> None:
    avatar = await bob.avatars.set(png())
    assert avatar is not None
    him = await bob.account.me()
    assert (him.avatar, (await bob.avatars.image(avatar))[8:12]) == (avatar, b"WEBP")
    bot = await bob.bots.create("robot")
    assert await bob.avatars.set(png(), bot=bot.id) is not None
    room = await bob.rooms.create("Garden", "public")
    shown = await bob.avatars.set(png(), room=room.id)
    assert (await bob.rooms.get(room.id)).avatar == shown
    await bob.avatars.remove(room=room.id)
    assert (await bob.rooms.get(room.id)).avatar is None
    with pytest.raises(Invalid) as refused:
        await bob.avatars.set(b"no picture")
    assert refused.value.code == "bad_file"
    with pytest.raises(ValueError, match="of a bot or of a room"):
        await bob.avatars.remove(bot=bot.id, room=room.id)
    await chief.admin.accounts.remove_avatar(him.id)
    assert (await bob.account.me()).avatar is None
    await bob.avatars.remove()


async def test_hooks_post_until_they_are_ended(bob: Client, server: Node) -> None:
    room = await bob.rooms.create("Alerts", "private")
    hook = await bob.hooks.create(room.id, "Deploys")
    assert hook.url is not None
    assert hook.url not in repr(hook)
    address = hook.url[hook.url.index("/hooks/") :]
    assert (await server.client().post(address, json={"text": "deployed"})).text == "ok"
    page = await bob.messages.newest(room.id)
    assert (page.items[-1].body, page.items[-1].user_id) == ("deployed", hook.user_id)
    assert [(one.hook_id, one.url) async for one in bob.hooks.of(room.id)] == [(hook.hook_id, None)]
    await bob.hooks.end(room.id, hook.hook_id)
    assert (await server.client().post(address, json={"text": "again"})).status_code == 404


async def test_webhooks_are_made_changed_replayed_and_ended(bob: Client) -> None:
    room = await bob.rooms.create("Orders", "private")
    sent = await bob.send(room.id, "one")
    webhook = await bob.webhooks.create(
        room.id, "https://hooks.example.com/in", kinds=["message"], paused=True
    )
    assert webhook.secret is not None
    assert webhook.secret not in repr(webhook)
    assert (webhook.state, webhook.kinds, webhook.host) == ("paused", ("message",), "hooks.example.com")
    assert [(one.webhook_id, one.secret) for one in await bob.webhooks.of(room.id)] == [
        (webhook.webhook_id, None)
    ]
    assert await bob.webhooks.paused() == ()  # its owner paused it, not the server
    assert (await bob.webhooks.choose(room.id, webhook.webhook_id, None)).kinds is None
    other = "https://hooks.example.com/other"
    assert (await bob.webhooks.change(room.id, webhook.webhook_id, url=other)).url == other
    assert (await bob.webhooks.renew_secret(room.id, webhook.webhook_id)).secret != webhook.secret
    replay = await bob.webhooks.replay(room.id, webhook.webhook_id, sent.seq, epoch=sent.epoch)
    assert replay.from_seq == replay.to_seq == sent.seq
    assert [one async for one in bob.webhooks.deliveries(room.id, webhook.webhook_id)] == []
    assert [one async for one in bob.webhooks.deliveries(room.id, webhook.webhook_id, dead=True)] == []
    await bob.webhooks.end(room.id, webhook.webhook_id)
    assert await bob.webhooks.of(room.id) == ()


async def test_accounts_are_governed(chief: Client, server: Node, make_client: MakeClient) -> None:
    made = await chief.admin.accounts.create("eve", PASSWORD, display_name="Eve")
    assert isinstance(made, AccountOfUser)
    assert [one.id async for one in chief.admin.accounts.all("eve")] == [made.id]
    assert [one.username async for one in chief.admin.accounts.all(state="admin")] == ["ada"]
    eve = await make_client(server.url, credentials=Session("eve", PASSWORD, pace=QUICK))
    with pytest.raises(NotFound):
        await eve.admin.status()
    (login,) = await chief.admin.accounts.sessions(made.id)
    await chief.admin.accounts.end_session(made.id, login.id)
    assert await chief.admin.accounts.sessions(made.id) == ()
    await chief.admin.accounts.set_password(made.id, f"{PASSWORD}!")
    await chief.admin.accounts.end_sessions(made.id)
    assert (await chief.admin.accounts.change(made.id, admin=True)).admin
    assert (await chief.admin.accounts.change(made.id, disabled=True)).disabled
    assert (await chief.admin.accounts.get(made.id)).disabled
    events = [one.event async for one in chief.admin.audit(user_id=made.id)]
    assert {"created", "promoted", "disabled", "password_reset"} <= set(events)
    await chief.admin.accounts.erase(made.id)


async def test_rooms_invites_reports_and_state_are_governed(chief: Client, bob: Client) -> None:
    room = await bob.rooms.create("Garden", "private")
    assert [one.id async for one in chief.admin.rooms.all("gard")] == [room.id]
    assert [one.username async for one in chief.admin.rooms.members(room.id)] == ["bob"]
    await chief.admin.rooms.name_owner(room.id, (await chief.account.me()).id)
    assert (await chief.admin.rooms.get(room.id)).member_count == 2
    sent = await bob.send(room.id, "weeds")
    await chief.messages.report(room.id, sent.seq, "spam", epoch=sent.epoch)
    (report,) = [one async for one in chief.admin.reports.all(state="open")]
    read = await chief.admin.reports.read(report.id)
    assert (read.message and read.message.body, read.reason) == ("weeds", "spam")
    assert (await chief.admin.reports.close(report.id)).state == "closed"
    assert (await chief.admin.reports.reopen(report.id)).state == "open"
    await chief.admin.rooms.delete(room.id)
    invite = await chief.admin.invites.create(max_uses=2)
    assert invite.code is not None
    assert invite.code not in repr(invite)
    assert [one.invite_id async for one in chief.admin.invites.all()] == [invite.invite_id]
    await chief.admin.invites.end(invite.invite_id)
    status = await chief.admin.status()
    assert (status.status, status.nodes[0].current, status.store["up"]) == ("ready", True, True)
    settings = await chief.admin.settings()
    assert {"TAILWIRE_SIGNUP"} <= {one.name for one in settings.items}


async def test_sessions_are_listed_and_ended_and_an_account_is_erased(
    bob: Client, server: Node, make_client: MakeClient
) -> None:
    other = await make_client(server.url, credentials=Session("bob", PASSWORD, pace=QUICK))
    await other.account.me()
    assert [one.current for one in await other.account.sessions()] == [True, False]
    await other.account.end_other_sessions()
    (login,) = await other.account.sessions()
    with pytest.raises(Problem):
        await other.account.set_password("not this one", f"{PASSWORD}!")
    await other.account.set_password(PASSWORD, f"{PASSWORD}!")
    await other.account.erase(f"{PASSWORD}!")
    assert login.current
    gone = await make_client(server.url, credentials=Session("bob", f"{PASSWORD}!", pace=QUICK))
    with pytest.raises(Unauthorized):
        await gone.account.me()
