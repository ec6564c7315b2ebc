"""wire/postgres"""
