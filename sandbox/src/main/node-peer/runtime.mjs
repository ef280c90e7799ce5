// A small runtime for Lambda: asks for an event, has the function handle it, and sends what it returns.
import { Agent, request } from "node:http";
import { handler } from "./function.mjs";

const agent = new Agent({ keepAlive: true });
const base = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/`;

function call(path, body) {
  return new Promise((resolve, reject) => {
    request(base + path, { agent, method: body === undefined ? "GET" : "POST" }, async (response) => {
      response.setEncoding("utf8");
      let text = "";
      for await (const part of response) {
        text += part;
      }
      resolve({ headers: response.headers, text });
    })
      .on("error", reject)
      .end(body);
  });
}

for (;;) {
  const { headers, text } = await call("next");
  const id = headers["lambda-runtime-aws-request-id"];
  try {
    await call(`${id}/response`, JSON.stringify(await handler(JSON.parse(text))));
  } catch (error) {
    await call(`${id}/error`, JSON.stringify({ errorType: error.name, errorMessage: error.message }));
  }
}
