"""Tells Schemathesis how to log in, as which user, and again after a session has ended."""

import os
import subprocess
import uuid
from typing import Any

import httpx
import schemathesis

from tests.node import NOBODY, PASSWORD
from tests.process import PROGRAM

TOKENS: list[str] = []
"""The token of the user who makes the requests outside /admin, if there is one."""
LONGEST_WAIT = 30
"""Seconds that GET /consumers/{name}/entries may wait."""


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Let no request wait for longer than it may take here."""
    wait = str((case.query or {}).get("wait", ""))
    if wait.isdecimal() and 1 < int(wait) <= LONGEST_WAIT:
        case.query["wait"] = 1
    path = case.operation.path
    if "/files" in path and TOKENS and len(str(case.path_parameters)) % 2:  # a guessed id is that of nothing
        if "{room_id}" in path:
            case.path_parameters["room_id"] = "lobby"
        if "{file_id}" in path:
            case.path_parameters["file_id"] = _begin_upload()


def _begin_upload() -> str:
    """Begin to upload a file of ten bytes, and return its id."""
    headers = {"Authorization": f"Bearer {TOKENS[-1]}", "Upload-Length": "10"}
    url = f"{os.environ['FUZZ_URL']}/rooms/lobby/files"
    with httpx.Client(verify=NOBODY, trust_env=False) as http:
        return str(http.post(url, headers=headers).json().get("file_id", "none"))


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Let no webhook lead to a host that may be there. An empty address leads nowhere, and stays invalid."""
    url = body.get("url") if "/webhooks" in context.operation.path and isinstance(body, dict) else None
    if url and isinstance(url, str):
        body["url"] = "https://in.invalid/" + url.removeprefix("https://")
    return body


@schemathesis.auth(refresh_interval=None)
class Bearer:
    """The access token of an administrator for /admin, and of another user for everything else."""

    def __init__(self) -> None:
        self._http = httpx.Client(base_url=os.environ["FUZZ_URL"], verify=NOBODY, trust_env=False)
        self._tokens: dict[bool, str] = {}

    def get(self, _case: Any, context: Any) -> str:
        is_admin = "/admin/" in context.operation.path
        if not self._holds(self._tokens.get(is_admin)):
            self._tokens[is_admin] = self._sign_up(is_admin)
            TOKENS[:] = [self._tokens[False]] if False in self._tokens else []
        return self._tokens[is_admin]

    def set(self, case: Any, data: str, _context: Any) -> None:
        case.headers["Authorization"] = f"Bearer {data}"

    def _holds(self, token: str | None) -> bool:
        headers = {"Authorization": f"Bearer {token}"}
        return token is not None and self._http.get("/users/me", headers=headers).status_code == 200

    def _sign_up(self, is_admin: bool) -> str:
        good = {"username": uuid.uuid4().hex[:20], "password": PASSWORD}
        answer = self._http.post("/auth/signup", json=good)
        if is_admin:
            subprocess.run([*PROGRAM, "user", "promote", good["username"]], check=True)  # noqa: S603
        return str(answer.json()["access_token"])
