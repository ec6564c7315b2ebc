"""``python -m doorward`` is the same as the ``doorward`` command."""

from doorward.cli.main import main

if __name__ == "__main__":
    main()
