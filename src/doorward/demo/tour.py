"""The tour: seven steps with real clients against the running demo, each held to what it promises."""
