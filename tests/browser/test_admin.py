"""The administrators' screen: accounts, audit log, state and settings, against the real server."""

import re
from pathlib import Path
from typing import Final

import apsw
import pytest
from playwright.async_api import Browser, Page, expect

from api.store import open_store
from tests.accounts.test_sessions import log_in
from tests.browser.windows import escape, window
from tests.node import Node, Person
from tests.rooms.test_rooms import make_room, say

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

MANY: Final = 10_000
LONG: Final = "x" * 32
MAKE_MANY: Final = """
INSERT INTO users (id, username, username_key, display_name, searched, created_at)
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
SELECT printf('u%05d', n), name, name, 'Number ' || n, name, n FROM (SELECT n, printf('user%05d', n) name FROM numbers)
"""
LOADED: Final = "performance.getEntriesByType('resource').map(one => one.name)"


@pytest.fixture(autouse=True)
def rights_are_looked_at_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server notice at once what these tests change in its store. It looks once in a second."""
    monkeypatch.setattr("api.accounts.checked.CHECKED_SECONDS", 0.0)


async def set_admin(folder: Path, username: str, admin: bool) -> None:
    """Give or take rights in the store of `sqlite_node`, as the command line does."""
    store = await open_store(f"sqlite:///{folder / 'tailwire.db'}")
    account = await store.accounts.by_name(username)
    assert account is not None
    await store.accounts.set_flags(account.user.id, admin=admin)
    await store.close()


async def administration(page: Page) -> None:
    """Open the screen from the dialog about one's account."""
    await page.get_by_role("button", name="Account").first.click()
    await page.get_by_role("link", name="Administration").click()
    await expect(page.get_by_role("heading", name="Administration", level=1)).to_be_visible()


async def visit(page: Page, tab: str) -> None:
    await page.get_by_role("navigation", name="Administration").get_by_role("link", name=tab).click()
    await expect(page.locator("#admin-title")).to_have_text(tab)


async def test_an_administrator_governs_accounts_by_the_keyboard(
    browser: Browser, sqlite_node: Node, tmp_path: Path
) -> None:
    page = await window(browser, sqlite_node, "chief")
    bob = await window(browser, sqlite_node, "bob")
    await set_admin(tmp_path, "chief", True)
    await administration(page)
    dialog, accounts = page.get_by_role("dialog"), page.get_by_role("list", name="Accounts")
    await expect(accounts.get_by_role("listitem")).to_have_count(2)

    await page.get_by_label("Find").press_sequentially("BO")
    await expect(accounts.get_by_role("listitem")).to_have_count(1)
    await accounts.get_by_role("button").press("Enter")
    await expect(dialog.get_by_role("heading", name="bob")).to_be_visible()
    await dialog.get_by_role("button", name="Disable").press("Enter")
    await expect(dialog.get_by_role("status").first).to_contain_text("cannot log in")
    await expect(bob.get_by_role("button", name="Log in")).to_be_visible()
    await dialog.get_by_role("button", name="Enable").press("Enter")
    await dialog.get_by_role("button", name="Make an administrator").press("Enter")
    await expect(dialog.get_by_text("is an administrator now")).to_be_visible()
    await dialog.get_by_role("button", name="Set a new password").press("Enter")
    await expect(dialog.get_by_label("New password")).to_be_focused()
    await page.keyboard.press("Enter")
    password = await dialog.get_by_label("The password of").input_value()
    assert (await log_in(sqlite_node, "bob", password)).status_code == 200
    await escape(page)
    await expect(accounts.get_by_role("button")).to_be_focused()
    await expect(accounts.get_by_text("administrator")).to_be_visible()


async def test_an_administrator_makes_and_deletes_an_account_and_reads_what_happened(
    browser: Browser, sqlite_node: Node, tmp_path: Path
) -> None:
    page = await window(browser, sqlite_node, "chief")
    await set_admin(tmp_path, "chief", True)
    await administration(page)
    dialog, accounts = page.get_by_role("dialog"), page.get_by_role("list", name="Accounts")
    await page.get_by_role("button", name="Make an account").press("Enter")
    await dialog.get_by_label("Username").fill("carol")
    password = await dialog.get_by_label("Password").input_value()
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_role("heading", name="The account is made")).to_be_visible()
    await escape(page)
    assert (await log_in(sqlite_node, "carol", password)).status_code == 200
    await accounts.get_by_role("button", name="carol").click()
    await dialog.get_by_role("button", name="Where they are logged in").click()
    await dialog.get_by_role("button", name="Log out").click()
    await expect(dialog.get_by_text("They are logged in nowhere")).to_be_visible()
    await dialog.get_by_role("button", name="Back").click()
    await dialog.get_by_role("link", name="What the audit log says").click()
    events = page.get_by_role("list", name="Events").get_by_role("listitem")
    await expect(events.filter(has_text="@chief made the account of @carol")).to_have_count(1)
    await expect(events.filter(has_text="@chief signed up")).to_have_count(0)
    await page.get_by_label("Show", exact=True).select_option("Log-ins")
    await expect(events).to_have_text([re.compile("@carol logged in")])
    await page.get_by_role("link", name="Show all").click()
    await page.get_by_label("About").fill("@nobody-here")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("No account has this name")).to_be_visible()
    await page.get_by_label("About").fill("@Chief")
    await page.keyboard.press("Enter")
    await expect(events.filter(has_text="@chief signed up")).to_have_count(1)

    await visit(page, "Accounts")
    await accounts.get_by_role("button", name="carol").click()
    await dialog.get_by_role("button", name="Delete the account").click()
    await dialog.get_by_label("Their username").fill("bob")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_text("Type carol to go on")).to_be_visible()
    await dialog.get_by_label("Their username").fill("carol")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_text("This account is being deleted")).to_be_visible()


async def test_an_administrator_names_an_owner_of_a_room_and_deletes_it(
    browser: Browser, sqlite_node: Node, tmp_path: Path
) -> None:
    page = await window(browser, sqlite_node, "chief")
    bob = await sqlite_node.sign_up("bob")
    await set_admin(tmp_path, "chief", True)
    room_id = (await make_room(bob, "The Den", "private"))["id"]
    await say(bob, room_id, "secret")
    await administration(page)
    await visit(page, "Rooms")
    dialog = page.get_by_role("dialog")
    rooms = page.get_by_role("list", name="Rooms").get_by_role("listitem")
    await expect(rooms).to_have_count(2)
    await page.get_by_label("Find").press_sequentially("dén")
    await expect(rooms).to_have_count(1)
    await expect(rooms).to_contain_text("one member, last message")
    await rooms.get_by_role("button").press("Enter")
    await dialog.get_by_role("button", name="Who is in it").press("Enter")
    await expect(dialog.get_by_role("list", name="Members")).to_contain_text("@bob")
    await dialog.get_by_role("button", name="Back").press("Enter")
    await dialog.get_by_role("button", name="Name an owner").press("Enter")
    await dialog.get_by_label("Username").fill("nobody-here")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_text("No account has this name")).to_be_visible()
    await dialog.get_by_label("Username").fill("@Chief")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_text("@chief owns this room now")).to_be_visible()
    await expect(dialog.get_by_text("2 members")).to_be_visible()
    await dialog.get_by_role("button", name="Delete the room").press("Enter")
    await dialog.get_by_label("Name of the room").fill("The Hole")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_text("This is not the name of the room")).to_be_visible()
    await dialog.get_by_label("Name of the room").fill("the den")
    await page.keyboard.press("Enter")
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_text("No room is called anything like that")).to_be_visible()
    assert (await bob.http.get(f"/rooms/{room_id}")).status_code == 404
    await visit(page, "Audit log")
    events = page.get_by_role("list", name="Events").get_by_role("listitem")
    await expect(events.first).to_contain_text("@chief deleted a room")


async def test_an_administrator_reads_a_report_deletes_the_message_and_closes_the_report(
    browser: Browser, sqlite_node: Node, tmp_path: Path
) -> None:
    page = await window(browser, sqlite_node, "chief")
    alice, bob = await sqlite_node.sign_up("alice"), await sqlite_node.sign_up("bob")
    await set_admin(tmp_path, "chief", True)
    await page.reload()
    seq = await say(alice, "lobby", "rude")
    edit = {"ref": "2", "body": "very rude"}
    assert (await alice.http.patch(f"/rooms/lobby/messages/{seq}", json=edit)).status_code == 200
    report = await bob.http.post(f"/rooms/lobby/messages/{seq}/report", json={"reason": "It hurts."})
    assert report.status_code == 204
    await administration(page)
    await visit(page, "Reports")
    dialog, reports = page.get_by_role("dialog"), page.get_by_role("list", name="Reports")
    await expect(reports.get_by_role("listitem")).to_contain_text(["Lobby, by @bob"])
    await reports.get_by_role("button", name="It hurts.").press("Enter")
    await expect(dialog.get_by_text("very rude")).to_be_visible()
    await dialog.get_by_role("link", name="Show it in the room").press("Enter")
    await expect(dialog).to_have_count(0)
    await page.locator("article").filter(has_text="very rude").press("Enter")
    await page.get_by_role("menuitem", name="Delete").click()
    await dialog.get_by_role("button", name="Delete").last.click()
    await expect(page.locator(".tombstone")).to_have_count(1)

    await page.goto(f"{sqlite_node.url}/#/admin/reports")
    await reports.get_by_role("button", name="It hurts.").press("Enter")
    await expect(dialog.get_by_text("The message is not there any more")).to_be_visible()
    await dialog.get_by_role("button", name="Close the report").press("Enter")
    await expect(dialog.get_by_text("The report is closed")).to_be_visible()
    await escape(page)
    await page.get_by_label("Show", exact=True).select_option("Open")
    await page.get_by_label("Show", exact=True).select_option("Closed")
    await expect(reports.get_by_role("listitem")).to_have_count(1)
    await visit(page, "Audit log")
    events = page.get_by_role("list", name="Events").get_by_role("listitem")
    await expect(events.filter(has_text="@chief read a reported message of @alice")).to_have_count(2)
    await expect(events.filter(has_text="@bob reported a message of @alice")).to_have_count(1)


async def test_an_administrator_sees_the_state_of_the_server_and_its_settings(
    browser: Browser, sqlite_node: Node, tmp_path: Path
) -> None:
    page = await window(browser, sqlite_node, "chief")
    await set_admin(tmp_path, "chief", True)
    await page.goto(f"{sqlite_node.url}/#/admin/status")
    await expect(page.get_by_text("Ready", exact=True)).to_be_visible()
    await expect(page.get_by_text(re.compile(r"SQLite, [\d.]+ MiB, answers"))).to_be_visible()
    await expect(page.get_by_role("img", name=re.compile("Connections: 1 now"))).to_be_visible()
    await expect(page.get_by_role("img", name=re.compile(r"Delay of the feed: \d+ ms now"))).to_be_visible()
    nodes = page.get_by_role("list", name="Nodes").get_by_role("listitem")
    await expect(nodes).to_have_count(1)
    await expect(nodes).to_contain_text("this one")
    await visit(page, "Settings")
    await page.get_by_label("Find").fill("tailwire_store")
    await expect(page.get_by_text(f"sqlite:///{tmp_path / 'tailwire.db'}")).to_be_visible()
    await page.get_by_label("Find").fill("no such setting")
    await expect(page.get_by_text("No setting is like that")).to_be_visible()


async def test_who_is_no_administrator_or_not_any_more_sees_nothing_of_the_screen(
    browser: Browser, sqlite_node: Node, tmp_path: Path
) -> None:
    page = await window(browser, sqlite_node, "alice")
    refused = page.get_by_role("heading", name="Only administrators come here")
    await page.goto(f"{sqlite_node.url}/#/admin/accounts")
    await expect(refused).to_be_focused()
    await page.get_by_role("link", name="Back to your rooms").click()
    await page.get_by_role("button", name="Account").first.click()
    await expect(page.get_by_role("button", name="Change password")).to_be_visible()
    await expect(page.get_by_role("link", name="Administration")).to_have_count(0)
    await escape(page)
    await set_admin(tmp_path, "alice", True)
    await administration(page)
    await expect(page.get_by_role("list", name="Accounts").get_by_role("listitem")).to_have_count(1)
    await set_admin(tmp_path, "alice", False)
    await page.get_by_label("Find").fill("a")
    await expect(refused).to_be_focused()
    await expect(page.get_by_role("list", name="Accounts")).to_have_count(0)


async def test_nobody_else_loads_the_screen(browser: Browser, sqlite_node: Node) -> None:
    page = await window(browser, sqlite_node, "alice")
    await page.wait_for_function(f"{LOADED}.some(name => /later-/.test(name))")
    await page.wait_for_load_state("networkidle")
    assert not [name for name in await page.evaluate(LOADED) if "/admin-" in name]


async def test_among_ten_thousand_accounts_each_is_found_whatever_its_name(
    browser: Browser, sqlite_node: Node, tmp_path: Path
) -> None:
    page = await window(browser, sqlite_node, "chief", viewport={"width": 390, "height": 844})
    await set_admin(tmp_path, "chief", True)
    long: Person = await sqlite_node.sign_up(LONG)
    await long.http.patch("/users/me", json={"display_name": "W" * 64})
    other = await sqlite_node.sign_up("nur")
    await other.http.patch("/users/me", json={"display_name": "نور الهدى"})
    connection = apsw.Connection(str(tmp_path / "tailwire.db"))
    connection.set_busy_timeout(5_000)
    connection.execute(MAKE_MANY, (MANY,))
    connection.close()
    await page.goto(f"{sqlite_node.url}/#/admin")
    accounts = page.get_by_role("list", name="Accounts").get_by_role("listitem")
    await expect(accounts).to_have_count(50)
    await page.get_by_role("button", name="Show more").click()
    await expect(accounts).to_have_count(100)
    for wanted, username in (("09999", "@user09999"), ("الهدى", "@nur"), ("wwww", f"@{LONG}")):
        await page.get_by_label("Find").fill(wanted)
        await expect(accounts).to_have_count(1)
        await expect(accounts).to_contain_text(username)
        widest = await page.evaluate("document.querySelector('.admin-page').scrollWidth")
        assert widest <= 390
