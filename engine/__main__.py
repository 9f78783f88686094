"""`python -m engine` is `tenprint`."""

from engine.cli.app import main

if __name__ == "__main__":
    main()
