"""OpenAI's dialect, where the library's own needs mending."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.completion_usage import CompletionUsage
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIStreamedResponse
from pydantic_ai.usage import RequestUsage

MOST_TOKENS = 10**9
"""A count beyond this is nonsense, whatever the provider says."""


def counted(usage: CompletionUsage | None) -> RequestUsage:
    """The token counts of an answer. The library's own reading looks prices up as well, which we do ourselves."""
    if usage is None:
        return RequestUsage(unmeasured_requests=1)
    return RequestUsage(
        input_tokens=usage.prompt_tokens, output_tokens=usage.completion_tokens, cache_read_tokens=_cached(usage)
    )


def _cached(usage: CompletionUsage) -> Any:
    return getattr(usage.prompt_tokens_details, "cached_tokens", None) or 0


def _sane(usage: Any) -> CompletionUsage | None:
    """A usage that can be true, else None; the SDK builds its objects without looking at values."""
    if not isinstance(usage, CompletionUsage):
        return None
    counts = (usage.prompt_tokens, usage.completion_tokens, _cached(usage))
    if not all(type(count) is int and 0 <= count <= MOST_TOKENS for count in counts):
        return None
    return usage if counts[2] <= counts[0] else None


class StreamedChat(OpenAIStreamedResponse):
    """A streamed answer whose usage cannot hurt."""

    async def _validate_response(self) -> AsyncIterator[ChatCompletionChunk]:
        async for chunk in self._response:
            chunk.usage = _sane(chunk.usage)
            yield chunk

    def _map_usage(self, response: ChatCompletionChunk) -> RequestUsage:
        return counted(response.usage)


class ChatModel(OpenAIChatModel):
    """A chat model whose usage cannot hurt."""

    def _validate_completion(self, response: ChatCompletion) -> Any:
        response.usage = _sane(response.usage)
        return super()._validate_completion(response)

    def _map_usage(self, response: ChatCompletion) -> RequestUsage:
        return counted(response.usage)

    @property
    def _streamed_response_cls(self) -> type[OpenAIStreamedResponse]:
        return StreamedChat
