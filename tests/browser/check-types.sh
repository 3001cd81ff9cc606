#!/bin/sh
# Checks the types of web/ and of the type tests, that web/messages.d.ts is what the protocol's schema gives, and that the
# AsyncAPI document is valid. With --write it writes web/messages.d.ts first.
. "$(dirname "$0")/web-tools.sh"

if [ "${1:-}" = --write ]; then
    "$node" tests/browser/message-types.mjs
fi
"$node" tests/browser/message-types.mjs --check
"$node" tests/browser/asyncapi.mjs
exec "$node" "$tools/node_modules/typescript/bin/tsc" -p tests/browser/types
