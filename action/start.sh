#!/usr/bin/env bash
# Finds a Python that is new enough by asking each candidate, and hands over to run.py, which starts it isolated.
# Sourced by action.yml; with arguments it is the command line itself: bash action/start.sh --version
set -euo pipefail

here="${BASH_SOURCE[0]%/*}"
floor=11
seen=()
workspace="${GITHUB_WORKSPACE-}"
if [[ -n $workspace && $OSTYPE == msys* ]]; then
  workspace="$(/usr/bin/cygpath --unix "$workspace")" # bash on Windows finds programs as /d/a/…, the runner says D:\a\…
fi

# Only running a candidate tells what it is: the store stub of Windows and the shims of version managers have the right
# name and are no Python.
version_of() {
  local said
  said="$("$@" -I -S -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null </dev/null)" || said=""
  said="${said//$'\r'/}"
  [[ $said =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] && printf '%s' "$said"
}

new_enough() {
  local major="${1%%.*}" rest="${1#*.}"
  ((major > 3 || (major == 3 && ${rest%%.*} >= floor)))
}

# try NAME [ARGUMENT…]: true, and the program in `python`, where it is a Python that will do.
try() {
  local program
  program="$(type -P "$1")" || return 1
  if [[ $program != /* && $program != [A-Za-z]:* ]] || [[ -n $workspace && $program == "$workspace"/* ]]; then
    seen+=("$* (inside the workspace: not used)")
    return 1
  fi
  accept "$program" "${@:2}"
}

accept() {
  local version
  if ! version="$(version_of "$@")"; then
    seen+=("$* (does not answer)")
  elif ! new_enough "$version"; then
    seen+=("$* (is $version)")
  else
    python=("$@")
    return 0
  fi
  return 1
}

# What the caller has set up comes first; the names with a version and the tool cache are for old system Pythons.
find_python() {
  local name found cache="${RUNNER_TOOL_CACHE-}"
  for name in python3 python python3.14 python3.13 python3.12 python3.11; do
    try "$name" && return
  done
  try py -3 && return
  for found in "${cache//\\//}"/Python/3.*/*/{bin/python3,python.exe}; do
    [[ -n $cache && -x $found ]] && accept "$found" && return
  done
  return 1
}

# The outputs of a step that could not even start: the same names and meanings as those of the program.
give_up() {
  local text="$1"
  text="${text//[^[:print:]]/?}"
  printf '::error title=dhash-guard needs Python 3.%d or newer::%s\n' "$floor" "${text//%/%25}"
  if [[ -n ${GITHUB_OUTPUT-} ]]; then
    printf 'decision=hold\nreason-code=no-python\nexit-code=2\n' >>"$GITHUB_OUTPUT"
  fi
  exit 2
}

asked="${DHASH_GUARD_INPUT_PYTHON-}"
if [[ -n $asked ]]; then
  # Named by the workflow, so it may lie anywhere.
  accept "$asked" || give_up "The input 'python' names ${seen[0]-nothing}. Name another interpreter, or leave the input out."
elif ! find_python; then
  printf -v list '%s; ' "${seen[@]:-nothing}"
  give_up "Found: ${list%; }. Put a step with 'uses: actions/setup-python' and a newer python-version before this one, or name an interpreter in the input 'python'."
fi

# -I and -S: no PYTHON* variable, no current directory, no site-packages, no .pth file, no sitecustomize.
exec "${python[@]}" -I -S -X utf8 "$here/run.py" "$@"
