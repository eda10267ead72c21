"""One request over HTTP and its answer, without retries and without credentials."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx

from tailwire_client.errors import BrokenContract, Unreachable, problem_of


async def ask(
    http: httpx.AsyncClient,
    method: str,
    path: str,
    *,
    query: Mapping[str, str] | None = None,
    body: object = None,
    token: str | None = None,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    wait_seconds: float = 0.0,
) -> Any:
    """Return the JSON of the answer, or None where it has none. The request has JSON, or bytes with their headers.

    `wait_seconds` is how much longer than usual the server may take. Raises Problem for a refusal, Unreachable where
    no whole answer came, and BrokenContract for an answer that is not JSON.
    """
    timeout = http.timeout.as_dict()
    timeout["read"] = (timeout["read"] or 0.0) + wait_seconds
    shown = dict(headers or {}) | ({} if token is None else {"Authorization": f"Bearer {token}"})
    try:
        answer = await http.request(
            method,
            path,
            params=query or None,
            json=body,
            content=content,
            headers=shown,
            timeout=httpx.Timeout(**timeout),
        )
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as failure:
        raise Unreachable("The server cannot be reached", is_unsent=True) from failure
    except httpx.TransportError as failure:
        raise Unreachable("No whole answer came") from failure
    if answer.is_success:
        return _json(answer) if answer.content else None
    if answer.is_redirect:
        raise BrokenContract("The address of the server leads elsewhere: give the one that it leads to")
    raise problem_of(_problem(answer), answer.status_code, answer.headers.get("Retry-After"))


async def pieces(http: httpx.AsyncClient, url: str, start: int) -> AsyncIterator[bytes]:
    """Yield the bytes at an address, from one on. Raises Problem, and Unreachable where they end early.

    The address may lead to storage elsewhere. Nothing is sent there but which bytes are wanted.
    """
    headers = {"Range": f"bytes={start}-"} if start else {}
    try:
        async with http.stream("GET", url, headers=headers, follow_redirects=True) as answer:
            if not answer.is_success:
                await answer.aread()
                raise problem_of(_problem(answer), answer.status_code, answer.headers.get("Retry-After"))
            if start and answer.status_code != httpx.codes.PARTIAL_CONTENT:
                raise BrokenContract("The server gives no part of a file")
            async for piece in answer.aiter_bytes():
                yield piece
    except httpx.TransportError as failure:
        raise Unreachable("No whole answer came") from failure


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        raise BrokenContract("The answer is not JSON: is this the address of a Tailwire server?") from error


def _problem(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        fields = answer.json()
    except ValueError:
        return {}  # of a proxy in between
    return fields if isinstance(fields, dict) else {}
