"""A web ACL: what is known to be an attack, what comes from too few addresses too often."""

from __future__ import annotations

from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

_GROUPS = ("AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet")


class Firewall(Construct):
    """A regional web ACL that lets through what no rule blocks; `rate` is requests of one address in five minutes."""

    def __init__(self, scope: Construct, id_: str, *, rate: int) -> None:
        super().__init__(scope, id_)
        acl = wafv2.CfnWebACL(
            self,
            "Acl",
            name="cygni-api",
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_seen("cygni-api"),
            rules=[_rate(rate), *(_managed(name, priority) for priority, name in enumerate(_GROUPS, 1))],
        )
        self.arn = acl.attr_arn


def _rate(limit: int) -> wafv2.CfnWebACL.RuleProperty:
    return wafv2.CfnWebACL.RuleProperty(
        name="rate",
        priority=0,
        action=wafv2.CfnWebACL.RuleActionProperty(block={}),
        statement=wafv2.CfnWebACL.StatementProperty(
            rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
                aggregate_key_type="IP", limit=limit, evaluation_window_sec=300
            )
        ),
        visibility_config=_seen("cygni-api-rate"),
    )


def _managed(name: str, priority: int) -> wafv2.CfnWebACL.RuleProperty:
    # Bodies are JSON of up to some hundred KB (config, app files): the rule on their size would refuse them.
    counted = wafv2.CfnWebACL.RuleActionOverrideProperty(
        name="SizeRestrictions_BODY", action_to_use=wafv2.CfnWebACL.RuleActionProperty(count={})
    )
    return wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
        statement=wafv2.CfnWebACL.StatementProperty(
            managed_rule_group_statement=wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
                vendor_name="AWS",
                name=name,
                rule_action_overrides=[counted] if name == "AWSManagedRulesCommonRuleSet" else None,
            )
        ),
        visibility_config=_seen(name),
    )


def _seen(metric: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=metric, sampled_requests_enabled=False
    )
