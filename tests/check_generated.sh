#!/usr/bin/env bash
# The committed code generated from payment.proto is what the pinned generators make of it.
set -euo pipefail
cd "$(dirname "$0")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
.venv/bin/python -m grpc_tools.protoc -I. --plugin=protoc-gen-connectrpc=.venv/bin/protoc-gen-connectrpc \
  --python_out="$fresh" --pyi_out="$fresh" --connectrpc_out="$fresh" --connectrpc_opt=protobuf=google \
  checkout/rpc/payment.proto
for made in "$fresh"/checkout/rpc/*; do
  diff -q "$made" "checkout/rpc/$(basename "$made")" || { echo "payment.proto changed: run \`make proto\`." >&2; exit 1; }
done
