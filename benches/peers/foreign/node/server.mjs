// Node with better-sse: a channel, and a session for each client, as in its documentation.

import { createServer } from "node:http";
import { createChannel, createSession } from "better-sse";

const channel = createChannel();

const server = createServer(async (request, response) => {
	if (request.method === "POST") {
		let data = "";
		for await (const part of request) data += part;
		channel.broadcast(data);
		response.writeHead(204).end();
	} else {
		channel.register(await createSession(request, response));
	}
});

server.keepAliveTimeout = 0;
server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => {
	console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
