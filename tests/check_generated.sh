#!/usr/bin/env bash
# What is committed of generated code and catalogues is what our tools make of their sources.
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
.venv/bin/python -m checkout.messages --check
