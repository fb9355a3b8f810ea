#!/usr/bin/env bash
# Every case of every test, also of those that scripts/test.sh samples.
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/test.sh" --long "$@"
