// Repeats one request, each time on a new TLS connection, until its parent disconnects. CLIENTS connections are open at a time.
// Sends `flooding` to its parent when that many connections have ended.
// Arguments: port, address to send from, CLIENTS, request.
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
