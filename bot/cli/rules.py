"""``tapewatch rules``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.cli import options

if TYPE_CHECKING:
    from rules.model import Lang
    from rules.planning.plan import Plan
    from rules.spec import RuleSpec


@click.command("rules")
@click.option("--plan", "planned", is_flag=True, help="Say how each rule is evaluated, why, and what it reads.")
@options.language
@options.as_json
@click.pass_obj
def command(config: Path | None, lang: Lang | None, *, planned: bool, as_json: bool) -> None:
    """List the rules that are configured; rules that are switched off are named as such."""
    from bot.app.desk import open_desk
    from bot.locale import say
    from bot.locale.details import reasoned
    from bot.settings import load

    settings = load(config)
    desk = open_desk(settings)
    plans = {plan.rule: plan for plan in desk.engine.plans()}
    spoken = lang or settings.reader.lang
    if as_json:
        click.echo(json.dumps({"rules": [_plain(rule, plans.get(rule.id)) for rule in desk.rules]}, ensure_ascii=False))
        return
    for rule in desk.rules:
        off = "" if rule.enabled else f"  ({say(spoken, 'rules.off')})"
        click.echo(f"{rule.id:<24} {rule.severity.value:<9} {rule.title[spoken]}{off}")
        plan = plans.get(rule.id)
        if planned and plan is not None:
            how = {"how": say(spoken, f"plan.{plan.how}"), "why": reasoned(plan.why, spoken)}
            click.echo(f"    {say(spoken, 'rules.plan', lanes=plan.lanes, reads=', '.join(plan.reads), **how)}")


def _plain(rule: RuleSpec, plan: Plan | None) -> dict[str, Any]:
    """One rule; ``plan`` is ``null`` for a rule that is off."""
    return {
        "id": rule.id,
        "title": dict(rule.title),
        "when": rule.when.text,
        "severity": rule.severity.value,
        "tags": list(rule.tags),
        "enabled": rule.enabled,
        "plan": plan
        and {
            "how": plan.how,
            "why": plan.why,
            "reads": list(plan.reads),
            "lanes": plan.lanes,
            "symbol": plan.symbol or None,
            "level": plan.level,
        },
    }
