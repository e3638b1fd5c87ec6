"""The one client of the other services, shared by all threads of the process."""

from __future__ import annotations

import importlib
import pkgutil

import contracts.errors
from chassis.bus.rpc_client import RpcClient
from services.gateway.settings import Settings

# Refusals arrive as codes; with their classes imported they are shown in the caller's language.
for _module in pkgutil.iter_modules(contracts.errors.__path__):
    importlib.import_module(f"contracts.errors.{_module.name}")


def connect(settings: Settings) -> RpcClient:
    return RpcClient(settings.bus_url)
