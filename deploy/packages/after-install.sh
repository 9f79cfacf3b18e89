#!/bin/sh
# Runs after an installation or upgrade of the deb or the rpm.
set -e
if command -v systemd-sysusers >/dev/null; then
  systemd-sysusers linkgrant.conf
  # It fails without /proc, such as in a chroot or while an image is built. As with the helpers of Debian and of rpm, a failure is
  # printed and does not fail the installation: systemd creates the directory when the machine or the service starts.
  systemd-tmpfiles --create linkgrant.conf || true
fi
# Without a running systemd there is nothing to restart.
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  # dpkg passes `configure` and the previous version, rpm the number of installed versions. A first installation restarts nothing,
  # an upgrade only an active service. The upgrade does not fail if the service fails to start.
  case "$1 $2" in
    'configure ' | '1 ') ;;
    *) systemctl try-restart linkgrant.service || true ;;
  esac
fi
