"""Rules tried without a database in reach: what they speak of, cases that say what they must decide, what a change would do."""
