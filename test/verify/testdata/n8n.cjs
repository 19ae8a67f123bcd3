// Runs a Code node as n8n's task runner does: the code is the body of an async
// function in a context of its own, "this" is the context, and require knows
// what NODE_FUNCTION_ALLOW_BUILTIN names. The item is what a Webhook node with
// "Raw Body" puts out. One request a line comes in, one answer a line goes out.
const fs = require('node:fs');
const readline = require('node:readline');
const vm = require('node:vm');

const allowed = (process.env.NODE_FUNCTION_ALLOW_BUILTIN ?? '').split(',');
const code = fs.readFileSync(process.argv[2], 'utf8');

function run(request) {
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]));
  let parsed = {};
  try {
    parsed = JSON.parse(Buffer.from(request.body, 'base64').toString('utf8'));
  } catch { /* the Code node does not look at what n8n made of the body */ }
  const items = [{
    json: { headers, params: {}, query: {}, body: parsed },
    binary: { data: { data: request.body, mimeType: 'application/json' } },
  }];
  const context = vm.createContext({
    require: (name) => {
      if (!allowed.includes(name)) throw new Error(`Cannot find module '${name}'`);
      return require(name);
    },
    Buffer,
    console: { log() {} },
    $input: { all: () => items, first: () => items[0], last: () => items.at(-1) },
    $json: items[0].json,
    items,
    helpers: { getBinaryDataBuffer: async (index, name) => Buffer.from(items[index].binary[name].data, 'base64') },
  });
  return vm.runInContext(`(async function () {${code.replaceAll('whsec_REPLACE_ME', request.secret)}\n})()`, context);
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    try {
      console.log(JSON.stringify({ output: (await run(JSON.parse(line)))[0].json }));
    } catch (error) {
      console.log(JSON.stringify({ error: error.message }));
    }
  }
})();
