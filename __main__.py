"""`python -m byline` is the command `byline`."""

from .cli import main

main()
