"""A Bot API server on the loopback: as strict as the real one, with a memory, and with faults to order.

async with FakeTelegram() as telegram:
telegram.add_chat(42)
...  # TELEGRAM_BASE_URL=telegram.base_url TELEGRAM_TOKEN=telegram.token
assert telegram.sent(42)[0].text == "..."
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Literal, Self

from aiohttp import web

from tests.fakes.faults import Faults
from tests.fakes.rates import Limit, Rates
from tests.fakes.telegram_html import CannotParse, Entity, parse_html, utf16
from tests.fakes.telegram_state import BOT, ApiError, FakeChat, FakeMessage, Json, Updates, found_entities

_TOO_LARGE = 60_000_000
_PHOTO_MAGIC = (b"\x89PNG", b"\xff\xd8\xff")
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\u200b\ufeff]")
_STANDING = {
    "blocked": "Forbidden: bot was blocked by the user",
    "kicked": "Forbidden: bot was kicked from the group chat",
    "deactivated": "Forbidden: user is deactivated",
}


class FakeTelegram:
    """The service. ``rates.enforced`` makes it answer 429 beyond Telegram's limits."""

    def __init__(self, token: str = "4711:AAF-test-token-of-a-fake-server", *, privacy: bool = True) -> None:
        self.token = token
        self.privacy = privacy
        self.base_url = ""
        self.faults = Faults()
        self.rates = Rates()
        self.chats: dict[int, FakeChat] = {}
        self.messages: dict[tuple[int, int], FakeMessage] = {}
        self.updates = Updates()
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.refusals: list[str] = []
        self.unclean: list[str] = []
        self.commands: dict[tuple[str, str], list[Json]] = {}
        self.callback_answers: dict[str, Json] = {}
        self.inline_answers: dict[str, list[Json]] = {}
        self.files: dict[str, bytes] = {}
        self.posters: dict[int, str] = {}
        """Who sent a message, by its id: clients that are told apart add ``/NAME`` to the base URL."""
        self._message_ids = itertools.count(1)
        self._query_ids = itertools.count(1)
        self._runner: web.AppRunner | None = None
        self._methods: dict[str, Callable[[dict[str, Any]], Awaitable[Any]]] = {
            name.removeprefix("_do_").replace("_", ""): getattr(self, name)
            for name in dir(self)
            if name.startswith("_do_")
        }

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> None:
        """Listen on the loopback; ``port`` 0 takes a free one."""
        app = web.Application(client_max_size=_TOO_LARGE)
        app.router.add_route("*", "/bot{token}/{method}", self._handle)
        app.router.add_route("*", "/{poster}/bot{token}/{method}", self._handle)
        app.router.add_get("/file/bot{token}/{path}", self._download)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Close the port; what was sent stays known."""
        if self._runner:
            await self._runner.cleanup()

    # What a test sets up and looks at.

    def add_chat(
        self,
        chat_id: int,
        kind: Literal["private", "group", "supergroup", "channel"] | None = None,
        *,
        title: str = "",
        topics: set[int] | None = None,
    ) -> FakeChat:
        """A chat that the bot may write to; the sign of the id says which kind unless ``kind`` does."""
        guess: Literal["private", "supergroup"] = "private" if chat_id > 0 else "supergroup"
        self.chats[chat_id] = FakeChat(chat_id, kind or guess, title, topics or set())
        return self.chats[chat_id]

    def sent(self, chat_id: int | None = None) -> list[FakeMessage]:
        """The bot's messages in ``chat_id``, or everywhere, oldest first."""
        return [
            message
            for message in self.messages.values()
            if message.by is BOT and not message.deleted and chat_id in {None, message.chat.id}
        ]

    def migrate(self, old: int, new: int) -> None:
        """A group becomes a supergroup, and both say so."""
        self.add_chat(new, "supergroup", title=self.chats[old].title)
        self.chats[old].migrated_to = new
        self._service(old, {"migrate_to_chat_id": new})
        self._service(new, {"migrate_from_chat_id": old})

    def _service(self, chat_id: int, body: Json) -> None:
        message = FakeMessage(self.chats[chat_id], next(self._message_ids), "", by=_user(1, "en"))
        self.updates.put("message", {**message.json(), **body})

    def block(self, chat_id: int, standing: Literal["blocked", "kicked"] = "blocked") -> None:
        """The bot is shut out, and told."""
        chat = self.chats[chat_id]
        chat.standing = standing
        user = {"user": BOT, "status": "kicked", "until_date": 0}
        old = {"user": BOT, "status": "member"}
        self.updates.put(
            "my_chat_member",
            {"chat": chat.json(), "from": _user(abs(chat_id), "en"), "date": 1, "old_chat_member": old,
             "new_chat_member": user},
        )  # fmt: skip

    def say(
        self, chat_id: int, text: str, *, user: int = 42, lang: str = "en", topic: int | None = None, reply_to: int = 0
    ) -> int:
        """A person writes; return the message's id. In a group with privacy mode the bot hears only what it may."""
        message = FakeMessage(self.chats[chat_id], next(self._message_ids), text, thread=topic, by=_user(user, lang))
        self.messages[(chat_id, message.id)] = message
        body = {**message.json(), "entities": found_entities(text)}
        parent = self.messages.get((chat_id, reply_to))
        if parent:
            body["reply_to_message"] = parent.json()
        if self._hears(message.chat, body, parent):
            self.updates.put("message", body)
        return message.id

    def _hears(self, chat: FakeChat, body: Json, parent: FakeMessage | None) -> bool:
        command = any(entity["type"] == "bot_command" for entity in body["entities"])
        return chat.type == "private" or not self.privacy or command or (parent is not None and parent.by is BOT)

    def press(self, message: FakeMessage, data: str, *, user: int = 42, lang: str = "en") -> str:
        """A person presses a button (any data can be forged); return the query's id."""
        query = f"q{next(self._query_ids)}"
        self.callback_answers[query] = {}
        self.updates.put(
            "callback_query",
            {"id": query, "from": _user(user, lang), "message": message.json(), "chat_instance": "1", "data": data},
        )
        return query

    def ask_inline(self, query: str, *, user: int = 42, lang: str = "en") -> str:
        """A person types ``@bot query`` somewhere; return the query's id."""
        query_id = f"i{next(self._query_ids)}"
        self.inline_answers[query_id] = []
        self.updates.put("inline_query", {"id": query_id, "from": _user(user, lang), "query": query, "offset": ""})
        return query_id

    # HTTP.

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        posted = await request.post()
        parameters: dict[str, Any] = {**request.query, **posted}
        self.calls.append((method, parameters))

        async def answer() -> web.Response:
            poster = request.match_info.get("poster", "")
            return await self._answer(request.match_info["token"], method.lower(), parameters, poster)

        return await self.faults.around(request, method, answer, _too_many)

    async def _answer(self, token: str, method: str, parameters: dict[str, Any], poster: str) -> web.Response:
        try:
            call = self._method(token, method)
            if method.startswith(("send", "edit")) and "chat_id" in parameters and (wait := self._over(parameters)):
                return _too_many(math.ceil(wait))
            result = await call(parameters)
            if method.startswith("send") and isinstance(result, dict):
                self.posters[result["message_id"]] = poster
            return web.json_response({"ok": True, "result": result})
        except ApiError as error:
            self.refusals.append(error.description)
            body: Json = {"ok": False, "error_code": error.code, "description": error.description}
            if error.parameters:
                body["parameters"] = error.parameters
            return web.json_response(body, status=error.code)

    def _method(self, token: str, method: str) -> Callable[[dict[str, Any]], Awaitable[Any]]:
        if token != self.token:
            raise ApiError(401, "Unauthorized")
        if method not in self._methods:
            raise ApiError(404, "Not Found")
        return self._methods[method]

    def _over(self, parameters: dict[str, Any]) -> float:
        chat = str(parameters["chat_id"])
        limits = {"all": Limit(30, 30), f"chat {chat}": Limit(1, 1)}
        if chat.startswith("-"):
            limits[f"group {chat}"] = Limit(20 / 60, 20)
        return self.rates.wait_for(limits)

    async def _download(self, request: web.Request) -> web.Response:
        content = self.files.get(request.match_info["path"])
        return web.Response(body=content) if content is not None else web.Response(status=404)

    # Methods of the Bot API.

    async def _do_get_me(self, parameters: dict[str, Any]) -> Json:
        return {**BOT, "can_join_groups": True, "can_read_all_group_messages": not self.privacy,
                "supports_inline_queries": True}  # fmt: skip

    async def _do_delete_webhook(self, parameters: dict[str, Any]) -> bool:
        return True

    async def _do_get_updates(self, parameters: dict[str, Any]) -> list[Json]:
        return await self.updates.get(int(parameters.get("offset", 0)), float(parameters.get("timeout", 0)))

    async def _do_send_chat_action(self, parameters: dict[str, Any]) -> bool:
        self._open_chat(parameters)
        return True

    async def _do_send_message(self, parameters: dict[str, Any]) -> Json:
        text, entities = self._text(parameters, "text", 4096)
        return self._post(parameters, text, entities).json()

    async def _do_send_photo(self, parameters: dict[str, Any]) -> Json:
        name, content = _file(parameters.get("photo"))
        if len(content) > 10_000_000:
            raise ApiError(400, "Bad Request: file is too big")
        if not content.startswith(_PHOTO_MAGIC):
            raise ApiError(400, "Bad Request: IMAGE_PROCESS_FAILED")
        return self._post_file(parameters, "photo", name, content)

    async def _do_send_document(self, parameters: dict[str, Any]) -> Json:
        name, content = _file(parameters.get("document"))
        if len(content) > 50_000_000:
            raise ApiError(413, "Request Entity Too Large")
        return self._post_file(parameters, "document", name, content)

    async def _do_edit_message_text(self, parameters: dict[str, Any]) -> Json:
        message = self._own(parameters)
        if message.kind != "text":
            raise ApiError(400, "Bad Request: there is no text in the message to edit")
        text, entities = self._text(parameters, "text", 4096)
        keyboard = _keyboard(parameters)
        if (text, entities, keyboard) == (message.text, message.entities, message.keyboard):
            raise ApiError(
                400,
                "Bad Request: message is not modified: specified new message content and reply markup are exactly "
                "the same as a current content and reply markup of the message",
            )
        message.text, message.entities, message.keyboard = text, entities, keyboard
        message.source = str(parameters["text"])
        message.edits += 1
        return message.json()

    async def _do_delete_message(self, parameters: dict[str, Any]) -> bool:
        self._own(parameters).deleted = True
        return True

    async def _do_answer_callback_query(self, parameters: dict[str, Any]) -> bool:
        query = str(parameters.get("callback_query_id"))
        if query not in self.callback_answers:
            raise ApiError(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        if utf16(str(parameters.get("text", ""))) > 200:
            raise ApiError(400, "Bad Request: MESSAGE_TOO_LONG")
        self.callback_answers[query] = {"answered": True, "text": parameters.get("text", "")}
        return True

    async def _do_answer_inline_query(self, parameters: dict[str, Any]) -> bool:
        query = str(parameters.get("inline_query_id"))
        if query not in self.inline_answers:
            raise ApiError(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        results = json.loads(parameters["results"])
        if len(results) > 50 or len({result["id"] for result in results}) < len(results):
            raise ApiError(400, "Bad Request: RESULTS_TOO_MUCH")
        for result in results:
            if not 0 < len(result["id"].encode()) <= 64 or not result.get("title"):
                raise ApiError(400, "Bad Request: RESULT_ID_INVALID")
            self._text(result["input_message_content"], "message_text", 4096)
        self.inline_answers[query] = results
        return True

    async def _do_set_my_commands(self, parameters: dict[str, Any]) -> bool:
        commands = json.loads(parameters["commands"])
        if len(commands) > 100:
            raise ApiError(400, "Bad Request: BOT_COMMANDS_TOO_MUCH")
        for command in commands:
            if not _COMMAND.fullmatch(command["command"]):
                raise ApiError(400, "Bad Request: BOT_COMMAND_INVALID")
            if not 1 <= utf16(command["description"]) <= 256:
                raise ApiError(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        scope = json.loads(parameters.get("scope", '{"type": "default"}'))["type"]
        self.commands[(scope, str(parameters.get("language_code", "")))] = commands
        return True

    async def _do_get_file(self, parameters: dict[str, Any]) -> Json:
        name = str(parameters.get("file_id"))
        if name not in self.files:
            raise ApiError(400, "Bad Request: invalid file_id")
        return {"file_id": name, "file_unique_id": name, "file_size": len(self.files[name]), "file_path": name}

    # What the methods share.

    def _open_chat(self, parameters: dict[str, Any]) -> FakeChat:
        try:
            chat = self.chats[int(parameters.get("chat_id", ""))]
        except (KeyError, ValueError):
            raise ApiError(400, "Bad Request: chat not found") from None
        if chat.migrated_to:
            raise ApiError(400, "Bad Request: group chat was upgraded to a supergroup chat",
                           migrate_to_chat_id=chat.migrated_to)  # fmt: skip
        if chat.standing == "no_rights":
            raise ApiError(400, "Bad Request: not enough rights to send text messages to the chat")
        if chat.standing != "member":
            raise ApiError(403, _STANDING[chat.standing])
        return chat

    def _text(self, parameters: dict[str, Any], key: str, limit: int) -> tuple[str, list[Entity]]:
        source = str(parameters.get(key, ""))
        if _CONTROL.search(source):
            self.unclean.append(source)
        text, entities = source, list[Entity]()
        if parameters.get("parse_mode") == "HTML":
            try:
                text, entities = parse_html(source)
            except CannotParse as error:
                raise ApiError(400, f"Bad Request: can't parse entities: {error}") from None
        text = text.strip()
        if not text and key != "caption":
            raise ApiError(400, "Bad Request: message text is empty")
        if utf16(text) > limit:
            kind = "caption" if key == "caption" else "message"
            raise ApiError(400, f"Bad Request: {kind} is too long")
        return text, entities

    def _post(self, parameters: dict[str, Any], text: str, entities: list[Entity]) -> FakeMessage:
        chat = self._open_chat(parameters)
        thread = int(parameters["message_thread_id"]) if "message_thread_id" in parameters else None
        if thread is not None and thread not in chat.topics:
            raise ApiError(400, "Bad Request: message thread not found")
        if thread in chat.closed_topics:
            raise ApiError(400, "Bad Request: TOPIC_CLOSED")
        message = FakeMessage(
            chat,
            next(self._message_ids),
            text,
            entities,
            source=str(parameters.get("text", "")),
            parse_mode=str(parameters.get("parse_mode", "")),
            keyboard=_keyboard(parameters),
            thread=thread,
            reply_to=self._reply(chat, parameters),
            silent=str(parameters.get("disable_notification", "")).lower() == "true",
        )
        self.messages[(chat.id, message.id)] = message
        return message

    def _reply(self, chat: FakeChat, parameters: dict[str, Any]) -> int | None:
        if "reply_parameters" not in parameters:
            return None
        reply = json.loads(parameters["reply_parameters"])
        target = self.messages.get((chat.id, reply["message_id"]))
        if target is not None and not target.deleted:
            return target.id
        if reply.get("allow_sending_without_reply"):
            return None
        raise ApiError(400, "Bad Request: message to be replied not found")

    def _post_file(
        self, parameters: dict[str, Any], kind: Literal["photo", "document"], name: str, content: bytes
    ) -> Json:
        caption, entities = self._text(parameters, "caption", 1024)
        message = self._post(parameters, caption, entities)
        message.kind, message.file_name, message.file_size = kind, name, len(content)
        self.files[f"{kind[0]}{message.id}"] = content
        return message.json()

    def _own(self, parameters: dict[str, Any]) -> FakeMessage:
        chat = self._open_chat(parameters)
        message = self.messages.get((chat.id, int(parameters.get("message_id", 0))))
        if message is None or message.deleted:
            raise ApiError(400, "Bad Request: message to edit not found")
        if message.by is not BOT or not message.editable:
            raise ApiError(400, "Bad Request: message can't be edited")
        return message


def _user(user_id: int, lang: str) -> Json:
    return {"id": user_id, "is_bot": False, "first_name": f"User {user_id}", "language_code": lang}


def _file(field: object) -> tuple[str, bytes]:
    if not isinstance(field, web.FileField):
        raise ApiError(400, "Bad Request: there is no file in the request")
    return field.filename, field.file.read()


def _keyboard(parameters: dict[str, Any]) -> list[list[Json]]:
    if "reply_markup" not in parameters:
        return []
    rows: list[list[Json]] = json.loads(parameters["reply_markup"])["inline_keyboard"]
    if sum(len(row) for row in rows) > 100 or any(len(row) > 8 for row in rows):
        raise ApiError(400, "Bad Request: reply markup is too long")
    for button in itertools.chain.from_iterable(rows):
        if not 1 <= len(button.get("callback_data", "").encode()) <= 64:
            raise ApiError(400, "Bad Request: BUTTON_DATA_INVALID")
        if not button.get("text", "").strip():
            raise ApiError(400, "Bad Request: text buttons are unallowed in the inline keyboard")
    return rows


def _too_many(retry_after: int) -> web.Response:
    return web.json_response(
        {"ok": False, "error_code": 429, "description": f"Too Many Requests: retry after {retry_after}",
         "parameters": {"retry_after": retry_after}},
        status=429,
    )  # fmt: skip
