"""Where images are made: the build job, what it may do, and the repositories that it pushes to."""

from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_kms as kms
from constructs import Construct

from functions.catalog import BUILD_PROJECT
from infra.functions import log_group_of
from infra.grants import acknowledge, places_of, role
from infra.pairs import role_name
from infra.rights import Places, Statement
from infra.settings import Settings

REPOSITORIES = "cygni"
"""The first part of every repository's name: `cygni/<team>/<project>/<service>`."""
_LOG = f"/aws/codebuild/{BUILD_PROJECT}"
_PUSH = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:CreateRepository",
    "ecr:GetDownloadUrlForLayer",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)


class BuildsStack(cdk.Stack):
    """The CodeBuild project that every build runs in, and a template for the repositories that pushes create."""

    def __init__(self, scope: Construct, id_: str, *, key: kms.IKey, settings: Settings, **more: Any) -> None:
        super().__init__(scope, id_, **more)
        log_group_of(self, "Log", _LOG, settings)
        self._build_project(key, settings)
        self._build_repositories(settings)

    def _build_project(self, key: kms.IKey, settings: Settings) -> None:
        places = places_of(self)
        made_role = role(
            self,
            "Role",
            service="codebuild.amazonaws.com",
            source=places.arn("codebuild", f"project/{BUILD_PROJECT}"),
            name=role_name(BUILD_PROJECT, self, settings),
            description="Reads a source and its plan, pushes an image, leaves a result.",
            statements=statements_of_builds(places),
        )
        project = codebuild.CfnProject(
            self,
            "Project",
            name=BUILD_PROJECT,
            description="Builds one image with Kaniko; what differs between builds comes as variables.",
            service_role=made_role.role_arn,
            encryption_key=key.key_arn,
            source=codebuild.CfnProject.SourceProperty(type="NO_SOURCE", build_spec=_REFUSE),
            artifacts=codebuild.CfnProject.ArtifactsProperty(type="NO_ARTIFACTS"),
            environment=codebuild.CfnProject.EnvironmentProperty(
                type="LINUX_CONTAINER",
                image="aws/codebuild/standard:7.0",
                compute_type=f"BUILD_GENERAL1_{settings.builds.size}",
                privileged_mode=True,
            ),
            cache=codebuild.CfnProject.ProjectCacheProperty(type="LOCAL", modes=["LOCAL_DOCKER_LAYER_CACHE"]),
            logs_config=codebuild.CfnProject.LogsConfigProperty(
                cloud_watch_logs=codebuild.CfnProject.CloudWatchLogsConfigProperty(status="ENABLED", group_name=_LOG)
            ),
            timeout_in_minutes=settings.builds.minutes,
            queued_timeout_in_minutes=60,
            concurrent_build_limit=settings.builds.at_once,
        )
        project.node.add_dependency(made_role)
        acknowledge(
            project, "AwsSolutions-CB3", "Docker runs the executor apart from the job, whose credentials it must not see."
        )

    def _build_repositories(self, settings: Settings) -> None:
        keep = {"rulePriority": 1, "description": "Old images go.", "action": {"type": "expire"}}
        keep["selection"] = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": settings.builds.keep_images}
        ecr.CfnRepositoryCreationTemplate(
            self,
            "Repositories",
            prefix=REPOSITORIES,
            description="Repositories of services, made by the first push of each.",
            applied_for=["CREATE_ON_PUSH"],
            image_tag_mutability="MUTABLE",
            lifecycle_policy=json.dumps({"rules": [keep]}, sort_keys=True),
            encryption_configuration=ecr.CfnRepositoryCreationTemplate.EncryptionConfigurationProperty(
                encryption_type="AES256"
            ),
        )


def statements_of_builds(places: Places) -> tuple[Statement, ...]:
    """What the build job's role may do. A stranger's build command may get hold of the registry's token, so it is narrow."""
    by_build = "An object is named by its team and its build."
    streams = places.arn("logs", f"log-group:{_LOG}:log-stream:*")
    repositories = places.arn("ecr", f"repository/{REPOSITORIES}/*")
    return (
        Statement(
            "ReadSourceAndPlan",
            ("s3:GetObject",),
            (places.objects("*/sources/*"), places.objects("*/builds/*/plan.json")),
            because=by_build,
        ),
        Statement(
            "LeaveResult",
            ("s3:PutObject",),
            (places.objects("*/builds/*/result.json"), places.objects("*/builds/*/log.txt")),
            because=by_build,
        ),
        Statement(
            "WriteItsLog", ("logs:CreateLogStream", "logs:PutLogEvents"), (streams,), because="A stream is named by its build."
        ),
        Statement("SignIn", ("ecr:GetAuthorizationToken",), ("*",), because="AWS lets this action name no registry."),
        Statement("Push", _PUSH, (repositories,), because="A repository is named by its team, project and service."),
    )


_REFUSE = json.dumps(
    {"version": 0.2, "phases": {"build": {"commands": ["echo 'Cygni starts builds with a buildspec of its own.'; exit 1"]}}}
)
"""What the project does when somebody starts it by hand."""
