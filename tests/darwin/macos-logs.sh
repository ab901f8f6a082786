#!/bin/bash
# Gathers what explains a failed run on a Mac: logs of photosd and of launchd, crash reports.
set -u
INTO=${1:?directory to write to}
mkdir -p "$INTO/reports" "$INTO/homes"
{
  sw_vers
  uname -a
  sysctl hw.model hw.ncpu hw.memsize kern.maxfilesperproc
  ulimit -n
  df -h
  mount
} >"$INTO/machine.txt" 2>&1
for directory in ~/Library/Logs/DiagnosticReports /Library/Logs/DiagnosticReports; do
  [ -d "$directory" ] && cp -R "$directory"/. "$INTO/reports" 2>/dev/null
done
for home in /tmp/photosd-* "${TMPDIR:-/tmp}"/photosd-*; do
  [ -d "$home/state/logs" ] && cp -R "$home/state/logs" "$INTO/homes/$(basename "$home")" 2>/dev/null
done
for domain in gui user; do
  launchctl print "$domain/$UID/org.photosd.daemon"
  launchctl print-disabled "$domain/$UID"
done >"$INTO/launchd.txt" 2>&1
log show --style compact --last 1h \
  --predicate 'eventMessage CONTAINS "org.photosd" OR process CONTAINS[c] "python"' 2>&1 |
  tail -5000 >"$INTO/system.log"
find "$INTO" -type f | sort
exit 0
