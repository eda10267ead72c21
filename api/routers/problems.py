"""/problems: what each error code means. The `type` of every problem leads here."""

from fastapi.responses import PlainTextResponse

from api.http.problems import problem_page
from api.http.routing import Router
from api.http.strict import StrictRoute

router = Router(prefix="/problems", tags=["server"], route_class=StrictRoute)


@router.get("/{code}", response_class=PlainTextResponse)
async def problem(code: str) -> str:
    """Return what an error code means, and what to do about it."""
    return problem_page(code)
