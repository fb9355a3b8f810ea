#!/usr/bin/env bash
# The documentation as a site in site/, with the API reference, in an environment of its own (.venv-docs). A warning is
# an error. Zensical succeeds Material for MkDocs, by the same authors, and reads the same mkdocs.yml.
set -euo pipefail
ENVIRONMENT=.venv-docs
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
install requirements-docs.txt
"$PYTHON" -m zensical build --clean --strict
echo "site/index.html"
