// A client of gramjs that knows our server only. INTEROP_TRANSPORT: full (default), abridged, obfuscated.
import { createHash, createPublicKey } from 'node:crypto'
import { createRequire } from 'node:module'
import { settings } from './steps.mjs'

const require = createRequire(import.meta.url)
export const { Api, Logger, TelegramClient } = require('telegram')
export const { NewMessage } = require('telegram/events')
export const { StringSession } = require('telegram/sessions')
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

export function makeClient (session) {
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

export function freshSession () {
  const session = new StringSession('')
  session.setDC(settings.dc, settings.host, settings.port)
  return session
}

trustOnly(settings.key)
