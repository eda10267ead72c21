"""Integrations of a room: an owner makes a hook by the keyboard, a program posts, and members see by whom."""

from functools import partial
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import Browser, Locator, ViewportSize, expect
from standardwebhooks.webhooks import Webhook as Verifier

from tests.browser.test_accessibility import AXE, Auditor
from tests.browser.windows import escape, window
from tests.node import PASSWORD, Node, eventually
from tests.receiver import Receiver, answer, receiving

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

PHONE: Final = ViewportSize(width=390, height=844)


async def room_of(node: Node, **roles: str) -> str:
    """Make a private room in which these users have these roles."""
    owner = await node.sign_up("olga")
    room = (await owner.http.post("/rooms", json={"name": "Den", "visibility": "private"})).json()["id"]
    for name, role in roles.items():
        (user,) = (await owner.http.get("/users", params={"q": name})).json()["items"]
        added = await owner.http.put(f"/rooms/{room}/members/{user['id']}", json={"role": role})
        assert added.status_code == 200
    return str(room)


@pytest.mark.stores("sqlite")
async def test_a_hook_is_made_by_the_keyboard_and_its_messages_bear_its_name(
    browser: Browser, node: Node
) -> None:
    alice, bob = (
        await window(browser, node, "alice"),
        await window(browser, node, "bob", viewport=PHONE, color_scheme="dark"),
    )
    room = await room_of(node, alice="moderator", bob="member")
    for page in (alice, bob):
        await page.evaluate("hash => { location.hash = hash }", f"#/rooms/{room}")
        await expect(page.get_by_role("heading", name="Den", level=1)).to_be_visible()

    await alice.get_by_role("button", name="More about this room").focus()
    await alice.keyboard.press("Enter")
    await alice.get_by_role("menuitem", name="Integrations").focus()
    await alice.keyboard.press("Enter")
    dialog = alice.get_by_role("dialog", name="Integrations")
    await expect(dialog.get_by_text("This room has no hooks.")).to_be_visible()
    await dialog.get_by_label("Name of a new hook").focus()
    await alice.keyboard.type("Deploys")
    await alice.keyboard.press("Enter")
    address = dialog.get_by_label("Address of Deploys")
    await expect(address).to_be_focused()
    path = urlsplit(await address.input_value()).path
    await expect(dialog.get_by_label("Try it in a terminal")).to_have_value(
        f"curl '{await address.input_value()}'"
        """ -H 'Content-Type: application/json' -d '{"text": "It *works*"}'"""
    )
    await alice.evaluate(AXE.read_text())
    audits = [Auditor(alice, is_touched=False), Auditor(bob, is_touched=False)]
    await audits[0].look("the address of a hook")
    shown = {"username": "<b>CI</b>", "icon_url": "https://pictures.example/i.png", "icon_emoji": ":rocket:"}
    posted = await node.client().post(path, json={"text": "*Build* passed", **shown})
    assert posted.text == "ok"

    message = bob.locator("article", has_text="Build passed")
    await expect(message.locator("strong", has_text="Build")).to_be_visible()
    await expect(message.locator(".bot-mark")).to_have_text("Bot")
    await expect(message.locator(".avatar")).to_have_text("🚀")
    await expect(message.locator("img")).to_have_count(0)
    await message.get_by_role("link", name="<b>CI</b>").focus()
    await bob.keyboard.press("Enter")
    card = bob.get_by_role("dialog", name="Deploys")
    await expect(card).to_contain_text("It only posts: nobody reads what is written to it.")
    await expect(card.get_by_role("button", name="Block")).to_be_visible()
    await expect(card.get_by_role("button", name="Write to them directly")).to_have_count(0)
    await escape(bob)
    await bob.get_by_role("button", name="More about this room").click()
    await bob.get_by_role("menuitem", name="Integrations").click()
    seen = bob.get_by_role("dialog", name="Integrations")
    await expect(seen.get_by_role("listitem")).to_contain_text("Deploys")
    await expect(seen.get_by_role("button", name="Make a hook")).to_have_count(0)
    await expect(seen.get_by_role("button", name="End the hook Deploys")).to_have_count(0)
    await bob.evaluate(AXE.read_text())
    await audits[1].look("the hooks that a member sees")

    await end_for_sure(dialog.get_by_role("button", name="End the hook Deploys"))
    await expect(dialog.get_by_text("Deploys is ended.")).to_be_visible()
    await expect(dialog.get_by_label("Name of a new hook")).to_be_visible()
    await expect(dialog.get_by_role("list", name="Incoming hooks")).to_be_focused()
    assert (await node.client().post(path, json={"text": "late"})).status_code == 404
    assert [audit.found for audit in audits] == [{}, {}]


async def end_for_sure(end: Locator) -> None:
    """Press a button that asks once more, leave it, which takes the question back, and press it twice."""
    await end.press("Enter")
    await expect(end).to_have_text("Really end?")
    await end.press("Tab")
    await expect(end).to_have_text("End")
    await end.press("Enter")
    await expect(end).to_have_text("Really end?")
    await end.press("Enter")


@pytest.mark.stores("sqlite")
@pytest.mark.settings(webhook_allow="127.0.0.0/8")
async def test_an_owner_makes_a_webhook_and_manages_it_to_its_end(browser: Browser, node: Node) -> None:
    alice, bob = (
        await window(browser, node, "alice"),
        await window(browser, node, "bob", viewport=PHONE, color_scheme="dark"),
    )
    room = await room_of(node, alice="owner", bob="member")
    async with receiving() as receiver:
        receiver.answers = lambda _request: answer(503 if len(receiver.requests) else 200)
        for page in (alice, bob):
            await page.evaluate("hash => { location.hash = hash }", f"#/rooms/{room}")
            await page.get_by_role("button", name="More about this room").click()
            await page.get_by_role("menuitem", name="Integrations").click()
        dialog = alice.get_by_role("dialog", name="Integrations")
        await expect(dialog.get_by_text("This room has no webhooks.")).to_be_visible()
        await make_webhook(dialog, receiver.url + "?key=private")
        secret = dialog.get_by_label(f"Secret of the webhook to 127.0.0.1:{receiver.port}")
        await expect(secret).to_be_focused()
        await say(node, room, "hello")
        (request,) = await receiver.until(1)
        assert Verifier(await secret.input_value()).verify(request.body, request.headers)
        await say(node, room, "hello again")
        await receiver.until(2)
        await eventually(partial(has_deliveries, node, room, 2))
        await expect(dialog.get_by_role("list", name="Webhooks")).to_contain_text("Only: Messages.")
        await dialog.get_by_role("button", name="Manage the webhook").click()
        dialog = alice.get_by_role("dialog", name="The webhook to")
        await dialog.get_by_text("Deliveries to").click()
        tried = dialog.get_by_role("region", name="Newest attempts")
        await expect(tried.get_by_role("listitem")).to_have_count(2)
        await expect(tried).to_contain_text("not taken, waits (answer 503")
        await manage_webhook(dialog)
        await move_webhook(dialog, receiver)
        await dialog.get_by_role("button", name="Pause", exact=True).click()
        await expect(dialog.get_by_text("Paused by an owner of the room.")).to_be_visible()
        await alice.evaluate(AXE.read_text())
        audits = [Auditor(alice, is_touched=False), Auditor(bob, is_touched=False)]
        await audits[0].look("a webhook")

        seen = bob.get_by_role("dialog", name="Integrations")
        await escape(bob)
        await bob.get_by_role("button", name="More about this room").click()
        await bob.get_by_role("menuitem", name="Integrations").click()
        await expect(seen.get_by_role("listitem")).to_contain_text(f"127.0.0.1:{receiver.port}")
        await expect(seen).not_to_contain_text("private")
        await expect(seen.get_by_role("button", name="Make a webhook")).to_have_count(0)
        await bob.evaluate(AXE.read_text())
        await audits[1].look("the webhooks that a member sees")
        assert [audit.found for audit in audits] == [{}, {}]
        await dialog.get_by_role("button", name="End this webhook").click()
        await dialog.get_by_role("button", name="Really end it?").click()
        dialog = alice.get_by_role("dialog", name="Integrations")
        await expect(dialog.get_by_text("is ended.")).to_be_visible()
        await expect(dialog.get_by_text("This room has no webhooks.")).to_be_visible()


@pytest.mark.stores("sqlite")
@pytest.mark.settings(webhook_allow="127.0.0.0/8")
async def test_who_was_away_when_a_webhook_was_paused_is_told_of_it_once(
    browser: Browser, node: Node
) -> None:
    alice = await window(browser, node, "alice")
    room = await room_of(node, alice="owner")
    hers = await client_of(node, "alice")
    await alice.goto("about:blank")

    async def is_paused() -> bool:
        return bool((await hers.get("/users/me/webhooks/paused")).json()["items"])

    async with receiving() as receiver:
        receiver.answers = lambda _request: answer(410)
        made = await hers.post(f"/rooms/{room}/webhooks", json={"url": receiver.url})
        assert made.status_code == 201
        await say(node, room, "hello")
        await eventually(is_paused)
    await alice.goto(node.url)
    told = alice.get_by_role("status").filter(has_text="is paused, because its receiver takes nothing")
    await told.get_by_role("button", name="See the webhook").click()
    await expect(alice.get_by_role("dialog", name="The webhook to")).to_be_visible()
    await escape(alice)
    await told.get_by_role("button", name="Dismiss").click()
    await expect(told).to_have_count(0)
    async with alice.expect_response("**/users/me/webhooks/paused"):
        await alice.reload()
    await expect(alice.get_by_text("Live", exact=True).first).to_be_visible()
    await expect(told).to_have_count(0)


async def make_webhook(dialog: Locator, url: str) -> None:
    """Make a webhook that is sent messages only, after a try without any kind."""
    await dialog.get_by_label("Address of a new webhook").fill(url)
    await dialog.get_by_role("radio", name="Only some kinds").check()
    messages = dialog.get_by_role("checkbox", name="Messages", exact=True)
    await messages.uncheck()
    await dialog.get_by_role("button", name="Make a webhook").click()
    await expect(dialog.get_by_text("Choose at least one kind.")).to_be_visible()
    await messages.check()
    await dialog.get_by_role("button", name="Make a webhook").click()


async def move_webhook(dialog: Locator, receiver: Receiver) -> None:
    """Let a webhook try at once what waits, and give it another address."""
    try_now = dialog.get_by_role("button", name="Try now")

    async def waits() -> bool:
        for _ in range(
            2
        ):  # opened once more, the deliveries are read again, and with them how the webhook is
            await dialog.get_by_text("Deliveries to").click()
        return await try_now.is_visible()

    await eventually(waits)
    count = len(receiver.requests)
    await try_now.click()
    await expect(dialog.get_by_text("It is tried now.")).to_be_visible()
    await receiver.until(count + 1)
    await dialog.get_by_label("Address").fill("ftp://nowhere")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_text("Give an address with https://.")).to_be_visible()
    await dialog.get_by_label("Address").fill(f"{receiver.url}/moved")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_text("It is saved.")).to_be_visible()
    await expect(dialog.locator(".login-name").first).to_have_text(f"{receiver.url}/moved")
    await receiver.until(count + 2)
    assert receiver.requests[-1].path == "/in/moved"


async def manage_webhook(dialog: Locator) -> None:
    """Let a webhook send again what it sent, choose other kinds for it, and give it another secret."""
    await dialog.get_by_label("From entry").fill("1")
    await dialog.get_by_role("button", name="Send again", exact=True).last.click()
    await expect(dialog.get_by_text("sent once more.").last).to_be_visible()
    await dialog.get_by_role("radio", name="Everything").check()
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_text("It is saved.")).to_be_visible()
    await dialog.get_by_role("button", name="Make a new secret").click()
    await expect(dialog.get_by_label("The new secret")).to_be_focused()
    assert (await dialog.get_by_label("The new secret").input_value()).startswith("whsec_")


async def owner_of(node: Node) -> httpx.AsyncClient:
    """Return a client of the owner of the room, in another session."""
    return await client_of(node, "olga")


async def client_of(node: Node, username: str) -> httpx.AsyncClient:
    """Return a client of a user, in another session."""
    logged_in = await node.client().post("/auth/login", json={"username": username, "password": PASSWORD})
    return node.client(Authorization=f"Bearer {logged_in.json()['access_token']}")


async def say(node: Node, room: str, body: str) -> None:
    """Write to a room as its owner."""
    owner = await owner_of(node)
    said = await owner.post(f"/rooms/{room}/messages", json={"ref": body, "body": body})
    assert said.status_code == 201, said.text


async def has_deliveries(node: Node, room: str, count: int) -> bool:
    """Say whether so many attempts are listed of the webhook of a room."""
    owner, path = await owner_of(node), f"/rooms/{room}/webhooks"
    (webhook,) = (await owner.get(path)).json()["items"]
    listed = await owner.get(f"{path}/{webhook['webhook_id']}/deliveries")
    return len(listed.json()["items"]) == count
