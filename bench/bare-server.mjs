// The server that the service is compared with: node:https alone, which reads the body and sends a fixed response. The parent
// process sends one message with the credentials and the response, receives the port, and disconnects to end the server.
import { constants } from 'node:crypto';
import { createServer } from 'node:https';

function serve({ credentials, status, headers, body }) {
  const bytes = Buffer.from(body, 'latin1');
  const server = createServer(
    {
      cert: credentials,
      key: credentials,
      minVersion: 'TLSv1.3',
      ecdhCurve: 'X25519:P-256:P-384',
      secureOptions: constants.SSL_OP_NO_TICKET,
    },
    (request, response) => {
      request.on('data', () => undefined);
      request.on('end', () => {
        response.writeHead(status, headers);
        response.end(bytes);
      });
    },
  );
  server.listen({ port: 0, host: '127.0.0.1', backlog: 2048 }, () => process.send(server.address().port));
}

process.once('message', serve);
process.on('disconnect', () => process.exit());
