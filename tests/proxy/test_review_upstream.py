"""An upstream that breaks between its last word of the sign-in and the session: known, not waited for."""

from __future__ import annotations

from doorward.proxy.upstream_connections import UpstreamConnection


def test_a_connection_that_broke_before_anybody_listened_says_so() -> None:
    """Both with an error and by a plain end of the stream."""
    for error in (None, ConnectionResetError("gone")):
        connection = UpstreamConnection()
        assert not connection.is_lost
        connection.data_received(b"Z\0\0\0\5I")
        connection.connection_lost(error)
        assert connection.is_lost
