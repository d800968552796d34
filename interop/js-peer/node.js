// A js-libp2p host and its Kademlia on loopback: no public bootstrap, no mDNS, no relay, no NAT traversal.

import { identify, identifyPush } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

// What identify says this is.
const AGENT = 'js-peer/1.0.0'

// How often the routing table is looked at until somebody is in it.
const POLL_MS = 10

// A running host; as a DHT server it answers others. Nothing filters addresses: on loopback there are no others.
export async function openNode ({ prefix }) {
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    nodeInfo: { userAgent: AGENT },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    services: {
      identify: identify(),
      identifyPush: identifyPush(),
      ping: ping({ maxOutboundStreams: 4 }), // the last one is closed when the other side says so, which may be later
      dht: kadDHT({ protocol: `${prefix}/kad/1.0.0`, clientMode: false, peerInfoMapper: passthroughMapper })
    }
  })
}

// Connect to each multiaddr and wait until the routing table has all of them; how many there are.
export async function bootstrap (node, addresses, signal) {
  for (const address of addresses) {
    await node.dial(multiaddr(address), { signal })
  }
  while (node.services.dht.routingTable.size < addresses.length) {
    signal.throwIfAborted()
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  return node.services.dht.routingTable.size
}
