"""``python -m drmsmirror``."""

from drmsmirror.cli.main import main

if __name__ == "__main__":
    main()
