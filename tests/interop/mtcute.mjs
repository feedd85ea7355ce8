// mtcute against a server: key exchange, login, a message out, its answer in, an edit, an error, and
// the session once more. INTEROP_TRANSPORT: intermediate, padded, obfuscated (default: mtcute's own),
// or the link of an MTProxy.
import {
  IntermediatePacketCodec, MemoryStorage, ObfuscatedPacketCodec, PaddedIntermediatePacketCodec,
  TcpTransport, TelegramClient, md, proxyTransportFromUrl
} from '@mtcute/node'
import { NodeCryptoProvider, addPublicKey } from '@mtcute/node/utils.js'
import { Inbox, botId, equal, finish, settings, step } from './steps.mjs'

const codecs = {
  intermediate: () => new IntermediatePacketCodec(),
  padded: () => new PaddedIntermediatePacketCodec(),
  obfuscated: () => new ObfuscatedPacketCodec(new IntermediatePacketCodec())
}

class ChosenTransport extends TcpTransport {
  packetCodec () { return codecs[settings.transport]() }
}

const crypto = new NodeCryptoProvider()
await crypto.initialize?.()
addPublicKey(crypto, settings.key, false)

function makeTransport () {
  if (settings.transport === '') return {}
  if (settings.transport.includes('://')) return { transport: proxyTransportFromUrl(settings.transport) }
  return { transport: new ChosenTransport() }
}

function makeClient () {
  const dc = { id: settings.dc, ipAddress: settings.host, port: settings.port }
  return new TelegramClient({
    apiId: settings.apiId,
    apiHash: settings.apiHash,
    storage: new MemoryStorage(),
    crypto,
    logLevel: Number(process.env.INTEROP_LOG ?? 0),
    defaultDcs: { main: dc, media: dc },
    testMode: process.env.INTEROP_TEST === '1',
    network: { usePfs: process.env.INTEROP_PFS === '1' },
    updates: { catchUp: false },
    ...makeTransport()
  })
}

const client = makeClient()
const inbox = new Inbox()
client.onNewMessage.add(message => { if (!message.isOutgoing) inbox.put(message) })
client.onError?.add?.(() => {})

await step('connect', async () => { await client.connect() })
await step('get_config', async () => {
  const config = await client.call({ _: 'help.getConfig' })
  equal(config.thisDc, settings.dc, 'this_dc')
})
await step('bot_login', async () => {
  const user = await client.start({ botToken: settings.token })
  equal(user.id, botId, 'id')
})
await step('get_me', async () => {
  const me = await client.getMe()
  equal(me.isBot, true, 'bot')
})
let peer
await step('resolve_peer', async () => {
  peer = await client.resolvePeer(settings.peer)
  equal(peer._, 'inputPeerUser', 'kind of peer')
})
let sent
await step('send_message', async () => {
  sent = await client.sendText(peer, md`plain and **bold**`)
  equal(sent.text, 'plain and bold', 'text')
  equal(sent.entities.map(e => `${e.kind}@${e.offset}+${e.length}`).join(), 'bold@10+4', 'entities')
})
await step('receive_update', async () => {
  const answer = await inbox.take()
  return `from ${answer.sender.id}: ${answer.text.length} characters`
})
await step('edit_message', async () => {
  const edited = await client.editMessage({ message: sent, text: 'changed' })
  equal(edited.text, 'changed', 'text')
  equal(edited.id, sent.id, 'id')
})
await step('error_reply', async () => {
  try {
    await client.call({ _: 'contacts.resolveUsername', username: 'nobody_has_this_name' })
  } catch (error) {
    equal(error.code, 400, 'code')
    return error.text
  }
  throw new Error('an unknown name was resolved')
})
await step('resume_session', async () => {
  const session = await client.exportSession()
  await client.disconnect()
  const again = makeClient()
  await again.importSession(session)
  const me = await again.getMe()
  equal(me.id, botId, 'id')
  await again.disconnect()
})
finish()
