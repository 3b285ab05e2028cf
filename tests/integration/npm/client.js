// The MessagePack-RPC transport of the npm package `neovim`, as a gateway and as a desktop. Prints what it saw as JSON.
'use strict';
const net = require('net');
const { Transport } = require('neovim/lib/utils/transport');

const { ADDRESS, SOCKET, AGENT_TOKEN, SOURCE_TOKEN, EVENT, DECISIONS } = process.env;

function connect() {
  const [, host, port] = /^(.*):(\d+)$/.exec(ADDRESS);
  const socket = SOCKET ? net.createConnection(SOCKET) : net.createConnection(Number(port), host);
  const transport = new Transport();
  transport.attach(socket, socket, transport);
  const call = (method, ...params) =>
    new Promise((resolve, reject) => {
      transport.request(method, params, (error, result) => (error ? reject(error) : resolve(result)));
    });
  return { socket, transport, call };
}

const hello = (token) => ({ protocol: 1, client: 'npm neovim', auth: { token } });
const refused = (promise) => promise.then(() => 'accepted', (error) => error);

async function main() {
  const desk = connect();
  const decisions = [];
  const seen = new Promise((resolve) => {
    desk.transport.on('notification', (method, params) => {
      if (method !== 'decision') return;
      decisions.push(params[0]);
      if (decisions.length === Number(DECISIONS)) resolve();
    });
  });
  const results = { early: await refused(desk.call('queue.list', {})) };
  results.hello = await desk.call('hello', hello(AGENT_TOKEN));
  results.subscribed = await desk.call('feed.subscribe', { agent: 'anna', after: '0' });
  results.presence = await desk.call('presence.set', { state: 'available', lease: 0 });
  results.bad = await refused(desk.call('presence.set', { state: 'asleep' }));

  const gateway = connect();
  await gateway.call('hello', hello(SOURCE_TOKEN));
  const event = JSON.parse(EVENT);
  // All at once: the answers find their calls by their ids.
  const copies = await Promise.all(Array.from({ length: 20 }, () => gateway.call('event.publish', event)));
  results.answers = new Set(copies.map((copy) => JSON.stringify(copy))).size;
  results.decision = copies[0];
  results.batch = await gateway.call('event.publish_batch', [event, { specversion: '1.0' }]);
  results.accepted = await desk.call('offer.accept', { offer: results.decision.offer });
  gateway.transport.notify('event.publish', [{ ...event, id: 'ended', type: 'call.ended', data: {} }]);
  await seen;
  results.decisions = decisions;
  await Promise.all([desk.transport.close(), gateway.transport.close()]);
  console.log(JSON.stringify(results));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
