"""The door for agents: the Model Context Protocol, over HTTP beside the API and on the standard streams of a desktop client."""
