// What the JavaScript clients share: settings from the environment, and steps that print
// `name: ok detail` or `name: fail reason`.
import { readFileSync } from 'node:fs'

const env = process.env

export const settings = {
  host: env.INTEROP_HOST ?? '127.0.0.1',
  port: Number(env.INTEROP_PORT),
  key: readFileSync(env.INTEROP_KEY, 'utf8'),
  dc: Number(env.INTEROP_DC ?? 2),
  transport: env.INTEROP_TRANSPORT ?? '',
  token: env.INTEROP_TOKEN ?? '7000001:interop-token-of-a-sandbox-bot-00000',
  peer: env.INTEROP_PEER ?? 'alice',
  apiId: 1,
  apiHash: '0'.repeat(32)
}
export const botId = Number(settings.token.split(':')[0])

let failures = 0

function within (seconds, work) {
  let timer
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no result in ${seconds} s`)), seconds * 1000)
  })
  return Promise.race([work(), late]).finally(() => clearTimeout(timer))
}

export async function step (name, work) {
  try {
    const detail = await within(20, work)
    console.log(`${name}: ok ${detail ?? ''}`.trimEnd())
  } catch (error) {
    failures += 1
    const where = String(error?.stack ?? error).split('\n').slice(0, 2).join(' ')
    console.log(`${name}: fail ${where}`)
  }
}

export function equal (found, wanted, what) {
  if (found !== wanted) {
    throw new Error(`${what} is ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`)
  }
}

// Hands items from a callback to a reader that awaits them.
export class Inbox {
  #items = []
  #wake = () => {}

  put (item) {
    this.#items.push(item)
    this.#wake()
  }

  async take () {
    while (this.#items.length === 0) {
      await new Promise(resolve => { this.#wake = resolve })
    }
    return this.#items.shift()
  }
}

export function finish () {
  process.exit(failures === 0 ? 0 : 1)
}
