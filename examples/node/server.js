// A Node service with one dependency. The start script of package.json says how it runs; PORT says where it listens.
import { createServer } from "node:http";
import colors from "picocolors";

const port = Number(process.env.PORT ?? 8080);
const server = createServer((request, response) => {
  response.writeHead(200, { "content-type": "text/plain; charset=utf-8" });
  response.end("Hello from Node\n");
});

server.listen(port, () => console.log(colors.green(`listening on port ${port}`)));
process.on("SIGTERM", () => server.close(() => process.exit(0)));
