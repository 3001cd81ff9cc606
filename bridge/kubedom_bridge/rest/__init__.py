"""The requests beside the socket: each module is one, or what several need; openapi.json describes them."""
