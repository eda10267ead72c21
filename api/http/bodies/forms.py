"""The forms that fields of several bodies share."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from api.accounts.names import label

_WHOLE: Final = re.compile(r"0|-?[1-9][0-9]{0,15}", re.ASCII)


def whole(text: object) -> object:
    """Read a number of a query as JSON writes it: `+5`, `05`, ` 5`, `5.0` and `5_0` are none. Raises `ValueError`."""
    if not isinstance(text, str):
        return text  # the default, where nothing was sent
    if not _WHOLE.fullmatch(text):
        raise ValueError("must be a whole number in plain digits")
    return int(text)


def seq_or_zero(text: object) -> object:
    """Read a seq of a path; 0, which is nobody's, for what is not written as one, so that it is not found."""
    return int(text) if isinstance(text, str) and _WHOLE.fullmatch(text) else 0


SeqInPath = Annotated[int, BeforeValidator(seq_or_zero)]


DisplayName = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(label)]


RoomName = Annotated[str, Field(min_length=1, max_length=80, strict=True), AfterValidator(label)]


Topic = Annotated[
    str, Field(max_length=250, strict=True), AfterValidator(lambda text: label(text) if text.strip() else "")
]


class Answer(BaseModel):
    """What we send; clients must ignore fields that they do not know."""

    model_config = ConfigDict(frozen=True)


class Problem(Answer):
    """An error, as RFC 9457 says, with our stable `code`."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str | None
    errors: list[dict[str, object]] | None = None
    retry_after_seconds: int | None = None
