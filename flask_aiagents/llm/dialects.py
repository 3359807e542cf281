"""The one door to pydantic-ai: its models speak the providers' dialects for us.

Heavy to import (seconds), so it is imported at the first call. ``Model.request`` and ``request_stream`` are all
we use of it; retries, fallbacks, tools and timeouts are our own, one floor up and one floor down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec

import httpx2
from openai import AsyncOpenAI
from pydantic_ai.messages import (
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ToolCallPart,
)
from pydantic_ai.models import Model as PydanticModel
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.providers.ollama import OllamaProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider
from pydantic_ai.usage import RequestUsage

from .messages import Call, Target
from .openai_chat import MOST_TOKENS, ChatModel
from .outcome import Delta, Usage
from .protocol import Listener, Model, Reply, ToolRequest, Turn
from .providers import Provider
from .questions import messages, parameters, settings
from .text import dump_json, scrub
from .wire import NO_KEY


class DialectModel:
    """A model of pydantic-ai that answers in our words."""

    def __init__(self, model: PydanticModel) -> None:
        self._model = model

    async def ask(self, call: Call, turns: list[Turn], listener: Listener | None) -> Reply:
        asked = (messages(call, turns), settings(call), parameters(call, self._model.profile))
        if listener is None:
            return _reply(await self._model.request(*asked))
        async with self._model.request_stream(*asked) as stream:
            async for event in stream:
                match event:
                    case (
                        PartStartEvent(part=TextPart(content=text))
                        | PartDeltaEvent(delta=TextPartDelta(content_delta=text))
                    ) if text:
                        listener.tell(Delta(text=scrub(text)))
                    case _:
                        pass
            # The library calls a stream that just stops a finished one; only the provider's own word counts.
            told = "finish_reason" in (stream.provider_details or {}) or stream.finish_reason == "content_filter"
            return _reply(stream.get(), finished=told)


def _reply(response: ModelResponse, *, finished: bool = True) -> Reply:
    tool_requests = tuple(
        ToolRequest(
            id=scrub(part.tool_call_id),
            name=scrub(part.tool_name),
            arguments=part.args if isinstance(part.args, str) else dump_json(part.args or {}),
        )
        for part in response.parts
        if isinstance(part, ToolCallPart)
    )
    return Reply(
        text=scrub("".join(part.content for part in response.parts if isinstance(part, TextPart))),
        tool_requests=tool_requests,
        usage=_usage(response.usage),
        finish_reason=(response.finish_reason or "stop") if finished else None,
        raw=response,
    )


def _usage(usage: RequestUsage) -> Usage | None:
    """The counts, or None when there are none, or one of them cannot be true."""
    counts = (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens)
    if usage.unmeasured_requests or not all(
        isinstance(count, int) and 0 <= count <= MOST_TOKENS for count in counts
    ):
        return None
    if usage.cache_read_tokens > usage.input_tokens or not any(counts):
        return None
    return Usage(input_tokens=counts[0], output_tokens=counts[1], cached_tokens=counts[2])


def _sdk(url: str | None, key: str | None, http: httpx2.AsyncClient) -> AsyncOpenAI:
    # Retries are ours alone.
    return AsyncOpenAI(base_url=url, api_key=key or NO_KEY, http_client=http, max_retries=0)


def _openai(model: str, url: str | None, key: str | None, http: httpx2.AsyncClient) -> PydanticModel:
    return ChatModel(model, provider=OpenAIProvider(openai_client=_sdk(url, key, http)))


def _openai_compatible(model: str, url: str | None, key: str | None, http: httpx2.AsyncClient) -> PydanticModel:
    provider = OpenAICompatibleProvider("openai_compatible", openai_client=_sdk(url, key, http))
    return ChatModel(model, provider=provider)


def _groq(model: str, url: str | None, key: str | None, http: httpx2.AsyncClient) -> PydanticModel:
    # Groq speaks OpenAI's dialect; only some of its models know JSON schemas, all know JSON.
    profile = ModelProfile(supports_json_schema_output=False, supports_json_object_output=True)
    provider = OpenAICompatibleProvider("groq", openai_client=_sdk(url, key, http), profile=profile)
    return ChatModel(model, provider=provider)


def _ollama(model: str, url: str | None, key: str | None, http: httpx2.AsyncClient) -> PydanticModel:
    return ChatModel(model, provider=OllamaProvider(openai_client=_sdk(url, key, http)))


def _anthropic(model: str, url: str | None, key: str | None, http: httpx2.AsyncClient) -> PydanticModel:
    # An extra: hosts that never name anthropic need not install its SDK.
    from anthropic import AsyncAnthropic
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    base = (url or "").removesuffix("/v1")  # this SDK adds it itself
    client = AsyncAnthropic(base_url=base, api_key=key or NO_KEY, http_client=http, max_retries=0)
    return AnthropicModel(model, provider=AnthropicProvider(anthropic_client=client))


_BUILDERS: Mapping[str, Callable[[str, str | None, str | None, httpx2.AsyncClient], PydanticModel]] = {
    "openai": _openai,
    "openai_compatible": _openai_compatible,
    "groq": _groq,
    "ollama": _ollama,
    "anthropic": _anthropic,
}


def load(dialects: Iterable[str]) -> None:
    """Import what these dialects need, so that the thread that serves all calls need not."""
    if "anthropic" in dialects and find_spec("anthropic") is not None:
        import_module("pydantic_ai.models.anthropic")


def build(provider: Provider, target: Target, http: httpx2.AsyncClient) -> Model:
    """The model behind a target that is not in this process."""
    builder = _BUILDERS[provider.dialect or ""]
    return DialectModel(builder(target.model, provider.url(target), target.api_key, http))
