"""Random schemas with random labels, random queries over them, and an oracle that says whether anything came through."""
