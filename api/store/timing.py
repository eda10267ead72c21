"""Measures how long every call of a store takes."""

import inspect
import time
from collections.abc import Callable
from typing import Any, TypeAlias

from api.errors import Unavailable
from api.store.base.store import Store

OnCalled: TypeAlias = Callable[[str, float, bool], None]
"""Is told the name of a call, such as `log.append`, its duration in seconds, and whether the store failed in it."""


def time_calls(store: Store, on_called: OnCalled) -> None:
    """Report every call of this store's parts to `on_called`."""
    for name, part in vars(store).items():
        if not name.startswith("_"):
            for method in _coroutines_of(part):
                setattr(part, method, _timed(part, method, f"{name}.{method}", on_called))


def _coroutines_of(part: object) -> list[str]:
    """Return the names of a part's methods that its interface declares and that are awaited."""
    declared = {name for base in type(part).__mro__ for name in getattr(base, "__abstractmethods__", ())}
    return sorted(name for name in declared if inspect.iscoroutinefunction(getattr(part, name)))


def _timed(part: object, method: str, name: str, on_called: OnCalled) -> Callable[..., Any]:
    own = vars(part).get(method)  # hides the method of its class

    async def timed(*arguments: Any, **named: Any) -> Any:
        began, failed = time.perf_counter(), False
        try:
            if own is not None:
                return await own(*arguments, **named)
            return await getattr(type(part), method)(part, *arguments, **named)
        except Unavailable:
            failed = True
            raise
        finally:
            on_called(name, time.perf_counter() - began, failed)

    return timed
