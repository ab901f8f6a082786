#!/bin/bash
# Checks that no Mac has run yet, in a few minutes: `make macos-check`.
#
# Photos, index and settings are in a folder of its own. The agent is installed in
# ~/Library/LaunchAgents and uninstalled at the end. `--dialogs` adds a folder inside ~/Documents and
# asks you to answer the dialog of macOS; the folder is deleted at the end.
#
# Each check asks the daemon itself, so that none passes with a dead one. KEEP=DIR keeps the logs
# there. PHOTOSD_CHECK_ANYWHERE=1 tries all but launchd on Linux.
set -u
PHOTOSD=${1:?path of the photosd command}
DIALOGS=${2:-}
LABEL=org.photosd.daemon
MAC=$([ "$(uname)" = Darwin ] && echo yes || echo no)
if [ "$MAC" = no ] && [ -z "${PHOTOSD_CHECK_ANYWHERE:-}" ]; then
  echo "macos-check is for a Mac; this is $(uname)" >&2
  exit 2
fi
# The resolved name, since /tmp is a link on a Mac, and events come with resolved names.
ROOT=$(cd "$(mktemp -d /tmp/photosd-check.XXXX)" && pwd -P) || exit 2
# shellcheck source=tests/darwin/macos-lib.sh
. "$(dirname "$0")/macos-lib.sh"
INSTALLED=no PROTECTED=

answered() {  # a query whose answer names a photo, or whose error is one of the documented ones
  local answer code
  answer=$("$PHOTOSD" query "$1" --json); code=$?
  [ $code -lt 2 ] && printf '%s' "$answer" | grep -q '"hits": *\[{' && alive
}
answered_in_time() {  # any documented answer, while the encoder hangs
  "$PHOTOSD" query "$1" --json; case $? in 0 | 1 | 4 | 5) alive ;; *) return 1 ;; esac
}
no_network() {
  local all
  alive && command -v lsof || return 1
  all=$(lsof -nP -a -i -p "$1"); ! printf '%s' "$all" | grep -q TCP
}
healthy() { alive && "$PHOTOSD" doctor; }
restarted() {  # restart, and it is another process
  local before
  before=$(pid) || return 1
  "$PHOTOSD" restart && another "$before" && within 20 gone "$before"
}
agent_state() { launchctl print "gui/$UID/$LABEL" || launchctl print "user/$UID/$LABEL"; }
started_by_launchd() { [ -n "$1" ] && agent_state | grep -q "pid = $1\$"; }
property_list() { "$PHOTOSD" service install --print | sed 1d >"$ROOT/print.plist" && plutil -lint "$ROOT/print.plist"; }
forbidden_is_said() {  # the folder is named with the place in System Settings
  local all
  all=$("$PHOTOSD" folders 2>&1; "$PHOTOSD" doctor 2>&1)
  printf '%s' "$all" | grep -qF "${PROTECTED##*/}" && printf '%s' "$all" | grep -q "Privacy & Security"
}
end() {
  [ $INSTALLED = yes ] && { agent_state >"$ROOT/agent.txt" 2>&1; "$PHOTOSD" service uninstall >/dev/null 2>&1; }
  [ -n "$PROTECTED" ] && rm -rf "$PROTECTED"
  finish
}
trap end EXIT

echo "photosd $("$PHOTOSD" --version), $(uname -srm), $("$PYTHON" --version)"
if [ "$MAC" = yes ]; then
  sw_vers 2>/dev/null
  if "$PHOTOSD" service status --json | grep -q '"installed": *true'; then
    echo "photosd is installed as your service; uninstall it for this: photosd service uninstall" >&2
    exit 2
  fi
fi

mkdir -p "$ROOT/photos/inner"
picture "$ROOT/photos/red.jpg" red
picture "$ROOT/photos/inner/blue.jpg" blue
# A decomposed name, as older Macs wrote them.
picture "$ROOT/photos/$(printf 'cafe\xcc\x81').jpg" green

check "it starts and the model gets warm" "$PHOTOSD" start --wait
check "it lives" alive
check "a folder is added" "$PHOTOSD" add "$ROOT/photos"
check "it is indexed" "$PHOTOSD" index --wait
check "a picture is found" listed red.jpg
check "a decomposed name is found" listed caf
check "a query is answered" answered "something red"
picture "$ROOT/photos/new.jpg" yellow
check "a new photo is noticed within 10 s" within 10 listed new.jpg
mv "$ROOT/photos/inner" "$ROOT/photos/moved"
check "a renamed folder is noticed" within 10 listed moved/blue.jpg
rm "$ROOT/photos/new.jpg"
check "a deleted photo is noticed" within 10 unlisted new.jpg
if [ "$MAC" = yes ] || command -v lsof >/dev/null; then
  check "it has no connection to a network" no_network "$(pid)"
fi
check "the doctor finds nothing" healthy
check "the encoder's device is known" ask encoder device
cat "$ROOT/output"
ENCODER=$(ask encoder pid)
check "the encoder is stopped" kill -STOP "$ENCODER"
check "a hung encoder does not hang a query" answered_in_time "a new text"
kill -CONT "$ENCODER" 2>/dev/null
check "queries are answered again" within 60 answered "something blue"
check "it restarts, once" restarted
check "it restarts, twice" restarted
check "it restarts, three times" restarted
LAST=$(pid)
check "it stops" "$PHOTOSD" stop
check "then it has ended" gone "$LAST"
check "then a query exits with code 3" exit_code 3 "$PHOTOSD" query red

if [ "$MAC" = yes ]; then
  INSTALLED=yes
  check "the agent is a property list" property_list
  check "the agent is installed and runs" "$PHOTOSD" service install
  check "launchd knows it" agent_state
  check "it is up to date" "$PHOTOSD" service status
  check "it answers" within 60 alive
  BEFORE=$(pid)
  check "launchd has started it" started_by_launchd "$BEFORE"
  check "installing it again disturbs nothing" "$PHOTOSD" service install
  check "it is the same process" same "$BEFORE"
  check "starting what runs is no error" "$PHOTOSD" start
  AGENT=~/Library/LaunchAgents/$LABEL.plist
  sed 's/<integer>15<\/integer>/<integer>14<\/integer>/' "$AGENT" >"$ROOT/agent.plist" && cat "$ROOT/agent.plist" >"$AGENT"
  check "a changed agent is noticed" exit_code 1 "$PHOTOSD" service status
  check "and replaced" "$PHOTOSD" service install
  check "by another process" within 60 another "$BEFORE"
  check "it is up to date again" "$PHOTOSD" service status
  check "the agent restarts, once" restarted
  check "the agent restarts, twice" restarted
  check "the agent restarts, three times" restarted
  BEFORE=$(pid)
  kill -9 "$BEFORE"
  check "launchd starts it again after a crash" within 40 another "$BEFORE"
  BEFORE=$(pid)
  check "stop is stop" "$PHOTOSD" stop
  sleep "${WAIT:-12}"
  check "it stays stopped" exit_code 3 "$PHOTOSD" status
  check "its process has ended" gone "$BEFORE"
  check "start starts the agent" "$PHOTOSD" start
  check "it lives as an agent" another "$BEFORE"
  if [ "$DIALOGS" = --dialogs ]; then
    PROTECTED=$(mktemp -d ~/Documents/photosd-check.XXXX)
    echo "macOS should ask now whether Python may access your Documents folder: choose Don't Allow"
    "$PHOTOSD" add "$PROTECTED"
    check "what is forbidden is said within 60 s" within 60 forbidden_is_said
    "$PHOTOSD" folders
    "$PHOTOSD" remove "$PROTECTED" >/dev/null
  fi
  check "a report is written" "$PHOTOSD" bugreport -o "$ROOT/report.tar.gz"
  LAST=$(pid)
  check "the agent is uninstalled" "$PHOTOSD" service uninstall
  check "and its process has ended" within 20 gone "$LAST"
  check "and its file" [ ! -e "$AGENT" ]
fi
echo "$PASSED passed, $FAILED failed"
[ $FAILED -eq 0 ] && [ "$MAC" = yes ] && echo "please open an issue with this output, so that README.md can name this Mac as tested"
[ $FAILED -eq 0 ] && [ $PASSED -gt 20 ]
