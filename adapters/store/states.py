"""Alert states, and the one script that writes a turn of the engine whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from adapters.store import keys
from adapters.store.hashes import read_all
from adapters.store.link import Link
from adapters.store.port import Commit, Cursor, Overtaken

# The turn comes as one JSON document, so that its size has no bearing on the number of arguments. An entry is
# enqueued only if its notice is new; the first one of a lane opens the lane and makes it due.
_COMMIT = """
local turn = cjson.decode(ARGV[1])
local alerts, cursor, due, notices, sequence, log, bell = unpack(KEYS)
local lane_prefix = ARGV[2]
for _, d in ipairs(turn.unchanged) do
  if redis.call('HGET', d[1], d[2]) ~= (d[3] or false) then return -1 end
end
for i = 1, #turn.alerts, 2 do redis.call('HSET', alerts, turn.alerts[i], turn.alerts[i + 1]) end
for _, name in ipairs(turn.forgotten) do redis.call('HDEL', alerts, name) end
if turn.cursor then redis.call('SET', cursor, turn.cursor) end
for _, d in ipairs(turn.documents) do redis.call('HSET', d[1], d[2], d[3]) end
for _, d in ipairs(turn.removed) do redis.call('HDEL', d[1], d[2]) end
for _, line in ipairs(turn.decisions) do
  redis.call('XADD', log, '*', 'key', line[1], 'destination', line[2], 'at', line[3],
             'outcome', line[4], 'detail', line[5], 'attempt', '0')
end
local added, rung = 0, {}
for _, e in ipairs(turn.outbox) do
  local lane, key, payload, created, due_at = unpack(e)
  if redis.call('HSETNX', notices, lane .. ' ' .. key, '') == 1 then
    local id = redis.call('INCR', sequence) .. '-0'
    redis.call('XADD', lane_prefix .. lane, id, 'key', key, 'payload', payload, 'created', created)
    if not redis.call('ZSCORE', due, lane) then
      redis.call('XGROUP', 'CREATE', lane_prefix .. lane, 'senders', '0')
      redis.call('ZADD', due, due_at, lane)
    end
    added = added + 1
    if added <= 64 then rung[added] = lane end
  end
end
if added > 0 then redis.call('XADD', bell, 'MAXLEN', '1', '*', 'lanes', table.concat(rung, ' ')) end
return added
"""


class RedisAlertStates:
    """See :class:`adapters.store.port.AlertStates`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def cursor(self) -> Cursor:
        """How far the tape was evaluated."""
        return str(await self._link.call("GET", keys.CURSOR) or "0")

    async def alerts(self) -> Mapping[str, str]:
        """Every alert instance's JSON by its key."""
        return await read_all(self._link, keys.ALERTS)

    async def commit(self, commit: Commit) -> None:
        """Write the turn whole, or not at all; to commit the same turn again changes nothing.

        Raise :class:`Overtaken` when a document that had to be unchanged isn't.
        """
        touched = [
            keys.ALERTS,
            keys.CURSOR,
            keys.OUTBOX_DUE,
            keys.OUTBOX_NOTICES,
            keys.OUTBOX_SEQUENCE,
            keys.OUTBOX_LOG,
            keys.OUTBOX_BELL,
        ]
        document = json.dumps(_turn(commit), ensure_ascii=False, separators=(",", ":"))
        if await self._link.script(_COMMIT, touched, [document, keys.LANE_PREFIX]) == -1:
            raise Overtaken(", ".join(f"{collection}/{key}" for collection, key in commit.unchanged or {}))


def _turn(commit: Commit) -> dict[str, Any]:
    documents = commit.documents or {}
    turn: dict[str, Any] = {
        "alerts": [part for name, state in commit.alerts.items() if state is not None for part in (name, state)],
        "forgotten": [name for name, state in commit.alerts.items() if state is None],
        "documents": [(keys.documents(c), key, text) for (c, key), text in documents.items() if text is not None],
        "unchanged": [
            (keys.documents(c), key, *(() if text is None else (text,)))
            for (c, key), text in (commit.unchanged or {}).items()
        ],
        "removed": [(keys.documents(c), key) for (c, key), text in documents.items() if text is None],
        "decisions": [
            (line.key, line.destination, line.at.isoformat(), line.outcome, line.detail) for line in commit.decisions
        ],
        "outbox": [
            (
                keys.encoded(entry.destination),
                entry.key,
                entry.payload,
                entry.created_at.isoformat(),
                str(keys.to_us(entry.created_at)),
            )
            for entry in commit.outbox
        ],
    }
    if commit.cursor is not None:
        turn["cursor"] = commit.cursor
    return turn
