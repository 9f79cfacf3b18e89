#!/bin/sh
# Runs after an installation or upgrade of the deb or the rpm.
set -e
if command -v systemd-sysusers >/dev/null; then
  systemd-sysusers linkgrant.conf
  systemd-tmpfiles --create linkgrant.conf
fi
# Without a running systemd, such as in a chroot or while an image is built, there is nothing to restart.
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  # dpkg passes `configure` and the previous version, rpm the number of installed versions. A first installation restarts nothing,
  # an upgrade only an active service. The upgrade does not fail if the service fails to start.
  case "$1 $2" in
    'configure ' | '1 ') ;;
    *) systemctl try-restart linkgrant.service || true ;;
  esac
fi
