"""The command line: `triune gateway`, `triune db upgrade`, `triune catalog register`."""
