"""``useby …`` as it is, with no more open files than the first argument allows."""

import resource
import runpy
import sys

files = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
runpy.run_module("useby", run_name="__main__", alter_sys=True)
