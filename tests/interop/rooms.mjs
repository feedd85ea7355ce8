// What the JavaScript clients share that are persons in groups and channels with our own bot.
// INTEROP_PAGE: the sandbox's page. INTEROP_ROOM_BOT: the username of a bot that repeats what it gets.
const page = process.env.INTEROP_PAGE.replace(/\/$/, '')
export const botName = process.env.INTEROP_ROOM_BOT
// Another one each time: a number that has an account already is not asked to sign up.
export const phone = `49151${String(Date.now()).slice(-8)}`

export async function post (path, body) {
  const response = await fetch(page + path, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body)
  })
  const value = await response.json()
  if (!response.ok) throw new Error(`${path}: ${value.error?.message}`)
  return value
}

const state = async () => (await fetch(`${page}/api/state`)).json()

export async function shownCode () {
  const { codes } = await state()
  return codes.findLast(code => code.phone === phone).code
}

export async function botIsThere () {
  while (!(await state()).users.some(user => user.username === botName && user.online)) {
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

// Takes messages until one fits.
export async function heard (inbox, text) {
  for (;;) {
    const message = await inbox.take()
    if ((message.text ?? message.message) === text) return message
  }
}
