"""/rooms/{room_id}/files and /files: uploading files in parts, and serving them."""

from contextlib import suppress
from typing import Annotated, Any, Final

from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic.json_schema import SkipJsonSchema

from api.errors import (
    BadFile,
    BadOffset,
    BadRequest,
    Forbidden,
    NotFound,
    QuotaReached,
    TailwireError,
    TooLarge,
    UnsupportedMediaType,
)
from api.http.bodies.attachments import (
    Alt,
    FileOut,
    FileUrlOut,
    FileUrlsOut,
    NewAlt,
    RoomFilesOut,
    WantedUrls,
)
from api.http.caller import AddressDep, AuthorDep, IdentityDep
from api.http.deps import AttachmentsDep, HttpSettingsDep, OwnFileDep
from api.http.openapi import refuses
from api.http.query import Cursor, Limit
from api.http.routing import Router
from api.http.scopes import reads, writes
from api.http.streams import BODY, BodyDep, StreamRoute, length_in, streamed

router = Router(tags=["files"], route_class=StreamRoute)
PATH: Final = "/rooms/{room_id}/files"
ONE: Final = "/files/{file_id}"


def _header(name: str, description: str, *, required: bool = False) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": 0} if name.startswith("Upload") else {"type": "string"}
    return {"name": name, "in": "header", "required": required, "description": description, "schema": schema}


@router.post(
    PATH,
    status_code=201,
    responses=refuses(Forbidden, BadFile, TooLarge, QuotaReached, UnsupportedMediaType, BadRequest),
    openapi_extra={
        **BODY,
        "parameters": [
            _header("Content-Disposition", "`attachment; filename*=UTF-8''name`: how the file is called"),
            _header("Upload-Length", "The size of the whole file, where the body does not have all of it"),
        ],
    },
)
@writes
async def upload(  # noqa: PLR0913, PLR0917  what FastAPI hands in
    room_id: str,
    request: Request,
    response: Response,
    author: AuthorDep,
    attachments: AttachmentsDep,
    body: BodyDep,
    alt: Annotated[Alt | SkipJsonSchema[None], Query()] = None,
) -> FileOut:
    """Upload a file that is to be sent in a room, or begin to. The body is the file itself, or how it begins."""
    here = length_in(request, "content-length")
    size = length_in(request, "upload-length")
    size = here if size is None else size
    if size is None:
        raise BadRequest("Say the size of the file, by Content-Length or Upload-Length")
    upload = await attachments.begin(
        author,
        room_id,
        disposition=request.headers.get("content-disposition"),
        claimed=request.headers.get("content-type", ""),
        size=size,
        alt=alt or "",
    )
    if here == 0:
        return _file(response, FileOut.of(upload, 0))
    try:
        return _file(response, FileOut.of(*await attachments.add(upload, 0, body)))
    except TailwireError:
        if "upload-length" not in request.headers:  # nobody was told the id, by which this could go on
            with suppress(NotFound):
                await attachments.cancel(await attachments.own(author.user_id, upload.id))
        raise


@router.get(PATH)
@reads
async def list_files(
    room_id: str, identity: IdentityDep, attachments: AttachmentsDep, cursor: Cursor = None, limit: Limit = 50
) -> RoomFilesOut:
    """List the files of a room, those of the newest message first."""
    return RoomFilesOut.of(
        await attachments.served.of_room(room_id, identity.user.id, cursor=cursor, limit=limit)
    )


@router.post("/files/urls", responses=refuses(NotFound))
@reads
async def file_urls(
    body: WantedUrls, identity: IdentityDep, attachments: AttachmentsDep, settings: HttpSettingsDep
) -> FileUrlsOut:
    """Return the addresses of files, which need no token for five minutes. Those you may not have are left out."""
    found = await attachments.served.urls(identity.user.id, body.file_ids, thumb=body.thumb)
    found = [one for one in found if identity.reaches(one.room_id)]
    if not found:
        raise NotFound
    return FileUrlsOut(
        items=[FileUrlOut.made(one.file_id, one.path, one.expires_at, settings.url) for one in found]
    )


@router.get(ONE)
@reads
async def uploaded(own: OwnFileDep, response: Response, attachments: AttachmentsDep) -> FileOut:
    """Return a file that you have not sent yet. By HEAD, `Upload-Offset` says where its upload goes on."""
    return _file(response, FileOut.of(own, await attachments.offset(own)))


@router.patch(
    ONE,
    responses=refuses(BadFile, BadOffset, TooLarge, UnsupportedMediaType, BadRequest),
    openapi_extra={
        **BODY,
        "parameters": [_header("Upload-Offset", "Where the bytes of the body go", required=True)],
    },
)
@writes
async def go_on_uploading(
    own: OwnFileDep, request: Request, response: Response, attachments: AttachmentsDep, body: BodyDep
) -> FileOut:
    """Go on with an upload. The body is what follows the first `Upload-Offset` bytes, or how that begins."""
    offset = length_in(request, "upload-offset")
    if offset is None:
        raise BadRequest("Say by Upload-Offset where the bytes go")
    return _file(response, FileOut.of(*await attachments.add(own, offset, body)))


@router.put(ONE + "/alt")
@writes
async def describe(own: OwnFileDep, body: NewAlt, response: Response, attachments: AttachmentsDep) -> FileOut:
    """Give a file that you have not sent yet another text that stands for it."""
    described = await attachments.describe(own, body.alt)
    return _file(response, FileOut.of(described, await attachments.offset(described)))


@router.delete(ONE, status_code=204)
@writes
async def cancel(own: OwnFileDep, attachments: AttachmentsDep) -> None:
    """Give up a file that you have not sent yet."""
    await attachments.cancel(own)


@router.get(
    ONE + "/{mark}/{name}",
    response_class=Response,
    responses={
        200: {"content": {"*/*": {}}, "description": "The file"},
        206: {"description": "The range that was asked for"},
        307: {"description": "The bucket itself serves the file, where the server is set so"},
        304: {"description": "What you have is the same"},
        416: {"description": "There is no such range"},
    },
)
async def serve(  # noqa: PLR0913, PLR0917  what FastAPI hands in
    file_id: str, mark: str, name: str, request: Request, address: AddressDep, attachments: AttachmentsDep
) -> Response:
    """Return a file, or a range of it. Who has the address needs no account."""
    opened = await attachments.served.open(file_id, mark, name)
    if not request.scope.get("is_head") and (direct := await attachments.served.direct(opened)) is not None:
        kept = {"cache-control": f"private, max-age={direct.kept_seconds}"}
        return RedirectResponse(direct.url, headers=opened.headers | kept)
    attachments.served.require_few(address, opened)
    return streamed(
        request,
        lambda begin, end: attachments.served.read(opened, begin, end, address=address),
        size=opened.size,
        etag=opened.etag,
        media_type=opened.media_type,
        headers=opened.headers,
    )


def _file(response: Response, file: FileOut) -> FileOut:
    """Tell in headers too how far an upload is."""
    response.headers["upload-offset"] = str(file.offset)
    response.headers["upload-complete"] = "?1" if file.whole else "?0"
    return file
