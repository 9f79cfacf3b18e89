// Sends one request again and again, each on a TLS connection of its own, so many at a time, until its parent ends it.
// Says `flooding` once each of them has been answered or turned away. Arguments: port, address to send from, how many, request.
import { connect } from 'node:tls';

const [port, localAddress, clients, request] = process.argv.slice(2);
let ended = 0;

function send() {
  const socket = connect(
    { host: '127.0.0.1', port: Number(port), localAddress, rejectUnauthorized: false },
    () => socket.write(request),
  );
  socket.on('error', () => undefined).resume();
  socket.once('close', () => {
    ended += 1;
    if (ended === Number(clients)) process.send('flooding');
    send();
  });
}

process.once('disconnect', () => process.exit());
for (let client = 0; client < Number(clients); client += 1) send();
