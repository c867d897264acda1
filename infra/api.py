"""The HTTP API: Chalice's routes behind API Gateway, with access logs, throttling, a web ACL, and a name of its own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_wafv2 as wafv2
from chalice.cdk import Chalice
from constructs import Construct

from functions.catalog import API_FUNCTION, RELEASE, RUNTIME
from infra import packages
from infra.aliases import released_api
from infra.firewall import Firewall
from infra.functions import Code, function_role, log_group, log_group_of
from infra.gateway_account import GatewayAccount
from infra.grants import acknowledge
from infra.settings import Settings
from infra.site import OwnName

STAGE = "v"
"""The stage's name, which is the first part of a path at API Gateway's own address, and of none at a name of one's own."""
_HANDLER, _API = "APIHandler", "RestAPI"
_ACCESS = {
    "requestId": "$context.requestId",
    "at": "$context.requestTimeEpoch",
    "ip": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "route": "$context.resourcePath",
    "status": "$context.status",
    "ms": "$context.responseLatency",
    "bytes": "$context.responseLength",
    "error": "$context.error.message",
}
"""A line of the access log. The path of a request is left out for its route: a path may hold what nobody should read."""


class ReproducibleChalice(Chalice):
    """Chalice's construct, with our zip in place of its own, which differs from machine to machine."""

    def _package_app(self) -> None:
        region = os.environ.setdefault(
            "AWS_DEFAULT_REGION", "us-east-1"
        )  # it asks botocore for service names, and sends nothing
        del region
        super()._package_app()
        shutil.copyfile(packages.code().path, Path(self._sam_package_dir) / "deployment.zip")


class HttpApi(Construct):
    """The API. `address` is where it answers, `released` the version and alias of its function."""

    def __init__(self, scope: Construct, id_: str, *, code: Code, environment: Mapping[str, str], settings: Settings) -> None:
        super().__init__(scope, id_)
        self._settings, self._stack, self._release = settings.api, cdk.Stack.of(self), settings.release
        self._tracing = settings.tracing
        self._one_name = settings.api.site is not None and settings.standby is None  # a pair is looked at by the other names
        self._role = function_role(self, API_FUNCTION, settings)
        log_group(self, API_FUNCTION.name, settings)
        self._chalice = _chalice(self)
        self.address = self._address()
        self._build_function(code, {**environment, "CYGNI_ISSUER": self.address})
        self._build_gateway(log_group_of(self, "AccessLog", "/cygni/api/access", settings).log_group_arn)
        if settings.api.site:
            stage = cdk.Fn.ref(f"{_API}.Stage")
            OwnName(self, "Name", site=settings.api.site, api=self.id, stage=stage, stage_path=STAGE, settings=settings)
        if settings.api.firewall:
            self._build_firewall()

    @property
    def role(self) -> iam.Role:
        """The role of its function."""
        return self._role

    @property
    def id(self) -> str:
        """API Gateway's id of it."""
        return str(self._chalice.get_resource(_API).ref)

    def _address(self) -> str:
        if self._settings.site:
            return f"https://{self._settings.site.domain}"
        return f"https://{self.id}.execute-api.{self._stack.region}.{self._stack.url_suffix}/{STAGE}"

    def _build_function(self, code: Code, environment: dict[str, str]) -> None:
        handler = self._chalice.get_resource(_HANDLER)
        declared: dict[str, Any] = {
            "FunctionName": API_FUNCTION.name,
            "Description": API_FUNCTION.description,
            "Runtime": RUNTIME,
            "Architectures": [code.architecture.name],
            "MemorySize": API_FUNCTION.memory,
            "Timeout": API_FUNCTION.timeout,
            "Layers": [each.layer_version_arn for each in code.layers_of(API_FUNCTION)],
            "Role": self._role.role_arn,
            "Environment": {"Variables": environment},
            "LoggingConfig": {"LogFormat": "JSON", "LogGroup": f"/aws/lambda/{API_FUNCTION.name}"},
            "Tracing": "Active" if self._tracing else "PassThrough",
        }
        if self._release.snap_start:
            declared["SnapStart"] = {"ApplyOn": "PublishedVersions"}
            reason = "Its versions and alias are declared beside it, and not made by the serverless transform."
            handler.add_metadata("cfn-lint", {"config": {"ignore_checks": ["W2530"]}, "reason": reason})
        for name, value in declared.items():
            handler.add_property_override(name, value)
        handler.node.add_dependency(self._role)
        told = json.dumps([self._stack.resolve(declared), code.digests_of(API_FUNCTION)], sort_keys=True)
        digest = hashlib.sha256(told.encode()).hexdigest()
        self.released = released_api(self, handler.ref, digest=digest, kept=not self._release.snap_start)
        permission = self._chalice.get_resource("APIHandlerInvokePermission")
        permission.add_property_override("FunctionName", f"{API_FUNCTION.name}:{RELEASE}")
        permission.node.add_dependency(self.released.alias)

    def _build_gateway(self, log: str) -> None:
        gateway = self._chalice.get_resource(_API)
        method = {
            "HttpMethod": "*",
            "ResourcePath": "/*",
            "ThrottlingRateLimit": self._settings.requests_per_second,
            "ThrottlingBurstLimit": self._settings.burst,
            "LoggingLevel": "ERROR",
            "DataTraceEnabled": False,
            "MetricsEnabled": False,  # of each method, billed by the month; those of the stage come for nothing
        }
        for name, value in {
            "Name": API_FUNCTION.name,
            "EndpointConfiguration": {"Type": "REGIONAL"},
            "AccessLogSetting": {"DestinationArn": log, "Format": json.dumps(_ACCESS)},
            "MethodSettings": [method],
            "TracingEnabled": self._tracing,  # the default rule keeps the first request of each second: $5 a million
            "DisableExecuteApiEndpoint": self._one_name,
        }.items():
            gateway.add_property_override(name, value)
        if self._settings.logging_role:
            gateway.node.add_dependency(GatewayAccount(self, "Account").setting)  # the stage may not log before
        self._name_function(gateway)

    def _name_function(self, gateway: Any) -> None:
        """Routes name the function's alias instead of referring to it, so that the function can be told the API's address."""
        arn = f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:{API_FUNCTION.name}:{RELEASE}"
        uri = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/" + arn + "/invocations"
        for path, methods in _definition(gateway)["paths"].items():
            for method in methods:
                where = f"DefinitionBody.paths.{path.replace('.', chr(92) + '.')}.{method}.x-amazon-apigateway-integration.uri"
                gateway.add_property_override(where, {"Fn::Sub": uri})

    def _build_firewall(self) -> None:
        firewall = Firewall(self, "Firewall", rate=self._settings.firewall_rate)
        stage = cdk.Fn.ref(f"{_API}.Stage")  # the transform's name for what it makes, which also waits for it
        arn = f"arn:{self._stack.partition}:apigateway:{self._stack.region}::/restapis/{self.id}/stages/{stage}"
        made = wafv2.CfnWebACLAssociation(self, "BehindFirewall", resource_arn=arn, web_acl_arn=firewall.arn)
        acknowledge(made, "CloudFormation-Validate::F1020", "The serverless transform makes the stage that is referred to.")


def _definition(gateway: Any) -> dict[str, Any]:
    return dict(cdk.Stack.of(gateway).resolve(gateway.definition_body))


def _chalice(scope: Construct) -> ReproducibleChalice:
    """Chalice's construct, over a folder that has the entry point and nothing that `pip` would be asked for."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / ".chalice").mkdir()
        (project / ".chalice" / "config.json").write_text(json.dumps({"version": "2.0", "app_name": "cygni"}))
        shutil.copyfile(packages.ROOT / "app.py", project / "app.py")
        config = {
            "manage_iam_role": False,
            "iam_role_arn": "arn:aws:iam::000000000000:role/replaced-below",
            "api_gateway_stage": STAGE,
            "api_gateway_endpoint_type": "REGIONAL",
        }
        os.chdir(folder)  # it writes beside wherever it is
        try:
            made = ReproducibleChalice(scope, "Chalice", source_dir=folder, stage_config=config)
        finally:
            os.chdir(here)
    acknowledge(made, "AwsSolutions-APIG2", "The API itself validates each request, by the schemas of its OpenAPI document.")
    return made
