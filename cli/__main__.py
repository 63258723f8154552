"""``python -m kansci_cli``."""

from .app import main

main()
