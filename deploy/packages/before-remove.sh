#!/bin/sh
# Runs before a removal or upgrade: dpkg passes `remove` or `upgrade`, rpm the number of versions that remain.
set -e
case "$1" in
  remove | 0)
    if [ -d /run/systemd/system ]; then
      systemctl disable --now linkgrant.service || true
      systemctl stop 'linkgrant-renew@*.timer' 'linkgrant-bootstrap@*.service' || true
    fi
    # These links start the units at boot. `systemctl disable` accepts no pattern for the instances of a template.
    rm -f /etc/systemd/system/*.wants/linkgrant.service /etc/systemd/system/*.wants/linkgrant-*@*
    ;;
esac
