"""The façade of this context: projects, environments, services, config and the app file.

Every use case takes the caller and reads and writes only what belongs to the caller's team; another team's resource is as
absent as one that never was.
"""

from __future__ import annotations

from chalicelib.projects.appfiles import default_text, json_schema, parse
from chalicelib.projects.config import (
    ConfigVersion,
    change_config,
    config_address,
    forget_config,
    get_config,
    get_config_version,
)
from chalicelib.projects.environments import (
    Environment,
    cluster_of,
    create_environment,
    delete_environment,
    describe_environment,
    environment_address,
    freeze_environment,
    get_environment,
    list_environments,
    place_environment,
    placed_on,
    thaw_environment,
)
from chalicelib.projects.freezes import Freeze, freezes_of, frozen, frozen_by, new_freeze
from chalicelib.projects.names import ServiceKey
from chalicelib.projects.projects import (
    Project,
    create_project,
    delete_project,
    describe_project,
    get_project,
    list_projects,
)
from chalicelib.projects.rules import Entered, EnvironmentKind, Lane, admit, enter, go_live, kind_of, leave, reserve, turn_back
from chalicelib.projects.services import (
    Service,
    busy_services,
    change_held_lane,
    create_service,
    describe_service,
    forget_service,
    get_lane,
    get_service,
    held_service,
    lane_write,
    list_services,
    mark_deleting,
    service_address,
    update_lane,
)
from chalicelib.projects.spec import AppFile, ServiceSpec, seconds
from chalicelib.projects.starter import Starter

__all__ = [
    "AppFile",
    "ConfigVersion",
    "Entered",
    "Environment",
    "EnvironmentKind",
    "Freeze",
    "Lane",
    "Project",
    "Service",
    "ServiceKey",
    "ServiceSpec",
    "Starter",
    "admit",
    "busy_services",
    "change_config",
    "change_held_lane",
    "cluster_of",
    "config_address",
    "create_environment",
    "create_project",
    "create_service",
    "default_text",
    "delete_environment",
    "delete_project",
    "describe_environment",
    "describe_project",
    "describe_service",
    "enter",
    "environment_address",
    "forget_config",
    "forget_service",
    "freeze_environment",
    "freezes_of",
    "frozen",
    "frozen_by",
    "get_config",
    "get_config_version",
    "get_environment",
    "get_lane",
    "get_project",
    "get_service",
    "go_live",
    "held_service",
    "json_schema",
    "kind_of",
    "lane_write",
    "leave",
    "list_environments",
    "list_projects",
    "list_services",
    "mark_deleting",
    "new_freeze",
    "parse",
    "place_environment",
    "placed_on",
    "reserve",
    "seconds",
    "service_address",
    "thaw_environment",
    "turn_back",
    "update_lane",
]
