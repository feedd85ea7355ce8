// session_strings.mjs gramjs|mtcute read|write: a string session on standard input to JSON, or back.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'

const [library, direction] = process.argv.slice(2)
const input = readFileSync(0, 'utf8').trim()

const gramjs = {
  async read (text) {
    const { StringSession } = createRequire(import.meta.url)('telegram/sessions')
    const session = new StringSession(text)
    await session.load()
    return {
      dc_id: session.dcId,
      server_address: session.serverAddress,
      port: session.port,
      auth_key: session.getAuthKey().getKey().toString('hex')
    }
  },
  async write (from) {
    const require = createRequire(import.meta.url)
    const { StringSession } = require('telegram/sessions')
    const { AuthKey } = require('telegram/crypto/AuthKey')
    const session = new StringSession('')
    session.setDC(from.dc_id, from.server_address, from.port)
    const key = new AuthKey()
    await key.setKey(Buffer.from(from.auth_key, 'hex'))
    session.setAuthKey(key)
    return session.save()
  }
}

const mtcute = {
  async read (text) {
    const { readStringSession } = await import('@mtcute/node/utils.js')
    const session = readStringSession(text)
    const main = session.primaryDcs.main
    return {
      dc_id: main.id,
      server_address: main.ipAddress,
      port: main.port,
      test_mode: main.testMode ?? false,
      user_id: session.self.userId,
      is_bot: session.self.isBot,
      auth_key: Buffer.from(session.authKey).toString('hex')
    }
  },
  async write (from) {
    const { writeStringSession } = await import('@mtcute/node/utils.js')
    const main = { id: from.dc_id, ipAddress: from.server_address, port: from.port, testMode: from.test_mode }
    return writeStringSession({
      version: 3,
      primaryDcs: { main, media: main },
      self: { userId: from.user_id, isBot: from.is_bot, isPremium: false, usernames: [] },
      authKey: Buffer.from(from.auth_key, 'hex')
    })
  }
}

const { read, write } = { gramjs, mtcute }[library]
console.log(direction === 'read' ? JSON.stringify(await read(input)) : await write(JSON.parse(input)))
process.exit(0)
