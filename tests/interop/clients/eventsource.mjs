// npm's eventsource: reconnects by itself, with the last event ID.
import { EventSource } from "eventsource";

const [url, last] = process.argv.slice(2);
const source = new EventSource(url);
source.addEventListener("message", (event) => {
	console.log(event.data);
	if (event.data === last) {
		source.close();
		process.exit(0);
	}
});
