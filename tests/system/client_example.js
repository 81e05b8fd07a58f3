// Plays the reference client of docs/clients against a node: client_example.js CLIENT SOCKET.
'use strict';
const assert = require('assert');
const { Atlas, AtlasError, Conflict } = require(require('path').resolve(process.argv[2]));

const refused = (kind, promise, message) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof kind, error.stack);
    assert.strictEqual(error.level, 'WARN');
    if (message) assert.strictEqual(error.message, message);
    return true;
  });

async function main() {
  const db = await Atlas.connect(process.argv[3]);
  const everyByte = Buffer.from(Array.from({ length: 2560 }, (_, i) => i % 256));
  const lineEnds = Buffer.from('a\r\nOK\r\n[ID:1] OK\r\n');
  const values = { 'js.bytes': everyByte, 'js.empty': Buffer.alloc(0), 'js.lines': lineEnds };
  assert.strictEqual(await db.get('js.none'), null);
  for (const [key, value] of Object.entries(values)) {
    await db.put(key, value);
    assert.deepStrictEqual(await db.get(key), value);
  }
  const all = [];
  for await (const row of db.scan('js.', { page: 2 })) all.push(row);
  assert.deepStrictEqual(all, Object.entries(values));
  await db.put('js.text', 'grüß');
  assert.strictEqual((await db.get('js.text')).toString(), 'grüß');

  assert.strictEqual(await db.cas('js.v', null, 'one'), 1);
  assert.strictEqual(await db.cas('js.v', 1, 'two'), 2);
  await refused(Conflict, db.cas('js.v', 1, 'three'), 'CONFLICT VERSION:2');
  assert.strictEqual(await db.increase('js.n'), 1n);
  assert.strictEqual(await db.increase('js.n', -5), -4n);
  assert.strictEqual(await db.increase('js.large', 9223372036854775807n), 9223372036854775807n);

  // Very many at once, answered in any order; a large answer among them.
  await db.put('js.big', Buffer.alloc(1 << 20, 'x'));
  const many = Array.from({ length: 300 }, (_, i) => i);
  await Promise.all(many.map((i) => db.put(`many.${i}`, `value ${i}`)));
  const [big, lines, ...got] = await Promise.all([db.get('js.big'), db.command('QUORUM INFO js'),
    ...many.map((i) => db.get(`many.${i}`)), ...many.map(() => db.increase('js.count'))]);
  assert.strictEqual(big.length, 1 << 20);
  assert.match(lines[0], /^Q1 size=1$/);
  assert.match(lines.at(-1), /^SLACK /);
  assert.deepStrictEqual(got.slice(0, 300).map(String), many.map((i) => `value ${i}`));
  assert.deepStrictEqual(new Set(got.slice(300)), new Set(many.map((i) => BigInt(i + 1))));
  assert.deepStrictEqual(await db.command('KEY MGET many.1 js.none many.2'),
    ['VALUE:value 1', 'NOT_FOUND', 'VALUE:value 2']);

  // Transactions follow one another, among requests that do not wait for them.
  assert.deepStrictEqual(await db.transaction([['IF', 'js.v', 'VERSION', 2], ['INCR', 'js.n', 4],
    ['PUT', 'js.v', 'two words']]), [0n]);
  assert.strictEqual((await db.get('js.v')).toString(), 'two words');
  const [, sums] = await Promise.all([Promise.all(many.map((i) => db.get(`many.${i}`))),
    Promise.all([1, 2, 3].map(() => db.transaction([['INCR', 'js.n'], ['INCR', 'js.m', 2]])))]);
  assert.deepStrictEqual(sums, [[1n, 2n], [2n, 4n], [3n, 6n]]);
  await refused(AtlasError, db.transaction([['INCR', 'js.n', 'x']]),
    'invalid number x: a whole number of 64 bits expected');
  await refused(Conflict, db.transaction([['IF', 'js.v', 'ABSENT'], ['DEL', 'js.v']]));
  await assert.rejects(db.transaction([['PUT', 'js.v', 'a\nTXN ABORT']]), TypeError);

  await refused(AtlasError, db.command('KEY WHAT'), 'command not implemented:');
  await assert.rejects(db.command('KEY GET a\r\nKEY DEL b'), TypeError);
  await db.delete('js.v');
  assert.strictEqual(await db.get('js.v'), null);

  // A fatal error ends the connection and everything that waits on it.
  const fatal = { name: 'AtlasError', level: 'FATAL' };
  await assert.rejects(db.command('KEY BLOB SET js.v none'), fatal);
  await assert.rejects(db.get('js.v'), fatal);

  const other = await Atlas.connect(process.argv[3]);
  other.close();
  await assert.rejects(other.get('js.v'));
  await assert.rejects(Atlas.connect(`${process.argv[3]}.none`), { code: 'ENOENT' });
  console.log('all checks passed');
}

// An answer that never comes, or a connection that is left open, keeps the program running.
setTimeout(() => {
  console.log('not done after two minutes');
  process.exit(1);
}, 120000).unref();
main().catch((error) => {
  console.log(error.stack);
  process.exit(1);
});
