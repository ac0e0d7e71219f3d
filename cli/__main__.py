"""`python -m cli`: the same as the `nineconnect` command."""

from cli.app import main

main()
