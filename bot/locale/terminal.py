"""What the command line says about rules, alerts and the past, and why it fails: by key, in English and in Chinese."""

from collections.abc import Mapping

RUN: Mapping[str, tuple[str, str]] = {
    "run.store": ("store", "存储"),
    "run.rules": ("rules", "规则"),
    "run.market": ("market", "行情"),
    "run.alerts": ("alerts go to", "提醒发往"),
    "run.missing": ("missing", "缺少"),
    "run.web": ("web", "网页"),
    "run.messengers": ("messengers", "发送渠道"),
    "run.rules_over": ("{rules} over {instruments} instruments", "{rules} 条，覆盖 {instruments} 个标的"),
    "run.reference": ("the recorded week; the time is {at} UTC", "已录制的一周；时间为 {at} UTC"),
    "run.copy": ("a copy of {place}, forgotten at the end", "{place} 的副本，结束时丢弃"),
    "run.recording": (
        "the recording in {folder}, from {start} to {end} UTC",
        "录制于 {folder} 的行情，{start} 至 {end} UTC",
    ),
    "run.dry": ("the terminal: this is a dry run, nothing is sent", "本终端：试运行，不发送任何消息"),
    "run.nobody": ("nobody", "无"),
    "run.no_destinations": (
        "destinations: alerts are kept but sent nowhere; set TAPEWATCH_DESTINATIONS",
        "destinations：提醒只保存、不发送；请设置 TAPEWATCH_DESTINATIONS",
    ),
    "run.no_telegram": (
        "TELEGRAM_TOKEN: no Telegram (docs/connect-telegram.md)",
        "TELEGRAM_TOKEN：不使用 Telegram（docs/connect-telegram.md）",
    ),
    "run.no_slack": (
        "SLACK_BOT_TOKEN: no Slack (docs/connect-slack.md)",
        "SLACK_BOT_TOKEN：不使用 Slack（docs/connect-slack.md）",
    ),
    "run.deaf_slack": (
        "SLACK_APP_TOKEN: Slack is written to but not listened to (docs/connect-slack.md)",
        "SLACK_APP_TOKEN：Slack 只发送、不接收命令（docs/connect-slack.md）",
    ),
    "run.no_access": (
        "access: nobody may use the bot; list chats and people there, or set access.open",
        "access：无人有权使用机器人；请在其中列出会话和人员，或设置 access.open",
    ),
    "run.no_sosovalue": (
        "SOSOVALUE_API_KEY: ETF flows come from the sources without a key",
        "SOSOVALUE_API_KEY：ETF 流量取自无需密钥的来源",
    ),
    "run.no_sec": (
        "sec_contact: no SEC filings; Yahoo's statements stand in for them",
        "sec_contact：不读取 SEC 公告，以 Yahoo 报表代替",
    ),
    "failure.port_taken": (
        "{host}:{port} can't be listened on ({why}); set web.port to another one",
        "无法监听 {host}:{port}（{why}）；请将 web.port 设为其他端口",
    ),
}

LOOKS: Mapping[str, tuple[str, str]] = {
    "firing.none": ("nothing is pending, firing or recovering", "没有待确认、触发中或恢复中的提醒"),
    "phase.idle": ("idle", "未触发"),
    "phase.pending": ("pending", "待确认"),
    "phase.firing": ("firing", "触发中"),
    "phase.recovering": ("recovering", "恢复中"),
    "why.step": ("{kind} ({reason})", "{kind}（{reason}）"),
    "check.fine": ("{rules} rules and {tests} tests are in order", "{rules} 条规则、{tests} 个测试无误"),
    "check.none": ("there are no rules", "没有规则"),
    "test.ok": ("ok  ", "通过"),
    "test.failed": ("FAIL", "失败"),
    "test.sum": ("{passed} passed, {failed} failed", "通过 {passed} 个，失败 {failed} 个"),
    "test.none": ("there are no tests", "没有测试"),
    "rules.off": ("off", "已停用"),
    "plan.level": ("level", "价位"),
    "plan.clock": ("clock", "定时"),
    "plan.vector": ("vector", "逐次"),
    "rules.plan": (
        "{how}: {why}; {lanes} evaluated at a time; reads {reads}",
        "{how}：{why}；每次计算 {lanes} 项；读取 {reads}",
    ),
    "written.digest": ("digest written to {file}", "周报已写入 {file}"),
    "written.page": ("page written to {file}", "页面已写入 {file}"),
}

BACKTEST: Mapping[str, tuple[str, str]] = {
    "past.rule": ("{rule}: {counted}, {start} to {end}", "{rule}：{start} 至 {end} {counted}"),
    "past.rate": (" ({rate} a year)", "（每年 {rate} 次）"),
    "past.same": ("against the other rules: no difference", "与另一版规则相比：没有差异"),
    "past.against": (
        "{rule} against the other rules: {new} new, {gone} gone",
        "{rule} 与另一版规则相比：新增 {new} 次，减少 {gone} 次",
    ),
    "past.at_once": ("at once", "即时"),
    "past.unknown": ("no figure of {series} in this time", "期间没有 {series} 的数据"),
    "past.to": ("to {end}", "至 {end}"),
    "past.next": ("next", "下一次"),
    "past.open": ("open", "未结束"),
    "past.mean": ("mean of these", "触发后均值"),
    "past.base": ("every session", "全部交易日"),
    "past.flapping": ("{count} fired again within a day of their end", "{count} 次在结束后一天内再次触发"),
    "past.busy": (
        "more than {many} alerts in {months} months, {most} in {worst}",
        "{months} 个月超过 {many} 次，最多的 {worst} 为 {most} 次",
    ),
    "past.title": ("Backtest", "回测"),
    "past.legend": (
        "Each figure counts as known at the close of its session. Triangle: fired. Ring: ended. "
        "Returns are those of the sessions after an alert; below them, in grey, the mean after every session. "
        "“At once”: a crossing, which is over as it happens. “Next”: followed by the next one without an end.",
        "各数据以其交易日收盘时为已知。三角：触发；圆圈：结束。涨跌幅为触发后各交易日的均值，其下灰色为全部交易日的均值。"
        "“即时”：穿越即触发即结束；“下一次”：未单独结束，由下一次接续。",
    ),
    "past.head.rule": ("rule", "规则"),
    "past.head.alerts": ("alerts", "次数"),
    "past.head.yearly": ("a year", "每年"),
    "past.head.busiest": ("busiest month", "最多的月份"),
    "past.head.fired": ("fired (UTC)", "触发（UTC）"),
    "past.head.ended": ("ended (UTC)", "结束（UTC）"),
    "past.head.labels": ("labels", "标的"),
    "past.head.because": ("because", "依据"),
    "past.in_month": ("{count} in {month}", "{month}：{count} 次"),
    "past.silent": ("Silent", "未触发"),
    "past.counted": (
        "{count} alerts{rate} in {evaluations} evaluations",
        "计算 {evaluations} 次，触发 {count} 次{rate}",
    ),
    "past.chart": ("{symbol}: {count} alerts", "{symbol}：触发 {count} 次"),
    "past.older": ("and {count} older ones", "另有更早的 {count} 次"),
    "past.all": ("The {count} alerts", "全部 {count} 次"),
}

FAILURES: Mapping[str, tuple[str, str]] = {
    "failure.no_weasyprint": (
        "no PDF: WeasyPrint isn't installed; pip install 'tapewatch[pdf]'",
        "无 PDF：未安装 WeasyPrint，请运行 pip install 'tapewatch[pdf]'",
    ),
    "failure.no_pango": (
        "no PDF: WeasyPrint needs Pango on this machine ({error})",
        "无 PDF：WeasyPrint 需要本机安装 Pango（{error}）",
    ),
    "failure.no_alert": (
        "no alert is called {number!r}; wanted a number such as A-1042, see tapewatch alerts",
        "没有提醒“{number}”；请用编号，例：A-1042（见 tapewatch alerts）",
    ),
    "failure.no_notice": (
        "nothing is known of {name!r}; wanted an id, a key or an alert's number",
        "没有“{name}”的记录；请用 ID、key 或提醒编号",
    ),
    "failure.no_rule": (
        "there is no rule {name!r}; tapewatch rules lists them",
        "没有规则“{name}”；tapewatch rules 可查看全部",
    ),
    "failure.no_rule_near": (
        "there is no rule {name!r}; did you mean {guess}?",
        "没有规则“{name}”，是否 {guess}？",
    ),
    "failure.no_prices": (
        "there are no prices to test on; give --data DIR with SYMBOL.csv files, or let the bot run first",
        "没有可供回测的价格；请用 --data DIR 指定含 SYMBOL.csv 的文件夹，或先运行机器人",
    ),
    "failure.no_csv": (
        "{folder} has no files SYMBOL.csv with the header date,open,high,low,close,volume",
        "{folder} 中没有表头为 date,open,high,low,close,volume 的 SYMBOL.csv 文件",
    ),
    "failure.span": ("{start} is after {end}", "{start} 晚于 {end}"),
    "failure.no_record": (
        "nothing was recorded yet that could be replayed; the engine records while tapewatch run runs",
        "尚无可重放的记录；tapewatch run 运行期间才会记录",
    ),
    "failure.record_begins": (
        "the record reaches back to {at}; wanted --from then or later (see retention.tape)",
        "记录最早始于 {at}；--from 不能早于此（见 retention.tape）",
    ),
    "failure.record_ends": (
        "nothing was evaluated from {start} UTC on; the record ends at {at}",
        "{start} UTC 之后没有计算过；记录止于 {at}",
    ),
    "failure.not_evaluated": (
        "nothing was evaluated yet that could be replayed; the engine evaluates while tapewatch run runs",
        "尚无可重放的计算；tapewatch run 运行期间才会计算",
    ),
    "failure.plugin_twice": (
        "{plugin} can't be used: there is another {name!r}; uninstall one of them",
        "{plugin} 无法使用：已有另一个“{name}”，请卸载其一",
    ),
    "failure.plugin_broken": (
        "{plugin} can't be loaded ({error}); mend or uninstall it",
        "{plugin} 无法加载（{error}）；请修复或卸载",
    ),
    "failure.destination_unset": (
        "{destination!r} can't be written to; set {wanted}",
        "无法发送到“{destination}”；请设置 {wanted}",
    ),
    "failure.destination_form": (
        "{destination!r} can't be written to; wanted {wanted}",
        "无法发送到“{destination}”；格式应为 {wanted}",
    ),
    "failure.tokens": (
        "{tokens} must be set for {platform}; see docs/connect-{platform}.md",
        "使用 {platform} 须设置 {tokens}，见 docs/connect-{platform}.md",
    ),
    "failure.platform": ("there is no platform {name!r}; wanted one of {known}", "没有平台“{name}”；可用：{known}"),
    "failure.not_delivered": (
        "{destination}: not delivered: {why}; see docs/connect-{service}.md",
        "{destination}：未送达：{why}；见 docs/connect-{service}.md",
    ),
    "failure.not_delivered_yet": (
        "not delivered within {seconds} s: {waiting}; is the service reachable?",
        "{seconds} 秒内未送达：{waiting}；服务能连上吗？",
    ),
    "failure.nothing_to_do": (
        "a dry run listens to nobody, so there is nothing to do for {roles}",
        "试运行不接收命令，{roles} 无事可做",
    ),
    "failure.no_recording": (
        "{folder} holds no recording; wanted a folder that --record wrote",
        "{folder} 中没有录制的数据；应为 --record 写出的文件夹",
    ),
    "failure.no_sources": (
        "--source goes with etf_flows; {feed} has no sources to choose from",
        "--source 只用于 etf_flows；{feed} 没有可选的来源",
    ),
    "failure.no_feed": ("there is no feed {name!r}; wanted one of {known}", "没有数据“{name}”；可用：{known}"),
    "failure.no_feed_near": (
        "there is no feed {name!r}; did you mean {guess}? There are {known}",
        "没有数据“{name}”，是否 {guess}？可用：{known}",
    ),
    "failure.not_recorded": (
        "{folder} holds no feed {name!r}; it has {known}",
        "{folder} 中没有数据“{name}”；其中有：{known}",
    ),
    "failure.file": ("{file}: {why}", "{file}：{why}"),
    "failure.disk_full": (
        "what was to be written has no place: {why}; make room, then try again",
        "无法写入：{why}；请清理磁盘后重试",
    ),
}

TEXTS: Mapping[str, tuple[str, str]] = {**RUN, **LOOKS, **BACKTEST, **FAILURES}
