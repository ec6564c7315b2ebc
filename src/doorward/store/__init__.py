"""Control data at rest: identities, credentials, label verdicts, requests, upstreams."""
