"""Watching, fault by fault; who looks for a test of one finds it here.

W1 a burst of 50,000 files, W2 a short queue: test_faults.py. W3 a limit of watches:
inside_namespace.py. W4 the handler raises, W5 the reader's thread dies: test_faults.py. W6 a root
removed, renamed, unmounted, mounted over: test_roots.py, inside_namespace.py and
tests/e2e/test_away.py. W7 directories renamed within, out of and between roots, W8 files written in
parts, through memory, replaced, truncated, backdated: test_watcher.py, and both in
tests/chaos/test_convergence.py. W9 links in circles, hard
links, odd names: test_scanner.py and the same walk. W10 changes while the daemon was stopped:
tests/e2e/test_away.py. W11 the clock jumps, the machine sleeps: test_faults.py. W12 our own reads
cause no work: test_inotify_reader.py, test_watcher.py.
"""
