// Receives deliveries and refuses what is not signed with the secret that
// "smartleadctl destinations add" printed. Needs Node.js alone.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from "node:http";

const tolerance = 5 * 60; // seconds
const maxBody = 16 << 20; // bytes

function readKey(secret: string): Buffer {
  if (!secret.startsWith("whsec_")) throw new Error("the secret begins with whsec_");
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  if (key.length < 24) throw new Error("the secret is too short");
  return key;
}

/** Tells whether a delivery is genuine. body is the bytes as they came. */
function isValid(key: Buffer, headers: IncomingHttpHeaders, body: Buffer, now: number): boolean {
  const id = String(headers["webhook-id"] ?? "");
  const timestamp = String(headers["webhook-timestamp"] ?? "");
  if (id === "" || !/^\d+$/.test(timestamp) || Math.abs(now - Number(timestamp)) > tolerance) return false;
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
  // Two signatures, separated by a space, while a secret is rotated.
  return String(headers["webhook-signature"] ?? "").split(" ").some((signature) => {
    const [version, text] = signature.split(",");
    const given = Buffer.from(text ?? "", "base64");
    return version === "v1" && given.length === expected.length && timingSafeEqual(given, expected);
  });
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > maxBody) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Is yours. Apply an id once: it comes again when an answer was lost. */
function apply(id: string, event: Buffer): void {
  console.log(`${JSON.stringify(id)}: ${event.length} bytes`);
}

const key = readKey(process.env.WEBHOOK_SECRET ?? "");

createServer(async (request, response) => {
  try {
    // The signature covers these bytes: verify first, decode afterwards.
    const body = await readBody(request);
    if (body === undefined) {
      response.writeHead(413).end();
    } else if (!isValid(key, request.headers, body, Date.now() / 1000)) {
      response.writeHead(401).end();
    } else {
      apply(String(request.headers["webhook-id"]), body);
      response.writeHead(204).end();
    }
  } catch {
    response.writeHead(503).end(); // tried again, where a 4xx would end the event
  }
}).listen(Number(process.env.PORT), "127.0.0.1");
