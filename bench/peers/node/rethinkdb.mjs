// `ws` behind the npm driver of RethinkDB, as the driver's documentation has it: messages are inserted, and a changefeed
// brings them to every client.
import r from "rethinkdb";
import { WebSocket, WebSocketServer } from "ws";

const [port, database, password] = process.argv.slice(2);
const options = { host: "127.0.0.1", port: Number(database), password, db: "bench" };
const connection = await r.connect(options);
await r.dbCreate("bench").run(connection);
await r.tableCreate("messages").run(connection);
await r.table("messages").wait().run(connection);

const feed = await r.table("messages").changes().run(await r.connect(options));
const server = new WebSocketServer({ port: Number(port), host: "127.0.0.1" });

feed.each((error, change) => {
  if (error) throw error;
  const text = JSON.stringify(change.new_val);
  for (const client of server.clients) {
    if (client.readyState === WebSocket.OPEN) client.send(text);
  }
});

server.on("connection", (socket) => {
  socket.on("error", console.error);
  socket.on("message", async (data) => {
    await r.table("messages").insert(JSON.parse(data)).run(connection);
  });
});
