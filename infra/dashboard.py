"""The operator's dashboard, of what `infra/charts.py` says."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.charts import body

NAME = "cygni"


class OperatorDashboard(Construct):
    """The dashboard in one region."""

    def __init__(self, scope: Construct, id_: str, *, machines: Mapping[str, str], stage: str) -> None:
        super().__init__(scope, id_)
        stack = cdk.Stack.of(self)
        cloudwatch.CfnDashboard(
            self,
            "Charts",
            dashboard_name=f"{NAME}-{stack.region}",  # names are an account's, and two regions may have one each
            dashboard_body=stack.to_json_string(body(stack.region, machines, stage)),
        )
