#!/bin/sh
# Runs after a removal or upgrade. Data directories, the system user and files that an operator put into /etc/linkgrant remain.
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
fi
