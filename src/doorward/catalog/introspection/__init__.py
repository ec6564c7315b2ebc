"""catalog/introspection"""
