#!/bin/sh
# Runs after an installation or upgrade of the deb or the rpm.
set -e
if command -v systemd-sysusers >/dev/null; then
  systemd-sysusers linkgrant.conf
  systemd-tmpfiles --create linkgrant.conf
fi
# Not in a chroot, and not while an image is built.
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  # dpkg passes `configure` and the version before, rpm the number of versions: nothing is restarted by a first installation, and
  # by an upgrade only an active service. A service that does not start again must not make the upgrade fail.
  case "$1 $2" in
    'configure ' | '1 ') ;;
    *) systemctl try-restart linkgrant.service || true ;;
  esac
fi
