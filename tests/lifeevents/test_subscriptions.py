"""Standing wishes of agencies: proven before the first event, one's own only, and held at once when they change."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from foundation.errors import BadInput, Conflict, NotFound
from foundation.http import Http
from lifeevents import subscriptions as subscriptions_module
from lifeevents.subscriptions import Subscriptions, WithSecret
from tests_lifeevents import EventRoad, Hook  # type: ignore[import-not-found]
