"""The console's place: a private bucket that only its distribution reads, with headers that a strict page needs."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.grants import accept_lint, acknowledge
from infra.sections import Console, Site
from infra.settings import Settings


class ConsoleStack(cdk.Stack):
    """Bucket and distribution. `address` is where the page is served."""

    def __init__(self, scope: Construct, id_: str, *, api: str, settings: Settings, **more: Any) -> None:
        super().__init__(scope, id_, **more)
        self._bucket = self._build_bucket()
        self._distribution = self._build_distribution(settings.console, api)
        site = settings.console.site
        self.address = f"https://{site.domain if site else self._distribution.distribution_domain_name}"
        if site:
            self._build_name(site)
        cdk.CfnOutput(self, "Address", value=self.address, description="Where the console is served.")
        cdk.CfnOutput(self, "BucketName", value=self._bucket.bucket_name, description="Where its files go: aws s3 sync.")

    def _build_bucket(self) -> s3.Bucket:
        self._logs = _private(self, "Log", object_ownership=s3.ObjectOwnership.BUCKET_OWNER_PREFERRED)
        acknowledge(self._logs, "AwsSolutions-S1", "This bucket is where accesses are logged.")
        accept_lint(self._logs, "W3045", "CloudFront writes its log by the bucket's legacy rights, and no other way.")
        return _private(self, "Files", server_access_logs_bucket=self._logs, server_access_logs_prefix="bucket/")

    def _build_distribution(self, console: Console, api: str) -> cloudfront.Distribution:
        certificate = (
            acm.Certificate.from_certificate_arn(self, "Certificate", console.certificate) if console.certificate else None
        )
        made = cloudfront.Distribution(
            self,
            "Distribution",
            comment="Cygni's console",
            default_root_object="index.html",
            default_behavior=cloudfront.BehaviorOptions(
                origin=origins.S3BucketOrigin.with_origin_access_control(self._bucket),
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
                response_headers_policy=self._headers(api),
                compress=True,
            ),
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            certificate=certificate,
            domain_names=[console.site.domain] if console.site else None,
            enable_logging=True,
            log_bucket=self._logs,
            log_file_prefix="distribution/",
        )
        acknowledge(made, "AwsSolutions-CFR1", "People deploy from everywhere.")
        acknowledge(
            made, "AwsSolutions-CFR2", "The page is static and public; what it asks of the API passes the API's web ACL."
        )
        if certificate is None:
            acknowledge(made, "AwsSolutions-CFR4", "CloudFront's own name has CloudFront's own certificate, and its protocols.")
        return made

    def _headers(self, api: str) -> cloudfront.ResponseHeadersPolicy:
        policy = f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src {api}; "
        policy += "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        return cloudfront.ResponseHeadersPolicy(
            self,
            "Headers",
            security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
                content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
                    content_security_policy=policy, override=True
                ),
                content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
                frame_options=cloudfront.ResponseHeadersFrameOptions(
                    frame_option=cloudfront.HeadersFrameOption.DENY, override=True
                ),
                referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
                    referrer_policy=cloudfront.HeadersReferrerPolicy.NO_REFERRER, override=True
                ),
                strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                    access_control_max_age=cdk.Duration.days(365), include_subdomains=True, override=True
                ),
            ),
        )

    def _build_name(self, site: Site) -> None:
        zone = route53.HostedZone.from_hosted_zone_attributes(self, "Zone", hosted_zone_id=site.zone, zone_name=site.zone_name)
        target = route53.RecordTarget.from_alias(targets.CloudFrontTarget(self._distribution))
        for kind in (route53.ARecord, route53.AaaaRecord):
            kind(self, kind.__name__, zone=zone, record_name=site.domain, target=target)


def _private(scope: Construct, id_: str, **more: Any) -> s3.Bucket:
    return s3.Bucket(
        scope,
        id_,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        versioned=True,
        lifecycle_rules=[s3.LifecycleRule(noncurrent_version_expiration=cdk.Duration.days(30))],
        removal_policy=cdk.RemovalPolicy.DESTROY,
        **more,
    )
