# Sourced by macos-check.sh and macos-volumes.sh: a home of its own, and checks that count.
#
# A check asks the daemon itself: an empty answer, or one of another process, is a failure.
# Set before: PHOTOSD (the command), ROOT (a new directory). KEEP=DIR keeps the logs there;
# WAIT=SECONDS replaces every limit.
# shellcheck shell=bash
PYTHON=$(dirname "$PHOTOSD")/python
export PHOTOSD_HOME=$ROOT/home
PASSED=0 FAILED=0

check() {  # check WHAT COMMAND...: run it, say how it went
  local what=$1; shift
  if "$@" >"$ROOT/output" 2>&1; then
    PASSED=$((PASSED + 1)); echo "ok      $what"
  else
    FAILED=$((FAILED + 1)); echo "FAILED  $what"; sed 's/^/        /' "$ROOT/output" | tail -15
  fi
}
within() {  # within SECONDS COMMAND...: until it succeeds
  local until=$((SECONDS + ${WAIT:-$1})); shift
  until "$@"; do [ $SECONDS -lt $until ] || return 1; sleep 0.3; done
}
picture() {  # picture FILE COLOUR
  "$PYTHON" -c 'import sys; from PIL import Image; Image.new("RGB", (640, 480), sys.argv[2]).save(sys.argv[1])' "$@"
}
field() {  # field NAME...: a value in the JSON on stdin; fails if there is none
  "$PYTHON" -c '
import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1:]:
    value = value[int(name) if name.isdigit() else name]
print(value)
sys.exit(value in ("", None))' "$@"
}
ask() {  # ask NAME...: a value in the status of the daemon; its exit code is 4 while it warms up
  local answer
  answer=$("$PHOTOSD" status --json)
  printf '%s' "$answer" | field "$@"
}
pid() { ask pid; }
# runs PID: the process exists. A zombie (Z) does not count.
runs() { case $(ps -o stat= -p "$1") in '' | Z*) return 1 ;; esac; }
alive() { local now; now=$(pid) && [ -n "$now" ] && runs "$now"; }
# Another daemon than the one of before.
another() { local now; now=$(pid) && [ -n "$now" ] && [ -n "$1" ] && [ "$now" != "$1" ] && runs "$now"; }
same() { [ -n "$1" ] && [ "$(pid)" = "$1" ]; }
gone() { [ -n "$1" ] && ! runs "$1"; }
listed() { local all; all=$("$PHOTOSD" list) && printf '%s\n' "$all" | grep -qF "$1"; }
unlisted() { local all; all=$("$PHOTOSD" list) && [ -n "$all" ] && ! printf '%s\n' "$all" | grep -qF "$1"; }
exit_code() { local wanted=$1; shift; "$@"; [ $? -eq "$wanted" ]; }
finish() {
  "$PHOTOSD" stop >/dev/null 2>&1
  if [ -n "${KEEP:-}" ]; then
    mkdir -p "$KEEP"
    cp -R "$ROOT/home/state/logs" "$KEEP" 2>/dev/null
    cp "$ROOT"/*.txt "$ROOT"/*.tar.gz "$KEEP" 2>/dev/null
  fi
  rm -rf "$ROOT"
}
