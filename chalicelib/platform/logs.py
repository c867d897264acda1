"""The one logger: structured lines with the request's or execution's ids; never a body, a header or a config value."""

from __future__ import annotations

from aws_lambda_powertools import Logger

log = Logger(service="cygni", log_uncaught_exceptions=False)
