"""The processes that compare prints: a gallery whose memory they share is searched by all."""

from __future__ import annotations

from kernels.team import Team

__all__ = ["Team"]
