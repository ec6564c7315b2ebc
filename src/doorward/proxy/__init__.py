"""The path of a statement. Start at :mod:`doorward.proxy.statement_path`."""
