"""`python -m infra.remove`: removes an installation, but for its data unless that is asked for.

It says what goes, what stays and what that costs, and begins when the stage's name is typed. It may be run again after whatever
stopped it, and once more with `--data` when what was kept is needed no longer.

usage: python -m infra.remove STAGE [--data] [--show]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable

from infra.account import Account, AccountRefused, Deployed, refuse_other
from infra.places import possible_places
from infra.removals import Plan, plan, told
from infra.removing import Removal
from infra.settings import Settings, SettingsRefused, load

_API = "AWS::Serverless::Api"


def look(settings: Settings, account: Account, removal: Removal, *, data: bool) -> Plan:
    """What there is to be done. Raises AccountRefused, also when the stage is for another account."""
    refuse_other(settings.account, account.id)
    found = [account.whole_stack(each.name, each.region) for each in possible_places(settings)]
    stacks = [each for each in found if each is not None]
    regions = dict.fromkeys(each.region for each in possible_places(settings))
    left = {region: removal.left(region, apis(each for each in stacks if each.region == region)) for region in regions}
    return plan(stacks, left, data=data)


def apis(stacks: Iterable[Deployed]) -> list[str]:
    """API Gateway's ids of the APIs in stacks."""
    return [
        stack.resources[id_]
        for stack in stacks
        for id_, each in stack.template.get("Resources", {}).items()
        if each["Type"] == _API and id_ in stack.resources
    ]


def remove(stage: str, found: Plan, removal: Removal, *, ask: Callable[[str], str], say: Callable[[str], None]) -> int:
    """Says what will be done, and does it when the stage's name is typed. Answers 1 when it is not."""
    say(told(found, stage))
    if not found.steps:
        say("There is nothing to be done.")
        return 0
    if ask(f"Type {stage} to go on: ").strip() != stage:
        say("Nothing was removed.")
        return 1
    for each in found.steps:
        say(str(each))
        removal.do(each)
    say("It is done.")
    return 0


def _ask(question: str) -> str:
    try:
        return input(question)
    except EOFError:
        return ""


def main(arguments: list[str]) -> int:
    """Answers 0 when all is done."""
    parser = argparse.ArgumentParser(prog="python -m infra.remove", description=__doc__.partition("\n")[0])
    parser.add_argument("stage", help="a file of infra/stages, without its ending")
    parser.add_argument("--data", action="store_true", help="remove tables, buckets, keys, secrets and images, too, for ever")
    parser.add_argument("--show", action="store_true", help="say what would be done, and do nothing")
    given = parser.parse_args(arguments)
    account = Account()
    removal = Removal(account)
    try:
        found = look(load(given.stage), account, removal, data=given.data)
        if given.show:
            print(told(found, given.stage))
            return 0
        return remove(given.stage, found, removal, ask=_ask, say=lambda line: print(line, flush=True))
    except (SettingsRefused, AccountRefused) as refused:
        print(refused, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
