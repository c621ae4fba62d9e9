"""What the terminal says to who runs Tapewatch: by key, in English and in Chinese. ``KEY.do`` says what to do."""

from collections.abc import Mapping

DOCTOR: Mapping[str, tuple[str, str]] = {
    "doctor.ok": ("ok", "正常"),
    "doctor.warning": ("warning", "注意"),
    "doctor.problem": ("problem", "问题"),
    "doctor.sum": ("problems: {problems}, warnings: {warnings}", "{problems} 个问题，{warnings} 条提醒"),
    "doctor.settings_file": ("read from {file}", "读自 {file}"),
    "doctor.settings_none": (
        "no file at {file}; the defaults and the environment hold",
        "没有文件 {file}，使用默认值和环境变量",
    ),
    "doctor.settings_closed": ("{file}: {why}", "{file}：{why}"),
    "doctor.settings_closed.do": (
        "name a file that is there and can be read, by --config or TAPEWATCH_CONFIG",
        "请用 --config 或 TAPEWATCH_CONFIG 指定存在且可读的文件",
    ),
    "doctor.settings_wrong": ("{why}", "{why}"),
    "doctor.settings_wrong.do": (
        "correct it; docs/operations.md lists every setting",
        "请更正；所有设置见 docs/operations.md",
    ),
    "doctor.secrets": ("set: {there}; not set: {absent}", "已设置：{there}；未设置：{absent}"),
    "doctor.secret_open": ("others on this machine can read {file}", "本机其他用户可读 {file}"),
    "doctor.secret_open.do": ("chmod 600 {file}", "chmod 600 {file}"),
    "doctor.secret_swapped": (
        "{name} holds a token of the other kind (it begins with {begins})",
        "{name} 里是另一种令牌（以 {begins} 开头）",
    ),
    "doctor.secret_swapped.do": (
        "SLACK_BOT_TOKEN begins with xoxb-, SLACK_APP_TOKEN with xapp-",
        "SLACK_BOT_TOKEN 以 xoxb- 开头，SLACK_APP_TOKEN 以 xapp- 开头",
    ),
    "doctor.disk": ("{free} free at {folder}", "{folder} 剩余 {free}"),
    "doctor.disk_low": ("only {free} free at {folder}", "{folder} 仅剩 {free}"),
    "doctor.disk_low.do": ("make room, or shorten retention.tape", "请清理磁盘，或缩短 retention.tape"),
    "doctor.disk_full": ("{free} free at {folder}: writes will fail", "{folder} 剩余 {free}，写入将失败"),
    "doctor.disk_full.do": ("make room; nothing that was acknowledged is lost", "请清理磁盘；已确认的数据不会丢失"),
    "doctor.home_closed": ("{folder} can't be written to: {why}", "无法写入 {folder}：{why}"),
    "doctor.home_closed.do": (
        "give this user the folder, or set TAPEWATCH_HOME",
        "请授予该用户写权限，或设置 TAPEWATCH_HOME",
    ),
    "doctor.font": ("pictures have Chinese labels ({font})", "图片可显示中文（{font}）"),
    "doctor.font_none": (
        "no Chinese font: labels in pictures are English for everybody",
        "没有中文字体：图片标签一律为英文",
    ),
    "doctor.font_none.do": (
        "install one, such as the package fonts-noto-cjk",
        "请安装中文字体，如 fonts-noto-cjk 软件包",
    ),
    "doctor.rules": (
        "{rules} rules and {tests} tests are in order, over {instruments} instruments",
        "{rules} 条规则、{tests} 个测试无误，覆盖 {instruments} 个标的",
    ),
    "doctor.rules_doubt": ("{why}", "{why}"),
    "doctor.rules_doubt.do": (
        "it can be used as it is; tapewatch check shows all doubts",
        "可照常使用；全部疑点见 tapewatch check",
    ),
    "doctor.rules_wrong": ("{why}", "{why}"),
    "doctor.rules_file": ("{file}: {why}", "{file}：{why}"),
    "doctor.rules_file.do": ("correct the rules in the settings", "请更正设置中的 rules"),
    "doctor.rules_wrong.do": ("correct the file; the rules that run stay until then", "请更正文件；此前旧规则继续运行"),
    "doctor.store": ("{place} ({server}) can be written to", "{place}（{server}）可写"),
    "doctor.store_away": ("{why}", "{why}"),
    "doctor.store_away.do": (
        "docs/operations.md explains each message under “The store”",
        "各条信息的含义见 docs/operations.md 的“The store”一节",
    ),
    "doctor.durable": (
        "every acknowledged write is on disk (appendfsync {sync})",
        "已确认的写入均已落盘（appendfsync {sync}）",
    ),
    "doctor.durable_unknown": (
        "the server keeps an append-only file and doesn't say how often it is synced",
        "服务器写追加日志，但未说明落盘频率",
    ),
    "doctor.durable_unknown.do": (
        "make sure that it runs with appendfsync always",
        "请确认其以 appendfsync always 运行",
    ),
    "doctor.durable_late": (
        "a crash loses the last second (appendfsync {sync})",
        "崩溃会丢最后一秒（appendfsync {sync}）",
    ),
    "doctor.durable_late.do": ("run the server with appendfsync always", "请以 appendfsync always 运行服务器"),
    "doctor.durable_not": (
        "nothing survives a crash of the server (appendonly no)",
        "服务器崩溃即丢数据（appendonly no）",
    ),
    "doctor.durable_not.do": (
        "run it with appendonly yes and appendfsync always",
        "请以 appendonly yes、appendfsync always 运行",
    ),
    "doctor.durable_failed": ("the server's last write to disk failed", "服务器最近一次落盘失败"),
    "doctor.durable_failed.do": ("look into its disk and its log", "请检查其磁盘和日志"),
    "doctor.evicts": (
        "the server forgets keys when its memory is full ({policy})",
        "内存满时服务器会淘汰数据（{policy}）",
    ),
    "doctor.evicts.do": ("set maxmemory-policy noeviction", "请设置 maxmemory-policy noeviction"),
    "doctor.lease": ("{role}: {holder}", "{role}：{holder}"),
    "doctor.lease_none": ("nobody does the work of {roles}", "没有进程承担 {roles}"),
    "doctor.lease_none.do": ("start tapewatch run", "请启动 tapewatch run"),
    "doctor.caught_up": ("everything on the tape is evaluated", "行情记录已全部计算"),
    "doctor.behind": ("the engine last evaluated {ago} ago, and figures wait", "引擎上次计算在 {ago} 前，仍有数据待算"),
    "doctor.behind.do": ("look into the log of the engine role", "请查看 engine 角色的日志"),
    "doctor.outbox": ("messages waiting: {waiting}", "{waiting} 条消息待发"),
    "doctor.outbox_late": (
        "messages waiting: {waiting}, the oldest due for {late}",
        "{waiting} 条消息待发，最早一条已逾期 {late}",
    ),
    "doctor.outbox_late.do": (
        "does a sender run? tapewatch outbox shows where they wait",
        "sender 是否在运行？tapewatch outbox 显示其去向",
    ),
    "doctor.dead_none": ("no message was given up", "没有投递失败的消息"),
    "doctor.dead": ("messages that could not be delivered: {count}", "{count} 条消息投递失败"),
    "doctor.dead.do": (
        "tapewatch outbox dead says why; then tapewatch outbox retry or drop",
        "原因见 tapewatch outbox dead；再用 tapewatch outbox retry 或 drop 处理",
    ),
    "doctor.service_unset": ("{name} isn't set: not used", "未设置 {name}：不使用"),
    "doctor.service": ("{name} answers as {identity}", "{name} 已应答，身份 {identity}"),
    "doctor.service_refused": ("{why}", "{why}"),
    "doctor.service_refused.do": ("docs/connect-{name}.md, step by step", "按 docs/connect-{name}.md 逐步检查"),
    "doctor.service_away": ("{why}", "{why}"),
    "doctor.service_away.do": (
        "is the network up? HTTPS_PROXY names a proxy; messages wait meanwhile",
        "网络是否正常？代理用 HTTPS_PROXY 指定；消息会等待",
    ),
    "doctor.scope_missing": ("the bot token lacks {scope}", "机器人令牌缺少权限 {scope}"),
    "doctor.scope_missing.do": (
        "paste slack-manifest.yaml under App Manifest, then Install App → Reinstall",
        "在 App Manifest 粘贴 slack-manifest.yaml，再 Install App → Reinstall",
    ),
    "doctor.listens": ("the app token opens a socket: commands are heard", "应用令牌可建立连接：能接收命令"),
    "doctor.deaf": (
        "SLACK_APP_TOKEN isn't set: Slack is written to, not listened to",
        "未设置 SLACK_APP_TOKEN：只写不听",
    ),
    "doctor.deaf.do": ("docs/connect-slack.md, step 2", "见 docs/connect-slack.md 第 2 步"),
    "doctor.destinations_none": ("alerts are kept but sent nowhere", "提醒只保存，不发送"),
    "doctor.destinations_none.do": (
        "set destinations, e.g. TAPEWATCH_DESTINATIONS=telegram:CHAT",
        "请设置 destinations，如 TAPEWATCH_DESTINATIONS=telegram:CHAT",
    ),
    "doctor.destination": ("{destination} can be written to", "{destination} 可写"),
    "doctor.destination_gone": ("{why}", "{why}"),
    "doctor.destination_gone.do": (
        "invite the bot there, or correct the id: docs/connect-{name}.md",
        "请邀请机器人加入或更正 ID：docs/connect-{name}.md",
    ),
    "doctor.destination_unsure": ("can't be checked: {why}", "无法检查：{why}"),
    "doctor.destination_unsure.do": ("send something there and look", "请试发一条确认"),
    "doctor.destination_unserved": ("{why}", "{why}"),
    "doctor.destination_unserved.do": (
        "set what is missing, or correct the destination: docs/operations.md",
        "请设置缺少的变量，或更正目的地：docs/operations.md",
    ),
    "doctor.destination_trusted": (
        "{destination} is configured (it can't be asked without sending)",
        "{destination} 已配置（不发送就无法检查）",
    ),
    "doctor.access": (
        "admins: {admins}, analysts: {analysts}, viewers: {viewers}, chats: {chats}",
        "管理员 {admins}、分析师 {analysts}、查看者 {viewers}、会话 {chats}",
    ),
    "doctor.access_open": ("access.open: everyone may ask", "access.open：人人可用"),
    "doctor.access_none": ("the bot listens, but nobody may use it", "机器人在监听，但无人有权使用"),
    "doctor.access_none.do": (
        "list chats and people under access, or set access.open",
        "请在 access 下列出聊天和人员，或设置 access.open",
    ),
    "doctor.source": ("answers ({status})", "有应答（{status}）"),
    "doctor.source_refuses": ("answers {status}: it refuses requests from here", "返回 {status}：拒绝本机访问"),
    "doctor.source_refuses.do": (
        "docs/sources.md says what stands in for it; feeds.{name}.enabled: false leaves it out",
        "替代来源见 docs/sources.md；feeds.{name}.enabled: false 可停用",
    ),
    "doctor.source_away": ("{why}", "{why}"),
    "doctor.source_away.do": (
        "is the network up? feeds.{name}.enabled: false leaves it out",
        "网络是否正常？feeds.{name}.enabled: false 可停用",
    ),
    "doctor.feed_dark": ("none of its sources answers: {names}", "全部来源无应答：{names}"),
    "doctor.feed_dark.do": (
        "is the network up? HTTPS_PROXY names a proxy; feeds.NAME.base_url another server",
        "网络是否正常？代理用 HTTPS_PROXY，其他服务器用 feeds.NAME.base_url",
    ),
    "doctor.source_fails": (
        "the running bot has had no luck since {since}: {why}",
        "运行中的程序自 {since} 起取数失败：{why}",
    ),
    "doctor.source_fails.do": (
        "tapewatch fetch shows it; docs/sources.md says what to do",
        "可用 tapewatch fetch 查看；处理办法见 docs/sources.md",
    ),
    "doctor.source_rests": ("asked for a pause until {until}", "要求暂停至 {until}"),
    "doctor.source_rests.do": ("nothing: it is asked again then", "无需处理：届时自动恢复"),
    "doctor.sec_contact": (
        "no sec_contact: Yahoo's statements stand in for filings",
        "未设置 sec_contact：以 Yahoo 报表代替申报文件",
    ),
    "doctor.sec_contact.do": ("set sec_contact to a name and an e-mail address", "请将 sec_contact 设为姓名和邮箱"),
    "doctor.clock": ("agrees with {count} servers within {off}", "与 {count} 台服务器相差不超过 {off}"),
    "doctor.clock_unknown": ("no server told its time", "没有服务器给出时间"),
    "doctor.clock_off": ("this machine's clock is off by {off}", "本机时钟偏差 {off}"),
    "doctor.clock_off.do": (
        "keep the clock by NTP (timedatectl set-ntp true)",
        "请用 NTP 校时（timedatectl set-ntp true）",
    ),
    "doctor.failed": ("the check itself failed: {why}", "检查本身出错：{why}"),
    "doctor.failed.do": ("report it with this line", "请附此行反馈"),
}

REPLAY: Mapping[str, tuple[str, str]] = {
    "replay.span": (
        "{start} → {end} UTC · {rules} rules · {observations} figures from the tape",
        "{start} → {end} UTC · {rules} 条规则 · 行情记录 {observations} 条",
    ),
    "replay.sum": (
        "{recorded} decisions then, {replayed} now, {same} the same",
        "当时 {recorded} 次判定，现在 {replayed} 次，相同 {same} 次",
    ),
    "replay.left_out": (
        "left out, since they came or went meanwhile: {rules}",
        "期间新增或结束的个人提醒未重放：{rules}",
    ),
    "replay.price_alerts": (
        "not replayed: {count} price alerts of people, which were told in this span",
        "个人价格提醒不在回放之列：期间共发出 {count} 条",
    ),
    "replay.missing": ("missing", "缺少"),
    "replay.extra": ("extra", "多出"),
    "replay.different": ("different", "不同"),
    "replay.then": ("then", "当时"),
    "replay.now": ("now", "现在"),
    "replay.why": ("why", "原因"),
    "replay.told": ("told", "发送"),
    "replay.edited": (
        "the rule was edited in this span; the replay runs it as it is now",
        "该规则在此期间修改过，重放用的是现在的规则",
    ),
    "replay.changed": (
        "the rule has changed since: version {then} then, {now} now",
        "规则已修改：当时版本 {then}，现为 {now}",
    ),
    "replay.new": ("the rule is new: it did not run then", "规则是新增的，当时没有运行"),
    "replay.gone": ("the rule is gone", "规则已删除"),
    "replay.trimmed": (
        "the figure of {at} that decided is not on the tape: {series}",
        "起决定作用的 {at} 的数据不在行情记录中：{series}",
    ),
    "replay.figures": ("other figures: {what}", "数据不同：{what}"),
    "replay.holds_now": (
        "the rule is the same; on the figures that are kept now it decides so",
        "规则相同；按现存数据会作出此判定",
    ),
    "replay.holds_not": (
        "the rule is the same; on the figures that are kept now it does not decide so",
        "规则相同；按现存数据不会作出此判定",
    ),
}

STATUS: Mapping[str, tuple[str, str]] = {
    "state.store": ("store", "存储"),
    "state.roles": ("roles", "角色"),
    "state.engine": ("engine", "引擎"),
    "state.rules": ("rules", "规则"),
    "state.outbox": ("outbox", "发件箱"),
    "state.alerts": ("alerts", "提醒"),
    "state.nobody": ("no process works; tapewatch run starts one", "没有进程在运行；用 tapewatch run 启动"),
    "state.never": ("nothing was evaluated yet", "尚未计算"),
    "state.caught_up": ("everything evaluated, last {at} UTC", "已全部计算，最近 {at} UTC"),
    "state.behind": ("figures wait to be evaluated; last {at} UTC", "有数据待计算；最近 {at} UTC"),
    "state.rules_fine": ("run as their files say", "与文件一致"),
    "state.rules_idle": (
        "nobody evaluates them; tapewatch check looks at the files",
        "没有进程在计算；用 tapewatch check 检查文件",
    ),
    "state.rules_old": ("the files have mistakes, the old rules run:", "文件有错误，旧规则继续运行："),
    "state.idle": ("nothing waits", "没有待发消息"),
    "state.waiting": ("messages waiting: {count}, destinations: {lanes}", "{count} 条消息待发（{lanes} 个目的地）"),
    "state.overdue": (", due for {late}", "，已逾期 {late}"),
    "state.dead": ("; {count} given up", "；{count} 条投递失败"),
    "state.phases": (
        "{firing} firing, {pending} pending, {recovering} recovering",
        "触发 {firing}，待确认 {pending}，恢复中 {recovering}",
    ),
    "state.since": ("since {at}", "自 {at}"),
    "state.more": ("… and {count} more: tapewatch alerts", "…… 另有 {count} 个：tapewatch alerts"),
    "state.no_source": (
        "no source has been asked yet; tapewatch run asks them",
        "尚未请求任何来源；tapewatch run 会开始取数",
    ),
    "state.source": ("source", "来源"),
    "state.success": ("answered", "上次成功"),
    "state.age": ("mkt age", "数据龄"),
    "state.lag": ("lag", "延迟"),
    "state.errors": ("errors", "失败"),
    "state.holes": ("holes", "缺口"),
    "state.condition": ("state", "状态"),
    "state.well": ("well", "正常"),
    "state.rests": ("rests until {at}", "暂停至 {at}"),
    "state.tries": ("fails, not told yet", "出错，尚未通知"),
    "state.legend": (
        "mkt age: how long the market was open since the newest figure; lag: how late it came; times in UTC",
        "数据龄：最新数据之后的开市时长；延迟：数据到达时的滞后；时间为 UTC",
    ),
}

OUTBOX: Mapping[str, tuple[str, str]] = {
    "outbox.empty": ("nothing waits", "没有待发消息"),
    "outbox.held_up": ("tried in vain; again at {until}: {why}", "发送未成功，{until} 再试：{why}"),
    "outbox.some_dead": ("{count} given up: see tapewatch outbox dead", "{count} 条投递失败：见 tapewatch outbox dead"),
    "outbox.no_dead": ("no dead letters", "没有投递失败的消息"),
    "outbox.tried": ("tried {count}×", "已尝试 {count} 次"),
    "outbox.unreadable": ("what it says can't be read", "内容无法读取"),
    "outbox.empty_log": ("the log is empty", "日志为空"),
    "outbox.perhaps_twice": ("perhaps delivered twice", "可能重复送达"),
    "outbox.without": ("without {what}", "缺 {what}"),
    "outbox.retried": ("{id} is back in the outbox", "{id} 已重新排队"),
    "outbox.dropped": ("{id} is given up for good", "{id} 已放弃"),
    "outbox.unknown": (
        "there is no dead letter {id}; see tapewatch outbox dead",
        "没有投递失败的消息 {id}；见 tapewatch outbox dead",
    ),
    "outcome.sent": ("sent", "已发送"),
    "outcome.sent_again": ("sent, and confirmed twice", "已发送（重复确认）"),
    "outcome.postponed": ("postponed until then", "推迟至此时"),
    "outcome.buried": ("given up", "投递失败"),
    "outcome.dropped": ("dropped", "已放弃"),
    "outcome.moved": ("moved", "已转移"),
    "outcome.retried": ("retried by hand", "人工重试"),
}

ROUTES: Mapping[str, tuple[str, str]] = {
    "routes.by": ("by {path}", "路由：{path}"),
    "routes.options": ("with {options}", "选项：{options}"),
    "routes.facts": ("An alert with {facts} goes to", "符合 {facts} 的提醒发送到"),
    "routes.no_rule": (
        "no rule is called {name!r}, so its severity and tags are unknown; tapewatch rules lists them",
        "没有规则“{name}”，无从得知其级别和标签；tapewatch rules 可查看全部",
    ),
    "routes.no_rule_near": (
        "no rule is called {name!r}, so its severity and tags are unknown; did you mean {guess}?",
        "没有规则“{name}”，无从得知其级别和标签，是否 {guess}？",
    ),
    "routes.nowhere": (
        "nowhere: no route has a destination for it, and no destinations are configured",
        "不发送：没有匹配的路由目的地，也未配置 destinations",
    ),
    "routes.urgent": (
        "urgent: neither quiet hours nor the noise budget hold it back",
        "紧急：不受免打扰时段和通知额度限制",
    ),
    "routes.quiet": ("held back from {hours}, then in one summary", "免打扰 {hours}，结束后合并为一条"),
    "routes.budget": ("held back beyond {budget} messages, then in one summary", "超出额度 {budget} 后合并为一条"),
    "routes.inhibited": ("held back while one with {source} is firing", "符合 {source} 的提醒触发期间不发送"),
    "routes.subscribed": ("whoever subscribed to it in chat gets it besides", "此外，聊天中订阅者也会收到"),
}

RULE_FILES: Mapping[str, tuple[str, str]] = {
    "status.mistakes": (
        "⚠️ {count} mistakes in the rule files: the old rules run. /dryrun shows them",
        "⚠️ 规则文件有 {count} 处错误，仍运行旧规则；详情见 /dryrun",
    ),
    "reload.restart": (
        "⚠️ {files} changed since the start and is read only then: restart Tapewatch to take it up.",
        "⚠️ {files} 在启动后有改动，只在启动时读取，请重启 Tapewatch 使其生效。",
    ),
}

TEXTS: Mapping[str, tuple[str, str]] = {**DOCTOR, **REPLAY, **STATUS, **OUTBOX, **ROUTES, **RULE_FILES}
