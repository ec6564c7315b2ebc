"""``make bench``: what standing in the middle costs, side by side with nothing, pgbouncer and HAProxy."""
