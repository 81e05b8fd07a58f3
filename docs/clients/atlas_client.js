// A client for Atlas: Unix socket, line protocol, Node.js 18, standard library only (docs/protocol.md).
//   const db = await Atlas.connect('/tmp/atlas-single/socket');
//   await db.put('users.alice', 'hello');                      // any bytes: a string or a Buffer
//   await db.get('users.alice');                               // a Buffer, or null
//   await db.cas('users.alice', 1, 'again');                   // 2, or throws Conflict
//   for await (const [key, value] of db.scan('users.')) ...
//   await db.transaction([['IF', 't.a', 'ABSENT'], ['PUT', 't.a', '1'], ['INCR', 't.n']]);
//   db.close();
// Any number of requests may run at once on one connection; what must come after another awaits it.
// A refusal throws AtlasError, its `level` is WARN or FATAL; after OutcomeUnknown a write may be done.
'use strict';
const net = require('net');
class AtlasError extends Error {
  constructor(level, why) { Object.assign(super(why), { name: new.target.name, level }); }
}
class OutcomeUnknown extends AtlasError {} // the deadline passed; the write may yet be executed
class Conflict extends AtlasError {} // another version was there; nothing was changed
const LINE = -1; // what the reader below waits for, besides a number of bytes
const text = (bytes) => bytes.toString('utf8').replace(/\r?\n$/, '');
const checkLine = (line) => {
  if (/[\r\n]/.test(line)) throw new TypeError('a line end in a request: put() takes such values');
};
const number = (line) => BigInt(line.slice(line.indexOf(':') + 1)); // VALUE:7; 64 bits
class Atlas {
  /** Connects and shakes hands. `timeout`, in ms, is above the server's request_timeout. */
  static async connect(path, { name = 'node', timeout = 30000 } = {}) {
    const db = new Atlas(path, timeout);
    await db.request(`HELLO 1.0 clientId=${name}`, { tag: false });
    return db;
  }
  constructor(path, timeout) {
    this.tagged = new Map(); // id: the request that waits under it
    this.untagged = []; // answered in the order in which they were sent
    this.answering = null; // the tagged request whose answer has begun
    this.lastId = 0;
    this.input = Buffer.alloc(0);
    this.pieces = []; // behind it; put together when there is enough, or large values were copied often
    this.held = 0;
    this.reader = this.read();
    this.wanted = this.reader.next().value;
    this.socket = net.createConnection(path);
    this.socket.setTimeout(timeout, () => this.waiting.length && this.fail(new Error('no answer')));
    this.socket.on('data', (bytes) => this.feed(bytes));
    this.socket.on('error', (error) => this.fail(error));
    this.socket.on('close', () => this.fail(new Error('the connection is closed')));
  }
  close() { this.socket.end(); }
  get waiting() { return [...this.tagged.values(), ...this.untagged]; }

  fail(error) {
    this.failed ??= error; // the first reason is the real one
    for (const request of this.waiting) request.reject(this.failed);
    this.socket.destroy();
  }

  feed(bytes) {
    this.pieces.push(bytes);
    if (this.wanted !== LINE && this.input.length + (this.held += bytes.length) < this.wanted) return;
    this.input = Buffer.concat([this.input, ...this.pieces.splice(0)]);
    for (this.held = 0; ;) {
      const end = this.wanted === LINE ? this.input.indexOf('\n') + 1 || Infinity : this.wanted;
      if (this.failed || this.input.length < end) return;
      this.wanted = this.reader.next(this.input.subarray(0, end)).value;
      this.input = this.input.subarray(end);
    }
  }

  /** Takes the stream apart: yields what it needs next (LINE or a number of bytes) and is given it. */
  * read() {
    for (;;) {
      const [, id, line] = /^(?:\[ID:([^\]]+)\] )?([^]*)$/.exec(text(yield LINE));
      // Lines inside an answer bear no id: they belong to the answer that has begun.
      const request = id ? this.tagged.get(id) : this.answering ?? this.untagged[0];
      const [, what, count] = /^(BLOB |KEYS:)(\d+)$/.exec(line) ?? [];
      if (request && what === 'BLOB ') request.blob = Buffer.from(yield Number(count));
      for (let left = request && what === 'KEYS:' ? Number(count) : 0; left > 0; --left) {
        const row = text(yield LINE);
        const [, key, large, size] = (request.values && /^(\S+)( BLOB)? (\d+)$/.exec(row)) || [];
        request.rows.push(large ? [key] : size ? [key, Buffer.from(yield Number(size))] : row);
        if (size && !large) yield LINE; // the line end behind the value
      }
      this.take(request, id, line);
    }
  }

  take(request, id, line) {
    const [, level, why] = /^ERROR (\w+) ([^]*)$/.exec(line) ?? [];
    const Kind = why?.startsWith('outcome unknown') ? OutcomeUnknown : AtlasError;
    const error = level && new Kind(level, why);
    if (level === 'FATAL' || !request) return this.fail(error ?? new Error(`unexpected: ${line}`));
    if (!error && line !== 'OK' && line !== 'QUEUED' && line !== 'READY') {
      // Who follows the frames under one id gives onFrame; others may be answered between them.
      if (request.onFrame) return request.onFrame(line, request);
      if (id) this.answering = request;
      return request.frames.push(line);
    }
    if (id) this.tagged.delete(id); else this.untagged.shift();
    this.answering = null;
    return error ? request.reject(error) : request.resolve(request);
  }

  /** Sends a line and the bytes behind it; once answered: its `frames`, `blob` or `rows`. */
  request(line, { payload = '', tag = true, ...more } = {}) {
    return new Promise((resolve, reject) => {
      if (this.failed) throw this.failed;
      checkLine(line);
      const request = { frames: [], rows: [], resolve, reject, ...more };
      const id = String(++this.lastId);
      if (tag) this.tagged.set(id, request); else this.untagged.push(request);
      const head = Buffer.from(`${tag ? `[ID:${id}] ` : ''}${line}\r\n`);
      this.socket.write(Buffer.concat([head, Buffer.from(payload)]));
    });
  }
  /** The lines of the answer in front of OK. Values that are not text: get() and scan(). */
  async command(line) { return (await this.request(line)).frames; }
  async put(key, value) {
    await this.request(`KEY BLOB SET ${key} ${Buffer.byteLength(value)}`, { payload: value });
  }
  async get(key) { return (await this.request(`KEY BLOB GET ${key}`)).blob ?? null; }
  async delete(key) { await this.request(`KEY DEL ${key}`); }
  /** Writes text if the key has this version (null: is absent); the new version. */
  async cas(key, version, value) {
    const [line] = await this.command(`KEY CAS ${key} ${version ?? 'ABSENT'} ${value}`);
    if (line.startsWith('CONFLICT')) throw new Conflict('WARN', line);
    return Number(number(line));
  }
  /** The sum, a BigInt. */
  async increase(key, by = 1) { return number((await this.command(`KEY INCR ${key} ${by}`))[0]); }
  /** All [key, value] whose key begins with `prefix`, page by page; values over 1 MiB one by one. */
  async* scan(prefix, { page = 1000 } = {}) {
    for (let after = ''; after !== undefined;) {
      const line = `SCAN ${prefix} LIMIT ${page} VALUES${after}`;
      const { rows, frames } = await this.request(line, { values: true });
      for (const [key, value] of rows) yield [key, value ?? await this.get(key)];
      after = frames.find((frame) => frame.startsWith('MORE '))?.replace('MORE', ' AFTER');
    }
  }
  /** Conditions, then changes, all or nothing; the sums of its INCRs. Many may be begun at once. */
  async transaction(steps) {
    const lines = ['TXN BEGIN', ...steps.map((step) => step.join(' ')), 'TXN COMMIT'];
    lines.forEach(checkLine);
    const answers = await Promise.allSettled(lines.map((line) => this.request(line, { tag: false })));
    for (const { reason } of answers) if (reason) throw reason; // of the first that was refused
    const [first, ...sums] = answers.at(-1).value.frames;
    if (first.startsWith('CONFLICT')) throw new Conflict('WARN', first);
    return sums.map(number);
  }
}
module.exports = { Atlas, AtlasError, OutcomeUnknown, Conflict };
