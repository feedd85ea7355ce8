// mtcute as a person, in groups and channels with our own bot: makes them, writes to the bot and gets its
// answers, joins a channel and reads it, and catches up after having been away.
import { MemoryStorage, TelegramClient } from '@mtcute/node'
import { NodeCryptoProvider, addPublicKey } from '@mtcute/node/utils.js'
import { botIsThere, botName, heard, phone, post, shownCode } from './rooms.mjs'
import { Inbox, equal, finish, settings, step } from './steps.mjs'

const crypto = new NodeCryptoProvider()
await crypto.initialize?.()
addPublicKey(crypto, settings.key, false)

function makeClient (storage = new MemoryStorage(), catchUp = false) {
  const dc = { id: settings.dc, ipAddress: settings.host, port: settings.port }
  return new TelegramClient({
    apiId: settings.apiId,
    apiHash: settings.apiHash,
    storage,
    crypto,
    logLevel: Number(process.env.INTEROP_LOG ?? 0),
    defaultDcs: { main: dc, media: dc },
    updates: { catchUp }
  })
}

// mtcute signs nobody up: that is done in its raw words.
async function signUp () {
  const client = makeClient()
  await client.connect()
  const sent = await client.call({
    _: 'auth.sendCode', phoneNumber: phone, apiId: settings.apiId, apiHash: settings.apiHash,
    settings: { _: 'codeSettings' }
  })
  const known = { phoneNumber: phone, phoneCodeHash: sent.phoneCodeHash }
  const outcome = await client.call({ _: 'auth.signIn', ...known, phoneCode: await shownCode() })
  equal(outcome._, 'auth.authorizationSignUpRequired', 'sign in')
  await client.call({ _: 'auth.signUp', ...known, firstName: 'Interop', lastName: 'Person' })
  await client.disconnect()
}

function listen (client) {
  const inbox = new Inbox()
  client.onNewMessage.add(message => { if (!message.isOutgoing && message.text) inbox.put(message) })
  client.onError?.add?.(() => {})
  return inbox
}

const storage = new MemoryStorage()
let client = makeClient(storage)
let inbox = listen(client)

await step('bot_is_there', botIsThere)
await step('person_login', async () => {
  await signUp()
  const user = await client.start({ phone: () => phone, code: shownCode })
  equal(user.firstName, 'Interop', 'first name')
})
let bot
await step('resolve_bot', async () => { bot = await client.resolveUser(botName) })

let group
await step('create_group', async () => {
  const made = await client.createGroup({ title: 'A group', users: [bot] })
  group = made.chat ?? made
  equal(group.title, 'A group', 'title')
})
await step('group_answer', async () => {
  await client.sendText(group.id, '/hello from a group')
  const answer = await heard(inbox, 'Echo: /hello from a group')
  equal(answer.chat.id, group.id, 'chat')
  return `from ${answer.sender.id}`
})
let room
await step('create_supergroup', async () => {
  room = await client.createSupergroup({ title: 'A supergroup', description: 'of mtcute' })
  await client.addChatMembers(room.id, [bot], {})
  equal((await client.getFullChat(room.id)).membersCount, 2, 'members')
})
await step('supergroup_answer', async () => {
  await client.sendText(room.id, `@${botName}, and from here?`)
  const answer = await heard(inbox, `Echo: @${botName}, and from here?`)
  equal(answer.chat.id, room.id, 'chat')
})
await step('edit_in_supergroup', async () => {
  const sent = await client.sendText(room.id, 'before')
  const edited = await client.editMessage({ message: sent, text: 'after' })
  equal(edited.text, 'after', 'text')
})
await step('create_channel', async () => {
  const channel = await client.createChannel({ title: 'A channel' })
  await client.sendText(channel.id, 'first post')
  const history = await client.getHistory(channel.id)
  equal(history[0].text, 'first post', 'newest')
  equal(history[0].sender.id, channel.id, 'sender')
})
await step('channel_answer', async () => {
  const channel = await client.createChannel({ title: 'A channel with a bot' })
  await client.editAdminRights({ chatId: channel.id, userId: bot, rights: { postMessages: true } })
  await client.sendText(channel.id, 'a post')
  const answer = await heard(inbox, 'Echo: a post')
  equal(answer.chat.id, channel.id, 'chat')
  equal(answer.sender.id, channel.id, 'sender')
})
let news
let editor
await step('join_channel', async () => {
  const name = `news_${phone}`
  editor = (await post('/api/users', { name: 'Editor' })).id
  news = (await post('/api/groups', { as: editor, kind: 'channel', title: 'News', username: name })).id
  await post('/api/send', { as: editor, to: news, text: 'of before' })
  await client.joinChat(name)
  equal((await client.getHistory(news))[0].text, 'of before', 'newest')
})
await step('read_channel', async () => {
  await post('/api/send', { as: editor, to: news, text: 'of now' })
  equal((await heard(inbox, 'of now')).chat.id, news, 'chat')
})
await step('catch_up', async () => {
  await client.disconnect()
  await client.destroy?.()
  await post('/api/send', { as: editor, to: news, text: 'while away' })
  // The same storage: how far it had come is in there, not in the words of a session.
  client = makeClient(storage, true)
  inbox = listen(client)
  await client.start({})
  equal((await heard(inbox, 'while away')).chat.id, news, 'chat')
})
finish()
