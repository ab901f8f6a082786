"""What is told while the encoder is not ready."""

from __future__ import annotations

import pytest

from photosd.encoder.encoder_status import EncoderStatus


@pytest.mark.parametrize("state", ["loading", "restarting"])
def test_the_time_to_wait_is_never_zero(state: str) -> None:
    """A start that takes longer than usual is over soon, but not in 0 s."""
    condition = EncoderStatus("starter", 60.0)
    condition.state, condition.start_took = state, 0.0  # type: ignore[assignment]
    error = condition.unavailable()
    assert error.remedy.startswith("try again in 1 s") and error.retry_after_ms
