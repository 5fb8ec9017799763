#!/usr/bin/env bash
# A small project for the self-test: a file to back up, and a service that is not there.
set -euo pipefail
mkdir -p build/selftest
cd build/selftest
printf '{"schema": 1}\n' > library.json
cat > dhash-guard.yml <<'YAML'
version: 1
service: selftest
environments:
  production:
    base_url: http://127.0.0.1:9
    health: {path: /health, timeout: 2s}
    backup: {components: {database: {paths: [library.json]}}}
YAML
