"""Other projects' test suites, run against a server directly and through an observing Doorward: ``make suites``."""
