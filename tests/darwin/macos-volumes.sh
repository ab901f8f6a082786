#!/bin/bash
# Names and volumes as only a Mac has them, each tried with a daemon that watches: a folder written
# in another case, renames by case alone, decomposed names, disk images that come and go.
#
# Photos, index and settings are in a folder of its own; the images are mounted below /Volumes
# (VOLUMES=DIR: elsewhere) under names that begin with PhotosdCheck, and ejected at the end.
set -u
PHOTOSD=${1:?path of the photosd command}
VOLUMES=${VOLUMES:-/Volumes}
if ! command -v hdiutil >/dev/null; then
  echo "macos-volumes is for a Mac: there is no hdiutil here" >&2
  exit 2
fi
ROOT=$(cd "$(mktemp -d /tmp/photosd-check.XXXX)" && pwd -P) || exit 2
# shellcheck source=tests/darwin/macos-lib.sh
. "$(dirname "$0")/macos-lib.sh"
NFC=$(printf 'caf\xc3\xa9') NFD=$(printf 'cafe\xcc\x81')

end() {
  for volume in "$VOLUMES"/PhotosdCheck*; do
    [ -d "$volume" ] && hdiutil detach -force "$volume" >/dev/null 2>&1
  done
  finish
}
trap end EXIT
# state PATH: how the daemon finds a watched folder; the end of the path is compared.
state() {
  local all
  all=$("$PHOTOSD" folders --json) && printf '%s' "$all" | "$PYTHON" -c '
import json, sys
folders = json.load(sys.stdin)["folders"]
found = [folder["state"] for folder in folders if folder["path"].endswith(sys.argv[1])]
print(*found)
sys.exit(len(found) != 1)' "$1"
}
is() { local now; now=$(state "$1") && [ "$now" = "$2" ]; }
is_not() { local now; now=$(state "$1") && [ "$now" != "$2" ]; }
encoded() { ask encoder images_encoded; }
encoded_is() { [ -n "$1" ] && [ "$(encoded)" = "$1" ]; }
found_there() { [ "$("$PHOTOSD" list | grep -cF "$ROOT/caf")" = "$1" ]; }
once() { [ "$("$PHOTOSD" list | grep -cF "$1")" = 1 ]; }

check "it starts and the model gets warm" "$PHOTOSD" start --wait
check "it lives" alive

mkdir -p "$ROOT/user/Pictures"
picture "$ROOT/user/Pictures/red.jpg" red
if [ -e "$ROOT/user/pictures/RED.JPG" ]; then
  check "a folder is added in lower case" "$PHOTOSD" add "$ROOT/user/pictures"
  check "it is indexed" "$PHOTOSD" index --wait
  check "under its real name" listed user/Pictures/red.jpg
  check "once" once red.jpg
  picture "$ROOT/user/Pictures/new.jpg" yellow
  check "a new photo in it is noticed within 10 s" within 10 listed user/Pictures/new.jpg
  mv "$ROOT/user/Pictures/red.jpg" "$ROOT/user/Pictures/Red.jpg"
  check "a rename by case alone is noticed within 10 s" within 10 listed Pictures/Red.jpg
  check "and the old name is gone" within 10 unlisted Pictures/red.jpg
else
  echo "skipped  this file system distinguishes upper and lower case"
fi

mkdir "$ROOT/$NFD"
picture "$ROOT/$NFD/green.jpg" green
if [ -e "$ROOT/$NFC/green.jpg" ]; then
  check "a decomposed folder is added by its composed name" "$PHOTOSD" add "$ROOT/$NFC"
  check "it is indexed" "$PHOTOSD" index --wait
  check "its photo is listed once" once green.jpg
  picture "$ROOT/$NFD/$NFD.jpg" blue
  check "a new photo with a decomposed name is noticed within 10 s" within 10 found_there 2
else
  echo "skipped  this file system distinguishes composed and decomposed names"
fi

volume() {  # volume NAME FILESYSTEM SECONDS: a disk that comes, goes and comes back
  local name=$1 place=$VOLUMES/$1 before
  check "$2: an image is made" hdiutil create -quiet -size 64m -fs "$2" -volname "$name" "$ROOT/$name.dmg"
  check "$2: it is attached" hdiutil attach -quiet -nobrowse "$ROOT/$name.dmg"
  check "$2: it is mounted" [ -d "$place" ]
  [ -d "$place" ] || return
  mkdir "$place/photos"
  picture "$place/photos/$name-1.jpg" teal
  check "$2: its folder is added" "$PHOTOSD" add "$place/photos"
  check "$2: it is indexed" "$PHOTOSD" index --wait
  check "$2: its photo is listed" listed "$name-1.jpg"
  picture "$place/photos/$name-2.jpg" olive
  check "$2: a new photo is noticed within $3 s" within "$3" listed "$name-2.jpg"
  check "$2: it can be ejected while photosd watches it" hdiutil detach -quiet "$place"
  [ -d "$place/photos" ] && hdiutil detach -quiet -force "$place"
  check "$2: its folder is offline" within 60 is "$name/photos" offline
  check "$2: its photos stay" listed "$name-1.jpg"
  before=$(encoded)
  check "$2: it is attached again" hdiutil attach -quiet -nobrowse "$ROOT/$name.dmg"
  check "$2: its folder is back" within 60 is_not "$name/photos" offline
  check "$2: nothing was encoded again" encoded_is "$before"
  picture "$place/photos/$name-3.jpg" navy
  check "$2: a new photo is noticed again within $3 s" within "$3" listed "$name-3.jpg"
  check "$2: it can be ejected again" hdiutil detach -quiet "$place"
  check "the daemon lives" alive
}
volume PhotosdCheckApfs APFS 10
volume PhotosdCheckExfat ExFAT 60  # its events may not come; scans find it

check "it stops" "$PHOTOSD" stop
echo "$PASSED passed, $FAILED failed"
[ $FAILED -eq 0 ] && [ $PASSED -gt 20 ]
