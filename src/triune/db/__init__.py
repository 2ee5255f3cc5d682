"""The database: pods and routings."""
