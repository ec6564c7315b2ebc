"""Doorward: an identity-aware proxy for databases. Start reading at :mod:`doorward.proxy.statement_path`."""

__version__ = "0.1.0"
