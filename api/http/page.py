"""Serves the files of the SPA's build, which are read at the start, with compression and caching."""

import hashlib
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Response
from starlette.datastructures import Headers
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

INDEX: Final = "index.html"
HASHED: Final = re.compile(r"assets/.*-[A-Za-z0-9_-]{8}\.[a-z0-9]+")
"""The files whose names change with their content. `vite build` names them so, in this folder."""
PICTURES: Final = re.compile(rb"img-src (\S+) data:")
"""Stands in the policy that the build writes into the page, with the origin of the page."""
KEPT: Final = "public, max-age=31536000, immutable"
ASKED_FOR: Final = "no-cache"
"""Browsers keep such a file, and ask each time whether it is still the same."""
CODINGS: Final = {"br": ".br", "gzip": ".gz"}
"""The content codings, best first, and the names of files that the build compressed with them."""
TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
"""The types that a page depends on. `mimetypes` knows the others, and may know these otherwise on some machines."""


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file, in each content coding that there is; `identity` is always there."""

    media_type: str
    cache_control: str
    bodies: Mapping[str, bytes]
    digest: str

    def answer(self, headers: Headers) -> Response:
        """Return the file in the best coding that the request accepts, or 304 when the browser has it."""
        coding = best_coding(headers.get("accept-encoding", ""), self.bodies)
        etag = f'"{self.digest}-{coding}"'
        said = {"cache-control": self.cache_control, "etag": etag}
        if len(self.bodies) > 1:
            said["vary"] = "Accept-Encoding"
        known = [tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(",")]
        if etag in known or known == ["*"]:
            return Response(status_code=304, headers=said)
        if coding != "identity":
            said["content-encoding"] = coding
        return Response(self.bodies[coding], headers=said | {"content-type": self.media_type})

    def allowing(self, origin: str) -> "PageFile":
        """Return the page with a policy by which files may come from another origin, too."""
        allowed = rf"\g<0> {origin}; media-src \g<1> {origin}".encode()
        body = PICTURES.sub(allowed, self.bodies["identity"])
        return replace(self, bodies={"identity": body}, digest=_digest(body))


class PageRoute(BaseRoute):
    """A route for GET of every file that there is, and of `/`. It matches nothing else, so that the rest stays 404."""

    def __init__(self, directory: Path, files_origin: str | None) -> None:
        self._files = read_files(directory)
        if files_origin is not None:
            page = self._files[INDEX].allowing(files_origin)
            self._files |= {INDEX: page, "": page}

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match the path of a file."""
        is_read = scope["type"] == "http" and scope["method"] == "GET"
        if is_read and (file := self._files.get(scope["path"].removeprefix("/"))) is not None:
            return Match.FULL, {"page_file": file}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the file that matched."""
        file: PageFile = scope["page_file"]
        await file.answer(Headers(scope=scope))(scope, receive, send)


def install_page(app: FastAPI, directory: Path, files_origin: str | None = None) -> None:
    """Serve the build in this directory at `/`, where no other route matches. Files may come from another origin."""
    app.router.routes.append(PageRoute(directory, files_origin))


def read_files(directory: Path) -> dict[str, PageFile]:
    """Return the files under a directory by their paths. Hidden files and source maps are left out."""
    paths = {
        path.relative_to(directory).as_posix(): path
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.suffix != ".map"
    }
    compressed = {name + suffix for name in paths for suffix in CODINGS.values()}
    files = {
        name: _read(name, paths)
        for name in paths
        if name not in compressed and not any(part.startswith(".") for part in name.split("/"))
    }
    return files | {"": files[INDEX]}


def _read(name: str, paths: Mapping[str, Path]) -> PageFile:
    body = paths[name].read_bytes()
    coded = {
        coding: paths[name + suffix].read_bytes()
        for coding, suffix in CODINGS.items()
        if name + suffix in paths
    }
    return PageFile(
        TYPES.get(paths[name].suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream",
        KEPT if HASHED.fullmatch(name) else ASKED_FOR,
        {**coded, "identity": body},
        _digest(body),
    )


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:32]


def best_coding(accept_encoding: str, there: Mapping[str, bytes]) -> str:
    """Return the coding among those `there` that the header likes most (RFC 9110, section 12.5.3)."""
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        coding, _, parameter = part.partition(";")
        name, _, weight = parameter.strip().partition("=")
        try:
            weights[coding.strip()] = float(weight) if name.strip() == "q" else 1.0
        except ValueError:
            weights[coding.strip()] = 0.0
    liked = {coding: weights.get(coding, weights.get("*", 0.0)) for coding in there if coding != "identity"}
    best = max(liked, key=lambda coding: liked[coding], default="identity")
    return best if liked.get(best, 0.0) > 0 else "identity"
