# Stands for systemd at the other end of NOTIFY_SOCKET: prints each message as a JSON array of its lines, and `null` when
# there was none for the seconds given. Usage: notify-socket.py ADDRESS SECONDS; an address with @ is abstract.
import json, os, socket, sys

address, seconds = sys.argv[1], float(sys.argv[2])
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind("\0" + address[1:] if address.startswith("@") else address)
listener.settimeout(seconds)
print(json.dumps(["listening"]), flush=True)
while True:
    try:
        text, passed, _, _ = socket.recv_fds(listener, 65536, 8)
    except TimeoutError:
        print("null", flush=True)
        continue
    # The sender of BARRIER=1 waits until the descriptor that it passed is closed.
    for descriptor in passed:
        os.close(descriptor)
    if text != b"BARRIER=1":
        print(json.dumps(text.decode().strip().split("\n")), flush=True)
