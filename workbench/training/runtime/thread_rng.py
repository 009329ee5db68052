"""Random numbers for one thread: torch's draws on the CPU from a generator of its own.

torch's default generator is shared by all threads, so two runs that step at the same time would take
numbers from each other. Inside :func:`drawing_from`, whatever draws without naming a generator is
given the thread's; it gets the numbers that the default generator would have given from the same state.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch

from workbench.errors import first_line

# torch's dispatcher passes a call from key to key before it reaches a kernel. This one is off unless a
# thread includes it, and here it does nothing but name the generator: no kernel is replaced, and the
# draw itself runs without Python's lock. It is no public name, so it is looked up when it is used:
# see :func:`obstacle`.
_NAME = "TESTING_ONLY_GenericMode"
TRIED = {"torch": ">=2.11,<2.16"}
_thread = threading.local()
_lock = threading.Lock()
_libraries: list[torch.library.Library] = []


@functools.cache
def obstacle() -> str | None:
    """Say why a thread cannot draw from a generator of its own here; None where it can.

    That is tried, once in a process: a thread's numbers must be those of the generator, to the last
    bit. Where they are not, the default generator is drawn from, so call this where that is nobody's.
    """
    ones, chance = torch.ones(64), 0.25
    try:
        with drawing_from(torch.Generator().manual_seed(7)):
            drawn = torch.rand(8), torch.empty_like(ones).normal_(), torch.bernoulli(ones * chance)
    except Exception as error:  # noqa: BLE001 (whatever another version of torch raises)
        return f"PyTorch {torch.__version__} has no random numbers per thread ({first_line(error)})"
    own = torch.Generator().manual_seed(7)
    expected = (
        torch.rand(8, generator=own),
        torch.empty_like(ones).normal_(generator=own),
        torch.bernoulli(ones * chance, generator=own),
    )
    if all(map(torch.equal, drawn, expected)):
        return None
    return f"PyTorch {torch.__version__} gives different random numbers in threads"


@contextlib.contextmanager
def drawing_from(generator: torch.Generator) -> Iterator[None]:
    """Let this thread draw from a generator wherever none is named.

    Examples
    --------
    >>> before = torch.get_rng_state()
    >>> with drawing_from(torch.Generator().manual_seed(7)):
    ...     own = torch.nn.functional.dropout(torch.ones(64))
    >>> bool((torch.get_rng_state() == before).all())
    True
    >>> with torch.random.fork_rng():
    ...     _ = torch.manual_seed(7)
    ...     bool((own == torch.nn.functional.dropout(torch.ones(64))).all())
    True
    """
    _watch()
    _thread.generator = generator
    try:
        with torch._C._IncludeDispatchKeyGuard(_key()):
            yield
    finally:
        del _thread.generator


def drawing_operators() -> list[torch._ops.OpOverload]:
    """List the operators that draw on the CPU and can be told a generator, as torch has marked them."""
    found = []
    for name in torch._C._dispatch_get_all_op_names():
        namespace, _, rest = name.partition("::")
        packet, _, overload = rest.partition(".")
        if namespace != "aten" or not torch._C._dispatch_has_kernel_for_dispatch_key(name, "CPU"):
            continue
        operator = getattr(getattr(torch.ops.aten, packet), overload or "default")
        takes = any(argument.name == "generator" for argument in operator._schema.arguments)
        if takes and torch.Tag.nondeterministic_seeded in operator.tags:
            found.append(operator)
    return found


@functools.cache
def _key() -> Any:
    return torch._C._dispatch_key_parse(_NAME)


@functools.cache
def _key_set() -> Any:
    return torch._C.DispatchKeySet(_key())


def _watch() -> None:
    """Stand between a thread that asks for it and the operators that draw."""
    with _lock:
        if _libraries:
            return
        rest = torch.library.Library("_", "IMPL", _NAME)
        rest.fallback(torch.library.fallthrough_kernel)
        draws = torch.library.Library("aten", "IMPL", _NAME)
        for operator in drawing_operators():
            draws.impl(operator, functools.partial(_draw, operator, _place(operator)), _NAME)
        _libraries.extend((rest, draws))


def _place(operator: torch._ops.OpOverload) -> int | None:
    """Return the generator's place among the positional arguments, None where it has a name only."""
    arguments = operator._schema.arguments
    place = [argument.name for argument in arguments].index("generator")
    return None if arguments[place].kwarg_only else place


def _draw(operator: Callable, place: int | None, /, *args: Any, **named: Any) -> Any:
    if place is None or len(args) <= place:
        if named.get("generator") is None:
            named["generator"] = _thread.generator
    elif args[place] is None:
        args = (*args[:place], _thread.generator, *args[place + 1 :])
    with torch._C._ExcludeDispatchKeyGuard(_key_set()):
        return operator(*args, **named)
