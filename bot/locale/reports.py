"""What the store, the system and the network say is wrong, in the reader's language.

They report in English, once, also into logs and stored documents; a sentence that isn't known here stays as it is.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Sequence

from rules.model import Lang

_SENTENCES: Sequence[tuple[str, str]] = (
    (r"refuses the login \((.*)\); check user and password", r"拒绝登录（\1）；请检查用户名和密码"),
    (r"does not permit this user enough \((.*)\); widen its ACL", r"该用户权限不足（\1）；请放宽其 ACL"),
    (r"is still loading its data; try again in a moment", r"正在加载数据，请稍后再试"),
    (r"did not answer in time \((.*)\); is it overloaded or cut off\?", r"未及时应答（\1）；是否过载或断网？"),
    (r"cannot be reached \((.*)\); is the server running\?", r"无法连接（\1）；服务器是否在运行？"),
    (
        r"is full; raise its maxmemory or shorten the retention",
        r"内存已满；请调大 maxmemory，或缩短 retention 的保留时间",
    ),
    (r"is a read-only replica; REDIS_URL must name the primary", r"是只读副本；REDIS_URL 须指向主库"),
    (r"cannot write to its disk \((.*)\); make room or mend the disk", r"无法写盘（\1）；请清理或修复磁盘"),
    (r"refused a command: (.*)", r"拒绝了命令：\1"),
    (r"is Redis (\S+); wanted 6\.2 or newer, or Valkey", r"为 Redis \1；需要 6.2 以上版本或 Valkey"),
    (
        r"REDIS_URL (.*) is not a Redis address; wanted (\S+), rediss:// for TLS or unix:///path",
        r"REDIS_URL \1 不是 Redis 地址；格式应为 \2，TLS 用 rediss://，套接字用 unix:///路径",
    ),
    (
        r"a store server runs on (.*) but its socket (.*) can't be reached; end that server,"
        r" or run both processes with the same /tmp",
        r"\1 已有存储服务器在运行，但无法连接其套接字 \2；请结束该服务器，或让两个进程使用同一个 /tmp",
    ),
    (
        r"another process has been starting the store in (.*) for minutes",
        r"另一个进程正在启动 \1 的存储，已达数分钟；请检查或结束它",
    ),
    (r"cannot write to the data directory (.*): (.*)", r"无法写入数据目录 \1：\2"),
    (
        r"cannot use the data directory (.*): (.*); set TAPEWATCH_HOME",
        r"无法使用数据目录 \1：\2；请设置 TAPEWATCH_HOME",
    ),
    (
        r"the data directory (.*) is not this user's to write to; set TAPEWATCH_HOME",
        r"当前用户无权写入数据目录 \1；请设置 TAPEWATCH_HOME",
    ),
    (
        r"the bundled store server (.*) may not be executed; run chmod \+x on it",
        r"自带的存储服务器 \1 没有执行权限；请对其执行 chmod +x",
    ),
    (
        r"no store server for this platform; install valkey-server or redis-server, or set REDIS_URL to a running one",
        r"此平台没有可用的存储服务器；请安装 valkey-server 或 redis-server，或将 REDIS_URL 指向已运行的服务器",
    ),
    (
        r"cannot start the store server (.*): (.*); or set REDIS_URL to a running server",
        r"无法启动存储服务器 \1：\2；也可将 REDIS_URL 指向已运行的服务器",
    ),
    (
        r"the embedded store cannot write to (.*): the disk is full; make room and start again",
        r"内置存储无法写入 \1：磁盘已满；请清理后重新启动",
    ),
    (
        r"the embedded store's data in (.*) is damaged; restore a backup of that folder,"
        r" or move it away to start empty \(its log: (.*)\)",
        r"\1 中的内置存储数据已损坏；请恢复该文件夹的备份，或移走它从空白开始（日志：\2）",
    ),
    (
        r"the embedded store may not write to (.*); make it writable for this user",
        r"内置存储无权写入 \1；请授予当前用户写权限",
    ),
    (
        r"the bundled store server does not run on this processor; install valkey-server, or set REDIS_URL",
        r"自带的存储服务器不支持此处理器；请安装 valkey-server，或设置 REDIS_URL",
    ),
    (r"the embedded store did not answer within (\d+) s; see (.*)", r"内置存储 \1 秒内未应答；见 \2"),
    (r"the embedded store ended at once \(exit (-?\d+)\): (.*)", r"内置存储启动后立即退出（退出码 \1）：\2"),
    (
        r"Telegram refuses the token; check TELEGRAM_TOKEN and TELEGRAM_BASE_URL",
        r"Telegram 拒绝该令牌；请检查 TELEGRAM_TOKEN 和 TELEGRAM_BASE_URL",
    ),
    (
        r"Slack refuses the token or its scopes: (.*); check (SLACK_\w+)",
        r"Slack 拒绝该令牌或其权限（\1）；请检查 \2",
    ),
    (
        r"Slack refuses a token; check SLACK_BOT_TOKEN \((.*)\)"
        r" and SLACK_APP_TOKEN \((.*), with the scope (.*)\): (.*)",
        r"Slack 拒绝令牌；请检查 SLACK_BOT_TOKEN（\1）和 SLACK_APP_TOKEN（\2，权限 \3）：\4",
    ),
    (r"(\S+): Chat not found", r"\1：没有此会话，或机器人从未加入；请检查 ID（群组以减号开头）"),
    (r"(\S+): channel_not_found", r"\1：没有此频道，或机器人看不到它；请检查 ID"),
    (r"(\S+): not_in_channel", r"\1：机器人不在此频道；请在频道中 /invite"),
    (r"(\S+): is_archived", r"\1：此频道已归档"),
    (r"(\S+): Telegram can't be reached \((.*)\)", r"\1：无法连接 Telegram（\2）"),
    (r"(\S+): Slack can't be reached \((.*)\)", r"\1：无法连接 Slack（\2）"),
    (r"(\S+): no answer after the message was sent \((.*)\)", r"\1：消息已发出但没有应答（\2）"),
    (r"(\S+): (?:Telegram|Slack) asks to wait", r"\1：服务要求稍候"),
    (r"(\S+) asked for a pause; not asked again before (.*)", r"\1 要求暂停，\2 之前不再请求"),
    (r"(\S+): no complete answer within (\S+) s", r"\1：\2 秒内没有完整应答"),
    (r"(\S+): (\w+) before the answer was complete", r"\1：应答完成前连接中断（\2）"),
    (r"(\S+): HTTP (\d+) with a challenge page for browsers", r"\1：HTTP \2，返回了针对浏览器的验证页面"),
    (r"(\S+): HTTP 429, too many requests", r"\1：HTTP 429，请求过多"),
    (r"(\S+): HTTP (\d+)", r"\1：HTTP \2"),
    (r"(\S+): HTML in place of JSON", r"\1：应返回 JSON，却返回了 HTML"),
    (r"(\S+): JSON that ends too early, after (\d+) bytes", r"\1：JSON 不完整（仅 \2 字节）"),
    (r"(\S+): not JSON \((.*)\)", r"\1：不是 JSON（\2）"),
    (r"(\S+): more than (\d+) (redirects|bytes)", r"\1：超过上限（\2 \3）"),
    (r"(.*) is missing; wanted a number", r"\1 缺失，应为数字"),
    (
        r"sec_contact is (.*); wanted the name and e-mail address of who asks, such as '(.*)':"
        r" the SEC refuses anonymous callers",
        r"sec_contact 为 \1；SEC 拒绝匿名访问，请填写姓名和邮箱，例：\2",
    ),
    (r"(\S+): no answer within (\d+) s", r"\1：\2 秒内无应答"),
    (r"(\S+): (?:\[Errno -\d+\] )?Name or service not known", r"\1：域名无法解析"),
    (r"(\S+): (?:\[Errno -\d+\] )?Temporary failure in name resolution", r"\1：域名暂时无法解析"),
    (r"(\S+): All connection attempts failed", r"\1：无法连接"),
    (r"(.*) is (.*); wanted a number", r"\1 为 \2，应为数字"),
    (r"(.*) is (.*); wanted a list", r"\1 为 \2，应为列表"),
    (r"(.*) is (.*); wanted an object", r"\1 为 \2，应为对象"),
    (r"(.*) is (.*); wanted (.*)", r"\1 为 \2，应为 \3"),
)
_KNOWN = [(re.compile(f"(the store at .* )?{english}"), chinese) for english, chinese in _SENTENCES]
_PLACE = re.compile(r"the store at (.*?) $")
_SYSTEM = {
    errno.ENOENT: "文件不存在",
    errno.EACCES: "没有权限",
    errno.EPERM: "不允许此操作",
    errno.EISDIR: "是文件夹，不是文件",
    errno.ENOTDIR: "不是文件夹",
    errno.ENOSPC: "磁盘已满",
    errno.EDQUOT: "超出磁盘配额",
    errno.EROFS: "文件系统只读",
    errno.EFBIG: "文件过大",
    errno.EIO: "磁盘读写错误",
    errno.EADDRINUSE: "端口已被占用",
    errno.EADDRNOTAVAIL: "本机没有该地址",
}


def reported(text: str, lang: Lang) -> str:
    """``text`` of the store or the network as a reader of ``lang`` is told it."""
    if lang == "en":
        return text
    for pattern, chinese in _KNOWN:
        if found := pattern.fullmatch(text):
            place = _PLACE.fullmatch(found[1]) if found[1] else None
            said = re.sub(r"\\(\d)", lambda hole, found=found: found[int(hole[1]) + 1], chinese)  # type: ignore[misc]
            return system_words(f"存储 {place[1]} {said}" if place else said)
    return text


def system_words(said: str) -> str:
    """The system's own words within a sentence, in Chinese."""
    for code, chinese in _SYSTEM.items():
        said = said.replace(os.strerror(code), chinese)
    return said


def system_said(error: OSError, lang: Lang) -> str:
    """What the operating system has against it."""
    said = error.strerror or str(error)
    return said if lang == "en" else _SYSTEM.get(error.errno or 0, said)
