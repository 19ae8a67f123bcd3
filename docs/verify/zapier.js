// Code by Zapier, "Run Javascript", behind the trigger "Catch Raw Hook".
// Input Data: secret, id, timestamp, signature, body.
const crypto = require('crypto');

const tolerance = 5 * 60; // seconds

const key = Buffer.from((inputData.secret ?? '').replace(/^whsec_/, ''), 'base64');
if (key.length < 24) throw new Error('put the signing secret into the Input Data "secret"');

const { id = '', timestamp = '', signature = '', body = '' } = inputData;
const expected = crypto.createHmac('sha256', key).update(`${id}.${timestamp}.${body}`, 'utf8').digest();
// Two signatures, separated by a space, while a secret is rotated.
const signed = signature.split(' ').some((one) => {
  const [version, text] = one.split(',');
  const given = Buffer.from(text ?? '', 'base64');
  return version === 'v1' && given.length === expected.length && crypto.timingSafeEqual(given, expected);
});
const fresh = /^\d+$/.test(timestamp) && Math.abs(Date.now() / 1000 - Number(timestamp)) <= tolerance;
if (!id || !signed || !fresh) throw new Error('the signature is not valid'); // stops the Zap

// Apply an id once: it comes again when an answer was lost.
return { id, ...JSON.parse(body) };
