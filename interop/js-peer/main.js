// js-peer: a second foreign node for shoal's interop tests, on js-libp2p. It connects, identifies, pings, provides and
// finds. The Go peer's command line and events; the process ends by itself at its deadline, or when its stdin ends.

import './node20.js'

import { parseArgs } from 'node:util'

import { multiaddr } from '@multiformats/multiaddr'
import { base16 } from 'multiformats/bases/base16'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { decode as decodeMultihash } from 'multiformats/hashes/digest'

import { bootstrap, openNode } from './node.js'

const EXIT_FAILED = 1
const EXIT_USAGE = 2

// Print one event.
function emit (event, values = {}) {
  process.stdout.write(JSON.stringify({ event, ...values }) + '\n')
}

// A DHT key: a multihash in hex.
function parseKey (text) {
  return CID.createV1(raw.code, decodeMultihash(base16.baseDecode(text)))
}

// Be a DHT server.
async function serve (node, { joined, ended }) {
  await joined()
  await ended
}

// Put provider records, and stay so that others may find them.
async function provide (node, { words, joined, ended, signal }) {
  await joined()
  for (const key of words) {
    const start = performance.now()
    const failures = []
    for await (const event of node.services.dht.provide(parseKey(key), { signal })) {
      if (event.name === 'QUERY_ERROR') failures.push(String(event.error))
    }
    emit('provided', { key, failures, milliseconds: performance.now() - start })
  }
  await ended
}

// Find providers.
async function find (node, { words, joined, signal }) {
  await joined()
  for (const key of words) {
    const start = performance.now()
    const providers = {}
    for await (const event of node.services.dht.findProviders(parseKey(key), { signal })) {
      if (event.name !== 'PROVIDER') continue
      for (const { id, multiaddrs } of event.providers) providers[id] = multiaddrs.map(String)
    }
    emit('found', { key, providers, milliseconds: performance.now() - start })
  }
}

// Say what identify says.
async function identify (node, { words: [address], signal }) {
  const { promise, resolve, reject } = Promise.withResolvers()
  signal.addEventListener('abort', () => reject(signal.reason))
  node.addEventListener('peer:identify', (event) => resolve(event.detail))
  const connection = await node.dial(multiaddr(address), { signal })
  const said = await promise
  emit('identified', {
    peer: String(said.peerId),
    agent: said.agentVersion,
    protocols: said.protocols,
    addresses: said.listenAddrs.map(String),
    security: connection.encryption,
    muxer: connection.multiplexer
  })
}

// Measure round trips.
async function ping (node, { words: [address], signal }) {
  for (let count = 0; count < 3; count++) {
    emit('pong', { milliseconds: await node.services.ping.ping(multiaddr(address), { signal }) })
  }
}

const COMMANDS = { serve, provide, find, identify, ping }

const OPTIONS = {
  deadline: { type: 'string', default: '60s' },
  dht: { type: 'string', default: '/shoal' },
  bootstrap: { type: 'string', multiple: true, default: [] }
}

async function main () {
  const { values, positionals: [name, ...words] } = parseArgs({ options: OPTIONS, allowPositionals: true })
  if (!(name in COMMANDS)) {
    process.stderr.write(`usage: node main.js ${Object.keys(COMMANDS).join('|')} [--OPTION VALUE] [ADDRESS|KEY…]\n`)
    return EXIT_USAGE
  }
  const deadline = AbortSignal.timeout(parseFloat(values.deadline) * 1000)
  const ended = new Promise((resolve) => {
    deadline.addEventListener('abort', resolve)
    process.stdin.on('end', resolve).resume()
  })
  const node = await openNode({ prefix: values.dht })
  emit('ready', { peer: String(node.peerId), addresses: node.getMultiaddrs().map(String) })
  const joined = async () => emit('joined', { table: await bootstrap(node, values.bootstrap, deadline) })
  try {
    await COMMANDS[name](node, { words, joined, ended, signal: deadline })
    return 0
  } catch (error) {
    emit('failed', { error: String(error) })
    return EXIT_FAILED
  } finally {
    await node.stop()
  }
}

process.exit(await main())
