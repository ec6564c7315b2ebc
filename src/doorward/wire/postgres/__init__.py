"""PostgreSQL's frontend/backend protocol 3 (manual, part "Internals", chapter "Frontend/Backend Protocol")."""
