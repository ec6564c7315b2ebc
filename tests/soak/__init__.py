"""``make soak``: hours of ordinary and unordinary clients, and then the question whether anything was lost or kept."""
