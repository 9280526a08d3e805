// node_ws.js echo|bcast - Node's ws, without compression. Prints its port.
const WebSocket = require('ws');
const mode = process.argv[2];
const server = new WebSocket.Server({ host: '127.0.0.1', port: 0, perMessageDeflate: false, backlog: 4096 });
server.on('listening', () => console.log(`port ${server.address().port}`));
server.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (data) => {
    if (mode === 'echo') return socket.send(data, { binary: true });
    for (const other of server.clients) if (other !== socket) other.send(data, { binary: true });
  });
});
