"""(Identity, Facts, where) -> Decision: rules in Cedar, read at :mod:`load`, asked at :mod:`decide`, told at :mod:`explain`."""
