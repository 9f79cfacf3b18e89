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
  # Restarts the service only if it is active. A service that does not start again must not make the installation fail.
  systemctl try-restart linkgrant.service || true
fi
