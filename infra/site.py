"""The API's own name: certificate, domain, and the record that leads there; of a pair of regions, to the one that acts."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53
from constructs import Construct

from infra.grants import acknowledge
from infra.pairs import pair_of
from infra.sections import Site
from infra.settings import Settings

READY = "/v1/ready"
"""What answers 200 only where the region acts and its records answer."""


class OwnName(Construct):
    """The name in one region. `api` is API Gateway's id of the API, `stage` its stage, `stage_path` what paths begin with."""

    def __init__(
        self, scope: Construct, id_: str, *, site: Site, api: str, stage: str, stage_path: str, settings: Settings
    ) -> None:
        super().__init__(scope, id_)
        self._stack, self._settings = cdk.Stack.of(self), settings
        self._domain = self._build_domain(site)
        mapping = apigateway.CfnBasePathMapping(self, "Mapping", domain_name=self._domain.ref, rest_api_id=api, stage=stage)
        acknowledge(mapping, "CloudFormation-Validate::F1020", "The serverless transform makes the stage that is referred to.")
        check = self._build_check(f"{api}.execute-api.{self._stack.region}.{self._stack.url_suffix}", f"/{stage_path}{READY}")
        self._build_record(site, check)

    def _build_domain(self, site: Site) -> apigateway.CfnDomainName:
        zone = route53.HostedZone.from_hosted_zone_attributes(self, "Zone", hosted_zone_id=site.zone, zone_name=site.zone_name)
        certificate = acm.Certificate(
            self, "Certificate", domain_name=site.domain, validation=acm.CertificateValidation.from_dns(zone)
        )
        return apigateway.CfnDomainName(
            self,
            "Domain",
            domain_name=site.domain,
            regional_certificate_arn=certificate.certificate_arn,
            endpoint_configuration=apigateway.CfnDomainName.EndpointConfigurationProperty(types=["REGIONAL"]),
            security_policy="TLS_1_2",
        )

    def _build_check(self, host: str, path: str) -> str | None:
        """Looks at the region by API Gateway's own name, since the installation's leads to whichever region acts."""
        standby = self._settings.standby
        if standby is None:
            return None
        made = route53.CfnHealthCheck(
            self,
            "Check",
            health_check_config=route53.CfnHealthCheck.HealthCheckConfigProperty(
                type="HTTPS",
                port=443,
                fully_qualified_domain_name=host,
                resource_path=path,
                request_interval=standby.probe_seconds,
                failure_threshold=standby.failures,
                enable_sni=True,
            ),
            health_check_tags=[{"key": "Name", "value": f"cygni {self._stack.region}"}],
        )
        return str(made.attr_health_check_id)

    def _build_record(self, site: Site, check: str | None) -> None:
        pair, more = pair_of(self._settings), {}
        if pair is not None:
            role = "PRIMARY" if self._stack.region == pair.home else "SECONDARY"
            more = {"failover": role, "set_identifier": self._stack.region, "health_check_id": check}
        route53.CfnRecordSet(
            self,
            "Record",
            hosted_zone_id=site.zone,
            name=site.domain,
            type="A",
            alias_target=route53.CfnRecordSet.AliasTargetProperty(
                dns_name=self._domain.attr_regional_domain_name, hosted_zone_id=self._domain.attr_regional_hosted_zone_id
            ),
            **more,
        )
