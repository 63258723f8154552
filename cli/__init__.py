"""The kansci command line."""
