#!/usr/bin/env bash
# Holds what the steps of the self-test said against what they must say.
set -euo pipefail
expect() {
  if [ "$2" != "$3" ]; then
    echo "$1: expected '$3', got '$2'" >&2
    exit 1
  fi
  echo "$1: $2"
}
expect "a right configuration" "$RIGHT" "success 0 proceed"
expect "a backup" "$BACKUP" "success 0"
expect "a service that is not there" "$HEALTH" "failure 1 hold"
expect "an unknown command" "$UNKNOWN" "failure 2"
