"""Pod routers: what is decided of them, without any pod."""
