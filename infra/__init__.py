"""Cygni on AWS: a CDK app that synthesizes what `functions/catalog.py` declares and what that needs around it."""

from infra.node import use_locked_node

use_locked_node()  # before anything imports aws_cdk, whose kernel starts at import
