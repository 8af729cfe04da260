"""A tool that checks its arguments before it runs, with errors that a model can read and mend.

This file imports the SDK. Import it in functions, after `require_sdk`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools.base import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.types import ToolAnnotations
from pydantic import ValidationError

from shortlist.wording.requests import fault_of


class CheckedArguments(FuncMetadata):
    """The arguments of a tool. The SDK would also read each text that is JSON, such as "null", as its value."""

    def pre_parse_json(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments as they are checked. An argument that is null counts as not given.

        An array or an object may be sent as its JSON text, because some clients cannot send it otherwise.
        """
        fields = self.arg_model.model_json_schema()["properties"]
        return {
            name: _structure(value) if isinstance(value, str) and _has_parts(fields.get(name, {})) else value
            for name, value in data.items()
            if value is not None
        }


class CheckedTool(Tool):
    """A tool with exact arguments: no other names, and no values of other types."""

    async def run(self, arguments: dict[str, Any], context: Any, convert_result: bool = False) -> Any:
        """Run the tool.

        Raises:
            ToolError: An argument is unknown, missing or of the wrong type; or the tool failed.
        """
        given = self.fn_metadata.pre_parse_json(arguments)
        try:
            self.fn_metadata.arg_model.model_validate(given)
        except ValidationError as error:
            raise ToolError(self._fault(error, given)) from error
        return await super().run(arguments, context, convert_result)

    def _fault(self, error: ValidationError, given: dict[str, Any]) -> str:
        names = list(self.fn_metadata.arg_model.model_fields)
        unknown = next((name for name in given if name not in names), None)
        if unknown is not None:
            return f"{self.name} has no argument {unknown[:80]!r}: its arguments are {', '.join(names)}"
        return fault_of(error.errors(include_url=False), given, noun="argument").message


def checked_tool(function: Callable[..., object], title: str, description: str) -> Tool:
    """Return the function as a tool that refuses unknown arguments, which the SDK ignores, and other types."""
    reads = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
    tool = CheckedTool.from_function(function, title=title, description=description, annotations=reads)
    arguments: type[ArgModelBase] = tool.fn_metadata.arg_model
    arguments.model_config |= {"extra": "forbid", "strict": True}
    arguments.model_rebuild(force=True)
    checked = CheckedArguments(
        arg_model=arguments,
        output_schema=tool.fn_metadata.output_schema,
        output_model=tool.fn_metadata.output_model,
        wrap_output=tool.fn_metadata.wrap_output,
    )
    return tool.model_copy(update={"fn_metadata": checked, "parameters": arguments.model_json_schema(by_alias=True)})


def _has_parts(schema: dict[str, Any]) -> bool:
    """Return whether an argument may be an array or an object."""
    return any(kind.get("type") in ("array", "object") for kind in schema.get("anyOf", [schema]))


def _structure(text: str) -> Any:
    """Return the array or the object that a text is in JSON, or the text itself."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, list | dict) else text
