#!/bin/bash
# What nobody has run on a Mac yet, in five minutes: `make macos-check`.
# Everything happens in a home of its own; the agent is uninstalled at the end. The last step asks
# you to look at one dialog. With PHOTOSD_CHECK_ANYWHERE=1 all but launchd is tried on Linux.
set -u
PHOTOSD=${1:?path of the photosd command}
PYTHON=$(dirname "$PHOTOSD")/python
MAC=$([ "$(uname)" = Darwin ] && echo yes || echo no)
if [ $MAC = no ] && [ -z "${PHOTOSD_CHECK_ANYWHERE:-}" ]; then
  echo "macos-check is for a Mac; this is $(uname)" >&2
  exit 2
fi
# The resolved name, since /tmp is a link on a Mac, and events come with resolved names.
ROOT=$(cd "$(mktemp -d /tmp/photosd-check.XXXX)" && pwd -P)
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
  local until=$((SECONDS + $1)); shift
  until "$@"; do [ $SECONDS -lt $until ] || return 1; sleep 0.3; done
}
picture() {  # picture FILE COLOUR
  "$PYTHON" -c 'import sys; from PIL import Image; Image.new("RGB", (640, 480), sys.argv[2]).save(sys.argv[1])' "$@"
}
listed() { "$PHOTOSD" list | grep -qF "$1"; }
unlisted() { ! listed "$1"; }
exit_code() { local wanted=$1; shift; "$@"; [ $? -eq "$wanted" ]; }
pid() { "$PHOTOSD" status --json | "$PYTHON" -c 'import json, sys; print(json.load(sys.stdin)["pid"])'; }
another_pid() { [ "$(pid)" != "$1" ]; }
answers() { exit_code 0 "$PHOTOSD" status; }
finish() {
  [ $MAC = yes ] && "$PHOTOSD" service uninstall >/dev/null 2>&1
  "$PHOTOSD" stop >/dev/null 2>&1
  rm -rf "$ROOT"
}
trap finish EXIT

echo "photosd $("$PHOTOSD" --version), $(uname -srm), $("$PYTHON" --version)"
if [ $MAC = yes ] && "$PHOTOSD" service status --json | grep -q '"installed": *true'; then
  echo "photosd is installed as your service; uninstall it for this: photosd service uninstall" >&2
  exit 2
fi

mkdir -p "$ROOT/photos/inner"
picture "$ROOT/photos/red.jpg" red
picture "$ROOT/photos/inner/blue.jpg" blue
# A decomposed name, as older Macs wrote them.
picture "$ROOT/photos/$(printf 'cafe\xcc\x81').jpg" green

check "it starts and the model gets warm" "$PHOTOSD" start --wait
check "a folder is added" "$PHOTOSD" add "$ROOT/photos"
check "it is indexed" "$PHOTOSD" index --wait
check "a picture is found" listed red.jpg
check "a decomposed name is found" listed caf
check "a query is answered" sh -c '"$1" query "something red" --json; [ $? -lt 2 ]' sh "$PHOTOSD"
picture "$ROOT/photos/new.jpg" yellow
check "a new photo is noticed within 10 s" within 10 listed new.jpg
mv "$ROOT/photos/inner" "$ROOT/photos/moved"
check "a renamed folder is noticed" within 10 listed moved/blue.jpg
rm "$ROOT/photos/new.jpg"
check "a deleted photo is noticed" within 10 unlisted new.jpg
check "no file descriptor of the model's is left open to the network" \
  sh -c '! lsof -nP -a -i -p "$1" 2>/dev/null | grep -q TCP' sh "$(pid)"
check "the doctor finds nothing" "$PHOTOSD" doctor
ENCODER=$("$PHOTOSD" status --json | "$PYTHON" -c 'import json, sys; print(json.load(sys.stdin)["encoder"]["pid"])')
kill -STOP "$ENCODER"
check "a hung encoder does not hang a query" \
  sh -c '"$1" query "a text nobody asked" --json; [ $? -lt 6 ]' sh "$PHOTOSD"
check "it is replaced" within 60 answers
kill -CONT "$ENCODER" 2>/dev/null
check "it stops" "$PHOTOSD" stop
check "then a query says so" exit_code 3 "$PHOTOSD" query red

if [ $MAC = yes ]; then
  check "the agent is a property list" sh -c '"$1" service install --print | sed 1d | plutil -lint -' sh "$PHOTOSD"
  check "the agent is installed and runs" "$PHOTOSD" service install
  check "launchd knows it" launchctl print "gui/$UID/org.photosd.daemon"
  check "it is up to date" "$PHOTOSD" service status
  check "it answers" within 60 answers
  BEFORE=$(pid)
  kill -9 "$BEFORE"
  check "launchd starts it again after a crash" within 40 another_pid "$BEFORE"
  check "stop is stop" "$PHOTOSD" stop
  sleep 12
  check "it stays stopped" exit_code 3 "$PHOTOSD" status
  check "start starts the agent" "$PHOTOSD" start
  echo "now look: macOS should ask whether python may read your Pictures; say no, please"
  "$PHOTOSD" add ~/Pictures
  check "what is forbidden is said" sh -c '"$1" folders; "$1" doctor' sh "$PHOTOSD"
  cat "$ROOT/output"
  check "the agent is uninstalled" "$PHOTOSD" service uninstall
fi
check "a report is written" "$PHOTOSD" bugreport -o "$ROOT/report.tar.gz"
echo "$PASSED passed, $FAILED failed"
[ $FAILED -eq 0 ] && echo "please tell us, so that README.md can say who ran it, on what and when"
[ $FAILED -eq 0 ]
