// Runs a step of Code by Zapier: the code is the body of an async function with
// inputData, whose values are text, as "Catch Raw Hook" gives headers and body.
// One request a line comes in, one answer a line goes out.
const fs = require('node:fs');
const readline = require('node:readline');

const AsyncFunction = (async () => {}).constructor;
const step = new AsyncFunction('inputData', 'require', fs.readFileSync(process.argv[2], 'utf8'));

function run(request) {
  const inputData = {
    id: request.headers['Webhook-Id'],
    timestamp: request.headers['Webhook-Timestamp'],
    signature: request.headers['Webhook-Signature'],
    body: Buffer.from(request.body, 'base64').toString('utf8'),
    secret: request.secret,
  };
  for (const name of Object.keys(inputData)) if (inputData[name] === undefined) delete inputData[name];
  return step(inputData, require);
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    try {
      console.log(JSON.stringify({ output: await run(JSON.parse(line)) }));
    } catch (error) {
      console.log(JSON.stringify({ error: error.message }));
    }
  }
})();
