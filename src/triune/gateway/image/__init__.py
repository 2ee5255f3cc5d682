"""The image API (Glance v2): one id in every pod."""
