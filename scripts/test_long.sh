#!/usr/bin/env bash
# Every case of every test, also of those that scripts/test.sh samples: twenty minutes on two cores.
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/test.sh" --long "$@"
