#!/bin/sh
# Install the packages of the system for those commands (or files) that are missing: as root with
# apt-get, otherwise name them all in one message.
#
#   requirements/system.sh PURPOSE COMMAND[=PACKAGE] ...
set -eu

purpose=$1
shift
missing=""
packages=""
for need in "$@"; do
  command=${need%%=*}
  case $command in
    */*) [ ! -e "$command" ] || continue ;;
    *) ! command -v "$command" >/dev/null || continue ;;
  esac
  missing="$missing${missing:+, }$command"
  packages="$packages ${need#*=}"
done
[ -n "$packages" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing$packages ..."
  apt-get update -qq
  # shellcheck disable=SC2086 - one word a package
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
else
  echo "$purpose needs $missing; on Debian or Ubuntu: sudo apt-get install$packages" >&2
  exit 1
fi
