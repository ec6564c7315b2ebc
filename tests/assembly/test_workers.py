"""What each of several gateways is started with."""

from __future__ import annotations

from pathlib import Path

import pytest

from doorward.assembly.workers import Workers, shared_out
from doorward.errors import ConfigurationInvalid
from doorward.proxy.admission import Limits
from doorward.proxy.gateway import GatewaySettings
from doorward.proxy.upstream_pool import PoolLimits

SETTINGS = GatewaySettings(
    "127.0.0.1", 0, Path("/log"), Path("/sock"), b"k" * 32, limits=Limits(10, 5, 4, 3, 9.5), pool=PoolLimits(3, 7.0)
)


def test_limits_are_shared_out_and_times_are_not() -> None:
    """Rounded up: a share of nothing would let nobody in."""
    share = shared_out(SETTINGS, 4)
    assert share.limits == Limits(3, 2, 1, 1, 9.5)
    assert (share.pool.size, share.pool.idle_seconds) == (1, 7.0)
    assert shared_out(SETTINGS, 1) == SETTINGS


def test_pool_that_is_off_stays_off() -> None:
    assert shared_out(GatewaySettings("h", 0, Path("/"), Path("/"), b""), 4).pool.size == 0


@pytest.mark.parametrize("count", [-1, 0, 65])
def test_number_of_workers_has_bounds(count: int) -> None:
    with pytest.raises(ConfigurationInvalid, match="workers"):
        Workers(count, SETTINGS, lambda: None)
