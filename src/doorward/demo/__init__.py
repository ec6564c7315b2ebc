"""The demonstration: a sample company, and what shows Doorward on it."""
