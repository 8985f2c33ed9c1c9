"""`python -m keepahead` is the command `keepahead`."""

from keepahead.faces.cli.main import main

main()
