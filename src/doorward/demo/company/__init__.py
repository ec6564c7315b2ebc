"""A sample company: a schema with every kind of protected column, and about 100,000 invented rows."""
