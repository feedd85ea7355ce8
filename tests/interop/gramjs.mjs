// gramjs against a server, the same steps. INTEROP_TRANSPORT: full (default), abridged, obfuscated.
import { createHash, createPublicKey } from 'node:crypto'
import { createRequire } from 'node:module'
import { Inbox, botId, equal, finish, settings, step } from './steps.mjs'

const require = createRequire(import.meta.url)
const { Api, Logger, TelegramClient } = require('telegram')
const { NewMessage } = require('telegram/events')
const { StringSession } = require('telegram/sessions')
const network = require('telegram/network')
const rsa = require('telegram/crypto/RSA')
const bigInt = require('big-integer')

// A TL `bytes` of fewer or more than 254 octets, as the fingerprint is computed over.
function tlBytes (data) {
  const head = data.length < 254
    ? Buffer.from([data.length])
    : Buffer.from([254, data.length & 255, data.length >> 8 & 255, data.length >> 16])
  const size = head.length + data.length
  return Buffer.concat([head, data, Buffer.alloc((4 - size % 4) % 4)])
}

function trustOnly (pem) {
  const jwk = createPublicKey({ key: pem, type: 'pkcs1', format: 'pem' }).export({ format: 'jwk' })
  const n = Buffer.from(jwk.n, 'base64url')
  const e = Buffer.from(jwk.e, 'base64url')
  const digest = createHash('sha1').update(tlBytes(n)).update(tlBytes(e)).digest()
  rsa._serverKeys.clear()
  rsa._serverKeys.set(digest.readBigInt64LE(12).toString(),
    { n: bigInt(n.toString('hex'), 16), e: parseInt(e.toString('hex'), 16) })
}

const transports = {
  full: network.ConnectionTCPFull,
  abridged: network.ConnectionTCPAbridged,
  obfuscated: network.ConnectionTCPObfuscated
}
const base = transports[settings.transport || 'full']
// gramjs takes addresses from the server's configuration and fixed ports: here all go to one place.
const Transport = class extends base {
  constructor (options) { super({ ...options, ip: settings.host, port: settings.port }) }
}
Object.defineProperty(Transport, 'name', { value: base.name })

function makeClient (session) {
  const client = new TelegramClient(session, settings.apiId, settings.apiHash, {
    connection: Transport,
    connectionRetries: 2,
    requestRetries: 2,
    retryDelay: 500,
    baseLogger: new Logger(process.env.INTEROP_LOG ? 'debug' : 'none'),
    deviceModel: 'interop',
    systemVersion: '1',
    appVersion: '1'
  })
  client.onError = async () => {}
  return client
}

trustOnly(settings.key)
const session = new StringSession('')
session.setDC(settings.dc, settings.host, settings.port)
const client = makeClient(session)
const inbox = new Inbox()

await step('connect', async () => { equal(await client.connect(), true, 'connected') })
await step('get_config', async () => {
  const config = await client.invoke(new Api.help.GetConfig())
  equal(config.thisDc, settings.dc, 'this_dc')
})
await step('bot_login', async () => {
  await client.signInBot({ apiId: settings.apiId, apiHash: settings.apiHash },
    { botAuthToken: settings.token })
  client.addEventHandler(event => inbox.put(event.message), new NewMessage({ incoming: true }))
})
await step('get_me', async () => {
  const me = await client.getMe()
  equal(Number(me.id), botId, 'id')
  equal(me.bot, true, 'bot')
})
let peer
await step('resolve_peer', async () => {
  peer = await client.getInputEntity(settings.peer)
  equal(peer.className, 'InputPeerUser', 'kind of peer')
})
let sent
await step('send_message', async () => {
  sent = await client.sendMessage(peer, { message: 'plain and **bold**', parseMode: 'md' })
  equal(sent.message, 'plain and bold', 'text')
  const entities = sent.entities.map(e => `${e.className}@${e.offset}+${e.length}`)
  equal(entities.join(), 'MessageEntityBold@10+4', 'entities')
})
await step('receive_update', async () => {
  const answer = await inbox.take()
  return `from ${answer.senderId}: ${answer.message.length} characters`
})
await step('edit_message', async () => {
  const edited = await client.editMessage(peer, { message: sent.id, text: 'changed' })
  equal(edited.message, 'changed', 'text')
})
await step('error_reply', async () => {
  try {
    await client.invoke(new Api.contacts.ResolveUsername({ username: 'nobody_has_this_name' }))
  } catch (error) {
    equal(error.code, 400, 'code')
    return error.errorMessage
  }
  throw new Error('an unknown name was resolved')
})
await step('resume_session', async () => {
  const saved = client.session.save()
  await client.destroy()
  const again = makeClient(new StringSession(saved))
  await again.connect()
  const me = await again.getMe()
  equal(Number(me.id), botId, 'id')
  await again.destroy()
})
finish()
