"""The gateway against fake pods, spoken to over HTTP."""
