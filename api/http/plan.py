"""What a request needs before its route runs: worked out once at start, where FastAPI does it for every request.

A plan has FastAPI's own meaning: the same dependencies in the same order, the same fields and the same errors. A route
that uses more than plans know, such as a form, has none, and FastAPI serves it.
"""

import inspect
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, NamedTuple

from fastapi import Request, Response
from fastapi._compat import ModelField, Undefined, field_annotation_is_sequence, get_missing_field_error
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.params import Body, Form
from fastapi.routing import APIRoute

JSON: Final = "application/json"
ANSWERING: Final = "fastapi_inner_astack"
"""Where the scope of a request has what ends when its answer was sent. The name is FastAPI's."""
WITHOUT_BODY: Final = frozenset({204, 304})
_FAILED: Final = object()
"""Stands for what a dependency would have returned, had its fields been valid."""


def answer(body: bytes, status: int = 200) -> Response:
    """Return an answer whose JSON is made."""
    return Response(body, status, media_type=JSON)


class _Unplanned(Exception):
    """A route uses what plans do not know."""


class _Field(NamedTuple):
    """A value out of the path, the query or the headers, and what stands for it where it is missing."""

    name: str
    alias: str
    where: str
    model: ModelField
    default: Any


class _Step(NamedTuple):
    """A call, and where its arguments come from."""

    call: Callable[..., Any]
    is_generator: bool
    results: tuple[tuple[str, int], ...]
    """Names of arguments, and the steps whose results they are."""
    fields: tuple[_Field, ...]
    body: ModelField | None
    requests: tuple[str, ...]
    responses: tuple[str, ...]
    """The names of arguments that are the request, and those that are what the answer's headers come from."""


class Plan:
    """The steps to the answer of one route."""

    def __init__(self, route: APIRoute) -> None:
        """Raises `_Unplanned`; `plan_of` makes one."""
        if not isinstance(route.response_class, DefaultPlaceholder) or route.response_model_exclude_none:
            raise _Unplanned
        self._steps: list[_Step] = []
        self._numbers: dict[Callable[..., Any], int] = {}
        self._add(route.dependant)
        if sum(step.body is not None for step in self._steps) > 1:
            raise _Unplanned
        self._status = route.status_code or 200
        self._model = route.response_field
        self._has_response = any(step.responses for step in self._steps)

    async def answer(self, request: Request, body: Any, stack: AsyncExitStack) -> Response:
        """Run the route, and return its answer. What its dependencies hold is let go with the `stack`.

        `body` is the parsed body, or `Undefined`. Raises `RequestValidationError`, and what the route raises.
        """
        response = Response(status_code=self._status) if self._has_response else None
        results: list[Any] = []
        errors: list[Any] = []
        for step in self._steps:
            arguments = {name: results[number] for name, number in step.results}
            is_whole = not errors or all(one is not _FAILED for one in arguments.values())
            if step.fields or step.body is not None:
                found = _read(step, request, body, arguments)
                errors += found
                is_whole = is_whole and not found
            for name in step.requests:
                arguments[name] = request
            for name in step.responses:
                arguments[name] = response
            if not is_whole:
                results.append(_FAILED)
            elif step.is_generator:
                results.append(await stack.enter_async_context(step.call(**arguments)))
            elif step is not self._steps[-1] or not errors:
                results.append(await step.call(**arguments))
        if errors:
            raise RequestValidationError(errors)
        return self._response(results[-1], response)

    def _response(self, value: Any, said: Response | None) -> Response:
        if isinstance(value, Response):
            return value
        status = self._status if said is None else said.status_code
        content = b"null" if self._model is None else self._model.serialize_json(value)
        response = Response(b"" if status in WITHOUT_BODY else content, status, media_type=JSON)
        if said is not None:
            response.raw_headers += [one for one in said.raw_headers if one[0] != b"content-length"]
        return response

    def _add(self, dependant: Dependant) -> int:
        """Add the steps to the result of a call, unless they are there, and return the number of the last one."""
        call = dependant.call
        if call is None or not dependant.use_cache or _asks_for_more(dependant):
            raise _Unplanned
        if call in self._numbers:
            return self._numbers[call]
        results = tuple((one.name, self._add(one)) for one in dependant.dependencies)
        is_generator = inspect.isasyncgenfunction(call)
        if not is_generator and not _is_coroutine(call):
            raise _Unplanned
        given = {
            "path": dependant.path_params,
            "query": dependant.query_params,
            "header": dependant.header_params,
        }
        names = (dependant.request_param_name, dependant.http_connection_param_name)
        self._steps.append(
            _Step(
                asynccontextmanager(call) if is_generator else call,
                is_generator,
                tuple((name, number) for name, number in results if name is not None),
                tuple(_field(where, model) for where, models in given.items() for model in models),
                _body_of(dependant),
                tuple(name for name in names if name is not None),
                () if dependant.response_param_name is None else (dependant.response_param_name,),
            )
        )
        self._numbers[call] = len(self._steps) - 1
        return self._numbers[call]


def plan_of(route: APIRoute) -> Plan | None:
    """Return the plan of a route, or None where FastAPI must serve it."""
    try:
        return Plan(route)
    except _Unplanned:
        return None


def _asks_for_more(dependant: Dependant) -> bool:
    return bool(
        dependant.cookie_params
        or dependant.background_tasks_param_name
        or dependant.security_scopes_param_name
        or dependant.websocket_param_name
        or dependant.own_oauth_scopes
        or dependant.concurrency
        or (dependant.scope == "function" and inspect.isasyncgenfunction(dependant.call))
    )


def _is_coroutine(call: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__)


def _field(where: str, model: ModelField) -> _Field:
    info = model.field_info
    default = Undefined if info.is_required() else model.get_default()
    is_plain = default is Undefined or isinstance(default, str | int | None)
    if field_annotation_is_sequence(info.annotation) or info.validate_default or not is_plain:
        raise _Unplanned
    return _Field(model.name, model.validation_alias or model.alias, where, model, default)


def _body_of(dependant: Dependant) -> ModelField | None:
    if not dependant.body_params:
        return None
    model, *more = dependant.body_params
    info = model.field_info
    if more or not isinstance(info, Body) or isinstance(info, Form) or info.embed:
        raise _Unplanned
    return model


def _read(step: _Step, request: Request, body: Any, arguments: dict[str, Any]) -> list[Any]:
    """Add the fields of a step to its arguments, and return what is wrong with them."""
    errors: list[Any] = []
    given: Mapping[str, Mapping[str, str]] = {
        "path": request.path_params,
        "query": request.query_params,
        "header": request.headers,
    }
    for name, alias, where, model, default in step.fields:
        value: Any = given[where].get(alias)
        if value is not None:
            arguments[name], wrong = model.validate(value, loc=(where, alias))
            errors += wrong
        elif default is Undefined:
            errors.append(get_missing_field_error((where, alias)))
        else:
            arguments[name] = default
    if step.body is not None:
        model = step.body
        if body is not Undefined:
            arguments[model.name], wrong = model.validate(body, loc=("body",))
            errors += wrong
        elif model.field_info.is_required():
            errors.append(get_missing_field_error(("body",)))
        else:
            arguments[model.name] = model.get_default()
    return errors
