"""From a row to a conversation, one function per form. Exported scripts carry their source.

A conversation is a dict: ``messages`` (list of dict with ``role`` and ``content``, as OpenAI and
transformers have them), ``completion`` (the number of the message with which the completion begins)
and, where there are any, ``tools``.
"""

from __future__ import annotations

import json
import re
from typing import Any


def pair_messages(row: dict, *, prompt_column: str, completion_column: str) -> dict:
    """Read a prompt and its completion, both as text."""
    asked = {"role": "user", "content": str(row[prompt_column])}
    return as_conversation([asked, {"role": "assistant", "content": str(row[completion_column])}])


def instruction_messages(
    row: dict,
    *,
    prompt_column: str,
    completion_column: str,
    context_column: str | None = None,
    system_column: str | None = None,
    history_column: str | None = None,
) -> dict:
    """Read an instruction, the input or context below it, and what goes before: Alpaca, Dolly, SQuAD."""
    messages = system_turn(row, system_column)
    for turn in row.get(history_column) or []:
        if isinstance(turn, dict):
            messages.append({"role": turn["role"], "content": turn["content"]})
        else:
            question, answer = turn
            messages.append({"role": "user", "content": question})
            messages.append({"role": "assistant", "content": answer})
    parts = [row[prompt_column], row.get(context_column)]
    prompt = "\n\n".join(str(part) for part in parts if part is not None and str(part).strip())
    messages.append({"role": "user", "content": prompt})
    completion = first_answer(row[completion_column])
    return as_conversation([*messages, {"role": "assistant", "content": completion}])


def filled_messages(
    row: dict, *, prompt_template: str, completion_column: str, system_column: str | None = None
) -> dict:
    """Fill a template's columns, which stand in braces, and read the completion."""
    prompt = re.sub(r"\{([^{}]+)\}", lambda match: str(row[match[1]]), prompt_template)
    turns = [
        {"role": "user", "content": prompt},
        {"role": "assistant", "content": first_answer(row[completion_column])},
    ]
    return as_conversation([*system_turn(row, system_column), *turns])


def openai_messages(
    row: dict,
    *,
    messages_column: str,
    system_column: str | None = None,
    tools_column: str | None = None,
) -> dict:
    """Read a list of messages with role and content."""
    messages = [openai_message(message) for message in row[messages_column]]
    return as_conversation([*system_turn(row, system_column), *messages], row.get(tools_column))


def turn_messages(
    row: dict, *, prompt_column: str, completion_column: str, tools_column: str | None = None
) -> dict:
    """Read a prompt and its completion, each a list of messages with role and content."""
    prompt, completion = (
        [openai_message(message) for message in row[column]]
        for column in (prompt_column, completion_column)
    )
    read = as_conversation(prompt + completion, row.get(tools_column))
    return {**read, "completion": len(prompt)}


def sharegpt_messages(
    row: dict,
    *,
    messages_column: str,
    system_column: str | None = None,
    tools_column: str | None = None,
) -> dict:
    """Read ShareGPT's list of turns with from and value."""
    roles = {
        "human": "user",
        "gpt": "assistant",
        "chatgpt": "assistant",
        "model": "assistant",
        "observation": "tool",
        "function_response": "tool",
    }
    messages = system_turn(row, system_column)
    for turn in row[messages_column]:
        if turn["from"] == "function_call":
            calls = json.loads(turn["value"])
            calls = [{"type": "function", "function": call} for call in as_list_of(calls)]
            messages.append({"role": "assistant", "content": "", "tool_calls": calls})
        else:
            role = roles.get(turn["from"], turn["from"])
            messages.append({"role": role, "content": turn["value"]})
    return as_conversation(messages, row.get(tools_column))


def as_conversation(messages: list[dict], tools: list | str | None = None) -> dict:
    """Put messages together with the tools that they may call; the last answer is the completion."""
    answers = [at for at, message in enumerate(messages) if message["role"] == "assistant"]
    read = {"messages": messages, "completion": answers[-1] if answers else len(messages)}
    if tools:
        read["tools"] = without_none(json.loads(tools) if isinstance(tools, str) else tools)
    return read


def openai_message(message: dict) -> dict:
    """Return what a chat template reads of a message, its content as one text."""
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(part["text"] for part in content)
    role = {"developer": "system", "function": "tool"}.get(message["role"], message["role"])
    read = {"role": role, "content": "" if content is None else content}
    for key in ("name", "tool_call_id", "reasoning_content", "thinking"):
        if message.get(key) is not None:
            read[key] = message[key]
    if message.get("tool_calls"):
        read["tool_calls"] = [called(call) for call in message["tool_calls"]]
    return read


def called(call: dict) -> dict:
    """Return a call of a tool with its arguments as a mapping, as chat templates expect them."""
    call = without_none(call)
    function = call.get("function", call)
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        arguments = json.loads(arguments or "{}")
    return {**call, "type": "function", "function": {**function, "arguments": arguments or {}}}


def system_turn(row: dict, column: str | None) -> list[dict]:
    """Return the system prompt of a row's column as a list of one message, or of none."""
    text = row.get(column)
    return [{"role": "system", "content": str(text)}] if text and str(text).strip() else []


def with_system_prompt(read: dict, system_prompt: str) -> dict:
    """Put a system prompt before a conversation that has none."""
    messages = read["messages"]
    if messages[0]["role"] == "system":
        return read
    first = {"role": "system", "content": system_prompt}
    return {**read, "messages": [first, *messages], "completion": read["completion"] + 1}


def first_answer(value: object) -> str:
    """Return an answer as text: itself, or the first of several, as in SQuAD."""
    if isinstance(value, dict):
        value = value["text"]
    if isinstance(value, list):
        value = value[0]
    return str(value)


def as_list_of(value: object) -> list:
    """Return a list as it is, and anything else as a list of one."""
    return value if isinstance(value, list) else [value]


def without_none(value: Any) -> Any:
    """Leave out keys without a value, which Parquet adds where other rows have them."""
    if isinstance(value, dict):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    return [without_none(item) for item in value] if isinstance(value, list) else value
