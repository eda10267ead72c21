"""What two people see of each other while they look at one room, and of rooms beyond the subscriptions of a page."""

import pytest
from playwright.async_api import Browser, expect

from tests.browser.windows import say, stored, window
from tests.node import Node

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


async def test_two_people_see_that_the_other_is_there_types_and_has_read(
    browser: Browser, sqlite_node: Node
) -> None:
    alice = await window(browser, sqlite_node, "alice")
    bob = await window(browser, sqlite_node, "bob")
    member = alice.get_by_role("complementary").get_by_role("listitem").filter(has_text="@bob")
    await expect(member.get_by_text("online")).to_have_count(1)
    await bob.locator("textarea").press_sequentially("hel")
    await expect(alice.get_by_text("bob is typing…")).to_be_visible()
    await bob.locator("textarea").fill("")
    await say(bob, "hello")
    await stored(alice, "hello")
    await expect(alice.get_by_text("is typing")).to_have_count(0)
    await alice.bring_to_front()
    await expect(bob.locator(".seen-by")).to_have_text("Seen by alice")


@pytest.mark.settings(subscriptions=2)
async def test_a_room_without_a_subscription_has_its_badge_at_once(
    browser: Browser, sqlite_node: Node
) -> None:
    bob = await sqlite_node.sign_up("bob")
    alice = await window(browser, sqlite_node, "alice")
    (user,) = (await bob.http.get("/users", params={"q": "alice"})).json()["items"]
    names = [f"Room {number}" for number in range(5)]
    ids = []
    for name in names:
        made = (await bob.http.post("/rooms", json={"name": name, "visibility": "private"})).json()
        await bob.http.put(f"/rooms/{made['id']}/members/{user['id']}", json={"role": "member"})
        ids.append(made["id"])
    for name, room_id in zip(names, ids, strict=True):
        item = alice.get_by_role("link", name=name)
        await expect(item).to_be_visible()
        for number in range(2):
            body = {"ref": f"{name} {number}", "body": "@alice hello"}
            assert (await bob.http.post(f"/rooms/{room_id}/messages", json=body)).is_success
    for name in names:
        item = alice.get_by_role("link", name=f"{name} ")
        await expect(item.get_by_text("2 mentions of you")).to_be_visible(timeout=5_000)
