// A Code node, "Run Once for All Items", behind a Webhook node with "Raw Body".
const crypto = require('crypto');

const secret = 'whsec_REPLACE_ME'; // what "smartleadctl destinations add" printed
const tolerance = 5 * 60; // seconds

const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
if (key.length < 24) throw new Error('put the signing secret into this node');

const events = [];
for (const [index, item] of $input.all().entries()) {
  // The signature covers these bytes, not the JSON that n8n made of them.
  const body = await this.helpers.getBinaryDataBuffer(index, 'data');
  const id = item.json.headers['webhook-id'] ?? '';
  const timestamp = item.json.headers['webhook-timestamp'] ?? '';
  const expected = crypto.createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
  // Two signatures, separated by a space, while a secret is rotated.
  const signed = (item.json.headers['webhook-signature'] ?? '').split(' ').some((signature) => {
    const [version, text] = signature.split(',');
    const given = Buffer.from(text ?? '', 'base64');
    return version === 'v1' && given.length === expected.length && crypto.timingSafeEqual(given, expected);
  });
  const fresh = /^\d+$/.test(timestamp) && Math.abs(Date.now() / 1000 - Number(timestamp)) <= tolerance;
  if (!id || !signed || !fresh) throw new Error('the signature is not valid');
  // Apply an id once: it comes again when an answer was lost.
  events.push({ json: { id, event: JSON.parse(body.toString('utf8')) }, pairedItem: index });
}
return events;
