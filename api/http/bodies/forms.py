"""Field types and base models that several bodies share."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.accounts.names import MAX_DISPLAY_NAME_CHARACTERS, label
from api.protocol.fields import Strict

DisplayName = Annotated[
    str, Field(min_length=1, max_length=MAX_DISPLAY_NAME_CHARACTERS), AfterValidator(label)
]


RoomName = Annotated[str, Field(min_length=1, max_length=80, strict=True), AfterValidator(label)]


Topic = Annotated[
    str, Field(max_length=250, strict=True), AfterValidator(lambda text: label(text) if text.strip() else "")
]


StatusText = Annotated[
    str, Field(max_length=100), AfterValidator(lambda text: label(text) if text.strip() else "")
]


TimeZone = Annotated[
    str, Field(max_length=64, pattern=r"^([A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2})?$")
]
"""The name of a time zone, such as Europe/Vienna, by its form: those that there are change, and clients know them."""


Section = Annotated[str, Field(min_length=1, max_length=40, strict=True), AfterValidator(label)]


class WithChoices(Strict):
    """The base of bodies with enums, whose values come as texts: a strict model would refuse these.

    So the other fields say `strict=True` themselves where a value of another type could become one of theirs.
    """

    model_config = ConfigDict(strict=False)


class Answer(BaseModel):
    """The base of all answers. Clients must ignore fields that they do not know."""

    model_config = ConfigDict(frozen=True)


class Problem(Answer):
    """An error as RFC 9457 defines it, with a stable `code`."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str | None
    errors: list[dict[str, object]] | None = None
    retry_after_seconds: int | None = None
    done: float | None = None
