"""Errors of peers: why one was dropped, and that none is left."""

from __future__ import annotations

from enum import StrEnum

from hashcanary.sources.errors import SourceError


class Reason(StrEnum):
    """Why a peer was dropped: the word that stands in events and notes."""

    UNREACHABLE = "unreachable"
    PROXY = "proxy"
    CLOSED = "closed"
    SILENT = "silent"
    SELF_CONNECTION = "self-connection"
    TOO_OLD = "too-old"
    SERVES_NO_HEADERS = "serves-no-headers"
    BAD_MAGIC = "bad-magic"
    BAD_CHECKSUM = "bad-checksum"
    OVERSIZED = "oversized"
    MALFORMED = "malformed"
    TOO_MANY_MESSAGES = "too-many-messages"
    BAD_WORK = "bad-work"
    BAD_BITS = "bad-bits"
    BAD_TIME = "bad-time"
    WRONG_CHAIN = "wrong-chain"
    UNCONNECTED = "unconnected"
    REPEATED = "repeated"
    LOW_WORK = "low-work"
    TOO_MANY_HEADERS = "too-many-headers"


class PeerDropped(SourceError):
    """One peer that cannot be used any longer; the others go on."""

    template = "peer dropped ({reason}): {detail}."

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason=reason, detail=detail)
        self.reason = reason
        self.detail = detail


class NoPeerLeft(SourceError):
    """Every peer failed, each for its reason; what was validated before is kept."""

    template = (
        "expected headers of {network} from at least one of {count} peers, found none valid: "
        "{reasons}. Name other peers (-o peers=HOST:PORT,...), or try again later."
    )
    http_status = 502
