"""From a call to what pydantic-ai's models are asked with."""

from __future__ import annotations

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from .messages import Call, Message
from .outcome import ToolCall
from .protocol import Reply, Turn
from .text import dump_json


def messages(call: Call, turns: list[Turn]) -> list[ModelMessage]:
    """The conversation so far."""
    said = [_message(turn) for turn in turns]
    if call.system_prompt:
        said.insert(0, ModelRequest([SystemPromptPart(call.system_prompt)]))
    return said


def _message(turn: Turn) -> ModelMessage:
    match turn:
        case Message(role="user", content=text):
            return ModelRequest([UserPromptPart(text)])
        case Message(content=text):
            return ModelResponse([TextPart(text)])
        case Reply():
            return turn.raw if turn.raw is not None else _response(turn)
        case results:
            return ModelRequest([_result(call) for call in results])


def _response(reply: Reply) -> ModelResponse:
    """An answer that came from elsewhere, such as the offline model."""
    calls = [
        ToolCallPart(request.name, request.arguments, tool_call_id=request.id) for request in reply.tool_requests
    ]
    return ModelResponse([*([TextPart(reply.text)] if reply.text else []), *calls])


def _result(call: ToolCall) -> ModelRequestPart:
    told = f"Error: {call.error}" if call.error else call.result
    return ToolReturnPart(call.name, told if isinstance(told, str) else dump_json(told), tool_call_id=call.id)


def settings(call: Call) -> ModelSettings:
    """The sampling settings that the call names; what it leaves out is the provider's choice."""
    found = ModelSettings()
    if call.temperature is not None:
        found["temperature"] = call.temperature
    if call.max_tokens is not None:
        found["max_tokens"] = call.max_tokens
    if call.top_p is not None:
        found["top_p"] = call.top_p
    if call.stop:
        found["stop_sequences"] = list(call.stop)
    return found


_PLAIN = ModelRequestParameters()


def parameters(call: Call, profile: ModelProfile) -> ModelRequestParameters:
    """Tools and the form of the output; a schema goes to the provider as such where it can, else in words."""
    if not call.tools and call.output_schema is None:
        return _PLAIN
    tools = [
        ToolDefinition(name=tool.name, description=tool.description, parameters_json_schema=tool.parameters)
        for tool in call.tools
    ]
    if call.output_schema is None:
        return ModelRequestParameters(function_tools=tools)
    return ModelRequestParameters(
        function_tools=tools,
        output_mode="native" if profile.get("supports_json_schema_output", False) else "prompted",
        output_object=OutputObjectDefinition(json_schema=call.output_schema, name="output"),
    )
