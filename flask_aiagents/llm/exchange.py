"""One request to a model over the network: sent, read and understood."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence

from ..net import errors as net
from ..net.limits import Limits as NetLimits
from .adapters import adapter
from .adapters.refusals import MAX_DOWNGRADES, MAX_REFUSAL_BYTES, refused_parameter
from .failures import Failure, from_status
from .messages import Call, Limits, Target
from .network import Answer, Network
from .outcome import Usage
from .protocol import AnswerParser, HTTPCall, Listener, Reply, Turn
from .providers import PROVIDERS
from .retry_after import retry_after

STEP_BYTES = 16_384
"""Bytes that are parsed in one step."""


class Exchange:
    """Asks one model once."""

    def __init__(
        self,
        network: Network,
        target: Target,
        call: Call,
        turns: Sequence[Turn],
        listener: Listener | None,
        deadline: float,
    ) -> None:
        self._network = network
        self._pace = network.pace(call)
        self._deadline = deadline
        self._target = target
        self._call = call
        self._turns = turns
        self._listener = listener
        self._provider = PROVIDERS[target.provider]
        self._adapter = adapter(self._provider.protocol(target))
        self._parser: AnswerParser | None = None

    @property
    def usage(self) -> Usage | None:
        """Usage that the provider has counted so far."""
        return self._parser.usage if self._parser else None

    async def ask(self) -> Reply:
        """Return the answer. A model that refuses a parameter is asked once more without it.

        :raises Failure: when there is none.
        :raises TimeoutError: at the deadline of the call.
        """
        known = refused = self._network.refusals.of(self._call.tenant, self._target)
        for left in reversed(range(MAX_DOWNGRADES + 1)):
            request = self._adapter.build(
                self._target, self._call, self._turns, stream=self._listener is not None, refused=refused
            )
            try:
                reply = await self._send(request)
            except _Refused as refusal:
                if refusal.parameter is None or refusal.parameter in refused or not left:
                    raise refusal.failure from None
                refused |= {refusal.parameter}
                continue
            if refused != known:
                self._network.refusals.remember(self._call.tenant, self._target, refused)
            return reply
        raise AssertionError("the last round either answers or fails")

    async def _send(self, request: HTTPCall) -> Reply:
        try:
            async with self._network.post(
                request,
                self._call,
                limits=_limits(self._call.limits, self._deadline),
                allowed_hosts=self._provider.hosts(self._target, self._call),
                ready=self._listener.ready if self._listener else None,
            ) as response:
                if response.status >= 300:
                    raise await _refusal(response, request)
                return await self._read(response)
        except net.NetError as error:
            if isinstance(error, net.TimedOut) and error.limit == "total":
                raise TimeoutError from None
            failure = _failure(error, self._call.limits)
            raise self._parser.explained(failure) if self._parser else failure from None
        finally:
            self._pace.settle()

    async def _read(self, response: Answer) -> Reply:
        self._parser = parser = self._adapter.parser()
        async for part in response:
            for step in _steps(part):
                with self._pace:
                    for event in parser.feed(step):
                        if self._listener:
                            self._listener.tell(event)
                await self._pace.rest()
            if parser.done:
                break
        with self._pace:
            return parser.finish()


class _Refused(Exception):
    """A refusal of one parameter, perhaps."""

    def __init__(self, failure: Failure, parameter: str | None) -> None:
        super().__init__()
        self.failure = failure
        self.parameter = parameter


async def _refusal(response: Answer, request: HTTPCall) -> Exception:
    """Return what a status of 300 or more means. Of its body, which may echo the key, nothing is kept."""
    failure = from_status(response.status, retry_after(response.headers, time.time()))
    if response.status not in (400, 422):
        return failure
    body = b""
    try:
        async for part in response:
            body += part
            if len(body) >= MAX_REFUSAL_BYTES:
                break
    except net.NetError:
        pass  # the status alone tells enough
    return _Refused(failure, refused_parameter(body, json.loads(request.body)))


def _steps(part: bytes) -> Iterator[bytes]:
    return (part[start : start + STEP_BYTES] for start in range(0, len(part), STEP_BYTES))


def _limits(limits: Limits, deadline: float) -> NetLimits:
    return NetLimits(
        connect_s=limits.connect_s,
        first_byte_s=limits.first_byte_s,
        idle_s=limits.idle_s,
        total_s=deadline - time.monotonic(),
        max_response_bytes=limits.max_response_bytes,
    )


def _failure(error: net.NetError, limits: Limits) -> Failure:
    match error:
        case net.AddressRefused():
            return Failure(error="address_refused", did="is at an address that is not allowed", free=True)
        case net.TimedOut(limit="connect", seconds=seconds):
            did = f"could not be connected to within {seconds:g} s"
            return Failure(error="connection", did=did, retryable=True, free=True, limit="connect")
        case net.TimedOut(limit="first_byte", seconds=seconds):
            did = f"did not begin to answer within {seconds:g} s"
            return Failure(error="timeout", did=did, limit="first_byte")
        case net.TimedOut(seconds=seconds):
            return Failure(error="timeout", did=f"fell silent for {seconds:g} s", limit="idle")
        case net.Broken(answered=True):
            return Failure(error="connection", did="broke its answer off", retryable=True)
        case net.TooLarge():
            return Failure(error="too_large", did=f"answered more than {limits.max_response_bytes} bytes")
        case net.Compressed():
            return Failure(error="invalid_response", did="compressed its answer unasked")
        case net.Unsendable():
            did = "could not be asked: its address or key holds what HTTP cannot carry"
            return Failure(error="upstream", did=did, detail="not_asked", free=True)
        case _:
            return Failure(error="connection", did="could not be reached", retryable=True, free=True)
